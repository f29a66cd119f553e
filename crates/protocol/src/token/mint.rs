//! The minting gate: the only place where tokens are made.

use serde::Serialize;

use crate::{
    access::AdmittedUser,
    access_token::{AccessTokenClaims, Audience, new_jti, new_jti_without_grant},
    application::ActiveApplication,
    authorize::AllowedResponse,
    claims::{BoundHashes, IdTokenClaims, add_wished, user_claims},
    entropy::Entropy,
    grant::Grant,
    issuer::Issuer,
    jose::{self, JoseError, Recipient, Signer, Typ},
    pool::PoolSettings,
    resource::UserScope,
    scope::{KnownScope, Scope},
    subject::{Subject, Subjects},
    time::{Seconds, Timestamp},
    token::{Allotted, AllowedGrant},
};

/// What tokens are made from: each part is proved by its type.
///
/// `P` says where they are handed out, and thereby how: at the token endpoint with [`Minting::mint`], at the authorization
/// endpoint with [`Minting::mint_front`].
pub struct Minting<'a, P: Permission = AllowedGrant> {
    /// Who makes them.
    pub issuer: &'a Issuer,
    /// For which client, by which ticked grant or return type.
    pub allowed: &'a P,
    /// About whom.
    pub user: &'a AdmittedUser,
    /// How the pool names its users to clients.
    pub subjects: Subjects<'a>,
    /// From which grant.
    pub grant: &'a Grant,
    /// What of it the tokens have: what means nothing any more, and what rules no longer allow, is left out.
    pub scope: UserScope,
    /// What the pool adds to the built-in scopes and claims.
    pub pool: &'a PoolSettings,
    /// The `nonce` of the authorization request; none on refresh.
    pub nonce: Option<String>,
}

/// What a client may have tokens by: an [`AllowedGrant`] or an [`AllowedResponse`] (attack 18).
pub trait Permission: sealed::Sealed {
    /// The client.
    fn application(&self) -> &ActiveApplication;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::AllowedGrant {}
    impl Sealed for super::AllowedResponse {}
}

impl Permission for AllowedGrant {
    fn application(&self) -> &ActiveApplication {
        self.client().application()
    }
}

impl Permission for AllowedResponse {
    fn application(&self) -> &ActiveApplication {
        AllowedResponse::application(self)
    }
}

/// The keys of the two tokens, as the application's settings name them.
pub struct Signers<'a> {
    /// Signs the access token.
    pub access_token: Signer<'a>,
    /// Signs the ID token.
    pub id_token: Signer<'a>,
    /// Whom the signed ID token is encrypted to, if it is.
    pub recipient: Option<&'a Recipient>,
}

impl Signers<'_> {
    /// Signs an ID token, and encrypts it if its application wants that (OpenID Connect Core §10.2, §16.14).
    fn id_token(&self, claims: &IdTokenClaims, entropy: &mut dyn Entropy) -> Result<String, JoseError> {
        let signed = jose::sign(&self.id_token, Typ::IdToken, claims)?;
        match self.recipient {
            Some(recipient) => recipient.encrypt(&signed, entropy),
            None => Ok(signed),
        }
    }
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
    /// The ID token, if `openid` was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// What was granted.
    pub scope: Scope,
    /// What of the request was not, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected_scope: Option<Scope>,
}

/// The tokens in an answer of the authorization endpoint (OpenID Connect Core §3.2.2.5 and §3.3.2.5). A refresh token
/// cannot be among them.
#[derive(Clone, Debug, Default)]
pub struct FrontTokens {
    /// The access token, if the return type has one.
    pub access: Option<FrontAccess>,
    /// The ID token, if the return type has one.
    pub id_token: Option<String>,
}

/// An access token with what is told of it (RFC 6749 §4.2.2).
#[derive(Clone, Debug)]
pub struct FrontAccess {
    /// The access token.
    pub token: String,
    /// Seconds until it ends.
    pub expires_in: Seconds,
    /// What was granted.
    pub scope: Scope,
    /// What of the request was not, if anything.
    pub rejected: Option<Scope>,
}

/// `rejected_scope` is there if it says something.
fn told(rejected: &Scope) -> Option<Scope> {
    (!rejected.is_empty()).then(|| rejected.clone())
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
        let access_token = self.access_token(signers, now, entropy)?;
        // Only the password mode grants a scope without it (OpenID Connect Core §3.1.2.1).
        let id_token = match self.grant.scope.has(KnownScope::Openid) {
            true => {
                let at_hash = Some(jose::half_hash(signers.id_token.alg(), &access_token));
                let bound = BoundHashes { at_hash, ..BoundHashes::default() };
                Some(self.id_token(signers, bound, now, entropy)?)
            }
            false => None,
        };
        Ok(TokenResponse {
            id_token,
            access_token,
            token_type: "Bearer",
            expires_in: self.allowed.application().settings.access_token_expire,
            refresh_token,
            scope: self.scope.of_access_token().clone(),
            rejected_scope: told(self.scope.rejected()),
        })
    }
}

impl Minting<'_, AllowedResponse> {
    /// Makes the tokens of the allowed return type, whose grant was written before. `code` and `state` go with them.
    pub fn mint_front(
        self,
        signers: &Signers<'_>,
        code: Option<&str>,
        state: Option<&str>,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Result<FrontTokens, JoseError> {
        let kind = self.allowed.kind();
        let access_token =
            kind.gives_token().then(|| self.access_token(signers, now, entropy)).transpose()?;
        let hash = |text: &str| jose::half_hash(signers.id_token.alg(), text);
        let bound = BoundHashes {
            at_hash: access_token.as_deref().map(hash),
            c_hash: code.map(hash),
            s_hash: state.map(hash),
        };
        let id_token =
            kind.gives_id_token().then(|| self.id_token(signers, bound, now, entropy)).transpose()?;
        let expires_in = self.allowed.application().settings.access_token_expire;
        let (scope, rejected) = (self.scope.of_access_token(), self.scope.rejected());
        let access = access_token.map(|token| FrontAccess {
            token,
            expires_in,
            scope: scope.clone(),
            rejected: told(rejected),
        });
        Ok(FrontTokens { access, id_token })
    }
}

impl<P: Permission> Minting<'_, P> {
    fn access_token(
        &self,
        signers: &Signers<'_>,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Result<String, JoseError> {
        let claims = self.access_claims(self.allowed.application(), now, entropy)?;
        jose::sign(&signers.access_token, Typ::AccessToken, &claims)
    }

    fn id_token(
        &self,
        signers: &Signers<'_>,
        bound: BoundHashes,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Result<String, JoseError> {
        signers.id_token(&self.id_claims(self.allowed.application(), now, bound)?, entropy)
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
            aud: match self.scope.api() {
                None => Audience::Client(application.id.into()),
                Some(api) => Audience::Api(api.clone()),
            },
            client_id: application.id.into(),
            azp: None,
            scope: self.scope.of_access_token().clone(),
            iat: now,
            exp: now.plus(application.settings.access_token_expire),
            jti: new_jti(self.grant.id, entropy),
            sid: Some(self.subjects.sid(self.grant.sid, application)?),
            auth_time: Some(self.grant.auth_time),
            userinfo_claims: !self.grant.claims.userinfo.is_empty(),
        })
    }

    fn id_claims(
        &self,
        application: &ActiveApplication,
        now: Timestamp,
        bound: BoundHashes,
    ) -> Result<IdTokenClaims, JoseError> {
        let wishes = &self.grant.claims.id_token;
        let acr = wishes.contains_key("acr");
        let mut user = user_claims(self.user, self.scope.granted(), application, self.pool);
        add_wished(&mut user, self.user, wishes, application, self.pool);
        Ok(IdTokenClaims {
            iss: self.issuer.url().to_owned(),
            sub: self.subjects.subject(self.user.id, application)?,
            aud: application.id,
            exp: now.plus(application.settings.id_token_expire),
            iat: now,
            auth_time: self.grant.auth_time,
            nonce: self.nonce.clone(),
            acr: self.grant.amr.acr().filter(|_| acr),
            amr: (acr || wishes.contains_key("amr")).then_some(self.grant.amr),
            bound,
            sid: self.subjects.sid(self.grant.sid, application)?,
            user,
        })
    }
}

/// What the token of an account is made from: each part is proved by its type.
pub struct AccountMinting<'a> {
    /// Who makes it.
    pub issuer: &'a Issuer,
    /// What rules give which account.
    pub allotted: Allotted<'a>,
}

impl AccountMinting<'_> {
    /// Makes the token: an access token alone, for which nothing is stored.
    pub fn mint(
        self,
        signer: &Signer<'_>,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Result<TokenResponse, JoseError> {
        let Allotted { to, scope, rejected, api } = self.allotted;
        let account = to.account();
        let claims = AccessTokenClaims {
            iss: self.issuer.url().to_owned(),
            sub: Subject::of_account(account.id),
            aud: api.map_or_else(|| Audience::Client(account.id.into()), Audience::Api),
            client_id: account.id.into(),
            azp: Some(account.application),
            scope,
            iat: now,
            exp: now.plus(account.token_lifetime),
            jti: new_jti_without_grant(entropy),
            sid: None,
            auth_time: None,
            userinfo_claims: false,
        };
        Ok(TokenResponse {
            access_token: jose::sign(signer, Typ::AccessToken, &claims)?,
            token_type: "Bearer",
            expires_in: account.token_lifetime,
            refresh_token: None,
            id_token: None,
            scope: claims.scope,
            rejected_scope: told(&rejected),
        })
    }
}
