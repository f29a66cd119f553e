//! What every run has in common: two applications, two people, and the requests that are made again and again.

use std::sync::{Arc, OnceLock};

use signet_protocol::{
    application::{ActiveApplication, Application, ApplicationSettings, AuthMethod, ResponseType},
    authorize::{self, Addressee, AllowedResponse, AuthorizationRequest, Draft},
    client_auth::{AuthenticatedClient, authenticate, presented},
    id::{AppId, PoolId, UserId},
    issuer::{BaseUrl, Identifier, Issuer, IssuerId, Site},
    params::{RawParams, encode_pairs},
    redirect_uri::RedirectUri,
    secret::Secret,
    time::{Seconds, Timestamp},
    user::{User, UserDetails},
};

const SECRET: &str = "app-secret-app-secret-app-secret";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "https://notes.example/callback";

/// Seconds that things live; short, so that runs reach their ends.
pub const CODE_EXPIRE: i64 = 60;
pub const ACCESS_TOKEN_EXPIRE: i64 = 600;
pub const REFRESH_TOKEN_EXPIRE: i64 = 2400;

pub struct Lab {
    pub issuer: Issuer,
    pub users: [User; 2],
    pub refresh_key: Secret,
    confidential: App,
    public: App,
}

/// An application that authenticated, with the requests it makes.
pub struct App {
    pub client: AuthenticatedClient,
    pub addressee: Addressee,
    pub allowed: AllowedResponse,
    online: AuthorizationRequest,
    offline: AuthorizationRequest,
}

impl App {
    pub fn application(&self) -> &ActiveApplication {
        self.client.application()
    }

    pub fn request(&self, offline: bool) -> &AuthorizationRequest {
        if offline { &self.offline } else { &self.online }
    }
}

impl Lab {
    pub fn shared() -> &'static Lab {
        static LAB: OnceLock<Lab> = OnceLock::new();
        LAB.get_or_init(Lab::new)
    }

    fn new() -> Lab {
        let pool = PoolId::parse("a00000000000000000000001").unwrap();
        let base = BaseUrl::parse("https://id.example.com").unwrap();
        let issuer = Issuer::at(&base, &Site::Pool, pool, IssuerId::Pool(pool));
        let app = |id, method| app(&issuer, AppId::parse(id).unwrap(), method);
        Lab {
            users: [user(pool, "c00000000000000000000001"), user(pool, "c00000000000000000000002")],
            refresh_key: Secret::new([9; 32]),
            confidential: app("b00000000000000000000001", AuthMethod::ClientSecretPost),
            public: app("b00000000000000000000002", AuthMethod::None),
            issuer,
        }
    }

    pub fn app(&self, public: bool) -> &App {
        if public { &self.public } else { &self.confidential }
    }
}

fn app(issuer: &Issuer, id: AppId, method: AuthMethod) -> App {
    let settings = ApplicationSettings {
        redirect_uris: vec![RedirectUri::parse(CALLBACK).unwrap()],
        token_endpoint_auth_method: method,
        authorization_code_expire: Seconds(CODE_EXPIRE),
        access_token_expire: Seconds(ACCESS_TOKEN_EXPIRE),
        refresh_token_expire: Seconds(REFRESH_TOKEN_EXPIRE),
        ..ApplicationSettings::default()
    };
    let application = Application {
        id,
        pool: issuer.pool(),
        identifier: Identifier::parse("notes").unwrap(),
        name: "Notes".to_owned(),
        enabled: true,
        secret: Some(Secret::new(SECRET)),
        settings,
        version: 1,
    };
    let application = Arc::new(application).active().unwrap();
    let text = id.to_string();
    let ask = |scope, prompt| {
        params(&[
            ("client_id", text.as_str()),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", scope),
            ("prompt", prompt),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ])
    };
    let request =
        |params: &RawParams| authorize::check(&Draft::parse(params), &application).map_err(|r| r.description);
    let online = ask("openid", "consent");
    let offline = ask("openid offline_access", "consent");
    let mut proof = vec![("client_id", text.as_str())];
    proof.extend((method != AuthMethod::None).then_some(("client_secret", SECRET)));
    let shown = presented(&params(&proof), None).unwrap();
    App {
        allowed: AllowedResponse::of(&application, ResponseType::Code).unwrap(),
        addressee: Addressee::find(&online, &application, issuer).unwrap(),
        online: request(&online).unwrap(),
        offline: request(&offline).unwrap(),
        client: authenticate(Some(application), &shown, |_| method).unwrap(),
    }
}

pub fn user(pool: PoolId, id: &str) -> User {
    User {
        id: UserId::parse(id).unwrap(),
        pool,
        username: Some(format!("user-{id}")),
        email: None,
        phone: None,
        password: None,
        blocked: false,
        details: UserDetails::default(),
        updated_at: Timestamp(0),
        version: 1,
    }
}

pub fn params(pairs: &[(&str, &str)]) -> RawParams {
    RawParams::parse(encode_pairs(pairs.iter().copied()).as_bytes()).unwrap()
}

/// The form that redeems `code`.
pub fn redemption(code: &str) -> RawParams {
    params(&[("code", code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)])
}
