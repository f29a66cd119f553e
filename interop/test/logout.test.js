// Logout in a real browser: two applications share a login, a frame watches it, and both are told of its end by frames and
// by the back channel, though one is down at first.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose';
import { ALICE } from '../applications.js';
import { launchBrowser } from '../lib/browser.js';
import { fetch } from '../lib/fetch.js';
import { listener, until } from '../lib/listener.js';
import { startSignet } from '../lib/signet.js';

const table = ({ id, origin, backchannel }, name) => `
[[applications]]
name = "${name}"
identifier = "${name}"
id = "${id}"
type = "spa"
sso = true
redirect_uris = ["${origin}/callback"]
logout_redirect_uris = ["${origin}/bye"]
frontchannel_logout_uri = "${origin}/frame"
backchannel_logout_uri = "${backchannel}"
session_management = true
`;

let browser, one, two, signet;
before(async () => {
  process.env.SIGNET_OUTBOUND_ALLOW = 'loopback';
  [one, two] = await Promise.all([1, 2].map(async (number) => ({ id: `aaaaaaaaaaaaaaaaaaaa020${number}`, ...(await listener()) })));
  await Promise.all([one.start(), two.start()]);
  const people = `[[users]]\nusername = "${ALICE.username}"\npassword = "${ALICE.password}"\n`;
  signet = await startSignet(table(one, 'one') + table(two, 'two') + people);
  browser = await launchBrowser();
});
after(() => Promise.all([browser?.close(), one?.stop(), two?.stop(), signet?.stop()]));

const authorize = ({ id, origin }) =>
  `${signet.issuer()}/auth?${new URLSearchParams({
    client_id: id,
    redirect_uri: `${origin}/callback`,
    response_type: 'code',
    scope: 'openid',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })}`;

/** What the provider's frame says of a `session_state` to a page that has it. */
const ask = (page, { id }, state) =>
  page.evaluate(
    ([url, message]) =>
      new Promise((resolve, reject) => {
        const frame = document.body.appendChild(document.createElement('iframe'));
        addEventListener('message', ({ source, data }) => source === frame.contentWindow && resolve(data));
        frame.onload = () => frame.contentWindow.postMessage(message, new URL(url).origin);
        frame.src = url;
        setTimeout(() => reject(new Error('no answer')), 10_000);
      }),
    [`${signet.issuer()}/session/check`, `${id} ${state}`],
  );

test('everybody is told of a logout, and the way goes on', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(authorize(one));
  await page.locator('input[name=username]').fill(ALICE.username);
  await page.locator('input[name=password]').fill(ALICE.password);
  await page.locator('#sign-in').click();
  await page.waitForURL(`${one.origin}/callback?*`);
  const state = new URL(page.url()).searchParams.get('session_state');
  assert.equal(await ask(page, one, state), 'unchanged');
  assert.equal(await ask(page, one, `${'x'.repeat(43)}.${state.split('.')[1]}`), 'changed');
  assert.equal(await ask(page, one, 'nonsense'), 'error');
  assert.equal(await ask(page, two, state), 'changed', 'it is for another application');

  const other = await context.newPage();
  await other.goto(authorize(two));
  await other.waitForURL(`${two.origin}/callback?*`);
  assert.equal(await ask(other, two, state), 'changed', 'it is for another origin');

  two.stop();
  await other.goto(`${signet.issuer()}/session/end?client_id=${one.id}&post_logout_redirect_uri=${one.origin}/bye&state=s`);
  await other.locator('#sign-out').click();
  await other.waitForURL(`${one.origin}/bye?state=s`);
  assert.equal(one.told.frames.length, 1);
  assert.equal(one.told.frames[0].iss, signet.issuer());
  assert.equal(await ask(page, one, state), 'changed');

  await two.start();
  await until(() => one.told.tokens.length > 0 && two.told.tokens.length > 0, 'both are told by the back channel');
  const keys = createRemoteJWKSet(new URL(`${signet.issuer()}/.well-known/jwks.json`), { [customFetch]: fetch });
  for (const { id, told } of [one, two]) {
    const { payload } = await jwtVerify(told.tokens[0], keys, { issuer: signet.issuer(), audience: id, typ: 'logout+jwt' });
    assert.equal(payload.sid, one.told.frames[0].sid);
    assert.deepEqual(payload.events, { 'http://schemas.openid.net/event/backchannel-logout': {} });
  }
  await context.close();
});

test('without scripts the page of the frames goes on as well', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false, locale: 'zh-CN' });
  const page = await context.newPage();
  await page.goto(authorize(one));
  await page.locator('input[name=username]').fill(ALICE.username);
  await page.locator('input[name=password]').fill(ALICE.password);
  await page.locator('#sign-in').click();
  await page.waitForURL(`${one.origin}/callback?*`);
  await page.goto(`${signet.issuer()}/session/end?client_id=${one.id}&post_logout_redirect_uri=${one.origin}/bye`);
  await page.locator('#sign-out').click();
  assert.match(await page.locator('h1').innerText(), /正在退出登录/);
  assert.equal(await page.locator('iframe').count(), 1);
  await page.waitForURL(`${one.origin}/bye`);
  await context.close();
});
