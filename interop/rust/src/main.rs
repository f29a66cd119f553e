//! Signs people in by the crate openidconnect, and shows what it got as JSON: the claims, user info, what a refresh gave,
//! and why the library refused what was wrong.

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::str::FromStr;

use openidconnect::core::{
    CoreAuthPrompt, CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreIdTokenClaims, CoreProviderMetadata,
    CoreTokenResponse, CoreUserInfoClaims,
};
use openidconnect::http::Response as HttpResponse;
use openidconnect::{
    AccessToken, AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, HttpRequest, IssuerUrl, Nonce, NonceVerifier, OAuth2TokenResponse,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse,
};
use serde_json::{Value, json};
use tiny_http::{Header, Request, Response, Server};
use url::Url;

type Failure = Box<dyn Error>;
type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

struct RelyingParty {
    home: String,
    client: Client,
    agent: ureq::Agent,
    /// By state.
    logins: HashMap<String, (Nonce, PkceCodeVerifier)>,
}

fn main() -> Result<(), Failure> {
    let home = format!("http://localhost:{}", env::var("PORT")?);
    let agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
    let metadata = CoreProviderMetadata::discover(&IssuerUrl::new(env::var("ISSUER")?)?, &http(&agent))?;
    let secret = ClientSecret::new(env::var("CLIENT_SECRET")?);
    let client =
        CoreClient::from_provider_metadata(metadata, ClientId::new(env::var("CLIENT_ID")?), Some(secret))
            .set_redirect_uri(RedirectUrl::new(format!("{home}/callback"))?);
    let mut party = RelyingParty { home, client, agent, logins: HashMap::new() };

    let server =
        Server::http(format!("127.0.0.1:{}", env::var("PORT")?)).map_err(|error| error.to_string())?;
    for request in server.incoming_requests() {
        party.answer(request)?;
    }
    Ok(())
}

/// The agent as the library asks it.
fn http(agent: &ureq::Agent) -> impl Fn(HttpRequest) -> Result<HttpResponse<Vec<u8>>, ureq::Error> {
    |request| {
        let (parts, mut body) = agent.run(request)?.into_parts();
        Ok(HttpResponse::from_parts(parts, body.read_to_vec()?))
    }
}

impl RelyingParty {
    fn answer(&mut self, request: Request) -> Result<(), Failure> {
        let url = Url::parse(&self.home)?.join(request.url())?;
        match url.path() {
            "/ready" => request.respond(Response::empty(200))?,
            "/" => {
                let location =
                    Header::from_str(&format!("Location: {}", self.begin())).map_err(|()| "a header")?;
                request.respond(Response::empty(303).with_header(location))?;
            }
            "/callback" => match self.finish(&url) {
                Ok(shown) => request.respond(Response::from_string(shown.to_string()))?,
                Err(failure) => {
                    request.respond(Response::from_string(reasons(&*failure)).with_status_code(403))?
                }
            },
            _ => request.respond(Response::empty(404))?,
        }
        Ok(())
    }

    fn begin(&mut self) -> Url {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = self
            .client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(["profile", "email", "offline_access"].map(|scope| Scope::new(scope.to_owned())))
            .add_prompt(CoreAuthPrompt::Consent)
            .set_pkce_challenge(challenge)
            .url();
        self.logins.insert(state.into_secret(), (nonce, verifier));
        url
    }

    fn finish(&mut self, url: &Url) -> Result<Value, Failure> {
        let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
        let login = query.get("state").and_then(|state| self.logins.remove(state));
        let (nonce, verifier) = login.ok_or("unknown state")?;
        if let Some(refusal) = query.get("error") {
            return Err(refusal.as_str().into());
        }
        let http = http(&self.agent);
        let code = AuthorizationCode::new(query.get("code").ok_or("no code")?.clone());
        let tokens = self.client.exchange_code(code)?.set_pkce_verifier(verifier).request(&http)?;
        let id_token = tokens.id_token().ok_or("no ID token")?;
        let claims = self.verify(id_token, tokens.access_token(), &nonce)?;

        let subject = Some(claims.subject().clone());
        let info = self.client.user_info(tokens.access_token().clone(), subject)?;
        let info: CoreUserInfoClaims = info.request(&http)?;

        let refresh_token = tokens.refresh_token().ok_or("no refresh token")?;
        let renewed = self.client.exchange_refresh_token(refresh_token)?.request(&http)?;
        if renewed.refresh_token().is_none_or(|next| next.secret() == refresh_token.secret()) {
            return Err("the refresh token did not move on".into());
        }
        // The nonce belongs to the login and is not repeated.
        let no_nonce = |nonce: Option<&Nonce>| nonce.map_or(Ok(()), |_| Err("a nonce".to_owned()));
        let id_token_again = renewed.id_token().ok_or("no ID token by the refresh")?;
        let claims_again = self.verify(id_token_again, renewed.access_token(), no_nonce)?;

        let mixed = mixed(&tokens, &renewed).ok_or("no JWT")?;
        let mixed = CoreIdToken::from_str(&mixed)?;
        let tampered = self.verify(&mixed, tokens.access_token(), &nonce);
        let swapped = self.verify(id_token, renewed.access_token(), &nonce);
        Ok(json!({
            "claims": claims,
            "user_info": info,
            "refreshed": claims_again,
            "tampered": tampered.err().map(|failure| reasons(&*failure)),
            "swapped": swapped.err().map(|failure| reasons(&*failure)),
        }))
    }

    /// Checks the ID token's signature, issuer, audience, time, nonce and `at_hash`.
    fn verify<'a>(
        &self,
        id_token: &'a CoreIdToken,
        access_token: &AccessToken,
        nonce: impl NonceVerifier,
    ) -> Result<&'a CoreIdTokenClaims, Failure> {
        let verifier = self.client.id_token_verifier();
        let claims = id_token.claims(&verifier, nonce)?;
        let (alg, key) = (id_token.signing_alg()?, id_token.signing_key(&verifier)?);
        let hash = AccessTokenHash::from_token(access_token, alg, key)?;
        if claims.access_token_hash() != Some(&hash) {
            return Err("the access token hash does not fit".into());
        }
        Ok(claims)
    }
}

/// The ID token of one answer with the claims of another.
fn mixed(one: &CoreTokenResponse, other: &CoreTokenResponse) -> Option<String> {
    let (one, other) = (one.id_token()?.to_string(), other.id_token()?.to_string());
    let (header, signature) = (one.split('.').next()?, one.split('.').nth(2)?);
    Some(format!("{header}.{}.{signature}", other.split('.').nth(1)?))
}

/// What a failure says, and what each that caused it does.
fn reasons(failure: &dyn Error) -> String {
    let mut said = failure.to_string();
    let mut cause = failure.source();
    while let Some(failure) = cause {
        said = format!("{said}: {failure}");
        cause = failure.source();
    }
    said
}
