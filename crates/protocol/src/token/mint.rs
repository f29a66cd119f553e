//! The minting gate: the only place where tokens are made.

use serde::Serialize;

use crate::{
    access_token::{AccessTokenClaims, new_jti},
    application::ActiveApplication,
    claims::{IdTokenClaims, user_claims},
    entropy::Entropy,
    grant::Grant,
    issuer::Issuer,
    jose::{self, JoseError, Signer, Typ},
    scope::Scope,
    subject::Subjects,
    time::{Seconds, Timestamp},
    token::AllowedGrant,
    user::ActiveUser,
};

/// What tokens are made from: each part is proved by its type.
pub struct Minting<'a> {
    /// Who makes them.
    pub issuer: &'a Issuer,
    /// For which client, by which ticked grant.
    pub allowed: &'a AllowedGrant,
    /// About whom.
    pub user: &'a ActiveUser,
    /// How the pool names its users to clients.
    pub subjects: Subjects<'a>,
    /// From which grant.
    pub grant: &'a Grant,
    /// The scope of the access token.
    pub scope: Scope,
    /// The `nonce` of the authorization request; none on refresh.
    pub nonce: Option<String>,
}

/// The keys of the two tokens, as the application's settings name them.
pub struct Signers<'a> {
    /// Signs the access token.
    pub access_token: Signer<'a>,
    /// Signs the ID token.
    pub id_token: Signer<'a>,
}

/// The answer of the token endpoint (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
#[derive(Clone, Debug, Serialize)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Seconds until the access token ends.
    pub expires_in: Seconds,
    /// The refresh token, if the grant has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// The ID token.
    pub id_token: String,
    /// What was granted.
    pub scope: Scope,
}

impl Minting<'_> {
    /// Makes the tokens. `refresh_token` was decided, and its row written, before.
    pub fn mint(
        self,
        signers: &Signers<'_>,
        refresh_token: Option<String>,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Result<TokenResponse, JoseError> {
        let application = self.allowed.client().application();
        let access_token = jose::sign(
            &signers.access_token,
            Typ::AccessToken,
            &self.access_claims(application, now, entropy)?,
        )?;
        let id_claims =
            self.id_claims(application, now, jose::half_hash(signers.id_token.alg(), &access_token))?;
        Ok(TokenResponse {
            id_token: jose::sign(&signers.id_token, Typ::IdToken, &id_claims)?,
            access_token,
            token_type: "Bearer",
            expires_in: application.settings.access_token_expire,
            refresh_token,
            scope: self.scope,
        })
    }

    fn access_claims(
        &self,
        application: &ActiveApplication,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Result<AccessTokenClaims, JoseError> {
        Ok(AccessTokenClaims {
            iss: self.issuer.url().to_owned(),
            sub: self.subjects.subject(self.user.id, application)?,
            aud: application.id,
            client_id: application.id,
            scope: self.scope.clone(),
            iat: now,
            exp: now.plus(application.settings.access_token_expire),
            jti: new_jti(self.grant.id, entropy),
            sid: Some(self.subjects.sid(self.grant.session, application)?),
            auth_time: Some(self.grant.auth_time),
        })
    }

    fn id_claims(
        &self,
        application: &ActiveApplication,
        now: Timestamp,
        at_hash: String,
    ) -> Result<IdTokenClaims, JoseError> {
        Ok(IdTokenClaims {
            iss: self.issuer.url().to_owned(),
            sub: self.subjects.subject(self.user.id, application)?,
            aud: application.id,
            exp: now.plus(application.settings.id_token_expire),
            iat: now,
            auth_time: self.grant.auth_time,
            nonce: self.nonce.clone(),
            at_hash: Some(at_hash),
            sid: self.subjects.sid(self.grant.session, application)?,
            user: user_claims(self.user, &self.scope, application),
        })
    }
}
