// Spring Security's OAuth 2.0 login, as the application in java/ has it: code and PKCE, user info, logout at both ends.
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ALICE, application, description } from '../applications.js';
import { launch } from '../lib/launch.js';
import { freePort, networkNotes, startSignet } from '../lib/signet.js';
import { UserAgent } from '../lib/user-agent.js';

const archive = join(dirname(fileURLToPath(import.meta.url)), '..', 'java', 'target', 'notes.jar');
// What a Java machine ends with when it is told to.
const TERMINATED = 143;

let home, signet, spring;
before(async () => {
  const port = await freePort();
  home = `http://localhost:${port}`;
  const app = application(41, 'spring', {
    auth: 'client_secret_basic',
    redirect_uris: [`${home}/login/oauth2/code/signet`],
    logout_redirect_uris: [`${home}/bye`],
  });
  signet = await startSignet(await networkNotes(), description({ app }));
  const settings = { ISSUER: signet.issuer(), PORT: String(port), CLIENT_ID: app.id, CLIENT_SECRET: app.secret };
  spring = launch('java', ['-jar', archive], { ...process.env, ...settings }, [TERMINATED]);
  await spring.until(async () => (await fetch(`${home}/bye`)).ok);
});
after(() => Promise.all([spring?.stop(), signet?.stop()]));

test('a person signs in, is shown, and signs out at both ends', async () => {
  const person = new UserAgent();
  const shown = await person.browse(home, { ...ALICE, decision: 'allow' });
  assert.equal(String(shown.url), `${home}/?continue`);
  assert.match(shown.page, /id="claims">[0-9a-f-]+ alice@example\.com Alice</);

  const left = await person.browse(home, { logout: 'yes' });
  assert.deepEqual([left.url.href, left.page], [`${home}/bye`, 'signed out']);
  const again = await person.browse(home);
  assert.match(again.page, /name="username"/, 'nobody is signed in at Signet any more');
});

test('whoever says no comes back with access_denied', async () => {
  const { status, page } = await new UserAgent().browse(home, { ...ALICE, decision: 'deny' });
  assert.deepEqual([status, page], [403, 'access_denied']);
});

test('an answer nobody asked for is refused', async () => {
  const { status, page } = await new UserAgent().browse(`${home}/login/oauth2/code/signet?code=stolen&state=unknown`);
  assert.deepEqual([status, page], [403, 'authorization_request_not_found']);
});
