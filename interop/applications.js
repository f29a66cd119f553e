// The applications of the test pool beside those of the example: one per way to authenticate and to sign.
export const CALLBACK = 'http://localhost:3000/callback';
export const AFTER_LOGOUT = 'http://localhost:3000/';

export const ALICE = { username: 'alice', password: 'example-password-of-alice' };
export const BOB = { username: 'bob', password: 'example-password-of-bob' };

/** An application for `describe`: signs with RS256 and authenticates by a posted secret unless said otherwise. */
export function application(number, identifier, { auth = 'client_secret_post', idToken = 'RS256', accessToken = 'RS256', ...rest }) {
  return {
    name: `Test ${identifier}`,
    identifier,
    type: auth === 'none' ? 'spa' : 'web',
    id: `aaaaaaaaaaaaaaaaaaaa${String(number).padStart(4, '0')}`,
    ...(['none', 'private_key_jwt'].includes(auth) ? {} : { secret: `test-secret-of-${identifier}-0123456789abcdef` }),
    redirect_uris: [CALLBACK],
    logout_redirect_uris: [AFTER_LOGOUT],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: auth,
    introspection_endpoint_auth_method: auth,
    revocation_endpoint_auth_method: auth,
    id_token_signed_response_alg: idToken,
    access_token_signed_response_alg: accessToken,
    ...rest,
  };
}

export const applications = {
  post: application(1, 'post', { auth: 'client_secret_post', idToken: 'RS256', accessToken: 'RS256' }),
  basic: application(2, 'basic', { auth: 'client_secret_basic', idToken: 'ES256', accessToken: 'ES256' }),
  hmac: application(3, 'hmac', { auth: 'client_secret_basic', idToken: 'HS256', accessToken: 'RS256' }),
  public: application(4, 'public', { auth: 'none', idToken: 'RS256', accessToken: 'ES256' }),
};

/** What `applications`, or others, say, as a file for `signet apply`. */
export const description = (which = applications) => Object.values(which).map(table).join('\n');

// A JSON string and a list of them are valid TOML too.
const table = (entry) =>
  ['[[applications]]', ...Object.entries(entry).map(([key, value]) => `${key} = ${JSON.stringify(value)}`), ''].join('\n');
