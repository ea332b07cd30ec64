// The callers of the article that this server starts from, as they are written in Node.js, without a package: a client app that
// logs in, and a microservice that has tokens verified or looks into them with the secret that it shares with the server.

import assert from 'node:assert/strict'
import { createHmac, timingSafeEqual } from 'node:crypto'
import https from 'node:https'
import querystring from 'node:querystring'

const { BASE, CLIENT_ID, CLIENT_SECRET, SECRET } = process.env
const FORM = 'application/x-www-form-urlencoded'
const JSON_TYPE = 'application/json'

/** What `https.request` does with a body and headers. */
function post(path, headers, body = '') {
  return new Promise((resolve, reject) => {
    const request = https.request(BASE + path, { method: 'POST', headers: { ...headers, 'Content-Length': Buffer.byteLength(body) } }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => { text += chunk })
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, json: JSON.parse(text) }))
    })
    request.on('error', reject)
    request.end(body)
  })
}

const base64url = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const hmac = (message) => createHmac('sha256', SECRET).update(message).digest()

/** What `jwt.verify(token, SECRET)` of jsonwebtoken does. */
function decode(token) {
  const [header, payload, signature] = token.split('.')
  assert.equal(JSON.parse(Buffer.from(header, 'base64url')).alg, 'HS256')
  assert(timingSafeEqual(Buffer.from(signature, 'base64url'), hmac(`${header}.${payload}`)), 'invalid signature')
  const claims = JSON.parse(Buffer.from(payload, 'base64url'))
  assert(claims.exp * 1000 > Date.now(), 'jwt expired')
  return claims
}

/** What `jwt.sign(claims, SECRET)` of jsonwebtoken does. */
function sign(claims) {
  const message = `${base64url({ alg: 'HS256', typ: 'JWT' })}.${base64url({ ...claims, iat: Math.floor(Date.now() / 1000) })}`
  return `${message}.${hmac(message).toString('base64url')}`
}

const credentials = { client_id: CLIENT_ID, client_secret: CLIENT_SECRET }

// A client app: a form, JSON, and `fetch` with both.
const answers = [
  await post('/authorize', { 'Content-Type': FORM }, querystring.stringify(credentials)),
  await post('/authorize', { 'Content-Type': JSON_TYPE }, JSON.stringify(credentials)),
  await post('/authorize/', { 'Content-Type': JSON_TYPE, Accept: '*/*' }, JSON.stringify({ ...credentials, app: { version: 1 }, debug: true })),
]
for (const init of [
  { body: new URLSearchParams(credentials) },
  { body: JSON.stringify(credentials), headers: { 'Content-Type': 'application/json;charset=utf-8' } },
]) {
  const response = await fetch(`${BASE}/authorize`, { method: 'POST', ...init })
  answers.push({ status: response.status, json: await response.json() })
}
for (const { status, json } of answers) {
  assert.equal(status, 200, JSON.stringify(json))
  assert.equal(json.success, true)
  assert.equal(json.client_id, CLIENT_ID)
  assert.equal(typeof json.token, 'string')
}
const { token } = answers[0].json

// A microservice that has the token verified: bare, as Bearer, and in the body.
for (const [headers, body] of [
  [{ Authorization: token }, ''],
  [{ authorization: token, 'Content-Type': JSON_TYPE }, '{}'],
  [{ Authorization: `Bearer ${token}` }, ''],
  [{ Authorization: `Bearer ${token}`, 'Content-Type': JSON_TYPE }, JSON.stringify({ scope: 'read' })],
  [{ 'Content-Type': FORM }, querystring.stringify({ token })],
  [{ 'Content-Type': JSON_TYPE }, JSON.stringify({ token })],
  [{ 'Content-Type': JSON_TYPE }, JSON.stringify({ access_token: token })],
]) {
  const { status, json } = await post('/verify', headers, body)
  assert.equal(status, 200, JSON.stringify(json))
  assert.equal(json.success, true)
  assert.equal(json.client_id, CLIENT_ID)
  assert.deepEqual(json.metadata, { tenant: 'acme' })
}

// A microservice that shares the secret and looks into the token by itself.
const claims = decode(token)
assert.equal(claims.client_id, CLIENT_ID)
assert.deepEqual(claims.metadata, { tenant: 'acme' })
assert.throws(() => decode(`${token.slice(0, -2)}xx`))

// What it signs itself with that secret is no token, and the answer says why.
for (const own of [{ client_id: CLIENT_ID }, { ...claims, iss: 'https://another.example' }, { ...claims }]) {
  const { status, json } = await post('/verify', { Authorization: sign(own) })
  assert.equal(status, 401)
  assert.equal(json.success, false)
  assert.match(json.error_description, /not issued by this server/)
}

// What goes wrong is an answer too.
for (const [wrong, status] of [
  [{ client_id: CLIENT_ID, client_secret: 'wrong' }, 401],
  [{ client_id: 'nobody', client_secret: CLIENT_SECRET }, 401],
  [{ client_id: CLIENT_ID }, 400],
  [{}, 401],
]) {
  const refused = await post('/authorize', { 'Content-Type': JSON_TYPE }, JSON.stringify(wrong))
  assert.equal(refused.status, status, JSON.stringify(refused.json))
  assert.equal(refused.json.success, false)
}
const nothing = await post('/verify', {})
assert.equal(nothing.status, 401)
assert.equal(nothing.json.success, false)
