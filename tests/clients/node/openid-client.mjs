// openid-client: discovery, both secrets and a key, token exchange, errors, introspection, revocation, DPoP.
import assert from 'node:assert/strict'
import { versionOf } from './version.mjs'

versionOf('openid-client')

// snippet: openid-client
import * as client from 'openid-client'

const { ISSUER, API, CLIENT_ID, CLIENT_SECRET } = process.env

const config = await client.discovery(
  new URL(ISSUER),
  CLIENT_ID,
  undefined,
  client.ClientSecretBasic(CLIENT_SECRET),
  { algorithm: 'oauth2' },
)
const tokens = await client.clientCredentialsGrant(config, { scope: 'invoices.read' })
const answer = await client.fetchProtectedResource(config, tokens.access_token, new URL(API), 'GET')
// end
assert.equal(answer.status, 200)
assert.equal((await answer.json()).scope, 'invoices.read')
assert.equal(tokens.token_type, 'bearer')
assert.equal(tokens.expires_in, 3600)
assert(tokens.expiresIn() > 3500)
assert.equal(config.serverMetadata().issuer, ISSUER)

const server = new URL(ISSUER)
const discover = (authentication, id = CLIENT_ID, options = undefined) =>
  client.discovery(server, id, undefined, authentication, options)

// The path of OpenID Connect Discovery, where it looks by default; the secret in the body.
const post = await discover(client.ClientSecretPost(CLIENT_SECRET))
const all = await client.clientCredentialsGrant(post)
assert.equal(all.scope, 'invoices.read invoices.write')
const other = await client.clientCredentialsGrant(post, { resource: 'https://shipping.example.com' })
assert.deepEqual((await client.tokenIntrospection(post, other.access_token)).aud, 'https://shipping.example.com')

// snippet: openid-client-key
import { readFile } from 'node:fs/promises'
import { importPKCS8 } from 'jose'

const pem = await readFile(process.env.CLIENT_KEY_FILE, 'utf8')
const withKey = await client.discovery(
  new URL(ISSUER),
  process.env.KEY_CLIENT_ID,
  undefined,
  client.PrivateKeyJwt(await importPKCS8(pem, 'ES256')),
  { algorithm: 'oauth2' },
)
const token = await client.clientCredentialsGrant(withKey)
// end
assert.equal(token.scope, 'invoices.read')

// snippet: openid-client-exchange
const service = await client.discovery(
  new URL(ISSUER),
  process.env.SERVICE_ID,
  undefined,
  client.ClientSecretBasic(process.env.SERVICE_SECRET),
  { algorithm: 'oauth2' },
)
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const exchanged = await client.genericGrantRequest(service, exchange, {
  subject_token: process.env.TOKEN,
  subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  audience: process.env.NEXT_AUDIENCE,
})
// end
assert.equal(exchanged.scope, 'invoices.read')
assert.equal(exchanged.issued_token_type, 'urn:ietf:params:oauth:token-type:access_token')
const behalf = await client.fetchProtectedResource(service, exchanged.access_token, new URL(API), 'GET')
const { sub, client_id, act } = await behalf.json()
assert.deepEqual(
  { sub, client_id, act },
  { sub: CLIENT_ID, client_id: process.env.SERVICE_ID, act: { sub: process.env.SERVICE_ID } },
)

// Errors. One without a challenge is a ResponseBodyError; a 401 has one, always (RFC 9110 §15.5.2).
const refused = (config, parameters, error, description) =>
  assert.rejects(client.clientCredentialsGrant(config, parameters), (thrown) => {
    assert(thrown instanceof client.ResponseBodyError, thrown)
    assert.equal(thrown.error, error)
    assert.match(thrown.error_description, description)
    return true
  })
await refused(config, { scope: 'invoices.delete' }, 'invalid_scope', /invoices\.delete/)
await refused(config, { resource: 'https://other.example.com' }, 'invalid_target', /other/)
for (const wrong of [client.ClientSecretBasic('wrong'), client.ClientSecretPost('wrong')]) {
  const challenged = await discover(wrong)
  await assert.rejects(client.clientCredentialsGrant(challenged), (thrown) => {
    assert(thrown instanceof client.WWWAuthenticateChallengeError, thrown)
    assert.equal(thrown.status, 401)
    assert.equal(thrown.cause[0].scheme, 'basic')
    return true
  })
}

// Introspection and revocation.
for (const by of [config, post]) {
  const { access_token } = await client.clientCredentialsGrant(by)
  const seen = await client.tokenIntrospection(by, access_token)
  assert.equal(seen.active, true)
  assert.equal(seen.client_id, CLIENT_ID)
  await client.tokenRevocation(by, access_token)
  assert.deepEqual({ ...(await client.tokenIntrospection(by, access_token)) }, { active: false })
}

// snippet: openid-client-dpop
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
const bound = await client.clientCredentialsGrant(config, { scope: 'invoices.read' }, { DPoP })
const proved = await client.fetchProtectedResource(
  config, bound.access_token, new URL(API), 'GET', undefined, undefined, { DPoP },
)
// end
assert.equal(proved.status, 200)
assert.equal(bound.token_type, 'dpop')
assert.equal((await proved.json()).cnf.jkt, await DPoP.calculateThumbprint())
// Without a proof, and with another key's.
const stolen = client.getDPoPHandle(config, await client.randomDPoPKeyPair('EdDSA'))
for (const options of [undefined, { DPoP: stolen }]) {
  await assert.rejects(
    client.fetchProtectedResource(
      config, bound.access_token, new URL(API), 'GET', undefined, undefined, options,
    ),
    (thrown) => {
      assert(thrown instanceof client.WWWAuthenticateChallengeError, thrown)
      assert.equal(thrown.cause[0].scheme, 'dpop')
      assert.equal(thrown.cause[0].parameters.error, 'invalid_token')
      return true
    },
  )
}
