// A single-page application on oidc-client, the last of its kind that knows `id_token token`; its successor oidc-client-ts
// dropped that. It speaks to the test as spa.js does.
const settings = await (await fetch('/settings.json')).json();
const manager = new Oidc.UserManager({
  redirect_uri: `${location.origin}/implicit/callback`,
  silent_redirect_uri: `${location.origin}/implicit/callback`,
  response_type: 'id_token token',
  loadUserInfo: true,
  userStore: new Oidc.WebStorageStateStore({ store: sessionStorage }),
  ...settings,
});

function show(kind, detail = {}) {
  const outcome = document.getElementById('outcome');
  outcome.textContent = JSON.stringify(detail);
  outcome.dataset.kind = kind;
}

async function arrive() {
  if (location.pathname !== '/implicit/callback') return show('ready');
  const user = await manager.signinCallback();
  // Nothing comes back in the hidden frame, whose page has been told.
  if (user) show('signed-in', { email: user.profile.email, given_name: user.profile.given_name });
}

const tokens = ({ access_token, refresh_token, id_token, profile }) => ({ access_token, refresh_token, id_token, sub: profile.sub });

window.spa = {
  signIn: (more) => manager.signinRedirect(more),
  tokens: async () => tokens(await manager.getUser()),
  renew: async () => tokens(await manager.signinSilent()),
};

await arrive().catch((error) => show('refused', { error: error.error ?? 'exception', message: error.message }));
