// Tokens through the browser: openid-client 5, which knows every response type, and 6, which kept two of them. Both check
// signature, nonce, c_hash, at_hash and s_hash of what arrives before anything is redeemed.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { text } from 'node:stream/consumers';
import '../lib/webcrypto.js';
import * as six from 'openid-client';
import five from 'openid-client-5';
import { ALICE, BOB, CALLBACK, application, description } from '../applications.js';
import { launchBrowser } from '../lib/browser.js';
import { loopback } from '../lib/fetch.js';
import { RelyingParty } from '../lib/relying-party.js';
import { networkNotes, startSignet } from '../lib/signet.js';
import { UserAgent } from '../lib/user-agent.js';

five.custom.setHttpOptionsDefaults({ lookup: loopback });

const { generators } = five;
const ALLOW = { ...ALICE, decision: 'allow' };
const HYBRID = ['code id_token', 'code token', 'code id_token token'];
const IMPLICIT = ['id_token', 'id_token token'];

/** What the application's page for the callback does with the form it is sent: it finishes the login and shows who came. */
async function serveBackEnd() {
  const backEnd = {};
  const server = createServer(async (request, response) => {
    request.body = await text(request);
    const shown = await backEnd.finish(request).catch((error) => error.message);
    response.setHeader('content-type', 'text/html').end(`<!doctype html><p id="shown">${shown}`);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  backEnd.callback = `http://localhost:${server.address().port}/callback`;
  backEnd.stop = () => server.close();
  return backEnd;
}

let app, backEnd, browser, issuer, signet;
before(async () => {
  backEnd = await serveBackEnd();
  app = application(11, 'front', {
    redirect_uris: [CALLBACK, backEnd.callback],
    grant_types: ['authorization_code', 'implicit', 'refresh_token'],
    response_types: [...HYBRID, ...IMPLICIT],
  });
  signet = await startSignet(await networkNotes(), description({ app }));
  issuer = await five.Issuer.discover(signet.issuer());
  browser = await launchBrowser();
});
after(() => Promise.all([browser?.close(), backEnd?.stop(), signet?.stop()]));

/** A login with openid-client 5 that has been asked for: where to go, and how to finish with what arrives. */
function ask(response_type, redirect_uri, parameters = {}) {
  const client = new issuer.Client({
    client_id: app.id,
    client_secret: app.secret,
    token_endpoint_auth_method: app.token_endpoint_auth_method,
    response_types: [response_type],
  });
  const code_verifier = generators.codeVerifier();
  const checks = { response_type, state: generators.state() };
  if (response_type.includes('id_token')) checks.nonce = generators.nonce();
  const pkce = { code_challenge: generators.codeChallenge(code_verifier), code_challenge_method: 'S256' };
  if (response_type.includes('code')) checks.code_verifier = code_verifier;
  const url = client.authorizationUrl({
    scope: 'openid profile email offline_access',
    prompt: 'consent',
    redirect_uri,
    response_type,
    state: checks.state,
    ...(checks.nonce && { nonce: checks.nonce }),
    ...(checks.code_verifier && pkce),
    ...parameters,
  });
  return { client, url, finish: (answer) => client.callback(redirect_uri, answer, checks) };
}

/** What is in the fragment of the address that a person is sent to. */
async function arrive(url, answers = ALLOW) {
  const { arrived } = await new UserAgent().visit(url, CALLBACK, answers);
  assert.equal(arrived.search, '', 'nothing of it is in the query');
  return Object.fromEntries(new URLSearchParams(arrived.hash.slice(1)));
}

for (const response_type of HYBRID) {
  test(`${response_type}: the code gives tokens of the same login`, async () => {
    const login = ask(response_type, CALLBACK);
    const answer = await arrive(login.url);
    assert.equal('access_token' in answer, response_type.endsWith(' token'));
    assert.equal('id_token' in answer, response_type.includes('id_token'));
    assert.equal(answer.refresh_token, undefined);

    const tokens = await login.finish(answer);
    const { sub, email } = tokens.claims();
    assert.equal(email, 'alice@example.com');
    assert.equal((await login.client.userinfo(tokens)).sub, sub);
    if (answer.access_token) assert.equal((await login.client.userinfo(answer.access_token)).sub, sub);
    const refreshed = await login.client.refresh(tokens.refresh_token);
    assert.equal(refreshed.claims().sub, sub);
  });
}

for (const response_type of IMPLICIT) {
  test(`${response_type}: all of it comes at once, and never a refresh token`, async () => {
    const login = ask(response_type, CALLBACK);
    const tokens = await login.finish(await arrive(login.url));
    assert.equal(tokens.claims().email, 'alice@example.com');
    assert.equal(tokens.refresh_token, undefined);
    assert.equal('access_token' in tokens, response_type.endsWith(' token'));
    if (tokens.access_token) assert.equal((await login.client.userinfo(tokens)).given_name, 'Alice');
  });
}

for (const response_type of [...HYBRID, ...IMPLICIT]) {
  test(`${response_type}: a browser posts the answer to the application`, async () => {
    const context = await browser.newContext();
    try {
      const tab = await context.newPage();
      const login = ask(response_type, backEnd.callback, { response_mode: 'form_post' });
      backEnd.finish = async (request) => {
        assert.equal(request.method, 'POST');
        return (await login.finish(login.client.callbackParams(request))).claims().email;
      };
      await tab.goto(login.url);
      await tab.locator('input[name=username]').fill(ALICE.username);
      await tab.locator('input[name=password]').fill(ALICE.password);
      await tab.locator('#sign-in').click();
      await tab.locator('#allow').click();
      await tab.waitForURL(backEnd.callback);
      assert.equal(await tab.locator('#shown').innerText(), 'alice@example.com');
    } finally {
      await context.close();
    }
  });
}

test('whoever says no comes back with access_denied, in the fragment', async () => {
  const login = ask('code id_token token', CALLBACK);
  const answer = await arrive(login.url, { ...BOB, decision: 'deny' });
  await assert.rejects(login.finish(answer), { error: 'access_denied' });
});

test('a return type that is not ticked is refused before anybody is asked', async () => {
  const login = ask('code', CALLBACK, { response_mode: 'fragment' });
  await assert.rejects(login.finish(await arrive(login.url, {})), { error: 'unauthorized_client' });
});

/** The token with another last character but one: the very last may carry bits that do not count. */
const tampered = (token) => token.slice(0, -2) + (token.at(-2) === 'A' ? 'B' : 'A') + token.at(-1);

test('a client notices what was exchanged on the way', async () => {
  const [one, other] = [ask('code id_token token', CALLBACK), ask('code id_token token', CALLBACK)];
  const [good, foreign] = [await arrive(one.url), await arrive(other.url)];
  const refusals = [
    [{ id_token: tampered(good.id_token) }, /failed to validate JWT signature/],
    [{ id_token: foreign.id_token }, /nonce mismatch/],
    [{ code: foreign.code }, /c_hash/],
    [{ access_token: foreign.access_token }, /at_hash/],
    [{ state: foreign.state }, /state mismatch/],
  ];
  for (const [change, reason] of refusals) await assert.rejects(one.finish({ ...good, ...change }), reason);
  await assert.doesNotReject(one.finish(good), 'and none of it cost the code');
});

test('openid-client 6: code id_token with a detached signature', async () => {
  const also = [six.useCodeIdTokenResponseType, six.enableDetachedSignatureResponseChecks];
  const party = await RelyingParty.at(signet.issuer(), app, { also });
  const login = await party.begin(new UserAgent(), ALLOW);
  const tokens = await party.finish(login);
  assert.equal((await party.checkTokens(tokens)).idToken.email, 'alice@example.com');

  const again = await party.begin(new UserAgent(), ALLOW);
  const other = { ...again, checks: { ...again.checks, expectedNonce: six.randomNonce() } };
  await assert.rejects(party.finish(other), (error) => error.cause?.cause?.claim === 'nonce');
});

test('openid-client 6: id_token alone', async () => {
  const party = await RelyingParty.at(signet.issuer(), app, { also: [six.useIdTokenResponseType] });
  const { arrived, checks } = await party.begin(new UserAgent(), ALLOW);
  const finish = (nonce) => six.implicitAuthentication(party.config, arrived, nonce, { expectedState: checks.expectedState });
  assert.equal((await finish(checks.expectedNonce)).email, 'alice@example.com');
  await assert.rejects(finish(six.randomNonce()), (error) => error.cause?.cause?.claim === 'nonce');
});
