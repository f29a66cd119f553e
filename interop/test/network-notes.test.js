// The example application of the README, as it stands: signed in to, and out of, by a person without scripts.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ALICE } from '../applications.js';
import { freePort, networkNotes, startSignet } from '../lib/signet.js';
import { UserAgent } from '../lib/user-agent.js';

const interop = join(dirname(fileURLToPath(import.meta.url)), '..');
let signet, example, home;

before(async () => {
  const port = await freePort();
  home = `http://localhost:${port}/`;
  signet = await startSignet((await networkNotes()).replaceAll('localhost:3000', `localhost:${port}`));
  // A copy below this folder finds the libraries that are installed here.
  const copy = join(interop, 'node_modules', '.example');
  await mkdir(copy, { recursive: true });
  await copyFile(join(interop, '..', 'examples', 'network-notes', 'server.js'), join(copy, 'server.mjs'));
  example = spawn(process.execPath, ['--import', join(interop, 'lib', 'webcrypto.js'), join(copy, 'server.mjs')], {
    env: { ...process.env, ISSUER: signet.issuer(), PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (let tries = 0; !(await fetch(home).catch(() => undefined))?.ok; tries++) {
    assert.ok(tries < 200 && example.exitCode === null, 'the example does not start');
    await sleep(50);
  }
});

after(async () => {
  example?.kill();
  await signet?.stop();
});

test('the example signs Alice in and out', async () => {
  const person = new UserAgent();
  const asked = await fetch(`${home}login`, { redirect: 'manual' });
  const { arrived } = await person.visit(asked.headers.get('location'), `${home}callback`, ALICE);
  const answered = await fetch(arrived);
  assert.match(await answered.text(), /id="hello">Hello, Alice Liddell!/);

  const leaving = await fetch(`${home}logout`, { redirect: 'manual' });
  await person.visit(leaving.headers.get('location'), home);
  assert.match(await (await fetch(home)).text(), /Sign in/);
});

test('the example tells what went wrong', async () => {
  const answered = await fetch(`${home}callback?error=access_denied&error_description=no`);
  assert.equal(answered.status, 400);
  assert.match(await answered.text(), /id="error"/);
});
