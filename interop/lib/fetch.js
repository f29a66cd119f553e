// A fetch that never leaves this machine and knows `*.localhost`, which the system's resolver often does not.
import { Agent, request, fetch as undiciFetch } from 'undici';

/** A look-up, as Node.js wants one for its connections, that finds nothing but this machine. */
export function loopback(hostname, options, done) {
  if (hostname !== 'localhost' && !hostname.endsWith('.localhost')) {
    done(new Error(`${hostname} is not this machine`));
  } else if (options.all) {
    done(null, [{ address: '127.0.0.1', family: 4 }]);
  } else {
    done(null, '127.0.0.1', 4);
  }
}

const dispatcher = new Agent({ connect: { lookup: loopback } });

export const fetch = (url, options) => undiciFetch(url, { ...options, dispatcher });

/**
 * Asks for a page as a browser does for its tab, with a form if there is one; follows nothing. (What `fetch` asks for is
 * marked as a script's, and some applications send scripts to no login page.)
 */
export async function navigate(url, headers, form) {
  const marks = { 'sec-fetch-mode': 'navigate', ...(form && { 'content-type': 'application/x-www-form-urlencoded' }) };
  const options = { method: form ? 'POST' : 'GET', headers: { ...headers, ...marks }, body: form?.toString(), dispatcher };
  const answer = await request(url, options);
  return { status: answer.statusCode, headers: answer.headers, page: await answer.body.text() };
}
