// The harness's own parts, against a server of ten lines.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { description } from '../applications.js';
import { fetch } from '../lib/fetch.js';
import { chooseForm, fillIn, forms } from '../lib/forms.js';
import { freePort } from '../lib/signet.js';
import { UserAgent } from '../lib/user-agent.js';

const CALLBACK = 'http://localhost:3000/callback';
const LOGIN = `<form action='/language'><input name="lang"></form>
  <FORM method="post" action="/login?txn=1&amp;x=&#x27;2&#39;">
    <input type=hidden name=csrf value="a&quot;b&lt;c">
    <input name="username" value="prefilled"><input type="password" name="password">
    <button id="sign-in">Go</button>
    <button name="decision" value="allow">Yes</button><button name="decision" value="deny">No</button>
  </form>`;

test('a form is found and filled in as a person would', () => {
  const form = chooseForm(LOGIN, { password: 'p' });
  assert.equal(form.action, "/login?txn=1&x='2'");
  const { body } = fillIn(form, { username: 'alice', password: 'p', decision: 'deny' });
  assert.equal(body.toString(), 'csrf=a%22b%3Cc&username=alice&password=p&decision=deny');
  assert.throws(() => fillIn(form, { username: 'alice', decision: 'deny' }), /asks for password/);
  assert.equal(chooseForm(LOGIN, { other: 1 }), undefined, 'two forms and no reason to choose');
  assert.throws(() => fillIn(forms(LOGIN)[0], { lang: 'en' }), /must be posted/);
});

test('the description is one table per application', () => {
  assert.equal(description().match(/^\[\[applications\]\]$/gm).length, 4);
  assert.match(description(), /^redirect_uris = \["http:\/\/localhost:3000\/callback"\]$/m);
});

let port;
const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://any');
  const answer = {
    '/start': [303, { location: '/cookies', 'set-cookie': ['a=1; Path=/; HttpOnly', 'b=2; Path=/'] }],
    '/cookies': [303, { location: `/seen?${request.headers.cookie}`, 'set-cookie': 'a=; Max-Age=0' }],
    '/seen': [303, { location: `${CALLBACK}?seen=${encodeURIComponent(`${request.url} ${request.headers.cookie}`)}` }],
    '/kept': [307, { location: '/start' }],
    '/loop': [303, { location: '/loop' }],
    '/post': [200, {}, `<form method=post action="${CALLBACK}"><input type=hidden name=code value="1&amp;2"></form>`],
    '/ask': [200, {}, '<form method=post action="/answer"><input type=hidden name=csrf value=1><input name=word></form>'],
    '/answer': [200, {}, await text(request)],
    '/host': [200, {}, request.headers.host],
  }[pathname] ?? [404, {}, 'nothing here'];
  response.writeHead(answer[0], answer[1]).end(answer[2]);
});
before(async () => {
  port = await freePort();
  await once(server.listen(port, '127.0.0.1'), 'listening');
});
after(() => {
  server.close();
  server.closeAllConnections();
});

const visit = (path) => new UserAgent().visit(`http://localhost:${port}${path}`, CALLBACK);

test('cookies are kept, sent and forgotten', async () => {
  const { arrived } = await visit('/start');
  assert.equal(arrived.searchParams.get('seen'), '/seen?a=1;%20b=2 b=2');
});

test('a form that posts to the callback arrives as a request', async () => {
  const { arrived, asked } = await visit('/post');
  assert.equal(await arrived.text(), 'code=1%262');
  assert.deepEqual(asked, []);
});

test('browsing ends at the page that asks for nothing known', async () => {
  const base = `http://localhost:${port}`;
  const { url, status, page } = await new UserAgent().browse(`${base}/ask`, { word: 'w' });
  assert.deepEqual([url.pathname, status, page], ['/answer', 200, 'csrf=1&word=w']);
  assert.equal((await new UserAgent().browse(`${base}/ask`, { other: 'w' })).url.pathname, '/ask');
  assert.equal((await new UserAgent().browse(`${base}/missing`)).status, 404);
  await assert.rejects(new UserAgent().browse(`${base}/loop`), /12 steps/);
});

test('error pages, loops and redirects that would repeat the request are errors', async () => {
  await assert.rejects(visit('/missing'), /404/);
  await assert.rejects(visit('/loop'), /12 steps/);
  await assert.rejects(visit('/kept'), /redirect by 307/);
});

test('application hosts are this machine and other hosts are out of reach', async () => {
  const host = `notes.localhost:${port}`;
  assert.equal(await (await fetch(`http://${host}/host`)).text(), host);
  await assert.rejects(fetch('http://example.com/'), (error) => /not this machine/.test(error.cause.message));
});
