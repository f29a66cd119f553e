//! Sample values from which the tables of tests are built: each is good, and a row changes what it is about.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{
    access::AdmittedUser,
    account::Account,
    amr::Amr,
    application::{ActiveApplication, Application, ApplicationSettings, AuthMethod, GrantType, SubjectType},
    claims_request::ClaimsRequest,
    client_auth::{AuthenticatedAccount, AuthenticatedClient, authenticate, authenticate_account, presented},
    entropy::Entropy,
    error::Refusal,
    grant::Grant,
    id::{AccountId, AppId, GrantId, PoolId, RowId, SessionId, UserId},
    issuer::{BaseUrl, Identifier, Issuer, IssuerId, Site},
    jose::{HmacKey, KeyAlg, SigningKey, b64, unb64},
    params::{RawParams, encode_pairs},
    pool::PoolSettings,
    redirect_uri::RedirectUri,
    resource::{GrantItems, Permissions, UserCase, UserScope},
    scope::Scope,
    secret::{Secret, SecretHash},
    session::Session,
    subject::Subject,
    time::{Now, Seconds, Timestamp},
    user::{ActiveUser, Address, Profile, User, UserDetails},
};

pub const NOW: Timestamp = Timestamp(1_700_000_000);
pub const APP_SECRET: &str = "Kq3+vZ%7Eb/9 0123456789abcdefghijklmnopqrst";
pub const ACCOUNT_SECRET: &str = "0123456789abcdef0123456789abcdef";
pub const CALLBACK: &str = "https://rp.example/cb";
pub const CALLBACK_WITH_QUERY: &str = "https://rp.example/cb?tenant=a%20b";
pub const LOGOUT_CALLBACK: &str = "https://rp.example/bye";
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub fn now() -> Now {
    Now::from_millis(NOW.0 * 1000)
}

pub fn pool_id() -> PoolId {
    PoolId::parse("a00000000000000000000001").unwrap()
}

pub fn other_pool_id() -> PoolId {
    PoolId::parse("a00000000000000000000002").unwrap()
}

pub fn app_id() -> AppId {
    AppId::parse("b00000000000000000000001").unwrap()
}

pub fn other_app_id() -> AppId {
    AppId::parse("b00000000000000000000002").unwrap()
}

pub fn account_id() -> AccountId {
    AccountId::parse("d00000000000000000000001").unwrap()
}

pub fn user_id() -> UserId {
    UserId::parse("c00000000000000000000001").unwrap()
}

/// What a public application is told of the user.
pub fn subject() -> Subject {
    Subject::parse("c00000000000000000000001").unwrap()
}

/// What refresh tokens and pairwise names are derived from.
pub fn pool_key() -> &'static Secret {
    static KEY: OnceLock<Secret> = OnceLock::new();
    KEY.get_or_init(|| Secret::new([9; 32]))
}

pub fn other_user_id() -> UserId {
    UserId::parse("c00000000000000000000002").unwrap()
}

pub fn session_id() -> SessionId {
    SessionId::from_bytes([1; 16])
}

pub fn other_session_id() -> SessionId {
    SessionId::from_bytes([2; 16])
}

pub fn grant_id() -> GrantId {
    GrantId::from_bytes([3; 16])
}

fn uri(text: &str) -> RedirectUri {
    RedirectUri::parse(text).unwrap()
}

/// A confidential web application that may do everything.
pub fn application() -> Application {
    Application {
        id: app_id(),
        pool: pool_id(),
        identifier: Identifier::parse("notes").unwrap(),
        name: "Notes".into(),
        enabled: true,
        secret: Some(Secret::new(APP_SECRET)),
        settings: ApplicationSettings {
            redirect_uris: vec![uri(CALLBACK), uri(CALLBACK_WITH_QUERY), uri("http://127.0.0.1/cb")],
            logout_redirect_uris: vec![uri(LOGOUT_CALLBACK), uri("https://rp.example/bye?x=1")],
            ..ApplicationSettings::default()
        },
        version: 1,
    }
}

/// The sample application with other settings, enabled.
pub fn application_with(change: impl FnOnce(&mut ApplicationSettings)) -> ActiveApplication {
    let mut application = application();
    change(&mut application.settings);
    Arc::new(application).active().unwrap()
}

/// Makes an application be told of its users by pairwise names.
pub fn pairwise(settings: &mut ApplicationSettings) {
    settings.subject_type = SubjectType::Pairwise;
    settings.redirect_uris.retain(|uri| uri.host() == Some("rp.example"));
}

/// Another application of the same pool.
pub fn other_application() -> ActiveApplication {
    Arc::new(Application { id: other_app_id(), ..application() }).active().unwrap()
}

pub fn active_application() -> ActiveApplication {
    application_with(|_| {})
}

/// `application` after it authenticated with the sample secret.
pub fn authenticated(application: ActiveApplication) -> AuthenticatedClient {
    let id = application.id.to_string();
    let shown = presented(&params(&[("client_id", &id), ("client_secret", APP_SECRET)]), None).unwrap();
    authenticate(Some(application), &shown, |_| AuthMethod::ClientSecretPost).unwrap()
}

/// An account of the sample application, whose tokens live 77 seconds.
pub fn account() -> Account {
    Account {
        id: account_id(),
        pool: pool_id(),
        application: app_id(),
        secret: Secret::new(ACCOUNT_SECRET),
        previous: None,
        token_lifetime: Seconds(77),
        remarks: None,
        enabled: true,
        created_at: NOW,
        updated_at: NOW,
        version: 1,
    }
}

/// `account` after it authenticated with the sample secret, at the sample application with `client_credentials` ticked.
pub fn authenticated_account(account: Account) -> AuthenticatedAccount {
    let mut application = application();
    application.settings.grant_types.push(GrantType::ClientCredentials);
    account_of(account, application)
}

/// `account` after it authenticated with the sample secret.
pub fn account_of(account: Account, application: Application) -> AuthenticatedAccount {
    let id = account.id.to_string();
    let shown = presented(&params(&[("client_id", &id), ("client_secret", ACCOUNT_SECRET)]), None).unwrap();
    let active = Arc::new(account).active(&Arc::new(application));
    authenticate_account(active, &shown, NOW).unwrap()
}

fn base() -> BaseUrl {
    BaseUrl::parse("https://id.example.com").unwrap()
}

pub fn pool_issuer() -> Issuer {
    Issuer::at(&base(), &Site::Pool, pool_id(), IssuerId::Pool(pool_id()))
}

pub fn app_issuer() -> Issuer {
    let site = Site::Application(application().identifier);
    Issuer::at(&base(), &site, pool_id(), IssuerId::Application(app_id()))
}

/// A user of whom every claim is known.
pub fn user() -> User {
    let text = |value: &str| Some(value.to_owned());
    User {
        id: user_id(),
        pool: pool_id(),
        username: text("alice"),
        email: text("alice@example.com"),
        phone: text("+8613800138000"),
        password: None,
        blocked: false,
        details: UserDetails {
            email_verified: true,
            phone_verified: false,
            external_id: text("hr-17"),
            profile: Profile {
                name: text("Alice Liddell"),
                given_name: text("Alice"),
                family_name: text("Liddell"),
                middle_name: text("P"),
                nickname: text("Al"),
                preferred_username: text("al"),
                profile: text("https://example.com/al"),
                picture: text("https://example.com/al.png"),
                website: text("https://al.example"),
                gender: text("F"),
                birthdate: text("1990-05-04"),
                zoneinfo: text("Asia/Shanghai"),
                locale: text("zh-CN"),
                address: Some(Address { country: text("CN"), ..Address::default() }),
            },
            roles: vec!["admin".into(), "editor".into()],
            groups: vec!["staff".into()],
            extended_fields: [("level".to_owned(), Value::from(3))].into(),
            imported: None,
        },
        updated_at: Timestamp(1_600_000_000),
        version: 1,
    }
}

/// A user of whom nothing but the id is known.
pub fn bare_user() -> User {
    User { username: None, email: None, phone: None, details: UserDetails::default(), ..user() }
}

pub fn active_user() -> ActiveUser {
    Arc::new(user()).active().unwrap()
}

pub fn admitted_user() -> AdmittedUser {
    active_application().admit(active_user()).unwrap()
}

/// A login of 30 seconds ago at the sample application alone.
pub fn session() -> Session {
    Session {
        id: session_id(),
        hash: SecretHash::of("session", b"cookie"),
        pool: pool_id(),
        user: user_id(),
        application: Some(app_id()),
        auth_time: Timestamp(NOW.0 - 30),
        amr: Amr::PASSWORD,
        expires_at: Timestamp(NOW.0 + 1000),
        ended_at: None,
    }
}

/// What the user gave the application at the pool's issuer.
pub fn grant() -> Grant {
    Grant {
        id: grant_id(),
        pool: pool_id(),
        issuer: pool_issuer().id(),
        application: app_id(),
        user: user_id(),
        session: session_id(),
        sid: session_id(),
        scope: scope("openid email"),
        items: GrantItems::default(),
        offline: false,
        auth_time: Timestamp(NOW.0 - 30),
        amr: Amr::PASSWORD,
        claims: ClaimsRequest::default(),
        created_at: NOW,
        expires_at: Timestamp(NOW.0 + 4200),
        revoked_at: None,
    }
}

/// What the user grants of `text` in an application without rules.
pub fn user_scope(text: &str) -> UserScope {
    let (scope, settings) = (scope(text), PoolSettings::default());
    let case = UserCase {
        scope: &scope,
        api: None,
        narrowed: false,
        user: &user(),
        settings: &settings,
        ip: None,
        amr: Amr::PASSWORD,
        now: NOW,
    };
    case.decide(&Permissions::default()).unwrap()
}

pub fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

/// Parameters as they would arrive in a form.
pub fn params(pairs: &[(&str, &str)]) -> RawParams {
    RawParams::parse(encode_pairs(pairs.iter().copied()).as_bytes()).unwrap()
}

/// The same bytes for the same seed.
pub struct Seeded(pub u64);

impl Entropy for Seeded {
    fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = self.0.to_be_bytes()[0];
        }
    }
}

pub fn rsa() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate(KeyAlg::Rs256).unwrap().0)
}

fn ec_pair() -> &'static (SigningKey, Zeroizing<Vec<u8>>) {
    static KEY: OnceLock<(SigningKey, Zeroizing<Vec<u8>>)> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate(KeyAlg::Es256).unwrap())
}

pub fn ec() -> &'static SigningKey {
    &ec_pair().0
}

/// A compact JWS with any header and payload, signed by [`ec`]: what refuses it is not its signature.
pub fn forge(header: &Value, payload: &impl Serialize) -> String {
    let part = |json: Vec<u8>| b64(&json);
    let input =
        [part(serde_json::to_vec(header).unwrap()), part(serde_json::to_vec(payload).unwrap())].join(".");
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &ec_pair().1).unwrap();
    let signature = pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
    format!("{input}.{}", b64(signature.as_ref()))
}

/// A compact JWS of any text as header and payload, keyed by any bytes.
pub fn keyed_by(key: &[u8], header: &str, payload: &str) -> String {
    let input = [b64(header.as_bytes()), b64(payload.as_bytes())].join(".");
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
    format!("{input}.{}", b64(aws_lc_rs::hmac::sign(&key, input.as_bytes()).as_ref()))
}

pub fn hmac() -> &'static HmacKey {
    static KEY: OnceLock<HmacKey> = OnceLock::new();
    KEY.get_or_init(|| HmacKey::new(APP_SECRET.as_bytes()).unwrap())
}

/// Part `index` of a compact JWS, decoded and unverified: what it looks like to others.
pub fn jws_part<T: DeserializeOwned>(token: &str, index: usize) -> T {
    serde_json::from_slice(&unb64(token.split('.').nth(index).unwrap()).unwrap()).unwrap()
}

/// Sees that a refusal's sentence may stand in `error_description` (RFC 6749 §5.2: ASCII without `"` and `\`).
pub fn assert_tellable(refusal: Refusal) {
    let legal = |byte: u8| matches!(byte, 0x20 | 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    assert!(refusal.description.len() > 10 && refusal.description.bytes().all(legal), "{refusal:?}");
}
