// The TypeScript SDK of the Model Context Protocol: a client finds token-server by what the MCP server says of itself (RFC 9728), and
// gets a token by client credentials.
import assert from 'node:assert/strict'
import { versionOf } from './version.mjs'

versionOf('@modelcontextprotocol/sdk')

// snippet: mcp-sdk
import { auth } from '@modelcontextprotocol/sdk/client/auth.js'
import { ClientCredentialsProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js'

const { ISSUER, MCP_CLIENT_ID, MCP_CLIENT_SECRET, MCP_SERVER } = process.env

const provider = new ClientCredentialsProvider({
  clientId: MCP_CLIENT_ID,
  clientSecret: MCP_CLIENT_SECRET,
  expectedIssuer: ISSUER,
})
// What a transport with this `authProvider` does when the MCP server answers 401.
const authorize = (fetchFn) => auth(provider, { serverUrl: MCP_SERVER, scope: 'invoices.read', fetchFn })
// end

// An MCP server that is nowhere, as far as a client looks at it before it has a token.
const asked = []
const result = await authorize(async (url, init) => {
  const { origin, pathname } = new URL(url)
  if (origin !== new URL(MCP_SERVER).origin) {
    return fetch(url, init)
  }
  asked.push(pathname)
  return Response.json({ resource: MCP_SERVER, authorization_servers: [ISSUER] })
})

assert.equal(result, 'AUTHORIZED')
assert.deepEqual(asked, ['/.well-known/oauth-protected-resource/mcp'])
const { access_token, token_type } = provider.tokens()
assert.equal(token_type, 'Bearer')
const { aud, scope } = JSON.parse(Buffer.from(access_token.split('.')[1], 'base64url'))
assert.equal(aud, MCP_SERVER)
assert.equal(scope, 'invoices.read')
