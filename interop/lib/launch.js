// Programs that run beside the tests, stopped by their process ids.
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

const START_WITHIN_MS = 120_000;
const STOP_WITHIN_MS = 15_000;

/** Starts a program that is to be ready some time and to end with one of `codes` when it is told to. */
export function launch(program, args, env = process.env, codes = [0]) {
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (log += text));
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => resolve(codes.includes(code) ? 'ended' : `ended with ${code ?? signal}`));
  });
  const orphan = () => child.kill('SIGKILL');
  process.once('exit', orphan);

  return {
    async until(ready) {
      const deadline = Date.now() + START_WITHIN_MS;
      while (!(await ready().catch(() => false))) {
        const end = await Promise.race([ended, sleep(50)]);
        if (end) throw new Error(`${program} ${end} before it was ready\n${log}`);
        if (Date.now() > deadline) throw new Error(`${program} was not ready in time\n${log}`);
      }
    },
    async stop() {
      child.kill('SIGTERM');
      const end = await Promise.race([ended, sleep(STOP_WITHIN_MS, 'did not stop when asked to', { ref: false })]);
      orphan();
      process.off('exit', orphan);
      if (end !== 'ended') throw new Error(`${program} ${end}\n${log}`);
    },
  };
}
