// Node.js with nothing but its own fetch, in every way in which callers of the simple contract send what they have.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'

console.log('Node.js', process.versions.node)

const { ISSUER, CLIENT_ID, CLIENT_SECRET, SERVER_SECRET, SIGNING_ALG } = process.env

// snippet: node-fetch
async function authorize(clientId, clientSecret) {
  const response = await fetch(`${ISSUER}/authorize`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: clientId, client_secret: clientSecret }),
  })
  return response.json() // { success, token, expires_in, … }
}

async function verify(token) {
  const response = await fetch(`${ISSUER}/verify`, { method: 'POST', headers: { authorization: `Bearer ${token}` } })
  return response.json() // { success, client_id, scope, metadata, … }
}
// end

const post = async (path, headers, body) => {
  const response = await fetch(ISSUER + path, { method: 'POST', headers, body })
  return { status: response.status, ...(await response.json()) }
}
const credentials = { client_id: CLIENT_ID, client_secret: CLIENT_SECRET }
const json = { 'content-type': 'application/json' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const basic = Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString('base64')

// A token, asked for in each way.
for (const answer of [
  { status: 200, ...(await authorize(CLIENT_ID, CLIENT_SECRET)) },
  await post('/authorize', json, JSON.stringify(credentials)),
  await post('/authorize', { 'content-type': 'application/json; charset=utf-8' }, JSON.stringify(credentials)),
  await post('/authorize', form, new URLSearchParams(credentials).toString()),
  await post('/authorize', { authorization: `Basic ${basic}` }),
]) {
  assert.deepEqual([answer.status, answer.success, answer.token_type], [200, true, 'Bearer'], JSON.stringify(answer))
}
const wrong = await post('/authorize', json, JSON.stringify({ ...credentials, client_secret: 'wrong' }))
assert.deepEqual([wrong.status, wrong.success, wrong.error], [401, false, 'invalid_client'])

// The token, shown in each way.
const { token } = await authorize(CLIENT_ID, CLIENT_SECRET)
for (const answer of [
  { status: 200, ...(await verify(token)) },
  await post('/verify', { authorization: token }),
  await post('/verify', { authorization: `Bearer ${token}` }),
  await post('/verify', json, JSON.stringify({ token })),
  await post('/verify', form, new URLSearchParams({ token }).toString()),
  await post('/verify', form, new URLSearchParams({ access_token: token }).toString()),
]) {
  assert.deepEqual([answer.status, answer.success, answer.client_id], [200, true, CLIENT_ID], JSON.stringify(answer))
}
for (const answer of [
  await post('/verify', { authorization: `${token.slice(0, -3)}AAA` }),
  await post('/verify', json, JSON.stringify({ token: 'x' })),
  await post('/verify', {}),
]) {
  assert.deepEqual([answer.status, answer.success], [401, false], JSON.stringify(answer))
}

// Decoded with the shared SECRET, as some do under HS256.
const [header, payload, signature] = token.split('.')
const own = createHmac('sha256', SERVER_SECRET).update(`${header}.${payload}`).digest('base64url')
assert.equal(own === signature, SIGNING_ALG === 'HS256')
assert.equal(JSON.parse(Buffer.from(payload, 'base64url')).client_id, CLIENT_ID)
