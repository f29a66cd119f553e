// Applications with keys, by openid-client 6: assertions in place of secrets, signed requests, answers that are signed or
// encrypted for them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import '../lib/webcrypto.js';
import { decodeProtectedHeader, exportJWK, generateKeyPair } from 'jose';
import * as client from 'openid-client';
import { ALICE, CALLBACK, application, description } from '../applications.js';
import { RelyingParty } from '../lib/relying-party.js';
import { networkNotes, startSignet } from '../lib/signet.js';
import { UserAgent } from '../lib/user-agent.js';

const ALLOW = { ...ALICE, decision: 'allow' };
const REQUEST_PATH = '/requests/login.jwt';

/** A key of an application: the private half as the library takes it, and the public one as Signet is told it. */
async function keyPair(alg, use) {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const kid = `${alg}-${use}`;
  const published = { ...(await exportJWK(publicKey)), kid, use, alg };
  return { kid, key: privateKey, jwks: JSON.stringify({ keys: [published] }) };
}

const signing = { ES256: await keyPair('ES256', 'sig'), RS256: await keyPair('RS256', 'sig') };
const encryption = { 'RSA-OAEP-256': await keyPair('RSA-OAEP-256', 'enc'), 'ECDH-ES': await keyPair('ECDH-ES', 'enc') };
const CONTENT = { 'RSA-OAEP-256': 'A256GCM', 'ECDH-ES': 'A128CBC-HS256' };

/** Serves one text, whatever it is at the moment, at one address. */
async function serveRequestObject() {
  const served = { fetched: 0 };
  const server = createServer((request, response) => {
    if (request.url !== REQUEST_PATH) return response.writeHead(404).end();
    served.fetched += 1;
    response.writeHead(200, { 'content-type': 'application/oauth-authz-req+jwt' }).end(served.object);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  served.origin = `http://127.0.0.1:${server.address().port}`;
  served.stop = () => server.close();
  return served;
}

let apps, served, signet;
before(async () => {
  served = await serveRequestObject();
  const { ES256, RS256 } = signing;
  apps = {
    ES256: application(21, 'by-es256', { auth: 'private_key_jwt', jwks: ES256.jwks, userinfo_signed_response_alg: 'ES256' }),
    RS256: application(22, 'by-rs256', { auth: 'private_key_jwt', jwks: RS256.jwks, userinfo_signed_response_alg: 'RS256' }),
    secret: application(23, 'by-secret', { auth: 'client_secret_jwt' }),
    signed: application(24, 'signed', {
      jwks: ES256.jwks,
      request_object_signing_alg: 'ES256',
      require_signed_request_object: true,
      request_uris: [`${served.origin}/requests/`],
    }),
    'RSA-OAEP-256': encrypted(25, 'RSA-OAEP-256'),
    'ECDH-ES': encrypted(26, 'ECDH-ES'),
  };
  signet = await startSignet(await networkNotes(), description(apps));
});
after(() => Promise.all([served?.stop(), signet?.stop()]));

function encrypted(number, alg) {
  return application(number, `to-${alg.toLowerCase()}`, {
    jwks: encryption[alg].jwks,
    id_token_encrypted_response_alg: alg,
    id_token_encrypted_response_enc: CONTENT[alg],
  });
}

const at = (app, options) => RelyingParty.at(signet.issuer(), app, options);

/** Uses all three endpoints that ask who the application is. */
async function lifeOfTokens(party) {
  const first = await party.signIn(new UserAgent(), ALLOW);
  const second = await party.refresh(first.refresh_token);
  assert.equal((await party.introspect(second.access_token)).active, true);
  await party.revoke(second.access_token, 'access_token');
  assert.deepEqual(await party.introspect(second.access_token), { active: false });
}

/** Whether an error, or what caused it, says so. */
const because = (reason) => (error) => reason.test(`${error.message}; ${error.cause?.message}`);

const isInvalidClient = (error) => error.status === 401 || error.cause?.error === 'invalid_client';

for (const alg of ['ES256', 'RS256']) {
  test(`private_key_jwt with ${alg}`, async () => {
    await lifeOfTokens(await at(apps[alg], { by: client.PrivateKeyJwt(signing[alg]) }));
  });

  test(`private_key_jwt with another ${alg} key is invalid_client`, async () => {
    const { key } = await keyPair(alg, 'sig');
    const stranger = await at(apps[alg], { by: client.PrivateKeyJwt({ key, kid: signing[alg].kid }) });
    await assert.rejects(stranger.signIn(new UserAgent(), ALLOW), isInvalidClient);
  });

  test(`user info signed with ${alg}`, async () => {
    const metadata = { userinfo_signed_response_alg: alg };
    const party = await at(apps[alg], { by: client.PrivateKeyJwt(signing[alg]), metadata });
    const tokens = await party.signIn(new UserAgent(), ALLOW);
    const profile = await party.userInfo({ ...tokens, subject: tokens.claims().sub });
    assert.deepEqual([profile.given_name, profile.aud], ['Alice', apps[alg].id]);

    const other = await at(apps[alg], { metadata: { userinfo_signed_response_alg: 'PS256' }, by: client.None() });
    await assert.rejects(other.userInfo(tokens), because(/unexpected JWT "alg"/));
  });
}

test('client_secret_jwt', async () => lifeOfTokens(await at(apps.secret)));

test('client_secret_jwt with another secret is invalid_client', async () => {
  const stranger = await at({ ...apps.secret, secret: `${apps.secret.secret}!` });
  await assert.rejects(stranger.signIn(new UserAgent(), ALLOW), isInvalidClient);
});

for (const alg of ['RSA-OAEP-256', 'ECDH-ES']) {
  test(`ID tokens encrypted by ${alg} and ${CONTENT[alg]}`, async () => {
    const decrypt = ({ key, kid }) => (config) => client.enableDecryptingResponses(config, [CONTENT[alg]], { key, kid, alg });
    const party = await at(apps[alg], { also: [decrypt(encryption[alg])] });
    const login = await party.begin(new UserAgent(), ALLOW);
    const tokens = await party.finish(login);
    assert.deepEqual(
      [decodeProtectedHeader(tokens.id_token).alg, decodeProtectedHeader(tokens.id_token).enc],
      [alg, CONTENT[alg]],
    );
    assert.equal(tokens.claims().email, 'alice@example.com');
    const refreshed = await party.refresh(tokens.refresh_token);
    assert.equal(refreshed.claims().sub, tokens.claims().sub);

    const stranger = await at(apps[alg], { also: [decrypt(await keyPair(alg, 'enc'))] });
    await assert.rejects(stranger.signIn(new UserAgent(), ALLOW), because(/decryption failed/));
  });
}

test('a signed request object by value', async () => {
  const party = await at(apps.signed);
  const { request, checks } = await party.request();
  const url = await client.buildAuthorizationUrlWithJAR(party.config, request, signing.ES256);
  assert.deepEqual([...url.searchParams.keys()].sort(), ['client_id', 'request']);
  const tokens = await party.finish({ checks, ...(await new UserAgent().visit(url, CALLBACK, ALLOW)) });
  assert.equal(tokens.claims().email, 'alice@example.com');
});

test('a signed request object by reference', async () => {
  const party = await at(apps.signed);
  const { request, checks } = await party.request();
  const url = await client.buildAuthorizationUrlWithJAR(party.config, request, signing.ES256);
  served.object = url.searchParams.get('request');
  url.searchParams.delete('request');
  url.searchParams.set('request_uri', `${served.origin}${REQUEST_PATH}`);
  const before = served.fetched;
  const tokens = await party.finish({ checks, ...(await new UserAgent().visit(url, CALLBACK, ALLOW)) });
  assert.equal(tokens.claims().email, 'alice@example.com');
  assert.ok(served.fetched > before, 'it was fetched here');
});

test('a request that is not signed, or by another key, is refused', async () => {
  const party = await at(apps.signed);
  const plain = await party.begin(new UserAgent(), {});
  await assert.rejects(party.finish(plain), (error) => /^invalid_request/.test(error.error));
  const { request, checks } = await party.request();
  const forged = await client.buildAuthorizationUrlWithJAR(party.config, request, (await keyPair('ES256', 'sig')).key);
  forged.searchParams.set('redirect_uri', CALLBACK);
  forged.searchParams.set('state', checks.expectedState);
  const answer = await new UserAgent().visit(forged, CALLBACK);
  await assert.rejects(party.finish({ checks, ...answer }), { error: 'invalid_request_object' });
});
