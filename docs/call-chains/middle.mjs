// A service in the middle of a call chain, in Node (20 or later): it verifies the token that it is called with, exchanges it
// for one for the next service, and calls that one on behalf of its caller. Without NEXT it is the last of the chain.

import { createHash } from "node:crypto";
import { createServer } from "node:http";

const { TOKEN_SERVER, CLIENT_ID, CLIENT_SECRET, AUDIENCE, TARGET, NEXT, PORT } = process.env;

// snippet: node
const credentials = Buffer.from(
  `${encodeURIComponent(CLIENT_ID)}:${encodeURIComponent(CLIENT_SECRET)}`,
).toString("base64");
const exchanged = new Map();

// A token for the next service, in the place of the caller's.
async function onBehalfOf(token) {
  const key = createHash("sha256").update(token).digest("base64");
  const known = exchanged.get(key);
  if (known && known.until > Date.now()) return known.token;
  const response = await fetch(`${TOKEN_SERVER}/token`, {
    method: "POST",
    headers: { Authorization: `Basic ${credentials}` },
    body: new URLSearchParams({
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token: token,
      subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
      audience: TARGET,
    }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${answer.error}: ${answer.error_description}`);
  // The oldest one goes, so that the memory has a bound.
  if (exchanged.size >= 10_000) exchanged.delete(exchanged.keys().next().value);
  const until = Date.now() + (answer.expires_in - 10) * 1_000;
  exchanged.set(key, { token: answer.access_token, until });
  return answer.access_token;
}
// end

async function answer(request) {
  const token = (request.headers.authorization ?? "").replace(/^Bearer /, "");
  const verified = await fetch(`${TOKEN_SERVER}/verify?audience=${encodeURIComponent(AUDIENCE)}`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  const claims = await verified.text();
  if (!verified.ok) return [verified.status, claims];
  if (!NEXT) return [200, claims];
  const next = await fetch(NEXT, { headers: { Authorization: `Bearer ${await onBehalfOf(token)}` } });
  return [next.status, await next.text()];
}

createServer(async (request, response) => {
  const [status, body] = await answer(request).catch((error) => {
    return [502, JSON.stringify({ error: error.message })];
  });
  response.writeHead(status, { "Content-Type": "application/json" }).end(body);
}).listen(Number(PORT), "127.0.0.1", () => console.log("ready"));
