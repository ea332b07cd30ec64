// simple-oauth2 as a client: both secrets, errors, revocation.
import assert from 'node:assert/strict'
import { versionOf } from './version.mjs'

versionOf('simple-oauth2')

// snippet: simple-oauth2
import { ClientCredentials } from 'simple-oauth2'

const { ISSUER, API, CLIENT_ID, CLIENT_SECRET } = process.env

const client = new ClientCredentials({
  client: { id: CLIENT_ID, secret: CLIENT_SECRET },
  auth: { tokenHost: ISSUER, tokenPath: '/token', revokePath: '/revoke' },
  http: { json: true }, // For revoke(), whose answer has no body.
})
const accessToken = await client.getToken({ scope: 'invoices.read' })
const answer = await fetch(API, {
  headers: { authorization: `Bearer ${accessToken.token.access_token}` },
})
// end
assert.equal(answer.status, 200)
assert.equal((await answer.json()).scope, 'invoices.read')
assert.equal(accessToken.expired(), false)
assert.equal(accessToken.expired(3600), true)

const using = (secret, options = {}) =>
  new ClientCredentials({
    client: { id: CLIENT_ID, secret },
    auth: { tokenHost: ISSUER, tokenPath: '/token', revokePath: '/revoke' },
    options,
  })

// The secret in the body, also of a JSON one; in the header as the library once had it, not encoded.
for (const options of [
  { authorizationMethod: 'body' },
  { authorizationMethod: 'body', bodyFormat: 'json' },
  { bodyFormat: 'json' },
  { credentialsEncodingMode: 'loose' },
]) {
  const { token } = await using(CLIENT_SECRET, options).getToken({ scope: ['invoices.read', 'invoices.write'] })
  assert.equal(token.scope, 'invoices.read invoices.write', options)
}

// Errors: those of Boom, with the answer in `data`.
const refused = (asked, status, error, description) =>
  assert.rejects(asked, (thrown) => {
    assert.equal(thrown.isBoom, true, thrown)
    assert.equal(thrown.output.statusCode, status)
    assert.equal(thrown.data.payload.error, error)
    assert.match(thrown.data.payload.error_description, description)
    return true
  })
await refused(client.getToken({ scope: 'invoices.delete' }), 400, 'invalid_scope', /invoices\.delete/)
await refused(using('wrong').getToken({}), 401, 'invalid_client', /./)
await refused(using('wrong', { authorizationMethod: 'body' }).getToken({}), 401, 'invalid_client', /./)

await accessToken.revoke('access_token')
await accessToken.revoke('access_token') // A second time changes nothing.
const after = await fetch(API, { headers: { authorization: `Bearer ${accessToken.token.access_token}` } })
assert.equal(after.status, 401)
