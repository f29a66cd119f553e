// Serves the single-page applications, with the libraries as their packages ship them for browsers.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = join(dirname(fileURLToPath(import.meta.url)), '..');
const file = (...path) => () => readFile(join(here, ...path));

/** Listens on a free port; `settings` is what the application is told about its provider, once that is known. */
export async function serveSpa() {
  const spa = { settings: {} };
  const files = {
    '/': ['text/html', file('spa', 'index.html')],
    '/callback': ['text/html', file('spa', 'index.html')],
    '/silent': ['text/html', file('spa', 'index.html')],
    '/implicit/': ['text/html', file('spa', 'implicit.html')],
    '/implicit/callback': ['text/html', file('spa', 'implicit.html')],
    '/implicit.js': ['text/javascript', file('spa', 'implicit.js')],
    '/oidc-client.js': ['text/javascript', file('node_modules', 'oidc-client', 'dist', 'oidc-client.min.js')],
    '/spa.js': ['text/javascript', file('spa', 'spa.js')],
    '/oidc-client-ts.js': ['text/javascript', file('node_modules', 'oidc-client-ts', 'dist', 'browser', 'oidc-client-ts.min.js')],
    '/settings.json': ['application/json', async () => JSON.stringify(spa.settings)],
  };
  const server = createServer(async (request, response) => {
    const [type, content] = files[new URL(request.url, 'http://any').pathname] ?? [];
    if (!type) return response.writeHead(404).end();
    response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(await content());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  spa.origin = `http://localhost:${server.address().port}`;
  spa.stop = async () => {
    server.close();
    server.closeAllConnections();
  };
  return spa;
}
