// One day of two applications at two hosts: a login that both share and a third is refused, and a logout everywhere of which
// they are told by frames and by the back channel, though one of them is down at that moment.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose';
import { ALICE, applications, description } from '../applications.js';
import { launchBrowser } from '../lib/browser.js';
import { fetch } from '../lib/fetch.js';
import { listener, until } from '../lib/listener.js';
import { Person } from '../lib/person.js';
import { RelyingParty } from '../lib/relying-party.js';
import { networkNotes, startSignet } from '../lib/signet.js';

// A request without offline access, which needs no consent; a value that is empty counts as none.
const PLAIN = { scope: 'openid profile email', prompt: '' };

let browser, one, other, third, signet;
const sites = [];
before(async () => {
  const identifiers = ['one', 'other', 'third'];
  for (const identifier of identifiers) sites.push(await listener(`${identifier}-site.localhost`));
  await Promise.all(sites.map((site) => site.start()));
  const all = identifiers.map((identifier, index) => ({
    ...applications.post,
    name: `The ${identifier}`,
    identifier,
    id: `dddddddddddddddddddd000${index}`,
    sso: identifier !== 'third',
    redirect_uris: [`${sites[index].origin}/callback`],
    logout_redirect_uris: [`${sites[index].origin}/bye`],
    frontchannel_logout_uri: `${sites[index].origin}/frame`,
    backchannel_logout_uri: sites[index].backchannel,
  }));
  signet = await startSignet(await networkNotes(), description(all));
  const parties = all.map((application) => RelyingParty.at(signet.issuer(application.identifier), application));
  [one, other, third] = await Promise.all(parties);
  browser = await launchBrowser();
});
after(async () => {
  await Promise.all([browser?.close(), signet?.stop()]);
  for (const site of sites) site.stop();
});

/** A device: a browser of its own. */
async function device() {
  const context = await browser.newContext({ locale: 'en' });
  context.setDefaultTimeout(15_000);
  return new Person(await context.newPage());
}

/** Signs in, checks what came of it, and says in which session and where the password was asked for. */
async function signIn(person, party, who, parameters = PLAIN) {
  const begun = await party.begin(person, who, parameters);
  const tokens = await party.finish(begun);
  const { idToken } = await party.checkTokens(tokens);
  assert.equal(idToken.preferred_username, 'alice');
  return { sid: idToken.sid, asked: begun.asked, tokens };
}

const refused = (person, party) =>
  assert.rejects(signIn(person, party, undefined, { ...PLAIN, prompt: 'none' }), { error: 'login_required' });

/** The sessions of which logout tokens tell the application, each verified by the keys of its own issuer. */
async function sessionsTold(party, { told }) {
  const { issuer, application } = party;
  const keys = createRemoteJWKSet(new URL(party.config.serverMetadata().jwks_uri), { [customFetch]: fetch });
  const sessions = [];
  for (const token of told.tokens) {
    const { payload } = await jwtVerify(token, keys, { issuer, audience: application.id, typ: 'logout+jwt' });
    assert.ok(payload.events['http://schemas.openid.net/event/backchannel-logout']);
    sessions.push(payload.sid);
  }
  return new Set(sessions);
}

test('two applications at two hosts, from the first login to the last notice', async () => {
  const [laptop, phone] = [await device(), await device()];
  const first = await signIn(laptop, one, ALICE);
  assert.deepEqual(first.asked, [new URL(signet.issuer()).host], 'the password is asked for once, at the address of the pool');
  const second = await signIn(laptop, other);
  assert.deepEqual([second.sid, second.asked], [first.sid, []]);
  await refused(laptop, third);
  const apart = await signIn(laptop, third, ALICE);
  assert.notEqual(apart.sid, first.sid);
  const lasting = await signIn(phone, other, ALICE, { prompt: 'consent' });
  assert.ok(lasting.tokens.refresh_token);

  const [siteOfOne, siteOfOther, siteOfThird] = sites;
  siteOfOther.stop();
  await laptop.tab.goto(`${one.issuer}/session/end?client_id=${one.application.id}&post_logout_redirect_uri=${siteOfOne.origin}/bye&state=s`);
  await laptop.tab.locator('#devices').check();
  await laptop.tab.locator('#sign-out').click();
  await laptop.tab.waitForURL(`${siteOfOne.origin}/bye?state=s`);
  assert.deepEqual(siteOfOne.told.frames, [{ iss: one.issuer, sid: first.sid }]);
  assert.deepEqual(siteOfOther.told, { frames: [], tokens: [] }, 'it is down');

  for (const [party, { tokens }] of [[one, first], [other, second], [other, lasting]]) {
    assert.equal((await party.introspect(tokens.access_token)).active, false);
  }
  await assert.rejects(other.refresh(lasting.tokens.refresh_token), { error: 'invalid_grant' });

  await siteOfOther.start();
  await until(() => sites.map(({ told }) => told.tokens.length).join() === '1,2,1', 'all are told by the back channel');
  assert.deepEqual(await sessionsTold(one, siteOfOne), new Set([first.sid]));
  assert.deepEqual(await sessionsTold(other, siteOfOther), new Set([second.sid, lasting.sid]));
  assert.deepEqual(await sessionsTold(third, siteOfThird), new Set([apart.sid]), 'everywhere means the login apart as well');
  for (const person of [laptop, phone]) for (const party of [one, other, third]) await refused(person, party);
});
