// A single-page application on oidc-client-ts. The test presses its "buttons", the functions of `window.spa`, and reads
// `#outcome`, whose `data-kind` appears when the page has settled: ready, signed-in, refused or signed-out.
const settings = await (await fetch('/settings.json')).json();
const manager = new oidc.UserManager({
  redirect_uri: `${location.origin}/callback`,
  silent_redirect_uri: `${location.origin}/silent`,
  post_logout_redirect_uri: `${location.origin}/`,
  scope: 'openid profile email offline_access',
  loadUserInfo: true,
  automaticSilentRenew: false,
  userStore: new oidc.WebStorageStateStore({ store: sessionStorage }),
  ...settings,
});

function show(kind, detail = {}) {
  const outcome = document.getElementById('outcome');
  outcome.textContent = JSON.stringify(detail);
  outcome.dataset.kind = kind;
}

async function arrive() {
  const answer = new URLSearchParams(location.search);
  if (location.pathname === '/callback') {
    const user = await manager.signinCallback();
    show('signed-in', { email: user.profile.email, sub: user.profile.sub });
  } else if (location.pathname === '/silent') {
    await manager.signinSilentCallback();
  } else if (answer.has('state')) {
    await manager.signoutCallback();
    show('signed-out');
  } else {
    show('ready');
  }
}

const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (byte) => byte.charCodeAt(0));
const parse = (part) => JSON.parse(new TextDecoder().decode(decode(part)));

/** The claims of an RS256 token, after its signature has been checked against the published keys. */
async function verify(token) {
  const [header, payload, signature] = token.split('.');
  const keys = await manager.metadataService.getSigningKeys();
  const { alg, kid } = parse(header);
  if (alg !== 'RS256') throw new Error(`signed with ${alg}`);
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('jwk', keys.find((one) => one.kid === kid), algorithm, false, ['verify']);
  const signed = new TextEncoder().encode(`${header}.${payload}`);
  if (!(await crypto.subtle.verify(algorithm, key, decode(signature), signed))) throw new Error('wrong signature');
  return parse(payload);
}

async function userInfo(token) {
  const endpoint = await manager.metadataService.getUserInfoEndpoint();
  const response = await fetch(endpoint, { headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, claims: response.ok ? await response.json() : undefined };
}

async function introspect(token) {
  const { introspection_endpoint } = await manager.metadataService.getMetadata();
  const body = new URLSearchParams({ token, client_id: settings.client_id });
  return (await fetch(introspection_endpoint, { method: 'POST', body })).json();
}

window.spa = {
  signIn: (more) => manager.signinRedirect({ prompt: 'consent', ...more }),
  tokens: async () => {
    const { access_token, refresh_token, id_token, profile } = await manager.getUser();
    return { access_token, refresh_token, id_token, profile };
  },
  refresh: () => manager.signinSilent().then(() => undefined),
  revoke: () => manager.revokeTokens(['access_token', 'refresh_token']),
  signOut: () => manager.signoutRedirect({ state: 'farewell' }),
  verify,
  userInfo,
  introspect,
};

await arrive().catch((error) => show('refused', { error: error.error ?? 'exception', message: error.message }));
