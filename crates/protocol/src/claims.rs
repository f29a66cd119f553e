//! The claims of a user, by scope (OpenID Connect Core §5.1 and §5.4), and the ID token (§2).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    amr::{Acr, Amr},
    application::Application,
    claims_request::Wishes,
    id::{AppId, SessionId, UserId},
    issuer::Issuer,
    scope::{KnownScope, Scope},
    subject::{Subject, Subjects},
    time::Timestamp,
    user::{Profile, User},
};

/// The claims each scope gives, in the order they are written; `openid` gives `sub`, which is always there.
pub const CLAIMS_BY_SCOPE: &[(KnownScope, &[&str])] = &[
    (
        KnownScope::Profile,
        &[
            "name",
            "given_name",
            "family_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
    ),
    (KnownScope::Email, &["email", "email_verified"]),
    (KnownScope::Phone, &["phone_number", "phone_number_verified"]),
    (KnownScope::Address, &["address"]),
    (KnownScope::Username, &["username"]),
    (KnownScope::Roles, &["roles"]),
    (KnownScope::ExternalId, &["external_id"]),
    (KnownScope::ExtendedFields, &["extended_fields"]),
];

/// The claims of `user` that `scope` gives, without `sub`.
///
/// A claim without a value is left out (OpenID Connect Core §5.3.2), or sent as `null` when `application` wants the shape
/// of older systems.
pub fn user_claims(user: &User, scope: &Scope, application: &Application) -> Map<String, Value> {
    let granted = CLAIMS_BY_SCOPE.iter().filter(|(value, _)| scope.has(*value)).flat_map(|(_, names)| *names);
    let shown = granted.map(|name| ((*name).to_owned(), claim(user, name)));
    if application.settings.empty_claims_as_null {
        shown.map(|(name, value)| if value.is_null() { unset(name) } else { (name, value) }).collect()
    } else {
        shown.filter(|(_, value)| !value.is_null()).collect()
    }
}

/// Whether `scope` gives the claim `name`.
pub fn gives(scope: &Scope, name: &str) -> bool {
    CLAIMS_BY_SCOPE.iter().any(|(value, names)| scope.has(*value) && names.contains(&name))
}

/// Whether `name` is a claim about users.
pub fn is_user_claim(name: &str) -> bool {
    CLAIMS_BY_SCOPE.iter().any(|(_, names)| names.contains(&name))
}

/// The claims of `user` that were asked for one by one (OpenID Connect Core §5.5): those that have a value, and one that
/// was asked for if certain ones were.
pub fn wished_claims(user: &User, wishes: &Wishes) -> impl Iterator<Item = (String, Value)> {
    let known = wishes.iter().filter(|(name, _)| is_user_claim(name));
    let told = known.map(|(name, wish)| (name, wish, claim(user, name)));
    told.filter(|(_, wish, value)| !value.is_null() && wish.admits(value))
        .map(|(name, _, value)| (name.clone(), value))
}

/// How older systems send a claim without a value.
fn unset(name: String) -> (String, Value) {
    let value = match name.as_str() {
        "email_verified" | "phone_number_verified" => Value::Bool(false),
        "gender" => Value::from("U"),
        _ => Value::Null,
    };
    (name, value)
}

fn claim(user: &User, name: &str) -> Value {
    let details = &user.details;
    match name {
        "email" => text(&user.email),
        "email_verified" => user.email.as_ref().map_or(Value::Null, |_| details.email_verified.into()),
        "phone_number" => text(&user.phone),
        "phone_number_verified" => user.phone.as_ref().map_or(Value::Null, |_| details.phone_verified.into()),
        "address" => match serde_json::to_value(&details.profile.address) {
            Ok(Value::Object(members)) if !members.is_empty() => Value::Object(members),
            _ => Value::Null,
        },
        "username" => text(&user.username),
        "roles" if !details.roles.is_empty() => details.roles.clone().into(),
        "external_id" => text(&details.external_id),
        "extended_fields" if !details.extended_fields.is_empty() => {
            Value::Object(details.extended_fields.clone().into_iter().collect())
        }
        "updated_at" => user.updated_at.0.into(),
        "preferred_username" if details.profile.preferred_username.is_none() => text(&user.username),
        other => profile_claim(&details.profile, other),
    }
}

fn profile_claim(profile: &Profile, name: &str) -> Value {
    match name {
        "name" => text(&profile.name),
        "given_name" => text(&profile.given_name),
        "family_name" => text(&profile.family_name),
        "middle_name" => text(&profile.middle_name),
        "nickname" => text(&profile.nickname),
        "preferred_username" => text(&profile.preferred_username),
        "profile" => text(&profile.profile),
        "picture" => text(&profile.picture),
        "website" => text(&profile.website),
        "gender" => text(&profile.gender),
        "birthdate" => text(&profile.birthdate),
        "zoneinfo" => text(&profile.zoneinfo),
        "locale" => text(&profile.locale),
        _ => Value::Null,
    }
}

fn text(value: &Option<String>) -> Value {
    value.as_deref().filter(|text| !text.is_empty()).map_or(Value::Null, Value::from)
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
