// The samples of examples/resource-servers with tokens that Signet gives the accounts of their own description, with other
// tokens of Signet's, with forgeries of them, and while Signet changes its key. What no real issuer would sign is in
// resource-servers.test.js.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeProtectedHeader } from 'jose';
import { ALICE, application, description } from '../applications.js';
import { fetch } from '../lib/fetch.js';
import { forgeries } from '../lib/forgeries.js';
import { API, BOTH, INVALID, READ, SAMPLES, startSample } from '../lib/resource-servers.js';
import { example, networkNotes, startSignet } from '../lib/signet.js';

// The accounts of examples/resource-servers/orders.toml.
const SHOP = { client_id: '64f0c0ffee00000000000001', client_secret: '0e8a1c5f7b2d49638a1c5f7b2d496380' };
const REPORT = { client_id: '64f0c0ffee00000000000002', client_secret: '1f9b2d608c3e5a749b2d608c3e5a7491' };
const ASKED = { grant_type: 'client_credentials', scope: 'orders:read orders:write' };

// Another application with accounts for the same API, and whose tokens are signed by ES256.
const MINE = { client_id: '64f0c0ffee00000000000003', client_secret: '2a0c3e719d4f6b85ac3e719d4f6b85a2' };
const CURVE = `
[[applications]]
name = "Orders by ES256"
identifier = "orders-es256"
type = "api"
grant_types = ["client_credentials"]
access_token_signed_response_alg = "ES256"
accounts = [{ id = "${MINE.client_id}", secret = "${MINE.client_secret}" }]
rules = [{ subject = { account = "${MINE.client_id}" }, effect = "allow", namespace = "pool", resource = "orders", actions = ["read"] }]
`;

// Where people sign in, which gives an ID token and an access token about them.
const people = application(71, 'people', { grant_types: ['password'], response_types: [], redirect_uris: [] });

let samples = [];
let signet;
before(async () => {
  // The resource belongs to the pool here, so that two applications have accounts for it.
  const orders = (await example('resource-servers', 'orders.toml'))
    .replace('[[applications.resources]]', '[[resources]]')
    .replaceAll('resource = "orders"', 'resource = "orders"\nnamespace = "pool"');
  signet = await startSignet(await networkNotes(), orders, CURVE, description({ people }));
  samples = await Promise.all(Object.keys(SAMPLES).map((name) => startSample(name, signet.issuer())));
});
after(async () => {
  await Promise.all(samples.map((sample) => sample.stop()));
  await signet?.stop();
});

/** What the token endpoint answers, that of the pool unless said otherwise. */
async function tokens(parameters, issuer = signet.issuer()) {
  const answer = await fetch(`${issuer}/token`, { method: 'POST', body: new URLSearchParams(parameters) });
  const told = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(told));
  return told;
}

/** An access token for the API. */
const forOrders = async (account, issuer) => (await tokens({ ...ASKED, ...account, resource: API }, issuer)).access_token;

/** Every sample says this to each of the tokens, by name. */
const all = (tokens, wanted) =>
  Promise.all(
    samples.flatMap((sample) =>
      Object.entries(tokens).map(async ([what, token]) =>
        assert.deepEqual(await sample.show(token), wanted, `${sample.name}, ${what}`),
      ),
    ),
  );

test('an account does what the rules allow it', async () => {
  await all({ shop: await forOrders(SHOP) }, BOTH);
  await all({ report: await forOrders(REPORT) }, READ);
  const signed = await forOrders(MINE);
  assert.equal(decodeProtectedHeader(signed).alg, 'ES256');
  await all({ 'signed by ES256': signed }, READ);
});

test('other tokens of Signet are worth nothing here', async () => {
  const { client_id, client_secret } = { client_id: people.id, client_secret: people.secret };
  const alice = await tokens({ grant_type: 'password', scope: 'openid', client_id, client_secret, ...ALICE });
  const others = {
    'for the account itself': (await tokens({ ...ASKED, ...SHOP })).access_token,
    "of the application's own issuer": await forOrders(SHOP, signet.issuer('orders')),
    'an access token about a user': alice.access_token,
    'an ID token': alice.id_token,
  };
  await all(others, INVALID);
});

test('forgeries of a real token are refused', async () => {
  const token = await forOrders(SHOP);
  const { keys } = await (await fetch(`${signet.issuer()}/.well-known/jwks.json`)).json();
  const { kid } = decodeProtectedHeader(token);
  const jwk = keys.find((key) => key.kid === kid);
  await all(await forgeries(token, jwk, 'https://evil.example.com/jwks.json'), INVALID);
});

test('a key that is replaced at once is followed, and tokens of the one before live on', async () => {
  const old = await forOrders(SHOP);
  await signet.run('keys', 'rotate', '--now');
  const next = await forOrders(SHOP);
  assert.notEqual(decodeProtectedHeader(next).kid, decodeProtectedHeader(old).kid);
  await Promise.all(samples.map((sample) => sample.until(next, '200')));
  await all({ old, next }, BOTH);
});
