// The real server, started on a free port with an empty data directory and stopped by its process id.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fetch } from './fetch.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const binary = process.env.SIGNET_BIN ?? join(root, process.env.CARGO_TARGET_DIR ?? 'target', 'debug', 'signet');
// What the tests listen for themselves is on loopback, too.
const env = { ...process.env, SIGNET_OUTBOUND_ALLOW: 'loopback' };
const START_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 15_000;

/** The example a newcomer applies first, as text. */
export const networkNotes = () => readFile(join(root, 'examples', 'network-notes.toml'), 'utf8');

/** A port nobody listens on. */
export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Applies the descriptions (texts in TOML) to an empty installation and serves it. */
export async function startSignet(...descriptions) {
  const directory = await mkdtemp(join(tmpdir(), 'signet-interop-'));
  const data = join(directory, 'data');
  for (const [index, description] of descriptions.entries()) {
    const file = join(directory, `${index}.toml`);
    await writeFile(file, description);
    await promisify(execFile)(binary, ['apply', '--data', data, file], { env });
  }
  const port = await freePort();
  const base = `http://localhost:${port}`;
  const server = launch(['serve', '--data', data, '--listen', `127.0.0.1:${port}`, '--base-url', base]);
  await server.until(async () => (await fetch(`${base}/healthz`)).status === 200);
  return {
    /** The pool's issuer, or with an identifier that application's own. */
    issuer: (identifier) => `http://${identifier ? `${identifier}.` : ''}localhost:${port}/oidc`,
    async stop() {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function launch(args) {
  const child = spawn(binary, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (log += text));
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => resolve(code === 0 ? 'ended' : `ended with ${code ?? signal}`));
  });
  const orphan = () => child.kill('SIGKILL');
  process.once('exit', orphan);

  return {
    async until(ready) {
      const deadline = Date.now() + START_WITHIN_MS;
      while (!(await ready().catch(() => false))) {
        const end = await Promise.race([ended, sleep(50)]);
        if (end) throw new Error(`${binary} ${end} before it was ready\n${log}`);
        if (Date.now() > deadline) throw new Error(`${binary} was not ready in time\n${log}`);
      }
    },
    async stop() {
      child.kill('SIGTERM');
      const end = await Promise.race([ended, sleep(STOP_WITHIN_MS, 'did not stop when asked to', { ref: false })]);
      orphan();
      process.off('exit', orphan);
      if (end !== 'ended') throw new Error(`${binary} ${end}\n${log}`);
    },
  };
}
