// jose in a microservice, which knows the JWKS only.
import assert from 'node:assert/strict'
import { versionOf } from './version.mjs'

versionOf('jose')

// snippet: jose
import { createRemoteJWKSet, jwtVerify } from 'jose'

const { ISSUER, AUDIENCE, SIGNING_ALG } = process.env

const jwks = createRemoteJWKSet(new URL(`${ISSUER}/.well-known/jwks.json`))

async function verify(token) {
  const { payload } = await jwtVerify(token, jwks, {
    issuer: ISSUER,
    audience: AUDIENCE,
    algorithms: [SIGNING_ALG],
    typ: 'at+jwt',
    requiredClaims: ['exp', 'sub', 'client_id'],
  })
  return payload
}

const claims = await verify(process.env.TOKEN)
// end
assert.equal(claims.client_id, process.env.CLIENT_ID)
assert.deepEqual(claims.scope.split(' '), ['invoices.read', 'invoices.write'])

import { SignJWT, decodeProtectedHeader, errors } from 'jose'

await assert.rejects(verify(process.env.TOKEN_FOR_ANOTHER), { claim: 'aud' })
await assert.rejects(verify(process.env.TOKEN_OF_ANOTHER_TYPE), { claim: 'typ' })
await assert.rejects(verify(process.env.TOKEN_FORGED), errors.JWSSignatureVerificationFailed)
const { kid } = decodeProtectedHeader(process.env.TOKEN)
const secret = new TextEncoder().encode('the published key, as if it were secret')
const confused = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid }).sign(secret)
await assert.rejects(verify(confused), errors.JOSEAlgNotAllowed)
const later = new Date((claims.exp + 3600) * 1000)
await assert.rejects(jwtVerify(process.env.TOKEN, jwks, { currentDate: later }), errors.JWTExpired)
