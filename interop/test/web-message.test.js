// response_mode=web_message in a real browser: a pop-up for the sign-in, a hidden frame for the silent check, and what a
// page at another origin gets of either.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { ALICE } from '../applications.js';
import { launchBrowser } from '../lib/browser.js';
import { startSignet } from '../lib/signet.js';

const CLIENT_ID = 'aaaaaaaaaaaaaaaaaaaa0101';

/** A page with nothing on it. */
async function serveBlank() {
  const server = createServer((_, answer) => answer.setHeader('content-type', 'text/html').end('<!doctype html>')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { origin: `http://localhost:${server.address().port}`, stop: () => server.close() };
}

let browser, own, other, signet;
before(async () => {
  [own, other] = await Promise.all([serveBlank(), serveBlank()]);
  signet = await startSignet(`
[[applications]]
name = "Messages"
identifier = "messages"
id = "${CLIENT_ID}"
type = "spa"
redirect_uris = ["${own.origin}/callback"]
grant_types = ["authorization_code", "implicit"]
response_types = ["code", "id_token token", "code id_token token"]

[[users]]
username = "${ALICE.username}"
password = "${ALICE.password}"
`);
  browser = await launchBrowser();
});
after(() => Promise.all([browser?.close(), own?.stop(), other?.stop(), signet?.stop()]));

// At the pool's address, which is of the same site as the page: over plain http no browser lets cookies into frames of
// another site.
function authorize(parameters) {
  const query = new URLSearchParams({
    client_id: CLIENT_ID,
    redirect_uri: `${own.origin}/callback`,
    response_type: 'id_token token',
    response_mode: 'web_message',
    scope: 'openid profile',
    state: 'st4te',
    nonce: 'n0nce',
    ...parameters,
  });
  return `${signet.issuer()}/auth?${query}`;
}

/** What a hidden frame tells the page that has it, within the time; undefined when it says nothing. */
const ask = (page, url) =>
  page.evaluate(
    (url) =>
      new Promise((resolve) => {
        const frame = document.body.appendChild(document.createElement('iframe'));
        const listen = ({ origin, data, source }) => source === frame.contentWindow && resolve({ origin, data });
        addEventListener('message', listen);
        frame.src = url;
        setTimeout(resolve, 5000);
      }),
    url,
  );

test('a pop-up signs in, and a hidden frame knows about it without a page', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(own.origin);
  const signedOut = await ask(page, authorize({ prompt: 'none' }));
  assert.equal(signedOut.origin, new URL(signet.issuer()).origin);
  assert.equal(signedOut.data.type, 'authorization_response');
  assert.equal(signedOut.data.response.error, 'login_required');
  assert.equal(signedOut.data.response.state, 'st4te');

  const opened = page.waitForEvent('popup');
  const told = page.evaluate((url) => {
    const popup = window.open(url);
    return new Promise((resolve) => addEventListener('message', ({ source, data }) => source === popup && resolve(data)));
  }, authorize({}));
  const popup = await opened;
  await popup.locator('input[name=username]').fill(ALICE.username);
  await popup.locator('input[name=password]').fill(ALICE.password);
  await popup.locator('#sign-in').click();
  const { type, response } = await told;
  assert.equal(type, 'authorization_response');
  assert.deepEqual(Object.keys(response).sort(), ['access_token', 'expires_in', 'id_token', 'iss', 'scope', 'state', 'token_type']);

  const silent = await ask(page, authorize({ prompt: 'none' }));
  const claims = JSON.parse(Buffer.from(silent.data.response.id_token.split('.')[1], 'base64url'));
  assert.equal(claims.nonce, 'n0nce');

  const stranger = await context.newPage();
  await stranger.goto(other.origin);
  assert.equal(await ask(stranger, authorize({ prompt: 'none' })), undefined, 'another origin may not even frame it');
  const overheard = stranger.evaluate((url) => {
    const popup = window.open(url);
    return new Promise((resolve) => {
      addEventListener('message', ({ source, data }) => source === popup && resolve(data));
      setTimeout(resolve, 3000);
    });
  }, authorize({}));
  assert.equal(await overheard, undefined, 'nor is it told what a pop-up says');
  await context.close();
});

test('without scripts the page says what to do', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false, locale: 'zh-CN' });
  const page = await context.newPage();
  await page.goto(authorize({ prompt: 'none' }));
  assert.match(await page.locator('noscript').innerText(), /脚本/);
  await context.close();
});
