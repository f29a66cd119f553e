// Single-page applications without refresh tokens, in a real browser: a hidden frame asks for new tokens by prompt=none.
// With oidc-client-ts by code and PKCE, with oidc-client by the implicit flow.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { ALICE, BOB, application, description } from '../applications.js';
import { launchBrowser } from '../lib/browser.js';
import { networkNotes, startSignet } from '../lib/signet.js';
import { serveSpa } from '../lib/spa-server.js';

let app, browser, context, signet, spa, tab;
before(async () => {
  spa = await serveSpa();
  app = application(31, 'renewing', {
    auth: 'none',
    redirect_uris: ['/callback', '/silent', '/implicit/callback'].map((path) => spa.origin + path),
    logout_redirect_uris: [`${spa.origin}/`],
    grant_types: ['authorization_code', 'implicit'],
    response_types: ['code', 'id_token token'],
  });
  signet = await startSignet(await networkNotes(), description({ app }));
  // At the pool's address, which is of the same site as the page: over plain http no browser lets cookies into frames of
  // another site.
  spa.settings = { authority: signet.issuer(), client_id: app.id, scope: 'openid profile email' };
  browser = await launchBrowser();
});
after(() => Promise.all([browser?.close(), spa?.stop(), signet?.stop()]));
beforeEach(async () => {
  context = await browser.newContext();
  context.setDefaultTimeout(15_000);
  tab = await context.newPage();
});
afterEach(() => context.close());

const settled = () => tab.locator('#outcome[data-kind]');
const call = (name, argument) => tab.evaluate(([key, value]) => window.spa[key](value), [name, argument]);

const refusal = (name) => tab.evaluate((name) => window.spa[name]().then(() => 'done', ({ error }) => error), name);

async function outcome() {
  await settled().waitFor();
  return { kind: await settled().getAttribute('data-kind'), ...JSON.parse(await settled().textContent()) };
}

/** Signs in by the application at the path, and presses the button if there is one to press. */
async function signIn(path, { username, password }, decision) {
  await tab.goto(spa.origin + path);
  assert.equal((await outcome()).kind, 'ready');
  await tab.evaluate((more) => void window.spa.signIn(more), decision && { prompt: 'consent' });
  await tab.locator('input[name=username]').fill(username);
  await tab.locator('input[name=password]').fill(password);
  await tab.locator('#sign-in').click();
  if (decision) await tab.locator(`#${decision}`).click();
  await tab.waitForURL((url) => url.origin === spa.origin);
  return outcome();
}

/** Ends every login of the browser: its cookies are gone. */
const forget = () => context.clearCookies();

const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

test('code and PKCE: a hidden frame renews what was given, until the login is over', async () => {
  assert.equal((await signIn('/', ALICE, 'allow')).email, 'alice@example.com');
  const first = await call('tokens');
  assert.equal(first.refresh_token, undefined);
  await call('refresh');
  const second = await call('tokens');
  assert.notEqual(second.access_token, first.access_token);
  assert.equal(claims(second.id_token).sid, claims(first.id_token).sid, 'the same login');
  assert.equal((await call('verify', second.access_token)).client_id, app.id);

  await forget();
  assert.equal(await refusal('refresh'), 'login_required');
  assert.equal((await call('tokens')).access_token, second.access_token, 'and what it had is still there');
});

test('implicit: tokens arrive in the fragment, and a hidden frame renews them', async () => {
  const shown = await signIn('/implicit/', ALICE);
  assert.deepEqual(shown, { kind: 'signed-in', email: 'alice@example.com', given_name: 'Alice' });
  const first = await call('tokens');
  assert.equal(first.refresh_token, undefined);
  const second = await call('renew');
  assert.notEqual(second.access_token, first.access_token);
  assert.notEqual(claims(second.id_token).nonce, claims(first.id_token).nonce);
  assert.equal(second.sub, first.sub);

  await forget();
  assert.equal(await refusal('renew'), 'login_required');
});

test('implicit: whoever says no comes back with access_denied', async () => {
  const { kind, error } = await signIn('/implicit/', BOB, 'deny');
  assert.deepEqual([kind, error], ['refused', 'access_denied']);
});

// The change is made before the application looks at what it was sent.
for (const [what, name, reason] of [
  ['an ID token', 'id_token', /signature/],
  ['an access token', 'access_token', /at_hash/],
]) {
  test(`implicit: the library refuses ${what} that was changed on the way`, async () => {
    await context.addInitScript((name) => {
      const fragment = new URLSearchParams(location.hash.slice(1));
      const token = fragment.get(name);
      if (!token) return;
      fragment.set(name, token.slice(0, -9) + (token.at(-9) === 'A' ? 'B' : 'A') + token.slice(-8));
      history.replaceState(null, '', `#${fragment}`);
    }, name);
    const { kind, message } = await signIn('/implicit/', ALICE);
    assert.equal(kind, 'refused');
    assert.match(message, reason);
  });
}
