// Just enough HTML to find the forms of a page, and what a person would send with one.

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const unescape = (text) =>
  text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (name) return ENTITIES[name] ?? whole;
    return String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal));
  });

function attributes(tag) {
  const found = {};
  for (const [, name, double, single, bare] of tag.matchAll(/([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g)) {
    found[name.toLowerCase()] = unescape(double ?? single ?? bare ?? '');
  }
  return found;
}

/** Every form of the page: its action, its method and its named controls in order. */
export function forms(page) {
  return [...page.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)].map(([, opening, inside]) => ({
    action: '',
    method: 'get',
    ...attributes(opening),
    controls: [...inside.matchAll(/<(input|button)\b([^>]*)>/gi)]
      .map(([, tag, rest]) => ({ type: tag.toLowerCase() === 'button' ? 'submit' : 'text', value: '', ...attributes(rest) }))
      .filter(({ name }) => name),
  }));
}

/** The form that asks for one of the answers. */
export const asking = (page, answers) => forms(page).find(({ controls }) => controls.some(({ name }) => name in answers));

/** The form that asks for one of the answers, else the only one there is. */
export function chooseForm(page, answers) {
  const all = forms(page);
  return asking(page, answers) ?? (all.length === 1 ? all[0] : undefined);
}

/** The request's body: hidden fields as they are, the others answered, and the button pressed that has the answer. */
export function fillIn({ method, controls }, answers) {
  if (method.toLowerCase() !== 'post') throw new Error('a form that changes something must be posted');
  const body = new URLSearchParams();
  for (const { name, type, value } of controls) {
    if (type !== 'hidden' && !(name in answers)) throw new Error(`the page asks for ${name}`);
    if (type === 'submit' && answers[name] !== value) continue;
    body.append(name, type === 'hidden' ? value : answers[name]);
  }
  return { body };
}
