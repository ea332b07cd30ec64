#!/usr/bin/env bash
# curl as a client: both secrets, errors, introspection, revocation, a token bound to a certificate.
set -euo pipefail
curl --version | sed -n 1p

# snippet: curl
curl -sS "$ISSUER/token" -u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=client_credentials -d scope=invoices.read
# end
fail() { echo "$*" >&2; exit 1; }
has() { [[ "$1" == *"$2"* ]] || fail "no $2 in: $1"; }
asks() { curl -sS --fail-with-body "$ISSUER/token" -d grant_type=client_credentials "$@"; }
refused() { ! answer=$("$@" 2>/dev/null) || fail "not refused: $answer"; }

# The secret in the body.
has "$(asks -d "client_id=$CLIENT_ID" -d "client_secret=$CLIENT_SECRET")" '"scope":"invoices.read invoices.write"'

answer=$(asks -u "$CLIENT_ID:$CLIENT_SECRET")
token=${answer#*\"access_token\":\"}
token=${token%%\"*}
has "$(curl -sS --fail-with-body "$API" -H "Authorization: Bearer $token")" '"success":true'

refused asks -u "$CLIENT_ID:wrong"
has "$answer" '"error":"invalid_client"'
refused asks -u "$CLIENT_ID:$CLIENT_SECRET" -d scope=invoices.delete
has "$answer" '"error":"invalid_scope"'

# snippet: curl-introspect
introspect() { curl -sS "$ISSUER/introspect" -u "$CLIENT_ID:$CLIENT_SECRET" -d "token=$1"; }
revoke() { curl -sS "$ISSUER/revoke" -u "$CLIENT_ID:$CLIENT_SECRET" -d "token=$1"; }
# end
has "$(introspect "$token")" '"active":true'
[ -z "$(revoke "$token")" ] || fail "an answer to a revocation"
[ "$(introspect "$token")" = '{"active":false}' ] || fail "still active"

# snippet: curl-certificate
bound() { curl -sS --cert "$CLIENT_CERT_FILE" --key "$CLIENT_CERT_KEY_FILE" "$@"; }

answer=$(bound "$ISSUER/token" -u "$CERT_CLIENT_ID:$CERT_CLIENT_SECRET" -d grant_type=client_credentials)
token=$(sed 's/.*"access_token":"\([^"]*\)".*/\1/' <<<"$answer")
bound "$API" -H "Authorization: Bearer $token"
# end
has "$(bound --fail-with-body "$API" -H "Authorization: Bearer $token")" '"cnf":{"x5t#S256":'
refused curl -sS --fail-with-body "$API" -H "Authorization: Bearer $token"
has "$answer" '"error":"invalid_token"'
refused asks -u "$CERT_CLIENT_ID:$CERT_CLIENT_SECRET"
has "$answer" '"error":"invalid_request"'
