// The site of an application: empty pages, and what its front and back channels were told.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { freePort } from './signet.js';

/** An application that can be down: nothing listens before `start` and after `stop`. */
export async function listener(host = 'localhost') {
  const port = await freePort();
  const told = { frames: [], tokens: [] };
  let server;
  return {
    origin: `http://${host}:${port}`,
    backchannel: `http://127.0.0.1:${port}/told`,
    told,
    async start() {
      server = createServer(async (request, answer) => {
        const url = new URL(request.url, 'http://any');
        let body = '';
        for await (const chunk of request) body += chunk;
        if (url.pathname === '/frame') told.frames.push(Object.fromEntries(url.searchParams));
        if (url.pathname === '/told') told.tokens.push(new URLSearchParams(body).get('logout_token'));
        answer.setHeader('content-type', 'text/html').end('<!doctype html>');
      }).listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
    stop() {
      server?.close();
      server?.closeAllConnections();
    },
  };
}

/** Waits for something that must come. */
export async function until(holds, what) {
  for (const deadline = Date.now() + 60_000; !holds(); ) {
    if (Date.now() > deadline) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
