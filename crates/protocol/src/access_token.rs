//! Access tokens: JWTs by RFC 9068, not stored, revoked by grant or by `jti`.
//!
//! One is made from what a user granted an application, or for an account of an application. The second kind has `azp`, and
//! no grant: [`AccessTokenClaims::holder`] tells which.

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    client_auth::Authenticated,
    entropy::{Entropy, random},
    id::{AccountId, AppId, ClientId, GrantId, RowId},
    issuer::Issuer,
    jose::{self, JoseError, Parsed, Typ, Verifier, VerifyingKey},
    resource::ApiIdentifier,
    scope::Scope,
    subject::Subject,
    time::Timestamp,
};

/// The claims of an access token (RFC 9068 §2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// Issuer.
    pub iss: String,
    /// User, as the client is told, or the account.
    pub sub: Subject,
    /// Whom it is for.
    pub aud: Audience,
    /// The client it was given to.
    pub client_id: ClientId,
    /// The application of the account it was given to; none in a token about a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azp: Option<AppId>,
    /// What it allows.
    pub scope: Scope,
    /// When it was made.
    pub iat: Timestamp,
    /// When it ends.
    pub exp: Timestamp,
    /// Unique; its front is the grant it was made from.
    pub jti: String,
    /// The session it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// When the person last proved who they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<Timestamp>,
    /// Whether user info tells more than the scope does: the grant says what was asked for one by one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub userinfo_claims: bool,
}

/// Whom an access token is for (RFC 9068 §3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// The client itself, which has resource servers of its own.
    Client(ClientId),
    /// The one API that the request named (RFC 8707 §2).
    Api(ApiIdentifier),
}

/// To whom an access token was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// An application, by what a user granted it.
    Application(AppId),
    /// An account, for itself.
    Account {
        /// The account.
        account: AccountId,
        /// Its application.
        application: AppId,
    },
}

impl Holder {
    /// The application that it was given to, or to an account of.
    pub fn application(self) -> AppId {
        match self {
            Holder::Application(application) | Holder::Account { application, .. } => application,
        }
    }

    /// Whether `caller` is it, or the application of it.
    pub fn is(self, caller: &Authenticated) -> bool {
        match (self, caller) {
            (Holder::Account { account, .. }, Authenticated::Account(caller)) => {
                caller.account().id == account
            }
            (Holder::Application(_), Authenticated::Account(_)) => false,
            (holder, Authenticated::Application(caller)) => caller.application().id == holder.application(),
        }
    }
}

impl AccessTokenClaims {
    /// To whom it was given.
    pub fn holder(&self) -> Holder {
        match self.azp {
            None => Holder::Application(self.client_id.as_application()),
            Some(application) => Holder::Account { account: self.client_id.as_account(), application },
        }
    }

    /// The API it is for, if it is for one.
    pub fn api(&self) -> Option<&ApiIdentifier> {
        match &self.aud {
            Audience::Client(_) => None,
            Audience::Api(api) => Some(api),
        }
    }
}

/// A new `jti` for a token that no grant stands for: 16 random bytes, 22 characters.
pub fn new_jti_without_grant(entropy: &mut dyn Entropy) -> String {
    jose::b64(&random::<16>(entropy))
}

/// A new `jti` for a token made from `grant`: `base64url(grant id ‖ 8 random bytes)`, 32 characters.
pub fn new_jti(grant: GrantId, entropy: &mut dyn Entropy) -> String {
    let mut bytes = grant.bytes().to_vec();
    bytes.extend_from_slice(&random::<8>(entropy));
    jose::b64(&bytes)
}

/// The grant a token was made from, if it was.
pub fn grant_of(jti: &str) -> Option<GrantId> {
    let bytes = jose::unb64(jti).filter(|bytes| bytes.len() == 24)?;
    bytes.first_chunk::<16>().map(|id| GrantId::from_bytes(*id))
}

/// Why a token is not a live access token of this issuer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessTokenError {
    /// Not a JWT, or not signed by the key it names.
    #[error(transparent)]
    Jose(#[from] JoseError),
    /// No key of this issuer has the token's `kid`.
    #[error("no key of this issuer has the kid of the token")]
    UnknownKey,
    /// A JWT of another kind, such as an ID token.
    #[error("the token is not of type at+jwt")]
    NotAnAccessToken,
    /// Made by or for somebody else.
    #[error("the token was made by another issuer")]
    WrongIssuer,
    /// Too late.
    #[error("the token has expired")]
    Expired,
    /// Revoked itself or with its grant.
    #[error("the token was revoked")]
    Revoked,
}

/// Claims whose signature, type and issuer were verified by [`verify`], which stays true while the issuer has the key.
/// Whether they are alive does not: see [`VerifiedAccessToken::alive`].
#[derive(Debug)]
pub struct VerifiedAccessToken(AccessTokenClaims);

/// Verified claims that had neither expired nor been revoked. Only [`VerifiedAccessToken::alive`] makes one; user info
/// and introspection both ask it (attack 17).
#[derive(Clone, Debug)]
pub struct ValidAccessToken(Arc<VerifiedAccessToken>);

impl std::ops::Deref for ValidAccessToken {
    type Target = AccessTokenClaims;

    fn deref(&self) -> &AccessTokenClaims {
        &self.0.0
    }
}

/// The `kid` of a token that has the form of an access token, to look its key up by.
pub fn key_id<'t>(parsed: &Parsed<'t>) -> Result<String, AccessTokenError> {
    if parsed.typ() != Some(Typ::AccessToken.as_str()) {
        return Err(AccessTokenError::NotAnAccessToken);
    }
    parsed.kid().map(str::to_owned).ok_or(AccessTokenError::UnknownKey)
}

/// Verifies that `issuer` made a token. `key` is the issuer's key of that `kid`.
pub fn verify(
    parsed: &Parsed<'_>,
    key: &VerifyingKey,
    issuer: &Issuer,
) -> Result<VerifiedAccessToken, AccessTokenError> {
    key_id(parsed)?;
    let claims: AccessTokenClaims = parsed.verify(Verifier::Key(key))?;
    if claims.iss != issuer.url() {
        return Err(AccessTokenError::WrongIssuer);
    }
    Ok(VerifiedAccessToken(claims))
}

impl VerifiedAccessToken {
    /// Proof that the token is alive at `now`. `revoked` answers for a `jti` and its grant.
    pub fn alive(
        self: Arc<Self>,
        now: Timestamp,
        revoked: impl FnOnce(Option<GrantId>, &str) -> bool,
    ) -> Result<ValidAccessToken, AccessTokenError> {
        let claims = &self.0;
        if now >= claims.exp {
            return Err(AccessTokenError::Expired);
        }
        if revoked(grant_of(&claims.jti), &claims.jti) {
            return Err(AccessTokenError::Revoked);
        }
        Ok(ValidAccessToken(self))
    }
}

/// The answer of introspection (RFC 7662 §2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Introspection<'t> {
    /// A live token of the caller's.
    Active(Box<ActiveToken<'t>>),
    /// Anything else, without a reason.
    Inactive {
        /// Always `false`.
        active: bool,
    },
}

/// What is told of a live token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names are the members of RFC 7662 §2.2")]
pub struct ActiveToken<'t> {
    pub active: bool,
    pub token_type: &'static str,
    pub iss: Cow<'t, str>,
    pub sub: Subject,
    pub aud: Cow<'t, Audience>,
    pub client_id: ClientId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azp: Option<AppId>,
    pub scope: Cow<'t, Scope>,
    pub iat: Timestamp,
    pub exp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<Cow<'t, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<Timestamp>,
}

impl<'t> Introspection<'t> {
    /// Nothing is told.
    pub const INACTIVE: Self = Introspection::Inactive { active: false };

    /// What `caller` may know of a valid access token: all or nothing (attack 17). All is told to the client in its
    /// audience; of one for an API to whom it was given, and to the application that `owns` the API; of an account's to the
    /// account and its application.
    pub fn of_access_token(token: &'t ValidAccessToken, caller: &Authenticated, owns: bool) -> Self {
        let concerned = match (token.holder(), &token.aud) {
            (Holder::Application(_), Audience::Client(client)) => *client == caller.client_id(),
            (holder, _) => holder.is(caller),
        };
        let owner = owns && token.api().is_some();
        if !concerned && !owner {
            return Introspection::INACTIVE;
        }
        let claims: &AccessTokenClaims = token;
        Introspection::Active(Box::new(ActiveToken {
            active: true,
            token_type: "Bearer",
            iss: Cow::Borrowed(&claims.iss),
            sub: claims.sub,
            aud: Cow::Borrowed(&claims.aud),
            client_id: claims.client_id,
            azp: claims.azp,
            scope: Cow::Borrowed(&claims.scope),
            iat: claims.iat,
            exp: claims.exp,
            jti: Some(&claims.jti),
            sid: claims.sid.as_deref().map(Cow::Borrowed),
            auth_time: claims.auth_time,
        }))
    }
}

#[cfg(test)]
#[path = "access_token_tests.rs"]
mod tests;
