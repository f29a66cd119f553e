// The "Network Notes Project": the smallest web application that signs people in with Signet.
//
// It needs the applications and users of ../network-notes.toml. Everything Signet-specific is in the four constants; the rest
// is what any OpenID Connect client does: discover, redirect with PKCE, exchange the code, verify, and sign out.
import { createServer } from 'node:http'
import * as client from 'openid-client'

const ISSUER = process.env.ISSUER ?? 'http://localhost:8080/oidc'
const APP_ID = '5f17a529f64fb009b794a2ff'
const APP_SECRET = 'example-secret-of-network-notes-change-me'
const PORT = Number(process.env.PORT ?? 3000)
const HOME = `http://localhost:${PORT}/`

const config = await client.discovery(new URL(ISSUER), APP_ID, {}, client.ClientSecretBasic(APP_SECRET), {
  // Only because the issuer is on plain http on this machine.
  execute: [client.allowInsecureRequests],
})

// One person at a time is enough for an example; a real application keeps these in the person's own session.
let pending
let person

async function signIn() {
  pending = { verifier: client.randomPKCECodeVerifier(), state: client.randomState(), nonce: client.randomNonce() }
  return client.buildAuthorizationUrl(config, {
    redirect_uri: `${HOME}callback`,
    scope: 'openid profile email',
    code_challenge: await client.calculatePKCECodeChallenge(pending.verifier),
    code_challenge_method: 'S256',
    state: pending.state,
    nonce: pending.nonce,
  })
}

async function callback(url) {
  const checks = { pkceCodeVerifier: pending?.verifier, expectedState: pending?.state, expectedNonce: pending?.nonce }
  const tokens = await client.authorizationCodeGrant(config, url, checks)
  const claims = tokens.claims()
  person = { idToken: tokens.id_token, claims: await client.fetchUserInfo(config, tokens.access_token, claims.sub) }
  return new URL(HOME)
}

function signOut() {
  const hint = person?.idToken
  person = undefined
  return client.buildEndSessionUrl(config, { ...(hint && { id_token_hint: hint }), post_logout_redirect_uri: HOME })
}

const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
const page = (body) => `<!doctype html><meta charset="utf-8"><title>Network Notes</title><h1>Network Notes</h1>${body}`
const home = () =>
  person
    ? page(`<p id="hello">Hello, ${escape(person.claims.name)}!</p><pre>${escape(JSON.stringify(person.claims, null, 2))}</pre>
<p><a href="/logout">Sign out</a></p>`)
    : page('<p><a href="/login">Sign in</a></p>')

createServer(async (request, response) => {
  const url = new URL(request.url, HOME)
  try {
    const routes = { '/login': signIn, '/callback': callback, '/logout': signOut }
    if (routes[url.pathname]) {
      response.writeHead(302, { location: (await routes[url.pathname](url)).href }).end()
    } else {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(home())
    }
  } catch (error) {
    response.writeHead(400, { 'content-type': 'text/html; charset=utf-8' })
    response.end(page(`<p id="error">${escape(error.error ?? error.message)}: ${escape(error.error_description ?? '')}</p>
<p><a href="/">Back</a></p>`))
  }
}).listen(PORT, 'localhost', () => console.log(`Network Notes is at ${HOME}`))
