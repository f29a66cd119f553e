// Small web applications in other languages, each on its language's library, which all do the same: sign somebody in by
// code and PKCE, check the ID token, ask for user info, refresh, and show all of it, together with the reasons for which
// the library refused an ID token that was changed and one beside another access token.
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ALICE, application, description } from '../applications.js';
import { launch } from '../lib/launch.js';
import { freePort, networkNotes, startSignet } from '../lib/signet.js';
import { UserAgent } from '../lib/user-agent.js';

const interop = join(dirname(fileURLToPath(import.meta.url)), '..');
// How each ends when it is told to: by the signal.
const programs = {
  'Go: go-oidc and x/oauth2': {
    path: join(interop, 'go', 'target', 'notes'),
    tampered: /signature/,
    swapped: /access token hash/,
  },
  'Rust: openidconnect': {
    path: join(interop, 'rust', 'target', 'debug', 'notes'),
    tampered: /signature/i,
    swapped: /access token hash/i,
  },
};

for (const [index, [name, { path, tampered, swapped }]] of Object.entries(programs).entries()) {
  describe(name, () => {
    let home, program, signet;
    before(async () => {
      const port = await freePort();
      home = `http://localhost:${port}/`;
      const app = application(51 + index, `small-${index}`, {
        auth: 'client_secret_basic',
        redirect_uris: [`${home}callback`],
      });
      signet = await startSignet(await networkNotes(), description({ app }));
      const settings = { ISSUER: signet.issuer(), PORT: String(port), CLIENT_ID: app.id, CLIENT_SECRET: app.secret };
      program = launch(path, [], { ...process.env, ...settings }, [null]);
      await program.until(async () => (await fetch(`${home}ready`)).ok);
    });
    after(() => Promise.all([program?.stop(), signet?.stop()]));

    test('a login', async () => {
      const { status, page } = await new UserAgent().browse(home, { ...ALICE, decision: 'allow' });
      assert.equal(status, 200, page);
      const shown = JSON.parse(page);
      const { sub } = shown.claims;
      assert.equal(shown.claims.email, 'alice@example.com');
      assert.deepEqual([shown.user_info.sub, shown.user_info.given_name], [sub, 'Alice']);
      assert.deepEqual([shown.refreshed.sub, shown.refreshed.sid], [sub, shown.claims.sid]);
      assert.match(shown.tampered, tampered);
      assert.match(shown.swapped, swapped);
    });

    test('whoever says no comes back with access_denied', async () => {
      const { status, page } = await new UserAgent().browse(home, { ...ALICE, decision: 'deny' });
      assert.deepEqual([status, page.trim()], [403, 'access_denied']);
    });

    test('an answer nobody asked for, and a code that is none, are refused', async () => {
      const person = new UserAgent();
      const stolen = await person.browse(`${home}callback?code=stolen&state=unknown`);
      assert.deepEqual([stolen.status, stolen.page.trim()], [403, 'unknown state']);
      const begun = await fetch(home, { redirect: 'manual' });
      const state = new URL(begun.headers.get('location')).searchParams.get('state');
      const made = await person.browse(`${home}callback?code=made-up&state=${state}`);
      assert.equal(made.status, 403);
      assert.match(made.page, /invalid_grant/);
    });
  });
}
