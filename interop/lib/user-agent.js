// A person at a browser without scripts: keeps cookies, follows redirects, fills in the forms it meets.
import { navigate } from './fetch.js';
import { asking, chooseForm, fillIn } from './forms.js';

const MAX_STEPS = 12;

export class UserAgent {
  #cookies = new Map();

  /**
   * Opens `url` and answers every page, until it is sent to `callback`, by redirect or by a form.
   * Returns that request (a URL, or a POST Request) and the names of the fields of each form that was filled in.
   */
  async visit(url, callback, answers = {}) {
    const asked = [];
    let next = { url: new URL(url) };
    for (let step = 0; step < MAX_STEPS; step++) {
      const { leadsTo, status, page } = await this.#send(next);
      if (leadsTo) {
        next = { url: leadsTo };
      } else {
        if (status !== 200) throw new Error(`${next.url}: ${status}\n${page}`);
        const form = chooseForm(page, answers);
        if (!form) throw new Error(`${next.url}: no form to fill in\n${page}`);
        next = { url: new URL(form.action, next.url), ...fillIn(form, answers) };
        if (!sameAddress(next.url, callback)) asked.push(form.controls.map(({ name }) => name));
      }
      if (sameAddress(next.url, callback)) return { arrived: arrival(next), asked };
    }
    throw new Error(`${url}: still not at ${callback} after ${MAX_STEPS} steps, now at ${next.url}`);
  }

  /**
   * Opens `url` and answers the pages that ask for one of the `answers`, until one does not, and returns that: its
   * address, its status and its text.
   */
  async browse(url, answers = {}) {
    let next = { url: new URL(url) };
    for (let step = 0; step < MAX_STEPS; step++) {
      const { leadsTo, status, page } = await this.#send(next);
      if (leadsTo) {
        next = { url: leadsTo };
      } else {
        const form = asking(page, answers);
        if (!form) return { url: next.url, status, page };
        next = { url: new URL(form.action, next.url), ...fillIn(form, answers) };
      }
    }
    throw new Error(`${url}: no end after ${MAX_STEPS} steps, now at ${next.url}`);
  }

  async #send({ url, body }) {
    const headers = { accept: 'text/html', cookie: this.#cookieHeader(url.hostname) };
    if (body) headers.origin = url.origin;
    const { status, headers: answered, page } = await navigate(url, headers, body);
    for (const line of [answered['set-cookie'] ?? []].flat()) this.#keep(url.hostname, line);
    const { location } = answered;
    if (!location) return { status, page };
    if (![302, 303].includes(status)) throw new Error(`${url}: redirect by ${status}`);
    return { leadsTo: new URL(location, url) };
  }

  #cookieHeader(host) {
    return [...(this.#cookies.get(host) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  #keep(host, line) {
    const [pair, ...attributes] = line.split(';').map((part) => part.trim());
    const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
    const jar = this.#cookies.get(host) ?? new Map();
    const gone = attributes.some((attribute) => /^max-age=(0|-\d+)$/i.test(attribute));
    if (gone) jar.delete(name);
    else jar.set(name, value);
    this.#cookies.set(host, jar);
  }
}

const sameAddress = (url, callback) => url.origin + url.pathname === callback;

const arrival = ({ url, body }) => (body ? new Request(url, { method: 'POST', body }) : url);
