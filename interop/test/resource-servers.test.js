// The samples of examples/resource-servers, each against one table of tokens: what Signet signs, and what it never would.
// The issuer is the test's own; resource-servers-signet.test.js has Signet in its place.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { exportPKCS8, importPKCS8 } from 'jose';
import { forgeries } from '../lib/forgeries.js';
import { keyPair, sign, startIssuer } from '../lib/issuer.js';
import { API, BOTH, INVALID, NEITHER, READ, SAMPLES, WRITE, startSample } from '../lib/resource-servers.js';

const JWKS = '/oidc/.well-known/jwks.json';
const EVIL = '/evil/.well-known/jwks.json';
const HOUR = 3600;
const rsa = await keyPair('RS256');
const ec = await keyPair('ES256');
// Of applications that use other algorithms.
const pss = await keyPair('PS256');
const ed = await keyPair('EdDSA');
const stranger = await keyPair('RS256');
const now = () => Math.floor(Date.now() / 1000);

/** What Signet's access tokens for an account have. */
const claims = (issuer, rest) => ({
  iss: issuer,
  aud: API,
  sub: '64f0c0ffee00000000000001',
  client_id: '64f0c0ffee00000000000001',
  azp: '5f17a529f64fb009b794a2ff',
  jti: 'JvCwmUcl2xPtXtmFeS1xR',
  iat: now(),
  exp: now() + HOUR,
  scope: 'orders:read orders:write',
  ...rest,
});

// Value of `scope`, and what it covers.
const SCOPES = [
  ['orders:read', READ],
  ['orders:write', WRITE],
  ['orders:write orders:read', BOTH],
  ['announce:read orders:read announce:write', READ],
  ['orders:*:read', READ],
  ['*:read', READ],
  ['*:*:write', WRITE],
  ['orders', BOTH],
  ['orders:*', BOTH],
  ['orders:*:*', BOTH],
  ['*', BOTH],
  ['*:*', BOTH],
  ['*:*:*', BOTH],
  ['orders:1:read orders:2:write', NEITHER],
  ['orders:1:* *:1:*', NEITHER],
  ['order:read ordersx:read Orders:read orders:READ', NEITHER],
  ['orders:rea orders:reads orders:read,orders:write', NEITHER],
  ['orders:read:all orders:*:read:all *:*:*:* orders:*:write:*', NEITHER],
  ['orders: orders::read :read ::', NEITHER],
  ['read write', NEITHER],
  ['openid profile', NEITHER],
  ['', NEITHER],
  [undefined, NEITHER],
];

const encode = (text) => Buffer.from(text).toString('base64url');

/** Every other token of the table, by name: the token, and what the reader and the writer are told. */
async function table(issuer) {
  const good = claims(issuer);
  const signed = await sign(rsa, good);
  const [header, payload, signature] = signed.split('.');
  const { aud, exp, iss, ...bare } = good;
  const forged = Object.entries(await forgeries(signed, rsa.jwk, new URL(EVIL, issuer).href));
  const of = (changes, more) => sign(rsa, claims(issuer, changes), more);
  return {
    'as Signet signs it': [signed, BOTH],
    'signed by ES256': [await sign(ec, good), BOTH],
    'typ with its application/': [await of({}, { typ: 'application/at+jwt' }), BOTH],
    'for several audiences': [await of({ aud: ['https://other.example.com', API] }), BOTH],

    ...Object.fromEntries(forged.map(([what, token]) => [what, [token, INVALID]])),
    'our key, by an algorithm that is not listed': [await sign(await other(rsa, 'PS256'), good), INVALID],
    'a published key for an algorithm that is not listed': [await sign(pss, good), INVALID],
    'another such key': [await sign(ed, good), INVALID],
    'our key, by a longer hash': [await sign(await other(rsa, 'RS512'), good), INVALID],

    'expired': [await of({ iat: now() - 2 * HOUR, exp: now() - HOUR }), INVALID],
    'that never expires': [await sign(rsa, { ...bare, iss, aud }), INVALID],
    'not valid yet': [await of({ nbf: now() + HOUR }), INVALID],
    'for another API': [await of({ aud: 'https://other.example.com' }), INVALID],
    'for an API whose name begins like ours': [await of({ aud: `${API}.evil.example` }), INVALID],
    'for its account': [await of({ aud: good.sub }), INVALID],
    'for nobody': [await sign(rsa, { ...bare, iss, exp }), INVALID],
    'of another issuer': [await of({ iss: 'https://id.example.com/oidc' }), INVALID],
    'of an issuer with a slash more': [await of({ iss: `${issuer}/` }), INVALID],
    'of no issuer': [await sign(rsa, { ...bare, aud, exp }), INVALID],

    'an ID token': [await of({ aud: good.azp, nonce: 'n' }, { typ: 'JWT' }), INVALID],
    'an ID token for an application named like the API': [await of({ nonce: 'n' }, { typ: 'JWT' }), INVALID],
    'of no type': [await of({}, { typ: undefined }), INVALID],
    'a logout token': [await of({ events: {} }, { typ: 'logout+jwt' }), INVALID],

    'no JWT': ['x', INVALID],
    'three parts of nothing': ['a.b.c', INVALID],
    'five parts': [`${signed}.${header}.${payload}`, INVALID],
    'a header that is no object': [`${encode('1')}.${payload}.${signature}`, INVALID],
    'two tokens': [`${signed} ${signed}`, INVALID],
    'letters upon letters': ['a'.repeat(3_500), INVALID],
  };
}

/** The same private key, for another algorithm. */
async function other({ privateKey, jwk }, alg) {
  return { privateKey: await importPKCS8(await exportPKCS8(privateKey), alg), jwk: { ...jwk, alg } };
}

describe('samples of resource servers', { concurrency: true }, () => {
  for (const name of Object.keys(SAMPLES)) describe(name, { concurrency: false }, () => suite(name));
});

/** How often the keys may have been asked for since: twice in five seconds. */
const most = (begun) => 2 * (1 + Math.ceil((Date.now() - begun) / 5_000));

function suite(name) {
  let issuer, sample;
  before(async () => {
    issuer = await startIssuer(rsa, ec, pss, ed);
    sample = await startSample(name, issuer.issuer);
  });
  after(() => Promise.all([sample?.stop(), issuer?.stop()]));

  /** Shows all the tokens, and fails with those that are told something else. */
  async function compare(tokens) {
    const line = (what, answers) => `${what}: ${answers.join(', ')}`;
    const answers = await Promise.all(tokens.map(async ([what, [token]]) => line(what, await sample.show(token))));
    const wanted = tokens.map(([what, [, answers]]) => line(what, answers));
    assert.deepEqual(answers.filter((answer) => !wanted.includes(answer)), []);
  }

  test('says who gives out its tokens', async () => {
    assert.deepEqual(await sample.metadata(), {
      resource: API,
      authorization_servers: [issuer.issuer],
      scopes_supported: ['orders:read', 'orders:write'],
      bearer_methods_supported: ['header'],
    });
  });

  test('tells who is there', async () => {
    const token = await sign(rsa, claims(issuer.issuer));
    const read = await sample.ask('GET', `bearer ${token}`);
    const write = await sample.ask('POST', `BEARER ${token}`);
    assert.deepEqual(JSON.parse(read.body), [{ id: 1, item: 'tea' }]);
    assert.deepEqual(JSON.parse(write.body), { id: 2, ordered_by: '64f0c0ffee00000000000001' });
  });

  test('a request without a token is told of no error', async () => {
    const token = await sign(rsa, claims(issuer.issuer));
    for (const method of ['GET', 'POST'])
      for (const [authorization, query] of [[], ['Basic YTpi'], [undefined, `?access_token=${token}`]])
        assert.equal((await sample.ask(method, authorization, query)).told, '401 Bearer', `${authorization} ${query}`);
  });

  test('each scope covers what it covers', async () => {
    const tokens = SCOPES.map(async ([scope, wanted]) => [scope, [await sign(rsa, claims(issuer.issuer, { scope })), wanted]]);
    await compare(await Promise.all(tokens));
  });

  test('each token is what it is', async () => {
    await compare(Object.entries(await table(issuer.issuer)));
    assert.equal(issuer.asked(EVIL), 0, 'an address in a token was asked');
  });

  test('keys are kept, and strangers do not make it ask for them all the time', async () => {
    const token = await sign(rsa, claims(issuer.issuer));
    await sample.until(token, '200');
    const before = issuer.asked(JWKS);
    const begun = Date.now();
    for (let round = 0; round < 20; round++) assert.deepEqual(await sample.show(token), BOTH);
    for (let number = 0; number < 20; number++) {
      const madeUp = await sign(stranger, claims(issuer.issuer), { kid: `made-up-${number}` });
      assert.deepEqual(await sample.show(madeUp), INVALID);
    }
    assert.ok(issuer.asked(JWKS) - before <= most(begun), `asked ${issuer.asked(JWKS) - before} times`);
  });

  test('a new key is found, and one that is gone counts no more', async () => {
    const old = await sign(rsa, claims(issuer.issuer));
    const next = await keyPair('RS256');
    issuer.keys = [next, ec];
    await sample.until(await sign(next, claims(issuer.issuer)), '200');
    assert.deepEqual(await sample.show(old), INVALID);
  });

  test('keys that were had count while the issuer is away', async () => {
    const token = await sign(ec, claims(issuer.issuer));
    issuer.away = true;
    const before = issuer.asked(JWKS);
    for (let number = 0; issuer.asked(JWKS) === before; number++) {
      assert.ok(number < 300, 'the keys are not asked for again');
      const { told } = await sample.ask('GET', `Bearer ${await sign(stranger, claims(issuer.issuer), { kid: `unknown-${number}` })}`);
      assert.match(told, /^401 Bearer invalid_token$|^50[03]$/);
      await sleep(100);
    }
    const [first, begun] = [issuer.asked(JWKS), Date.now()];
    for (let number = 0; number < 20; number++) {
      const madeUp = await sign(stranger, claims(issuer.issuer), { kid: `made-up-${number}` });
      assert.doesNotMatch((await sample.ask('GET', `Bearer ${madeUp}`)).told, /^2/);
    }
    assert.ok(issuer.asked(JWKS) - first <= most(begun), `asked ${issuer.asked(JWKS) - first} times`);
    assert.deepEqual(await sample.show(token), BOTH);
  });
}
