// The samples of examples/resource-servers as running programs, and what they answer.
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { launch } from './launch.js';
import { freePort } from './signet.js';

const samples = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'examples', 'resource-servers');
// What a Java machine ends with when it is told to; the others end by the signal.
const TERMINATED = 143;
const ACCEPT_WITHIN_MS = 60_000;

/** What it takes to run each. */
export const SAMPLES = {
  'Node.js: express and jose': [process.execPath, join(samples, 'node', 'server.js')],
  'Python: Flask and PyJWT': [join(samples, 'python', '.venv', 'bin', 'python'), join(samples, 'python', 'server.py')],
  'Java: Spring Security': ['java', '-jar', join(samples, 'java', 'target', 'orders.jar')],
  'Go: keyfunc and golang-jwt': [join(samples, 'go', 'target', 'orders')],
  'Rust: axum and jsonwebtoken': [join(samples, 'rust', 'target', 'debug', 'orders')],
};

/** The API they all are. */
export const API = 'https://orders.example.com';
export const METADATA = `${API}/.well-known/oauth-protected-resource`;

/** What a reader and a writer of orders are told, by what the token is good for. */
export const BOTH = ['200', '201'];
export const READ = ['200', '403 Bearer insufficient_scope orders:write'];
export const WRITE = ['403 Bearer insufficient_scope orders:read', '201'];
export const NEITHER = [WRITE[0], READ[1]];
export const INVALID = ['401 Bearer invalid_token', '401 Bearer invalid_token'];

/** Starts a sample that takes tokens of this issuer. */
export async function startSample(name, issuer) {
  const [program, ...args] = SAMPLES[name];
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const server = launch(program, args, { ...process.env, ISSUER: issuer, API, PORT: String(port) }, [null, TERMINATED]);
  const metadata = async () => (await fetch(`${base}/.well-known/oauth-protected-resource`)).json();
  await server.until(metadata);
  const sample = {
    name,
    metadata,
    /** The answer to one request, in a line: the status and what `WWW-Authenticate` says. */
    async ask(method, authorization, query = '') {
      const headers = authorization === undefined ? {} : { authorization };
      const answer = await fetch(`${base}/orders${query}`, { method, headers });
      const body = await answer.text();
      return { told: told(answer), body };
    },
    /** The answers to a reader and a writer, each in a line, with this token. */
    async show(token) {
      const answers = await Promise.all(['GET', 'POST'].map((method) => sample.ask(method, `Bearer ${token}`)));
      return answers.map((answer) => answer.told);
    },
    /** Asks until the answer is this one: that the keys are others is noticed when they may be asked for again. */
    async until(token, wanted) {
      const deadline = Date.now() + ACCEPT_WITHIN_MS;
      for (;;) {
        const { told } = await sample.ask('GET', `Bearer ${token}`);
        if (told === wanted) return;
        if (Date.now() > deadline) throw new Error(`still ${told}, not ${wanted}`);
        await sleep(200);
      }
    },
    stop: server.stop,
  };
  return sample;
}

function told(answer) {
  const challenge = answer.headers.get('www-authenticate');
  if (challenge === null) return String(answer.status);
  const [scheme] = challenge.split(' ', 1);
  const parameters = Object.fromEntries([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
  const known = [scheme, parameters.error, parameters.scope].filter(Boolean).join(' ');
  return `${answer.status} ${known}${parameters.resource_metadata === METADATA ? '' : ' and no resource_metadata'}`;
}
