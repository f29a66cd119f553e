//! The claims of a user, by scope (OpenID Connect Core §5.1 and §5.4), and the ID token (§2).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    amr::{Acr, Amr},
    application::Application,
    claims_request::Wishes,
    id::{AppId, SessionId, UserId},
    issuer::Issuer,
    pool::{PoolSettings, is_protocol_claim},
    scope::{KnownScope, Scope},
    subject::{Subject, Subjects},
    time::Timestamp,
    user::User,
    user_field::{BasicField, UserField},
};

/// A claim, and the field it is made of.
pub type Claim = (&'static str, BasicField);

/// The claims each scope gives, in the order they are written; `openid` gives `sub`, which is always there.
pub const CLAIMS_BY_SCOPE: &[(KnownScope, &[Claim])] = &[
    (
        KnownScope::Profile,
        &[
            ("name", BasicField::Name),
            ("given_name", BasicField::GivenName),
            ("family_name", BasicField::FamilyName),
            ("middle_name", BasicField::MiddleName),
            ("nickname", BasicField::Nickname),
            ("preferred_username", BasicField::PreferredUsername),
            ("profile", BasicField::Profile),
            ("picture", BasicField::Picture),
            ("website", BasicField::Website),
            ("gender", BasicField::Gender),
            ("birthdate", BasicField::Birthdate),
            ("zoneinfo", BasicField::Zoneinfo),
            ("locale", BasicField::Locale),
            ("updated_at", BasicField::UpdatedAt),
        ],
    ),
    (KnownScope::Email, &[("email", BasicField::Email), ("email_verified", BasicField::EmailVerified)]),
    (
        KnownScope::Phone,
        &[("phone_number", BasicField::Phone), ("phone_number_verified", BasicField::PhoneVerified)],
    ),
    (KnownScope::Address, &[("address", BasicField::Address)]),
    (KnownScope::Username, &[("username", BasicField::Username)]),
    (KnownScope::Roles, &[("roles", BasicField::Roles)]),
    (KnownScope::ExternalId, &[("external_id", BasicField::ExternalId)]),
    (KnownScope::ExtendedFields, &[("extended_fields", BasicField::ExtendedFields)]),
];

/// Built-in claims that only a scope of the pool's own can give.
pub const FURTHER_CLAIMS: &[Claim] = &[
    ("formatted", BasicField::Formatted),
    ("street_address", BasicField::StreetAddress),
    ("locality", BasicField::Locality),
    ("region", BasicField::Region),
    ("postal_code", BasicField::PostalCode),
    ("country", BasicField::Country),
    ("groups", BasicField::Groups),
    ("userpool_id", BasicField::PoolId),
];

/// Every built-in claim but `sub`.
pub fn built_in_claims() -> impl Iterator<Item = Claim> {
    let by_scope = CLAIMS_BY_SCOPE.iter().flat_map(|(_, claims)| *claims);
    by_scope.chain(FURTHER_CLAIMS).copied()
}

/// The claims of `user` that `scope` gives in `pool`, without `sub`, and the constant ones of `application`, which stand in
/// the place of a claim of the pool's own with the same name.
///
/// A claim without a value is left out (OpenID Connect Core §5.3.2), or sent as `null`, and `updated_at` is a number, or
/// text, as `application` wants the shape of older systems.
pub fn user_claims(
    user: &User,
    scope: &Scope,
    application: &Application,
    pool: &PoolSettings,
) -> Map<String, Value> {
    let settings = &application.settings;
    let granted =
        CLAIMS_BY_SCOPE.iter().filter(|(value, _)| scope.has(*value)).flat_map(|(_, claims)| *claims);
    let built_in = granted.map(|(name, field)| (*name, UserField::Basic(*field)));
    let mut told = Map::new();
    for (name, field) in built_in.chain(pool.claims_of(scope)) {
        let value = value(user, &field, application, pool);
        put(&mut told, name, value, || settings.empty_claims_as_null.then(|| field.unset()));
    }
    // What is stored was checked by the rules of its day; a claim of the protocol is never made here.
    let constant = settings.constant_claims.iter().filter(|(name, _)| !is_protocol_claim(name));
    told.extend(constant.map(|(name, value)| (name.clone(), value.clone())));
    told
}

/// What `application` is told of `field`: `updated_at` under every name in the shape it wants.
fn value(user: &User, field: &UserField, application: &Application, pool: &PoolSettings) -> Value {
    match field {
        UserField::Basic(BasicField::UpdatedAt) if application.settings.updated_at_as_text => {
            user.updated_at.to_text().into()
        }
        other => pool.value(user, other),
    }
}

/// Whether `scope` gives the claim `name` in `pool`.
pub fn gives(scope: &Scope, name: &str, pool: &PoolSettings) -> bool {
    let built_in =
        CLAIMS_BY_SCOPE.iter().filter(|(value, _)| scope.has(*value)).flat_map(|(_, names)| *names);
    built_in
        .map(|(given, _)| *given)
        .chain(pool.claims_of(scope).map(|(given, _)| given))
        .any(|given| given == name)
}

/// Whether `name` is a claim about users in `pool`.
pub fn is_user_claim(name: &str, pool: &PoolSettings) -> bool {
    !is_protocol_claim(name) && pool.field_of(name).is_some()
}

/// Adds the claims of `user` that were asked for one by one (OpenID Connect Core §5.5): those that have a value, and one
/// that was asked for if certain ones were. What is told already stays.
pub fn add_wished(
    told: &mut Map<String, Value>,
    user: &User,
    wishes: &Wishes,
    application: &Application,
    pool: &PoolSettings,
) {
    for (name, wish) in wishes.iter().filter(|(name, _)| is_user_claim(name, pool)) {
        let value = pool.field_of(name).map_or(Value::Null, |field| value(user, &field, application, pool));
        if !value.is_null() && wish.admits(&value) {
            told.entry(name.clone()).or_insert(value);
        }
    }
}

fn put(told: &mut Map<String, Value>, name: &str, value: Value, unset: impl FnOnce() -> Option<Value>) {
    let value = if value.is_null() { unset() } else { Some(value) };
    told.extend(value.map(|value| (name.to_owned(), value)));
}

/// Hashes that bind an ID token to what comes with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BoundHashes {
    /// Of the access token (OpenID Connect Core §3.1.3.6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<String>,
    /// Of the code (OpenID Connect Core §3.3.2.11).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub c_hash: Option<String>,
    /// Of the `state` (Financial-grade API Security Profile 1.0, part 2, §5.1.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s_hash: Option<String>,
}

/// The claims of an ID token (OpenID Connect Core §2 and §3.1.3.6).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IdTokenClaims {
    /// Issuer.
    pub iss: String,
    /// User, as the client is told.
    pub sub: Subject,
    /// The client.
    pub aud: AppId,
    /// When it ends.
    pub exp: Timestamp,
    /// When it was made.
    pub iat: Timestamp,
    /// When the person last proved who they are.
    pub auth_time: Timestamp,
    /// From the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// What the login is worth; told when it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<Acr>,
    /// How the person proved who they are; told beside `acr`, or when it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amr: Option<Amr>,
    /// What comes with it.
    #[serde(flatten)]
    pub bound: BoundHashes,
    /// The session, as the client is told.
    pub sid: String,
    /// What the granted scope tells of the user.
    #[serde(flatten)]
    pub user: Map<String, Value>,
}

/// What is read of an ID token that comes back as `id_token_hint`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct HintClaims {
    /// Issuer.
    pub iss: String,
    /// User, as the client was told.
    pub sub: Subject,
    /// The client it was made for.
    pub aud: AppId,
    /// The session, as the client was told.
    pub sid: Option<String>,
}

impl HintClaims {
    /// Whether the hint is this issuer's. An expired one is good (OpenID Connect RP-Initiated Logout §2).
    pub fn made_by(&self, issuer: &Issuer) -> bool {
        self.iss == issuer.url()
    }

    /// Whom it means, now that its signature was verified and its client is known.
    pub fn resolve(self, subjects: Subjects<'_>, client: &Application) -> Option<Hint> {
        (client.id == self.aud).then_some(())?;
        Some(Hint {
            user: subjects.user(self.sub, client)?,
            client: self.aud,
            session: self.sid.and_then(|sid| subjects.session(&sid, client)),
        })
    }
}

/// Whom a verified `id_token_hint` means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The user.
    pub user: UserId,
    /// The client it was made for.
    pub client: AppId,
    /// The session it names.
    pub session: Option<SessionId>,
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
