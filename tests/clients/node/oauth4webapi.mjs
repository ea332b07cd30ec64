// oauth4webapi, as a client and in a microservice.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { importPKCS8 } from 'jose'
import { versionOf } from './version.mjs'

versionOf('oauth4webapi')

// snippet: oauth4webapi
import * as oauth from 'oauth4webapi'

const { ISSUER, API, CLIENT_ID, CLIENT_SECRET } = process.env

const issuer = new URL(ISSUER)
const as = await oauth
  .discoveryRequest(issuer, { algorithm: 'oauth2' })
  .then((response) => oauth.processDiscoveryResponse(issuer, response))
const client = { client_id: CLIENT_ID }
const clientAuth = oauth.ClientSecretBasic(CLIENT_SECRET)

const parameters = new URLSearchParams({ scope: 'invoices.read' })
const response = await oauth.clientCredentialsGrantRequest(as, client, clientAuth, parameters)
const { access_token } = await oauth.processClientCredentialsResponse(as, client, response)
const answer = await oauth.protectedResourceRequest(access_token, 'GET', new URL(API))
// end
assert.equal(answer.status, 200)
assert.equal((await answer.json()).scope, 'invoices.read')

const grant = async (authentication, parameters = {}, by = client) => {
  const response = await oauth.clientCredentialsGrantRequest(as, by, authentication, parameters)
  return oauth.processClientCredentialsResponse(as, by, response)
}

// The same document at the path of OpenID Connect Discovery, and what readers of that path insist on.
const openid = await oauth
  .discoveryRequest(issuer)
  .then((response) => oauth.processDiscoveryResponse(issuer, response))
assert.deepEqual(openid, {
  ...as,
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: [process.env.SIGNING_ALG],
})

// The secret in the body; a key.
const post = oauth.ClientSecretPost(CLIENT_SECRET)
assert.equal((await grant(post)).scope, 'invoices.read invoices.write')
const pem = await readFile(process.env.CLIENT_KEY_FILE, 'utf8')
const key = oauth.PrivateKeyJwt(await importPKCS8(pem, 'ES256'))
assert.equal((await grant(key, {}, { client_id: process.env.KEY_CLIENT_ID })).scope, 'invoices.read')

// Token exchange: `resource` does as well.
const service = { client_id: process.env.SERVICE_ID }
const exchange = async (parameters) => {
  const response = await oauth.genericTokenEndpointRequest(
    as, service, oauth.ClientSecretPost(process.env.SERVICE_SECRET), 'urn:ietf:params:oauth:grant-type:token-exchange',
    {
      subject_token: process.env.TOKEN,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      ...parameters,
    },
  )
  return oauth.processGenericTokenEndpointResponse(as, service, response)
}
const exchanged = await exchange({ resource: process.env.NEXT_AUDIENCE, scope: 'invoices.read' })
assert.equal(exchanged.scope, 'invoices.read')
const behalf = await oauth.protectedResourceRequest(exchanged.access_token, 'GET', new URL(API))
assert.deepEqual((await behalf.json()).act, { sub: process.env.SERVICE_ID })

// Errors.
const refused = (asked, error, description) =>
  assert.rejects(asked, (thrown) => {
    assert(thrown instanceof oauth.ResponseBodyError, thrown)
    assert.equal(thrown.error, error)
    assert.match(thrown.error_description, description)
    return true
  })
await refused(grant(post, { scope: 'invoices.delete' }), 'invalid_scope', /invoices\.delete/)
await refused(exchange({ audience: 'https://other.example.com' }), 'invalid_target', /exchange rule/)
// A 401 has a challenge, always (RFC 9110 §15.5.2); that is what it throws then.
for (const wrong of [oauth.ClientSecretBasic('wrong'), oauth.ClientSecretPost('wrong')]) {
  await assert.rejects(grant(wrong), (thrown) => {
    assert(thrown instanceof oauth.WWWAuthenticateChallengeError, thrown)
    assert.equal(thrown.status, 401)
    assert.equal(thrown.cause[0].scheme, 'basic')
    return true
  })
}

// Introspection, as JSON and as a JWT whose signature is checked; revocation.
const introspect = async (by = client) => {
  const response = await oauth.introspectionRequest(as, by, clientAuth, access_token)
  const seen = await oauth.processIntrospectionResponse(as, by, response)
  if (by.introspection_signed_response_alg) {
    await oauth.validateApplicationLevelSignature(as, response)
  }
  return seen
}
const signed = { ...client, introspection_signed_response_alg: process.env.SIGNING_ALG }
for (const by of [client, signed]) {
  const seen = await introspect(by)
  assert.equal(seen.active, true)
  assert.equal(seen.client_id, CLIENT_ID)
}

// snippet: oauth4webapi-microservice
// `request` is a standard Request; `as` is found as above, once.
async function verify(request) {
  return oauth.validateJwtAccessToken(as, request, process.env.AUDIENCE, {
    signingAlgorithms: [process.env.SIGNING_ALG],
  })
}
// end
const request = (token) => new Request(API, { headers: { authorization: `Bearer ${token}` } })
const claims = await verify(request(access_token))
assert.equal(claims.client_id, CLIENT_ID)
for (const bad of ['TOKEN_FOR_ANOTHER', 'TOKEN_FORGED', 'TOKEN_OF_ANOTHER_TYPE']) {
  await assert.rejects(verify(request(process.env[bad])), bad)
}

// DPoP, as the client and in the microservice, whose algorithms are those of proofs as well.
const DPoP = oauth.DPoP(client, await oauth.generateKeyPair(process.env.SIGNING_ALG))
const prove = async (grant) => {
  const response = await grant()
  try {
    return await oauth.processClientCredentialsResponse(as, client, response)
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    return oauth.processClientCredentialsResponse(as, client, await grant())
  }
}
const bound = await prove(() =>
  oauth.clientCredentialsGrantRequest(as, client, clientAuth, {}, { DPoP }),
)
assert.equal(bound.token_type, 'dpop')
const proved = await oauth.protectedResourceRequest(
  bound.access_token, 'GET', new URL(API), undefined, undefined, { DPoP },
)
assert.equal(proved.status, 200)
await assert.rejects(verify(request(bound.access_token)), /DPoP/)
const shown = new Promise((resolve) => {
  const customFetch = async (url, init) => {
    resolve(new Request(url, init))
    return new Response()
  }
  oauth.protectedResourceRequest(bound.access_token, 'GET', new URL(API), undefined, undefined, {
    DPoP, [oauth.customFetch]: customFetch,
  })
})
const claimed = await verify(await shown)
assert.equal(claimed.cnf.jkt, await DPoP.calculateThumbprint())

const revoked = await oauth.revocationRequest(as, client, clientAuth, access_token)
assert.equal(await oauth.processRevocationResponse(revoked), undefined)
for (const by of [client, signed]) {
  assert.equal((await introspect(by)).active, false)
}
