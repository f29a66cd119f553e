// A back end that uses openid-client: the whole life of a login, once for every way to authenticate and to sign.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AFTER_LOGOUT, ALICE, BOB, applications, description } from '../applications.js';
import { RelyingParty } from '../lib/relying-party.js';
import { networkNotes, startSignet } from '../lib/signet.js';
import { UserAgent } from '../lib/user-agent.js';

const ALLOW = { ...ALICE, decision: 'allow' };
// As examples/network-notes.toml has it.
const notes = {
  id: '5f17a529f64fb009b794a2ff',
  secret: 'example-secret-of-network-notes-change-me',
  token_endpoint_auth_method: 'client_secret_basic',
  id_token_signed_response_alg: 'RS256',
  access_token_signed_response_alg: 'RS256',
};

let signet;
before(async () => (signet = await startSignet(await networkNotes(), description())));
after(() => signet?.stop());

const atPool = (application) => RelyingParty.at(signet.issuer(), application);
const refused = (error, status) => ({ error, ...(status && { status }) });

async function wholeLife(party) {
  const person = new UserAgent();
  const login = await party.begin(person, ALLOW);
  assert.equal(login.asked.length, 2, 'a login page and a consent page');
  assert.equal(new URL(login.arrived).searchParams.get('iss'), party.issuer, 'the issuer names itself');

  const first = await party.finish(login);
  assert.equal(first.token_type.toLowerCase(), 'bearer');
  assert.ok(first.refresh_token);
  const { idToken } = await party.checkTokens(first);
  assert.equal(idToken.name, 'Alice Liddell');
  assert.equal(idToken.email, 'alice@example.com');
  assert.ok(idToken.at_hash && idToken.auth_time && idToken.sid);

  const profile = await party.userInfo({ ...first, subject: idToken.sub });
  assert.equal(profile.given_name, 'Alice');
  assert.equal(profile.email_verified, true);
  assert.equal(profile.phone_number, undefined, 'a scope that was not asked for');

  const second = await party.refresh(first.refresh_token);
  assert.notEqual(second.refresh_token, first.refresh_token);
  assert.notEqual(second.access_token, first.access_token);
  assert.equal((await party.checkTokens(second)).idToken.sub, idToken.sub);

  const active = await party.introspect(second.access_token);
  assert.equal(active.active, true);
  assert.deepEqual([active.iss, active.client_id, active.sub], [party.issuer, party.application.id, idToken.sub]);

  const silent = await party.begin(person, {}, { prompt: 'none', scope: 'openid' });
  assert.equal((await party.finish(silent)).claims().sid, idToken.sid, 'the same session, without a page');

  await party.revoke(second.access_token, 'access_token');
  assert.deepEqual(await party.introspect(second.access_token), { active: false });
  await assert.rejects(party.userInfo(second), { status: 401 });
  await party.revoke(second.refresh_token, 'refresh_token');
  await assert.rejects(party.refresh(second.refresh_token), refused('invalid_grant', 400));

  const left = await person.visit(party.logoutUrl(first.id_token, 'farewell'), AFTER_LOGOUT);
  assert.equal(left.arrived.searchParams.get('state'), 'farewell');
  assert.deepEqual(left.asked, [], 'a hint that fits the session asks nothing');
  await assert.rejects(party.signIn(person, {}, { prompt: 'none', scope: 'openid' }), refused('login_required'));
}

for (const [name, application] of Object.entries(applications)) {
  const { token_endpoint_auth_method: auth, id_token_signed_response_alg: id } = application;
  const access = application.access_token_signed_response_alg;
  test(`${name}: ${auth}, ID token ${id}, access token ${access}`, async () => wholeLife(await atPool(application)));
}

test("the example at the application's own issuer", async () => {
  await wholeLife(await RelyingParty.at(signet.issuer('notes'), notes));
});

test('the answer comes as a form with response_mode=form_post', async () => {
  const party = await atPool(applications.post);
  const login = await party.begin(new UserAgent(), ALLOW, { response_mode: 'form_post' });
  assert.equal(login.arrived.method, 'POST');
  await party.checkTokens(await party.finish(login));
});

test('whoever says no is taken back with access_denied', async () => {
  const party = await atPool(applications.post);
  const login = party.signIn(new UserAgent(), { ...BOB, decision: 'deny' });
  await assert.rejects(login, refused('access_denied'));
});

test('no refresh token without offline_access, and no second question for a remembered consent', async () => {
  const party = await atPool(applications.basic);
  const person = new UserAgent();
  const online = { scope: 'openid profile', prompt: 'consent' };
  assert.equal((await party.signIn(person, { ...BOB, decision: 'allow' }, online)).refresh_token, undefined);
  await assert.rejects(party.begin(person, {}, { scope: 'openid profile', prompt: 'login' }), /the page asks for username/);
  const remembered = await party.begin(person, {}, { scope: 'openid profile', prompt: 'none' });
  assert.deepEqual(remembered.asked, []);
});

test('a code works once, and a second use takes back what the first gave', async () => {
  const party = await atPool(applications.post);
  const login = await party.begin(new UserAgent(), ALLOW);
  const tokens = await party.finish(login);
  await assert.rejects(party.finish(login), refused('invalid_grant', 400));
  assert.equal((await party.introspect(tokens.access_token)).active, false);
  await assert.rejects(party.refresh(tokens.refresh_token), refused('invalid_grant', 400));
});

test('a code needs its verifier and its own client', async () => {
  const party = await atPool(applications.post);
  const login = await party.begin(new UserAgent(), ALLOW);
  const stolen = { ...login, checks: { ...login.checks, pkceCodeVerifier: 'a'.repeat(43) } };
  await assert.rejects(party.finish(stolen), refused('invalid_grant', 400));
  const other = await party.begin(new UserAgent(), ALLOW);
  await assert.rejects((await atPool(applications.basic)).finish(other), refused('invalid_grant', 400));
});

test('a wrong secret, or the right one sent the wrong way, is invalid_client', async () => {
  const { post } = applications;
  const wrong = [{ ...post, secret: `${post.secret}!` }, { ...post, token_endpoint_auth_method: 'client_secret_basic' }];
  for (const application of wrong) {
    const login = (await atPool(application)).signIn(new UserAgent(), ALLOW);
    await assert.rejects(login, (error) => (error.error ?? error.cause?.error) === 'invalid_client' || error.status === 401);
  }
});

test('a repeated refresh gets the same successor, and a fork ends the grant', async () => {
  const party = await atPool(applications.post);
  const { refresh_token: first } = await party.signIn(new UserAgent(), ALLOW);
  const { refresh_token: second } = await party.refresh(first);
  assert.equal((await party.refresh(first)).refresh_token, second, 'the answer was lost and is asked for again');
  const { refresh_token: third } = await party.refresh(second);
  await assert.rejects(party.refresh(first), refused('invalid_grant', 400));
  await assert.rejects(party.refresh(third), refused('invalid_grant', 400));
});

test('tokens of one issuer are nothing at another', async () => {
  const pool = await atPool(notes);
  const own = await RelyingParty.at(signet.issuer('notes'), notes);
  const tokens = await pool.signIn(new UserAgent(), ALLOW);
  await assert.rejects(own.refresh(tokens.refresh_token), refused('invalid_grant', 400));
  assert.deepEqual(await own.introspect(tokens.access_token), { active: false });
  await assert.rejects(own.userInfo(tokens), { status: 401 });
});
