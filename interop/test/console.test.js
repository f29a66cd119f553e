// The document that Signet was made by, done at the console by mouse: each of its sections ticks its boxes, and a real relying
// party uses what was set. Then every page is looked at: by axe-core, by its size, and by a picture of it.
import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ALICE, CALLBACK } from '../applications.js';
import { launchBrowser } from '../lib/browser.js';
import { fetch } from '../lib/fetch.js';
import { Operator, ROOT } from '../lib/operator.js';
import { RelyingParty } from '../lib/relying-party.js';
import { networkNotes, startSignet } from '../lib/signet.js';
import { UserAgent } from '../lib/user-agent.js';

const pictures = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'target', 'screenshots');
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
// No page weighs more, whatever is on it.
const PAGE_BYTES = 150 * 1024;

let base, browser, id, operator, signet;
before(async () => {
  signet = await startSignet(await networkNotes());
  base = signet.issuer().replace(/\/oidc$/, '');
  browser = await launchBrowser();
  const context = await browser.newContext({ locale: 'en', permissions: ['clipboard-read', 'clipboard-write'] });
  context.setDefaultTimeout(15_000);
  operator = new Operator(await context.newPage(), base);
});
after(() => Promise.all([browser?.close(), signet?.stop()]));

/** The application as a developer is handed it. */
async function handedOver(more = {}) {
  await operator.open();
  await operator.tab.locator('#show-secret').click();
  const secret = await operator.copied('secret');
  return { id, secret, token_endpoint_auth_method: 'client_secret_post', id_token_signed_response_alg: 'RS256', access_token_signed_response_alg: 'RS256', redirect_uris: [CALLBACK], ...more };
}

const tokenRequest = async (form) => {
  const answer = await fetch(`${signet.issuer()}/token`, { method: 'POST', body: new URLSearchParams(form) });
  return { status: answer.status, ...(await answer.json()) };
};

test('the first administrator comes by the set-up link, which is dead then', async () => {
  const { stdout } = await signet.run('setup-link');
  const link = stdout.split('\n')[0];
  await operator.setUp(link);
  assert.match(await operator.tab.title(), /Signet/);
  assert.equal((await fetch(link)).status, 404);
});

test('an application is created', async () => {
  id = await operator.create({ name: 'Network Notes Project', identifier: 'network-notes', callback: CALLBACK });
  assert.match(id, /^[0-9a-f]{24}$/);
  assert.equal(await operator.copied('e-issuer'), signet.issuer('network-notes'));
});

test('a value is copied by its button', async () => {
  await operator.open();
  await operator.tab.locator('[data-copy="e-discovery"]').click();
  const copied = await operator.tab.evaluate(() => navigator.clipboard.readText());
  const document = await (await fetch(copied)).json();
  assert.equal(document.issuer, signet.issuer('network-notes'));
});

test('authorization code mode', async () => {
  await operator.open('/protocol');
  await operator.tick('grant_types', ['authorization_code', 'refresh_token']);
  await operator.tick('response_types', ['code']);
  assert.equal(await operator.save('authorization'), '', 'that is what a new application has');
  const party = await RelyingParty.at(signet.issuer('network-notes'), await handedOver());
  const tokens = await party.signIn(new UserAgent(), { ...ALICE, decision: 'allow' });
  assert.ok(tokens.refresh_token, 'offline_access with prompt=consent');
  const again = await party.refresh(tokens.refresh_token);
  assert.ok(again.id_token && again.access_token);
  const { idToken } = await party.checkTokens(tokens);
  assert.equal(idToken.preferred_username, 'alice');
});

test('authorization code + PKCE mode', async () => {
  await operator.open('/protocol');
  for (const endpoint of ['token', 'introspection', 'revocation']) await operator.tick(`${endpoint}_endpoint_auth_method`, ['none']);
  const difference = await operator.save('security');
  assert.match(difference, /token_endpoint_auth_method: "client_secret_post" → "none"/);
  const party = await RelyingParty.at(signet.issuer('network-notes'), {
    id, token_endpoint_auth_method: 'none', id_token_signed_response_alg: 'RS256', redirect_uris: [CALLBACK],
  });
  assert.ok((await party.signIn(new UserAgent(), { ...ALICE, decision: 'allow' })).id_token);
});

test('implicit mode', async () => {
  await operator.open('/protocol');
  await operator.tick('grant_types', ['implicit']);
  await operator.tick('response_types', ['id_token token', 'id_token']);
  await Promise.all([operator.tab.waitForNavigation(), operator.tab.locator('#save-authorization').click()]);
  assert.match(await operator.tab.locator('.advice').first().textContent(), /RFC 9700 §2\.1\.2/, 'what is better not done is said before');
  await operator.press('Save the change');
  const url = new URL(`${signet.issuer()}/auth`);
  url.search = new URLSearchParams({ client_id: id, response_type: 'id_token token', redirect_uri: CALLBACK, scope: 'openid', nonce: 'n', state: 's' });
  const { arrived } = await new UserAgent().visit(url, CALLBACK, ALICE);
  const answer = new URLSearchParams(arrived.hash.slice(1));
  assert.ok(answer.get('id_token') && answer.get('access_token') && !answer.get('refresh_token'));
});

test('a combination that cannot work is explained beside its box, and nothing is saved', async () => {
  await operator.open('/protocol');
  await operator.tick('response_types', ['code']);
  await Promise.all([operator.tab.waitForNavigation(), operator.tab.locator('#save-authorization').click()]);
  assert.match(await operator.tab.locator('#n-response_types .note-bad').textContent(), /needs authorization_code|id_token or token/);
  await operator.open('/protocol');
  assert.ok(await operator.tab.locator('[name="response_types.id_token"]').isChecked());
});

test('hybrid mode', async () => {
  await operator.open('/protocol');
  await operator.tab.locator('#preset-hybrid').click();
  await operator.press('Save the change');
  const url = new URL(`${signet.issuer()}/auth`);
  url.search = new URLSearchParams({
    client_id: id, response_type: 'code id_token token', redirect_uri: CALLBACK, scope: 'openid', nonce: 'n', state: 's',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256',
  });
  const { arrived } = await new UserAgent().visit(url, CALLBACK, ALICE);
  const answer = new URLSearchParams(arrived.hash.slice(1));
  for (const member of ['code', 'id_token', 'access_token']) assert.ok(answer.get(member), member);
});

test('password mode', async () => {
  await operator.open('/protocol');
  await operator.tab.locator('#preset-password').click();
  await operator.press('Save the change');
  await operator.open('/protocol');
  for (const endpoint of ['token', 'introspection', 'revocation']) await operator.tick(`${endpoint}_endpoint_auth_method`, ['client_secret_post']);
  await operator.save('security');
  const { secret } = await handedOver();
  const asked = { grant_type: 'password', client_id: id, client_secret: secret, username: ALICE.username, scope: 'openid profile' };
  const right = await tokenRequest({ ...asked, password: ALICE.password });
  assert.equal(right.status, 200, JSON.stringify(right));
  assert.ok(right.id_token);
  assert.deepEqual((await tokenRequest({ ...asked, password: 'wrong' })).error, 'invalid_grant');
});

test('without scripts, signing in to the console and changing a setting', async () => {
  const context = await browser.newContext({ locale: 'en', javaScriptEnabled: false });
  const plain = new Operator(await context.newPage(), base);
  await plain.signIn('/console/applications');
  plain.application = operator.application;
  await plain.open('/protocol');
  await plain.tab.locator('#f-access_token_expire').fill('1800');
  assert.match(await plain.save('expiry'), /access_token_expire: 3600 → 1800/);
  await context.close();
});

test('a form with changes is not left unasked', async () => {
  await operator.open('/protocol');
  await operator.tab.locator('#f-id_token_expire').fill('600');
  assert.ok(await operator.tab.locator('#card-expiry [data-unsaved-mark]').isVisible());
  let asked = false;
  operator.tab.once('dialog', (dialog) => { asked = dialog.type() === 'beforeunload'; dialog.accept(); });
  await operator.tab.goto(`${base}/console/applications`);
  assert.ok(asked);
});

const authorize = () => {
  const url = new URL(`${signet.issuer()}/auth`);
  url.search = new URLSearchParams({
    client_id: id, response_type: 'code', redirect_uri: CALLBACK, scope: 'openid', state: 's',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256',
  });
  return url.pathname + url.search;
};

test('colour and texts are previewed while they are typed, saved, and seen by who signs in', async () => {
  await operator.open('/protocol');
  await operator.tab.locator('#preset-code').click();
  await operator.press('Save the change');
  await operator.open('/branding');
  const { tab } = operator;
  const entries = await tab.evaluate(() => history.length);
  await tab.locator('#f-brand_color').fill('#FFD400');
  await tab.locator('#f-login_title').fill('Welcome to Network Notes');
  await tab.locator('#f-login_text').fill('Use the number on your staff card.');
  await tab.locator('#f-support_uri').fill('https://help.example/');
  await tab.locator('#f-policy_uri').fill('https://rp.example/privacy');
  await tab.locator('#f-tos_uri').fill('https://rp.example/terms');
  await tab.getByRole('radio', { name: 'Dark' }).check();
  const shown = tab.frameLocator('.frames iframe:last-child');
  await shown.getByRole('heading', { name: 'Welcome to Network Notes' }).waitFor();
  const button = shown.locator('#sign-in');
  await expectStyle(button, 'background-color', 'rgb(255, 212, 0)');
  await expectStyle(shown.locator('body'), 'background-color', 'rgb(15, 20, 19)');
  assert.equal(await tab.evaluate(() => history.length), entries, 'going back does not go through previews');
  assert.match(await operator.save('branding'), /brand_color: .*"#ffd400"/);
  const context = await browser.newContext({ locale: 'en' });
  const person = await context.newPage();
  await person.goto(`${base}${authorize()}`);
  assert.equal(await person.locator('h1').textContent(), 'Welcome to Network Notes');
  await expectStyle(person.locator('#sign-in'), 'background-color', 'rgb(255, 212, 0)');
  assert.equal(await person.getByRole('link', { name: 'Privacy policy' }).getAttribute('href'), 'https://rp.example/privacy');
  await context.close();
});

test('without scripts, a preview is shown by its button', async () => {
  const context = await browser.newContext({ locale: 'en', javaScriptEnabled: false });
  const plain = new Operator(await context.newPage(), base);
  await plain.signIn('/console/applications');
  plain.application = operator.application;
  await plain.open('/branding');
  await plain.tab.locator('#f-login_title').fill('Another heading');
  await plain.tab.locator('#preview').click();
  await plain.tab.frameLocator('iframe[name=preview]').getByRole('heading', { name: 'Another heading' }).waitFor();
  await context.close();
});

/** Waits until an element looks so: stylesheets and transitions take their time. */
async function expectStyle(element, property, value) {
  const look = () => element.evaluate((node, name) => getComputedStyle(node)[name], property);
  for (let tries = 0; tries < 50 && await look() !== value; tries++) await new Promise((resume) => setTimeout(resume, 100));
  assert.equal(await look(), value);
}

/** Every page that the console links to from where it begins, one of each kind. */
async function everyPage() {
  const kind = (path) => path.replace(/[0-9a-f]{24}/g, ':id').replace(/\?.*/, '');
  const found = new Map([['/console/applications', '/console/applications']]);
  for (const path of ['/console', `${operator.application}`, '/console/users', '/console/audit', '/console/settings', '/console/applications/new']) {
    const answer = await operator.tab.goto(`${base}${path}`);
    if (answer.status() !== 200) continue;
    const here = new URL(operator.tab.url()).pathname;
    found.set(kind(here), here);
    const links = await operator.tab.locator('main a[href^="/console"], nav a[href^="/console"]').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
    for (const link of links) if (!/export|download|\.(csv|json|toml)/.test(link) && !found.has(kind(link))) found.set(kind(link), link);
  }
  return [...found.values()];
}

test('every page is clean for assistive technology, small, and has its picture taken', async () => {
  await mkdir(pictures, { recursive: true });
  const paths = [...await everyPage(), authorize()];
  assert.ok(paths.length > 10, paths.join(' '));
  const violations = [];
  for (const [locale, tag] of [['en', 'en'], ['zh-CN', 'zh-CN']]) {
    for (const colorScheme of ['light', 'dark']) {
      const context = await browser.newContext({ locale, colorScheme, viewport: { width: 1280, height: 900 }, bypassCSP: true });
      context.setDefaultTimeout(15_000);
      const person = new Operator(await context.newPage(), base);
      await person.signIn();
      for (const path of paths) {
        const answer = await person.tab.goto(`${base}${path}`);
        assert.equal(answer.status(), 200, path);
        const html = await answer.text();
        assert.ok(Buffer.byteLength(html) <= PAGE_BYTES, `${path} has ${Buffer.byteLength(html)} bytes`);
        assert.ok(html.includes(`<html lang="${tag}">`), `${path} is not in ${tag}`);
        await person.tab.evaluate(axe);
        const { violations: here } = await person.tab.evaluate(() => window.axe.run());
        for (const { id: rule, nodes } of here) violations.push(`${path} ${locale} ${colorScheme}: ${rule} ${nodes.map((node) => node.target).slice(0, 3).join(' ')}`);
        const name = path.replace(/[0-9a-f]{24}/g, 'id').replace(/^\/|\?.*$/g, '').replaceAll('/', '-');
        await person.tab.screenshot({ path: join(pictures, `${name}.${locale}.${colorScheme}.png`), fullPage: true });
        for (const width of [360, 3840]) {
          await person.tab.setViewportSize({ width, height: 900 });
          const beyond = await person.tab.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
          if (beyond > 0) violations.push(`${path} ${locale}: ${beyond} pixels too wide at ${width}`);
          if (width === 360 && colorScheme === 'light') await person.tab.screenshot({ path: join(pictures, `${name}.${locale}.narrow.png`), fullPage: true });
        }
        await person.tab.setViewportSize({ width: 1280, height: 900 });
      }
      await context.close();
    }
  }
  assert.deepEqual(violations, []);
});

test('nobody else gets in, and the owner is out when they say so', async () => {
  const stranger = await browser.newContext({ locale: 'en' });
  const tab = await stranger.newPage();
  await tab.goto(`${base}${operator.application}/protocol`);
  assert.match(tab.url(), /\/console\/sign-in\?to=/);
  await tab.locator('input[name=username]').fill(ALICE.username);
  await tab.locator('input[name=password]').fill(ALICE.password);
  await tab.locator('#sign-in').click();
  assert.match(await tab.locator('#alert').textContent(), /you have no role/);
  await stranger.close();
  await operator.tab.goto(`${base}/console/applications`);
  await operator.tab.locator('details.menu summary').first().click();
  await operator.press('Sign out');
  await operator.tab.goto(`${base}/console/applications`);
  assert.match(operator.tab.url(), /\/console\/sign-in/);
  assert.ok(ROOT.username);
});
