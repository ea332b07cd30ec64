#!/usr/bin/env bash
# oauth2-proxy before a service, for calls with tokens: it finds keys and algorithm at the OpenID path.
set -euo pipefail

program=target/clients/oauth2-proxy/oauth2-proxy
go version -m "$program" | awk '$1 == "mod" { print "oauth2-proxy", $3 }'
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$folder"' EXIT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

{
    sed "s|TOKEN_SERVER|$ISSUER|; s|AUDIENCE|$AUDIENCE|; s|/etc/ssl/token-server-ca.pem|$SSL_CERT_FILE|; s|http://127.0.0.1:8080|static://200|" <<'END'
# snippet: oauth2-proxy
provider = "oidc"
oidc_issuer_url = "TOKEN_SERVER"
client_id = "AUDIENCE"
provider_ca_files = ["/etc/ssl/token-server-ca.pem"]
skip_jwt_bearer_tokens = true
bearer_token_login_fallback = false
email_domains = ["*"]
upstreams = ["http://127.0.0.1:8080"]
# Nobody logs in here with a browser.
client_secret = "unused"
cookie_secret = "0123456789abcdef0123456789abcdef"
# end
END
    echo "http_address = \"127.0.0.1:$port\""
} >"$folder/config.toml"
"$program" --config "$folder/config.toml" >"$folder/log" 2>&1 &

get() { curl -sS -o /dev/null -w '%{http_code}' --retry 20 --retry-connrefused --retry-delay 1 "http://127.0.0.1:$port/invoices" -H "Authorization: Bearer $1"; }
expect() {
    local got
    got=$(get "${!1}")
    [ "$got" = "$2" ] && return 0
    echo "$1: $got, expected $2" >&2
    cat "$folder/log" >&2
    exit 1
}
expect TOKEN 200
expect TOKEN_FOR_ANOTHER 403
expect TOKEN_FORGED 403
expect TOKEN_OF_ANOTHER_TYPE 403
