// Three applications at three hosts in a real browser: a and b share the login, c does not. Their back ends are openid-client.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { ALICE, BOB, applications, description } from '../applications.js';
import { launchBrowser } from '../lib/browser.js';
import { Person } from '../lib/person.js';
import { RelyingParty } from '../lib/relying-party.js';
import { networkNotes, startSignet } from '../lib/signet.js';

// A request without offline access, which needs no consent; a value that is empty counts as none.
const PLAIN = { scope: 'openid profile email', prompt: '' };
const SILENT = { ...PLAIN, prompt: 'none' };

let a, b, browser, c, callbacks, context, person, pool, signet;
before(async () => {
  callbacks = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<p id="arrived">'));
  await once(callbacks.listen(0, '127.0.0.1'), 'listening');
  const home = `http://localhost:${callbacks.address().port}`;
  const atHome = { redirect_uris: [`${home}/callback`], logout_redirect_uris: [`${home}/bye`] };
  const [first, second, third] = ['a', 'b', 'c'].map((identifier, index) => ({
    ...applications.post,
    ...atHome,
    sso: identifier !== 'c',
    name: `Application ${identifier}`,
    identifier,
    id: `cccccccccccccccccccc000${index}`,
  }));
  signet = await startSignet(await networkNotes(), description([first, second, third]));
  const at = (application) => RelyingParty.at(signet.issuer(application.identifier), application);
  [a, b, c] = await Promise.all([at(first), at(second), at(third)]);
  pool = new URL(signet.issuer()).host;
  browser = await launchBrowser();
});
after(async () => {
  await Promise.all([browser?.close(), signet?.stop()]);
  callbacks?.close();
  callbacks?.closeAllConnections();
});
beforeEach(async () => {
  context = await browser.newContext();
  context.setDefaultTimeout(15_000);
  person = new Person(await context.newPage());
});
afterEach(() => context.close());

/** Signs in, checks what came of it, and says who it is, in which session, and where the password was asked for. */
async function signIn(party, who, parameters = PLAIN) {
  const begun = await party.begin(person, who, parameters);
  const tokens = await party.finish(begun);
  const { idToken } = await party.checkTokens(tokens);
  return { who: idToken.preferred_username, sid: idToken.sid, asked: begun.asked, tokens };
}

const refused = (party, error) => assert.rejects(signIn(party, undefined, SILENT), { error });

test('signed in at one, the other opens without a prompt, and the third asks', async () => {
  const first = await signIn(a, ALICE);
  assert.deepEqual([first.who, first.asked], ['alice', [pool]]);
  const second = await signIn(b);
  assert.deepEqual([second.who, second.sid, second.asked], ['alice', first.sid, []]);
  await refused(c, 'login_required');
  const third = await signIn(c, BOB);
  assert.deepEqual([third.who, third.asked], ['bob', [new URL(c.issuer).host]]);
  assert.notEqual(third.sid, first.sid);
  assert.equal((await signIn(a)).who, 'alice');
});

test('nobody is signed in, which is told without a page', async () => {
  await refused(a, 'login_required');
  await signIn(b, ALICE);
  assert.equal((await signIn(a, undefined, SILENT)).who, 'alice');
});

test('each host has a cookie of its own, which scripts cannot read', async () => {
  await signIn(a, ALICE);
  await signIn(b);
  const cookies = (await context.cookies()).filter(({ name }) => name === 'signet_session');
  const hosts = cookies.map(({ domain }) => domain).sort();
  assert.deepEqual(hosts, ['a.localhost', 'b.localhost', 'localhost']);
  assert.equal(new Set(cookies.map(({ value }) => value)).size, 3);
  assert.ok(cookies.every(({ httpOnly }) => httpOnly));
});

test('no address with a ticket is told to another page, or stays in the history', async () => {
  const told = [];
  person.tab.on('request', (request) => told.push(request.headers().referer ?? ''));
  await signIn(a, ALICE);
  await signIn(b);
  assert.ok(told.every((referer) => !referer.includes('ticket=')), told.join('\n'));
  for (let back = 0; back < 4; back++) {
    await person.tab.goBack();
    assert.ok(!person.tab.url().includes('ticket='), person.tab.url());
  }
});

test('a login as somebody else reaches all', async () => {
  await signIn(a, ALICE);
  await signIn(b);
  assert.equal((await signIn(b, BOB, { ...PLAIN, prompt: 'login' })).who, 'bob');
  assert.equal((await signIn(a)).who, 'bob');
});

test('signed out at one is signed out at both', async () => {
  await signIn(a, ALICE);
  const { tokens } = await signIn(b);
  await person.tab.goto(String(b.logoutUrl(tokens.id_token, 'leaving')));
  assert.equal(new URL(person.tab.url()).pathname, '/bye');
  await refused(b, 'login_required');
  await refused(a, 'login_required');
});

test('two tabs come home by themselves, each with its own', async () => {
  await signIn(a, ALICE);
  const [one, two] = [new Person(await context.newPage()), new Person(await context.newPage())];
  const begun = await Promise.all([a.begin(one, undefined, PLAIN), b.begin(two, undefined, PLAIN)]);
  await a.finish(begun[0]);
  await b.finish(begun[1]);
});
