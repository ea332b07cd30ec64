// express-oauth2-jwt-bearer in a microservice, which knows the issuer only.
import assert from 'node:assert/strict'
import { versionOf } from './version.mjs'

versionOf('express-oauth2-jwt-bearer')

// snippet: express-oauth2-jwt-bearer
import express from 'express'
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer'

const { ISSUER, AUDIENCE, SIGNING_ALG } = process.env

const app = express()
app.use(auth({ issuerBaseURL: ISSUER, audience: AUDIENCE, tokenSigningAlg: SIGNING_ALG, strict: true }))
app.get('/invoices', requiredScopes('invoices.read'), (request, response) => {
  response.json({ client: request.auth.payload.client_id })
})
// end
app.get('/deleted', requiredScopes('invoices.delete'), (request, response) => response.json({}))
app.use((error, request, response, next) => {
  response.set(error.headers ?? {}).status(error.status ?? 500).json({ message: error.message })
})

const server = app.listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const get = (path, token) =>
  fetch(`http://127.0.0.1:${server.address().port}${path}`, { headers: { authorization: `Bearer ${token}` } })

const good = await get('/invoices', process.env.TOKEN)
assert.equal(good.status, 200, await good.clone().text())
assert.deepEqual(await good.json(), { client: process.env.CLIENT_ID })
const lacking = await get('/deleted', process.env.TOKEN)
assert.equal(lacking.status, 403)
assert.match(lacking.headers.get('www-authenticate'), /insufficient_scope/)
for (const name of ['TOKEN_FOR_ANOTHER', 'TOKEN_FORGED', 'TOKEN_OF_ANOTHER_TYPE']) {
  const refused = await get('/invoices', process.env[name])
  assert.equal(refused.status, 401, name)
  assert.match(refused.headers.get('www-authenticate'), /invalid_token/)
}
server.close()
