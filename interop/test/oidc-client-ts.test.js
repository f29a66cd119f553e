// A single-page application on oidc-client-ts in a real browser, at the application's own issuer; and what people do to
// login pages: say no, go back, click twice, log in in two tabs, switch scripts off.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import '../lib/webcrypto.js';
import { calculatePKCECodeChallenge, randomPKCECodeVerifier } from 'openid-client';
import { ALICE, BOB } from '../applications.js';
import { launchBrowser } from '../lib/browser.js';
import { networkNotes, startSignet } from '../lib/signet.js';
import { serveSpa } from '../lib/spa-server.js';

// As examples/network-notes.toml has it.
const EXAMPLE_ORIGIN = 'http://localhost:5173';
const CLIENT_ID = '5f17a529f64fb009b794a300';

let browser, context, issuer, signet, spa;
before(async () => {
  spa = await serveSpa();
  signet = await startSignet((await networkNotes()).replaceAll(EXAMPLE_ORIGIN, spa.origin));
  issuer = signet.issuer('notes-spa');
  spa.settings = { authority: issuer, client_id: CLIENT_ID };
  browser = await launchBrowser();
});
after(() => Promise.all([browser?.close(), spa?.stop(), signet?.stop()]));
beforeEach(async () => (context = await newContext()));
afterEach(() => context.close());

async function newContext(options) {
  const created = await browser.newContext(options);
  created.setDefaultTimeout(15_000);
  return created;
}

/** A tab that shows the application, or where the application's sign-in led. */
async function openTab() {
  const tab = await context.newPage();
  await tab.goto(spa.origin);
  await outcome(tab, 'ready');
  return tab;
}

/** What the application shows, once it has settled, which must be of the expected kind. */
async function outcome(tab, kind) {
  const shown = tab.locator('#outcome[data-kind]');
  await shown.waitFor();
  const detail = await shown.textContent();
  assert.equal(await shown.getAttribute('data-kind'), kind, detail);
  return JSON.parse(detail);
}

/** Presses one of the application's buttons that lead away from its page. */
async function leave(tab, button) {
  const gone = tab.waitForURL((url) => url.origin !== spa.origin || url.searchParams.has('state'));
  await tab.evaluate((name) => void window.spa[name](), button);
  await gone;
}

async function beginSignIn() {
  const tab = await openTab();
  await leave(tab, 'signIn');
  assert.equal(new URL(tab.url()).origin, new URL(issuer).origin, "the login page is at the application's address");
  return tab;
}

async function fillIn(tab, { username, password }) {
  await tab.locator('input[name=username]').fill(username);
  await tab.locator('input[name=password]').fill(password);
}

/** Presses a button of the provider's page and waits for the page it leads to. */
async function press(tab, id, clickCount = 1) {
  await tab.locator(`#${id}`).waitFor();
  await Promise.all([tab.waitForEvent('framenavigated'), tab.locator(`#${id}`).click({ clickCount })]);
}

async function logIn(tab, who) {
  await fillIn(tab, who);
  await press(tab, 'sign-in');
}

async function signIn(who) {
  const tab = await beginSignIn();
  await logIn(tab, who);
  await press(tab, 'allow');
  await outcome(tab, 'signed-in');
  return tab;
}

/** Waits until the tab rests, and checks that a person would know what to do next. Returns what they can press. */
async function comesToRest(tab) {
  await tab.waitForLoadState('networkidle');
  if (new URL(tab.url()).origin === spa.origin) {
    await tab.locator('#outcome[data-kind]').waitFor();
    return 'the application';
  }
  for (const button of ['sign-in', 'allow', 'continue']) {
    if (await tab.locator(`#${button}`).isVisible()) return button;
  }
  assert.match((await tab.locator('h1').innerText()).trim(), /\S/, 'a page with a heading');
  assert.match((await tab.locator('h1 ~ p, h1 ~ * p').first().innerText()).trim(), /\S{2}/, 'which says what happened');
  return 'a message';
}

/** Collects the answers of the provider that no person should see. */
function watch(...tabs) {
  const failures = [];
  for (const tab of tabs) {
    tab.on('response', (response) => {
      if (response.status() >= 500) failures.push(`${response.status()} ${response.url()}`);
    });
  }
  return failures;
}

test('the whole life of a login', async () => {
  const tab = await signIn(ALICE);
  const call = (name, argument) => tab.evaluate(([key, value]) => window.spa[key](value), [name, argument]);

  const first = await call('tokens');
  const claims = await call('verify', first.id_token);
  assert.deepEqual([claims.iss, claims.aud, claims.email], [issuer, CLIENT_ID, 'alice@example.com']);
  assert.equal((await call('verify', first.access_token)).client_id, CLIENT_ID);
  const answer = await call('userInfo', first.access_token);
  assert.deepEqual([answer.status, answer.claims.given_name, answer.claims.sub], [200, 'Alice', claims.sub]);

  await call('refresh');
  const second = await call('tokens');
  assert.notEqual(second.access_token, first.access_token);
  assert.notEqual(second.refresh_token, first.refresh_token);
  assert.equal((await call('introspect', second.access_token)).active, true);

  await call('revoke');
  assert.deepEqual(await call('introspect', second.access_token), { active: false });
  assert.equal((await call('userInfo', second.access_token)).status, 401);

  await leave(tab, 'signOut');
  await outcome(tab, 'signed-out');
  await leave(tab, 'signIn');
  assert.equal(await comesToRest(tab), 'sign-in', 'nobody is logged in any more');
});

test('a wrong password asks again, and the right one then works', async () => {
  const tab = await beginSignIn();
  await logIn(tab, { ...BOB, password: 'not the password' });
  await tab.locator('[role=alert]').waitFor();
  await logIn(tab, BOB);
  await press(tab, 'allow');
  assert.equal((await outcome(tab, 'signed-in')).email, 'bob@example.com');
});

test('whoever says no comes back with access_denied', async () => {
  const tab = await beginSignIn();
  await logIn(tab, ALICE);
  await press(tab, 'deny');
  assert.equal((await outcome(tab, 'refused')).error, 'access_denied');
});

test('without scripts the login works just the same', async () => {
  const plain = await newContext({ javaScriptEnabled: false });
  try {
    const tab = await plain.newPage();
    const request = new URLSearchParams({
      client_id: CLIENT_ID,
      redirect_uri: `${spa.origin}/callback`,
      response_type: 'code',
      scope: 'openid',
      prompt: 'consent',
      state: 'without-scripts',
      code_challenge: await calculatePKCECodeChallenge(randomPKCECodeVerifier()),
      code_challenge_method: 'S256',
    });
    await tab.goto(`${issuer}/auth?${request}`);
    await logIn(tab, ALICE);
    await press(tab, 'allow');
    await tab.waitForURL(`${spa.origin}/callback?*`);
    const answer = new URL(tab.url()).searchParams;
    assert.ok(answer.get('code'));
    assert.deepEqual([answer.get('state'), answer.get('iss')], ['without-scripts', issuer]);
  } finally {
    await plain.close();
  }
});

test('the back button after a login leads to something a person understands', async () => {
  const tab = await signIn(ALICE);
  const failures = watch(tab);
  await tab.goBack();
  if ((await comesToRest(tab)) === 'allow') {
    await press(tab, 'allow');
    await comesToRest(tab);
  }
  assert.equal(await comesToRest(await beginSignIn()), 'allow', 'and the login itself still stands');
  assert.deepEqual(failures, []);
});

test('going back to the login page and sending it again leads to something a person understands', async () => {
  const tab = await beginSignIn();
  const failures = watch(tab);
  const login = tab.url();
  await logIn(tab, ALICE);
  await tab.locator('#allow').waitFor();
  await tab.goBack();
  if ((await comesToRest(tab)) === 'sign-in' && tab.url() === login) {
    await logIn(tab, ALICE);
    await comesToRest(tab);
  }
  assert.deepEqual(failures, []);
});

test('a double click logs in once, and a second one ends in something a person understands', async () => {
  const tab = await beginSignIn();
  const failures = watch(tab);
  await fillIn(tab, ALICE);
  await press(tab, 'sign-in', 2);
  await press(tab, 'allow', 2);
  await comesToRest(tab);
  assert.deepEqual(failures, []);
});

test('two tabs with two logins do not mix up two people', async () => {
  const [one, two] = [await beginSignIn(), await beginSignIn()];
  const failures = watch(one, two);
  await logIn(one, ALICE);
  await logIn(two, BOB);
  for (const [tab, email] of [[one, 'alice@example.com'], [two, 'bob@example.com']]) {
    if ((await comesToRest(tab)) === 'allow') await press(tab, 'allow');
    if ((await comesToRest(tab)) !== 'the application') continue;
    const shown = JSON.parse(await tab.locator('#outcome').textContent());
    assert.equal(shown.email ?? email, email);
  }
  assert.deepEqual(failures, []);
});
