// An API that is protected by Signet's access tokens. What is checked, and why, is in docs/resource-servers.md.
import express from 'express'
import { createRemoteJWKSet, customFetch, errors, jwtVerify } from 'jose'

const ISSUER = process.env.ISSUER ?? 'http://localhost:8080/oidc'
const API = process.env.API ?? 'https://orders.example.com'
const PORT = Number(process.env.PORT ?? 4000)
const METADATA = '/.well-known/oauth-protected-resource'

// Kept for ten minutes, and asked for again on a `kid` that is not among them, five seconds apart at least.
const ASK_AGAIN = 5_000
let asked = -Infinity
const keys = createRemoteJWKSet(new URL(`${ISSUER}/.well-known/jwks.json`), {
  cacheMaxAge: 600_000,
  cooldownDuration: ASK_AGAIN,
  // The library counts from the last answer; while there is none, this does.
  [customFetch]: (url, options) => {
    if (performance.now() - asked < ASK_AGAIN) throw new Error('the issuer was asked a moment ago')
    asked = performance.now()
    return fetch(url, options)
  },
})
const EXPECTED = {
  algorithms: ['RS256', 'ES256'],
  typ: 'at+jwt',
  issuer: ISSUER,
  audience: API,
  requiredClaims: ['exp', 'sub'],
  clockTolerance: 60,
}
// What the library says when the issuer does not answer, or answers no keys.
const AWAY = ['ERR_JOSE_GENERIC', 'ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID']
const INVALID = { error: 'invalid_token', error_description: 'The access token is not valid for this API.' }

/** Whether a token with this `scope` may do what takes `needed`: `*` is every part there, and so is one left out. */
function covers(scope, needed) {
  const parts = (item) => {
    const [resource, ...rest] = item.split(':')
    const action = rest.pop() ?? '*'
    return [resource, ...(rest.length ? rest : ['*']), action]
  }
  const wanted = parts(needed)
  return String(scope ?? '').split(' ').some((item) => {
    const granted = parts(item)
    return granted.length === 3 && granted.every((part, index) => part === '*' || part === wanted[index])
  })
}

/** Says why not in the way of RFC 6750 §3, and where this API says who gives out its tokens (RFC 9728 §5.1). */
function refuse(response, status, reason) {
  const parameters = Object.entries({ ...reason, resource_metadata: API + METADATA })
  response.set('WWW-Authenticate', `Bearer ${parameters.map(([name, value]) => `${name}="${value}"`).join(', ')}`)
  response.status(status).json(reason ?? {})
}

/** Lets a request on that brings an access token with this scope; its claims are then in `request.token`. */
const needs = (scope) => async (request, response, next) => {
  const [, token] = /^bearer +(.+)$/i.exec(request.get('authorization') ?? '') ?? []
  if (!token) return refuse(response, 401)
  try {
    request.token = (await jwtVerify(token, keys, EXPECTED)).payload
  } catch (error) {
    // That the keys cannot be had is not the caller's fault.
    const away = !(error instanceof errors.JOSEError) || AWAY.includes(error.code)
    return away ? response.status(503).json({ error: 'temporarily_unavailable' }) : refuse(response, 401, INVALID)
  }
  if (!covers(request.token.scope, scope)) return refuse(response, 403, { error: 'insufficient_scope', scope })
  next()
}

const app = express()
app.get(METADATA, (_request, response) => {
  response.json({
    resource: API,
    authorization_servers: [ISSUER],
    scopes_supported: ['orders:read', 'orders:write'],
    bearer_methods_supported: ['header'],
  })
})
app.get('/orders', needs('orders:read'), (_request, response) => {
  response.json([{ id: 1, item: 'tea' }])
})
app.post('/orders', needs('orders:write'), (request, response) => {
  response.status(201).json({ id: 2, ordered_by: request.token.sub })
})
app.listen(PORT, '127.0.0.1', () => console.log(`Orders are at http://localhost:${PORT}/orders`))
