//! A relying party: one application at one issuer.

use std::sync::Arc;

use http::StatusCode;
use serde_json::Value;
use signet_protocol::application::{Application, AuthMethod};
use signet_testkit::jwt::Jwt;

use crate::{
    client,
    support::{Answer, BASE, Browser, CALLBACK, SECRET, VERIFIER, World, authorize_url, basic},
};

/// The authorization parameters that get a refresh token.
pub const OFFLINE: &[(&str, &str)] =
    &[("scope", "openid profile email offline_access"), ("prompt", "consent")];

/// An application as its developer has it.
#[derive(Clone)]
pub struct Rp {
    pub world: Arc<World>,
    pub issuer: String,
    pub application: Application,
    pub id: String,
}

impl Rp {
    /// Registers the sample application, changed by `change`; it speaks to the pool's issuer.
    pub async fn new(world: &Arc<World>, identifier: &str, change: impl FnOnce(&mut Application)) -> Rp {
        let application = world.application(identifier, change).await;
        Rp {
            world: Arc::clone(world),
            issuer: format!("{BASE}/oidc"),
            id: application.id.to_string(),
            application,
        }
    }

    /// The same application at its own issuer.
    pub fn at_home(&self) -> Rp {
        let issuer = format!("http://{}.localhost:8080/oidc", self.application.identifier);
        Rp { issuer, ..self.clone() }
    }

    /// An authorization request with the usual parameters, changed.
    pub fn url(&self, change: &[(&str, &str)]) -> String {
        authorize_url(&self.issuer, &self.application, change)
    }

    /// Sends `browser` with an authorization request and signs `username` in, allowing what is asked.
    pub async fn login(&self, browser: &mut Browser, username: &str, change: &[(&str, &str)]) -> Answer {
        let mut answer = browser.open(&self.url(change)).await;
        if answer.body.contains("id=\"sign-in\"") {
            answer = browser.sign_in(&answer, username).await;
        }
        if answer.body.contains("id=\"allow\"") {
            answer = browser.submit(&answer, &[], "allow").await;
        }
        answer
    }

    /// A code from a login in a new browser.
    pub async fn code(&self, username: &str, change: &[(&str, &str)]) -> String {
        let answer = self.login(&mut self.world.browser(), username, change).await;
        let code = answer.callback().get("code").map(str::to_owned);
        code.unwrap_or_else(|| panic!("no code: {}", answer.location()))
    }

    /// The parameters that redeem `code`.
    pub fn redeeming<'a>(&self, code: &'a str) -> Vec<(&'static str, &'a str)> {
        vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ]
    }

    /// POST of a form to an endpoint, with client authentication as registered for it.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let settings = &self.application.settings;
        let method = match path {
            "/token/introspection" => settings.introspection_endpoint_auth_method,
            "/token/revocation" => settings.revocation_endpoint_auth_method,
            _ => settings.token_endpoint_auth_method,
        };
        let mut form = form.to_vec();
        let mut header = None;
        let assertion = match method {
            AuthMethod::PrivateKeyJwt => client::signed(&client::claims(self)),
            _ => client::keyed(&client::claims(self)),
        };
        match method {
            AuthMethod::ClientSecretBasic => header = Some(basic(&self.id, SECRET)),
            AuthMethod::PrivateKeyJwt | AuthMethod::ClientSecretJwt => {
                form.extend(client::presenting(&assertion));
            }
            AuthMethod::None => form.push(("client_id", &self.id)),
            AuthMethod::ClientSecretPost => {
                form.extend([("client_id", self.id.as_str()), ("client_secret", SECRET)]);
            }
        }
        self.world.post(&format!("{}{path}", self.issuer), &form, header.as_deref()).await
    }

    /// Redeems a code.
    pub async fn redeem(&self, code: &str) -> Answer {
        self.post("/token", &self.redeeming(code)).await
    }

    /// Refreshes.
    pub async fn refresh(&self, token: &str) -> Answer {
        self.post("/token", &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// What introspection says.
    pub async fn introspect(&self, token: &str) -> Value {
        let answer = self.post("/token/introspection", &[("token", token)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.json()
    }

    /// Whether introspection calls it active.
    pub async fn is_active(&self, token: &str) -> bool {
        self.introspect(token).await["active"] == true
    }

    /// Revokes.
    pub async fn revoke(&self, token: &str) -> Answer {
        self.post("/token/revocation", &[("token", token)]).await
    }

    /// User info.
    pub async fn me(&self, token: &str) -> Answer {
        self.world.post(&format!("{}/me", self.issuer), &[("access_token", token)], None).await
    }

    /// The tokens of a login with the given authorization parameters.
    pub async fn tokens(&self, username: &str, change: &[(&str, &str)]) -> Tokens {
        let code = self.code(username, change).await;
        Tokens::of(&self.redeem(&code).await)
    }

    /// The keys of the issuer.
    pub async fn jwks(&self) -> Value {
        self.world.get(&format!("{}/.well-known/jwks.json", self.issuer)).await.json()
    }
}

/// The tokens of one answer.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub access: String,
    pub id: String,
    pub refresh: Option<String>,
    pub json: Value,
}

impl Tokens {
    /// Reads an answer that must be good.
    pub fn of(answer: &Answer) -> Tokens {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let json = answer.json();
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        Tokens {
            access: text("access_token").unwrap(),
            id: text("id_token").unwrap(),
            refresh: text("refresh_token"),
            json,
        }
    }

    /// The refresh token, which must be there.
    pub fn refresh(&self) -> &str {
        self.refresh.as_deref().unwrap()
    }

    /// The ID token, taken apart.
    pub fn id_token(&self) -> Jwt {
        Jwt::decode(&self.id).unwrap()
    }

    /// The access token, taken apart.
    pub fn access_token(&self) -> Jwt {
        Jwt::decode(&self.access).unwrap()
    }
}
