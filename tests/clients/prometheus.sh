#!/usr/bin/env bash
# Prometheus as a client: it scrapes a service that shows each request to /verify.
set -euo pipefail

PATH=$PATH:target/promtool/usr/bin
prometheus --version 2>&1 | sed -n '1s/^prometheus, version \([0-9.]*\).*/Prometheus \1/p'
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$folder"' EXIT

# The service, on a port of its own choice.
python3 - "$folder" <<'END' &
import http.server, os, ssl, sys, urllib.error, urllib.request

class Service(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        headers = {"Authorization": self.headers.get("Authorization", "")}
        asked = urllib.request.Request(os.environ["API"] + "?scope=invoices.read", headers=headers)
        try:
            status = urllib.request.urlopen(asked, context=ssl.create_default_context()).status
        except urllib.error.HTTPError as refused:
            status = refused.code
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(b"invoices 7\n")

server = http.server.HTTPServer(("127.0.0.1", 0), Service)
with open(sys.argv[1] + "/part", "w") as file:
    file.write(str(server.server_port))
os.rename(sys.argv[1] + "/part", sys.argv[1] + "/port")
server.serve_forever()
END
until [ -e "$folder/port" ]; do sleep 0.1; done
service=127.0.0.1:$(cat "$folder/port")

sed -e "s|TOKEN_SERVER|$ISSUER|; s|CLIENT_ID|$CLIENT_ID|; s|SERVICE|$service|; s|FOLDER|$folder|; s|/etc/ssl/token-server-ca.pem|$SSL_CERT_FILE|" \
    >"$folder/prometheus.yml" <<'END'
# snippet: prometheus
scrape_configs:
  - job_name: invoices
    scrape_interval: 1s
    oauth2:
      client_id: CLIENT_ID
      client_secret_file: FOLDER/secret
      token_url: TOKEN_SERVER/token
      scopes: [invoices.read]
      tls_config:
        ca_file: /etc/ssl/token-server-ca.pem
    static_configs:
      - targets: [SERVICE]
# end
END
printf %s "$CLIENT_SECRET" >"$folder/secret"

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
prometheus --config.file="$folder/prometheus.yml" --storage.tsdb.path="$folder/data" \
    --web.listen-address="127.0.0.1:$port" --log.level=warn &
for _ in $(seq 300); do
    found=$(curl -sS "http://127.0.0.1:$port/api/v1/query?query=invoices" 2>/dev/null || true)
    case $found in *'"7"'*) exit 0 ;; esac
    sleep 0.2
done
echo "Prometheus does not get the metric: $found" >&2
curl -sS "http://127.0.0.1:$port/api/v1/targets" >&2
exit 1
