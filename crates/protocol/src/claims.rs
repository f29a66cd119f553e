//! The claims of a user, by scope (OpenID Connect Core §5.1 and §5.4), and the ID token (§2).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    application::Application,
    id::{AppId, SessionId, UserId},
    issuer::Issuer,
    pool::{PoolSettings, is_protocol_claim},
    scope::{KnownScope, Scope},
    time::Timestamp,
    user::User,
    user_field::BasicField,
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
/// A claim without a value is left out (OpenID Connect Core §5.3.2), or sent as `null` when `application` wants the shape
/// of older systems.
pub fn user_claims(
    user: &User,
    scope: &Scope,
    application: &Application,
    pool: &PoolSettings,
) -> Map<String, Value> {
    let settings = &application.settings;
    let granted =
        CLAIMS_BY_SCOPE.iter().filter(|(value, _)| scope.has(*value)).flat_map(|(_, claims)| *claims);
    let built_in = granted.map(|(name, field)| (*name, field.value(user), *field));
    let mut told = Map::new();
    for (name, value, field) in built_in {
        put(&mut told, name, value, || settings.empty_claims_as_null.then(|| field.unset()));
    }
    for (name, field) in pool.claims_of(scope) {
        put(&mut told, name, pool.value(user, &field), || {
            settings.empty_claims_as_null.then(|| field.unset())
        });
    }
    // What is stored was checked by the rules of its day; a claim of the protocol is never made here.
    let constant = settings.constant_claims.iter().filter(|(name, _)| !is_protocol_claim(name));
    told.extend(constant.map(|(name, value)| (name.clone(), value.clone())));
    told
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
    /// User.
    pub sub: UserId,
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
    /// What comes with it.
    #[serde(flatten)]
    pub bound: BoundHashes,
    /// The session.
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
    /// User.
    pub sub: UserId,
    /// The client it was made for.
    pub aud: AppId,
    /// The session.
    pub sid: Option<String>,
}

impl HintClaims {
    /// Whether the hint is this issuer's. An expired one is good (OpenID Connect RP-Initiated Logout §2).
    pub fn made_by(&self, issuer: &Issuer) -> bool {
        self.iss == issuer.url()
    }

    /// The session it names.
    pub fn session(&self) -> Option<SessionId> {
        crate::id::RowId::parse(self.sid.as_deref()?)
    }
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
