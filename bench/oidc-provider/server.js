// node oidc-provider as its documentation sets it up: a certified OAuth server on Node. One process, opaque tokens and the
// adapter that comes with it, which keeps all in memory (no database: in its favour).
import { readFileSync } from "node:fs";
import https from "node:https";
import Provider from "oidc-provider";

const { ISSUER, PORT, TLS_CERT, TLS_KEY, CLIENT_ID, CLIENT_SECRET } = process.env;
const provider = new Provider(ISSUER, {
  clients: [
    {
      client_id: CLIENT_ID,
      client_secret: CLIENT_SECRET,
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: "client_secret_post",
    },
  ],
  features: { clientCredentials: { enabled: true }, introspection: { enabled: true }, devInteractions: { enabled: false } },
});

https
  .createServer({ cert: readFileSync(TLS_CERT), key: readFileSync(TLS_KEY) }, provider.callback())
  .listen(Number(PORT), "127.0.0.1");
