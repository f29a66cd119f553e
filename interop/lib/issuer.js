// An issuer whose keys the tests hold, so that they can sign what Signet never would.
import { once } from 'node:events';
import { createServer } from 'node:http';
import './webcrypto.js';
import { SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';

/** A key pair, and its public half as an issuer publishes it. */
export async function keyPair(alg) {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);
  return { privateKey, publicKey, jwk: { ...jwk, use: 'sig', alg, kid: await calculateJwkThumbprint(jwk) } };
}

/** Signs claims as they are. What `header` says wins over what would be true. */
export const sign = ({ privateKey, jwk }, claims, header) =>
  new SignJWT(claims).setProtectedHeader({ alg: jwk.alg, typ: 'at+jwt', kid: jwk.kid, ...header }).sign(privateKey);

/** Serves the public halves of `keys`, which may be changed, unless it is `away`, and counts what is asked of it. */
export async function startIssuer(...keys) {
  const asked = {};
  // A set may have keys of kinds that a library does not know yet, and keys that are not for signatures.
  const others = [
    { kty: 'AKP', alg: 'ML-DSA-44', kid: 'tomorrow', use: 'sig', pub: 'AAAA' },
    { ...(await keyPair('RS256')).jwk, kid: 'encryption', use: 'enc', alg: 'RSA-OAEP-256' },
  ];
  const server = createServer((request, response) => {
    asked[request.url] = (asked[request.url] ?? 0) + 1;
    if (issuer.away) return response.writeHead(502).end();
    if (!request.url.endsWith('/.well-known/jwks.json')) return response.writeHead(404).end();
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ keys: [...others, ...issuer.keys.map(({ jwk }) => jwk)] }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const base = `http://localhost:${server.address().port}`;
  const issuer = {
    keys,
    /** Whether it answers nothing. */
    away: false,
    issuer: `${base}/oidc`,
    /** How often a path was asked for. */
    asked: (path) => asked[path] ?? 0,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
  return issuer;
}
