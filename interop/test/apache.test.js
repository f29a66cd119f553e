// Debian's Apache with mod_auth_openidc in front of a page: login by code and PKCE, REMOTE_USER, logout at both ends.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ALICE, application, description } from '../applications.js';
import { launch } from '../lib/launch.js';
import { freePort, networkNotes, startSignet } from '../lib/signet.js';
import { UserAgent } from '../lib/user-agent.js';

const PAGE = '<p id="who"><!--#echo var="REMOTE_USER" --> <!--#echo var="OIDC_CLAIM_given_name" --></p>';

const configuration = ({ directory, port, issuer, app }) => `
ServerName localhost
ServerRoot ${directory}
DefaultRuntimeDir ${directory}
PidFile ${directory}/pid
ErrorLog "|/bin/cat"
Listen 127.0.0.1:${port}
# Counts only when root starts it.
User www-data
Group www-data
${['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'include', 'auth_openidc']
  .map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`)
  .join('\n')}

OIDCProviderMetadataURL ${issuer}/.well-known/openid-configuration
OIDCProviderTokenEndpointAuth ${app.token_endpoint_auth_method}
OIDCClientID ${app.id}
OIDCClientSecret ${app.secret}
OIDCRedirectURI http://localhost:${port}/callback
OIDCScope "openid profile email"
OIDCPKCEMethod S256
OIDCAuthRequestParams prompt=consent
OIDCRemoteUserClaim email
OIDCCryptoPassphrase ${randomBytes(32).toString('hex')}

DocumentRoot ${directory}/pages
<Location />
  AuthType openid-connect
  Require valid-user
  ForceType text/html
</Location>
<Location /who>
  Options +Includes
  SetOutputFilter INCLUDES
</Location>
<Location /bye>
  AuthType None
  Require all granted
</Location>
`;

let apache, directory, home, signet;
before(async () => {
  const port = await freePort();
  home = `http://localhost:${port}`;
  const app = application(61, 'apache', {
    auth: 'client_secret_basic',
    redirect_uris: [`${home}/callback`],
    logout_redirect_uris: [`${home}/bye`],
  });
  signet = await startSignet(await networkNotes(), description({ app }));
  directory = await mkdtemp(join(tmpdir(), 'signet-apache-'));
  // Its workers may run as somebody else.
  await chmod(directory, 0o755);
  await mkdir(join(directory, 'pages'));
  await writeFile(join(directory, 'pages', 'who'), PAGE);
  await writeFile(join(directory, 'pages', 'bye'), 'signed out');
  const file = join(directory, 'apache.conf');
  await writeFile(file, configuration({ directory, port, issuer: signet.issuer(), app }));
  apache = launch('/usr/sbin/apache2', ['-D', 'FOREGROUND', '-f', file]);
  await apache.until(async () => (await fetch(`${home}/bye`)).ok);
});
after(async () => {
  await Promise.all([apache?.stop(), signet?.stop()]);
  if (directory) await rm(directory, { recursive: true, force: true });
});

test('a person signs in, is known to the page, and signs out at both ends', async () => {
  const person = new UserAgent();
  const shown = await person.browse(`${home}/who`, { ...ALICE, decision: 'allow' });
  assert.equal(shown.url.href, `${home}/who`);
  assert.match(shown.page, /<p id="who">alice@example\.com Alice<\/p>/);

  const left = await person.browse(`${home}/callback?logout=${encodeURIComponent(`${home}/bye`)}`);
  assert.deepEqual([left.url.href, left.page], [`${home}/bye`, 'signed out']);
  const again = await person.browse(`${home}/who`);
  assert.match(again.page, /name="username"/, 'nobody is signed in at Signet any more');
});

test('whoever says no does not see the page', async () => {
  const person = new UserAgent();
  const { url, page } = await person.browse(`${home}/who`, { ...ALICE, decision: 'deny' });
  assert.equal(url.searchParams.get('error'), 'access_denied');
  // Debian 12's takes `iss` (RFC 9207) beside an error for a login that begins elsewhere, and refuses that.
  assert.match(page, /access_denied|Invalid Request/);
  const again = await person.browse(`${home}/who`);
  assert.match(again.page, /name="decision"/, 'and is asked again');
});

test('an answer nobody asked for is refused', async () => {
  const { status } = await new UserAgent().browse(`${home}/callback?code=stolen&state=unknown`);
  assert.equal(status, 400);
});
