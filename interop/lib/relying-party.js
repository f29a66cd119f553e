// openid-client as an application's back end would use it, and the independent checks of what it got.
import assert from 'node:assert/strict';
import { createLocalJWKSet, jwtVerify } from 'jose';
import './webcrypto.js';
import * as client from 'openid-client';
import { AFTER_LOGOUT, CALLBACK } from '../applications.js';
import { fetch } from './fetch.js';

const authentication = {
  client_secret_post: client.ClientSecretPost,
  client_secret_basic: client.ClientSecretBasic,
  client_secret_jwt: client.ClientSecretJwt,
  none: client.None,
};

export class RelyingParty {
  /**
   * Discovers the issuer on behalf of the application. `by` authenticates it in another way than its secret; `also` are
   * what else of the library is switched on, and `metadata` what else it is told about the application.
   */
  static async at(issuer, application, { by, also = [], metadata } = {}) {
    const idTokenAlg = application.id_token_signed_response_alg;
    const execute = [client.allowInsecureRequests, ...also];
    // The library checks signatures by public keys only; `checkTokens` checks the other kind.
    if (idTokenAlg !== 'HS256') execute.push(client.enableNonRepudiationChecks);
    const config = await client.discovery(
      new URL(issuer),
      application.id,
      { id_token_signed_response_alg: idTokenAlg, ...metadata },
      by ?? authentication[application.token_endpoint_auth_method](application.secret),
      { execute, [client.customFetch]: fetch },
    );
    return new RelyingParty(issuer, application, config);
  }

  constructor(issuer, application, config) {
    Object.assign(this, { issuer, application, config });
  }

  /** Sends the person to log in; `finish` then redeems the code. The answer's address may be changed in between. */
  async begin(userAgent, answers, parameters = {}) {
    const { request, checks } = await this.request(parameters);
    const url = client.buildAuthorizationUrl(this.config, request);
    return { checks, ...(await userAgent.visit(url, request.redirect_uri, answers)) };
  }

  /** The parameters of a login, and what its answer is checked against. */
  async request(parameters = {}) {
    const verifier = client.randomPKCECodeVerifier();
    const [callback] = this.application.redirect_uris ?? [CALLBACK];
    const checks = { pkceCodeVerifier: verifier, expectedState: client.randomState(), expectedNonce: client.randomNonce() };
    const request = {
      redirect_uri: callback,
      scope: 'openid profile email offline_access',
      prompt: 'consent',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state: checks.expectedState,
      nonce: checks.expectedNonce,
      ...parameters,
    };
    return { request, checks };
  }

  finish({ arrived, checks }) {
    return client.authorizationCodeGrant(this.config, arrived, checks);
  }

  async signIn(userAgent, answers, parameters) {
    return this.finish(await this.begin(userAgent, answers, parameters));
  }

  refresh(token) {
    return client.refreshTokenGrant(this.config, token);
  }

  userInfo({ access_token, subject }) {
    return client.fetchUserInfo(this.config, access_token, subject ?? client.skipSubjectCheck);
  }

  introspect(token) {
    return client.tokenIntrospection(this.config, token);
  }

  revoke(token, token_type_hint) {
    return client.tokenRevocation(this.config, token, { token_type_hint });
  }

  logoutUrl(id_token_hint, state) {
    const [post_logout_redirect_uri] = this.application.logout_redirect_uris ?? [AFTER_LOGOUT];
    return client.buildEndSessionUrl(this.config, { id_token_hint, post_logout_redirect_uri, state });
  }

  /** Verifies both tokens with another library, against the published keys, and returns their claims. */
  async checkTokens({ id_token, access_token }) {
    const { id, secret, id_token_signed_response_alg: idAlg, access_token_signed_response_alg: accessAlg } = this.application;
    const published = await (await fetch(this.config.serverMetadata().jwks_uri)).json();
    for (const key of published.keys) assert.equal(key.d ?? key.k, undefined, 'a private key is published');
    const keys = createLocalJWKSet(published);
    const idKey = idAlg === 'HS256' ? new TextEncoder().encode(secret) : keys;
    const issuedHere = { issuer: this.issuer, requiredClaims: ['sub', 'iat', 'exp'] };
    const idToken = await jwtVerify(id_token, idKey, { ...issuedHere, audience: id, algorithms: [idAlg] });
    const accessToken = await jwtVerify(access_token, keys, { ...issuedHere, typ: 'at+jwt', algorithms: [accessAlg] });
    assert.equal(accessToken.payload.client_id, id);
    assert.equal(accessToken.payload.sub, idToken.payload.sub);
    return { idToken: idToken.payload, accessToken: accessToken.payload };
  }
}
