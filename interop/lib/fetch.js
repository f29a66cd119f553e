// A fetch that never leaves this machine and knows `*.localhost`, which the system's resolver often does not.
import { Agent, fetch as undiciFetch } from 'undici';

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
