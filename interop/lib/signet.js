// The real server, started on a free port with an empty data directory and stopped by its process id.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fetch } from './fetch.js';
import { launch } from './launch.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const binary = process.env.SIGNET_BIN ?? join(root, process.env.CARGO_TARGET_DIR ?? 'target', 'debug', 'signet');
// What the tests listen for themselves is on loopback, too.
const env = { ...process.env, SIGNET_OUTBOUND_ALLOW: 'loopback' };

/** A description among the examples, as text. */
export const example = (...path) => readFile(join(root, 'examples', ...path), 'utf8');

/** The one a newcomer applies first. */
export const networkNotes = () => example('network-notes.toml');

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
  const server = launch(binary, ['serve', '--data', data, '--listen', `127.0.0.1:${port}`, '--base-url', base], env);
  await server.until(async () => (await fetch(`${base}/healthz`)).status === 200);
  return {
    /** The pool's issuer, or with an identifier that application's own. */
    issuer: (identifier) => `http://${identifier ? `${identifier}.` : ''}localhost:${port}/oidc`,
    /** Runs a command beside the server. */
    run: (...command) => promisify(execFile)(binary, [...command, '--data', data], { env }),
    async stop() {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
