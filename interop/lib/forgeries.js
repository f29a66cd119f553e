// Tokens that whoever has seen a real one, and the issuer's public keys, can make of it.
import { createHmac } from 'node:crypto';
import './webcrypto.js';
import { decodeJwt, decodeProtectedHeader, exportSPKI, importJWK } from 'jose';
import { keyPair, sign } from './issuer.js';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token that is signed, if it is, by a text that everybody has. */
function hmac(secret, header, claims) {
  const input = `${encode({ ...header, alg: 'HS256' })}.${encode(claims)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

/** Forgeries of a token, by name. `jwk` is the public key that verifies it, `evil` an address with other keys. */
export async function forgeries(token, jwk, evil) {
  const [first, second, signature] = token.split('.');
  const [header, claims] = [decodeProtectedHeader(token), decodeJwt(token)];
  const pem = await exportSPKI(await importJWK(jwk, jwk.alg));
  const stranger = await keyPair('RS256');
  return {
    'alg none': `${encode({ ...header, alg: 'none' })}.${second}.`,
    'alg None, and a signature': `${encode({ ...header, alg: 'None' })}.${second}.${signature}`,
    'without its signature': `${first}.${second}.`,
    'with other claims': `${first}.${encode({ ...claims, sub: 'somebody-else' })}.${signature}`,
    'HS256 by the public key as PEM': hmac(pem, header, claims),
    'HS256 by the public key as PEM with a line end': hmac(`${pem.trim()}\n`, header, claims),
    'HS256 by the public key as PEM without one': hmac(pem.trim(), header, claims),
    'HS256 by the public key as JWK': hmac(JSON.stringify(jwk), header, claims),
    'HS256 by nothing': hmac('', header, claims),
    'another key that says it is ours': await sign(stranger, claims, { kid: header.kid }),
    'another key under its own name': await sign(stranger, claims),
    'another key that comes along': await sign(stranger, claims, { jwk: stranger.jwk }),
    'another key at an address that comes along': await sign(stranger, claims, { jku: evil, x5u: evil }),
  };
}
