#!/usr/bin/env bash
# mod_auth_openidc of Apache httpd as a resource server, which knows the JWKS only.
set -euo pipefail

PATH=$PATH:/usr/sbin
modules=/usr/lib/apache2/modules
folder=$(mktemp -d)
chmod 755 "$folder"
trap 'kill "$(cat "$folder/pid" 2>/dev/null)" 2>/dev/null; sleep 0.5; rm -rf "$folder"' EXIT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
echo "mod_auth_openidc $(grep -aom1 'mod_auth_openidc-[0-9.]*[0-9]' "$modules/mod_auth_openidc.so" | sed 's/.*-//')"

{
    cat <<END
ServerRoot $folder
PidFile $folder/pid
Listen 127.0.0.1:$port
ServerName localhost
ErrorLog $folder/error.log
DocumentRoot $folder
User nobody
Group nogroup
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule authn_core_module $modules/mod_authn_core.so
LoadModule authz_user_module $modules/mod_authz_user.so
LoadModule auth_openidc_module $modules/mod_auth_openidc.so
END
    sed "s|TOKEN_SERVER|$ISSUER|; s|AUDIENCE|$AUDIENCE|; s|/etc/ssl/token-server-ca.pem|$SSL_CERT_FILE|" <<'END'
# snippet: mod_auth_openidc
OIDCOAuthVerifyJwksUri TOKEN_SERVER/.well-known/jwks.json
OIDCOAuthRemoteUserClaim client_id
OIDCCABundlePath /etc/ssl/token-server-ca.pem

<Location />
  AuthType oauth20
  <RequireAll>
    Require claim iss:TOKEN_SERVER
    Require claim aud:AUDIENCE
    Require claim "scope~(^| )invoices[.]read( |$)"
  </RequireAll>
</Location>
# end
END
} >"$folder/httpd.conf"
echo served >"$folder/invoices"
apache2 -f "$folder/httpd.conf" -k start

get() { curl -sS -o /dev/null -w '%{http_code}' --retry 20 --retry-connrefused --retry-delay 1 "http://127.0.0.1:$port/invoices" -H "Authorization: Bearer $1"; }
expect() {
    local got
    got=$(get "${!1}")
    [ "$got" = "$2" ] && return 0
    echo "$1: $got, expected $2" >&2
    cat "$folder/error.log" >&2
    exit 1
}
expect TOKEN 200
expect TOKEN_FOR_ANOTHER 401
expect TOKEN_FORGED 401
expect TOKEN_OF_ANOTHER_TYPE 401
