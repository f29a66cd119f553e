//! Tokens that come back: which of them are alive, asked in one place by every endpoint (attack 17).

use std::sync::Arc;

use signet_protocol::{
    access::AdmittedUser,
    access_token::{self, AccessTokenError, Holder, ValidAccessToken, VerifiedAccessToken},
    application::ActiveApplication,
    claims::{Hint, HintClaims},
    id::AppId,
    issuer::{Issuer, IssuerId},
    jose::{HmacKey, Parsed, SigningAlg, Typ, Verifier, VerifyingKey, sha256},
};

use signet_store::Cache;

use crate::{
    Signet,
    error::Failure,
    oidc::{account_here, application_here},
};

/// A valid access token whose application, and whose user or account, may still have it.
pub struct Live {
    /// Its claims.
    pub token: ValidAccessToken,
    /// Its user; `None` if it is an account's, which is enabled.
    pub user: Option<AdmittedUser>,
    /// The application it was made for, or for an account of.
    pub application: ActiveApplication,
}

/// The live access token that `text` is at `issuer`, if it is one.
pub async fn access_token(signet: &Signet, issuer: &Issuer, text: &str) -> Result<Option<Live>, Failure> {
    let now = signet.now().timestamp();
    let revoked = |grant, jti: &str| signet.store().is_revoked(grant, jti);
    let token = match verified(signet, issuer, text).await?.and_then(|token| token.alive(now, revoked)) {
        Ok(token) => token,
        Err(error) => {
            tracing::debug!(%error, "not a live access token");
            return Ok(None);
        }
    };
    let application = match token.holder() {
        Holder::Account { account, application } => {
            let account = account_here(signet, issuer, account).await?;
            let account =
                account.filter(|account| account.application == application && account.was_there(token.iat));
            return Ok(account.map(|account| Live {
                token,
                user: None,
                application: account.application().clone(),
            }));
        }
        Holder::Application(application) => application,
    };
    let Some(application) = application_here(signet, issuer, application).await? else {
        return Ok(None);
    };
    let Some(user) = signet.store().pool().subjects().user(token.sub, &application) else {
        return Ok(None);
    };
    let user = signet.store().user(user).await?.and_then(|user| application.admit(user.active()?));
    Ok(user.map(|user| Live { token, user: Some(user), application }))
}

/// Access tokens whose signature was verified, by what they were verified with and for, and the hash of their text: a
/// signature costs more than all the rest of an answer, and the same token comes again and again.
pub type Verified = Cache<(u64, IssuerId, [u8; 32]), VerifiedAccessToken>;

async fn verified(
    signet: &Signet,
    issuer: &Issuer,
    text: &str,
) -> Result<Result<Arc<VerifiedAccessToken>, AccessTokenError>, Failure> {
    // Keys change with the generation, and what was verified with a key that is gone is asked again.
    let name = (signet.store().generation(), issuer.id(), sha256(text.as_bytes()));
    let ticket = match signet.verified().get(&name) {
        Ok(token) => return Ok(Ok(token)),
        Err(ticket) => ticket,
    };
    let token = verify(signet, issuer, text).await?;
    Ok(token.map(|token| signet.verified().put(ticket, name, token)))
}

async fn verify(
    signet: &Signet,
    issuer: &Issuer,
    text: &str,
) -> Result<Result<VerifiedAccessToken, AccessTokenError>, Failure> {
    let parsed = match Parsed::parse(text) {
        Ok(parsed) => parsed,
        Err(error) => return Ok(Err(error.into())),
    };
    let kid = match access_token::key_id(&parsed) {
        Ok(kid) => kid,
        Err(error) => return Ok(Err(error)),
    };
    let Some(key) = verifying_key(signet, issuer.id(), &kid).await? else {
        return Ok(Err(AccessTokenError::UnknownKey));
    };
    Ok(access_token::verify(&parsed, &key, issuer))
}

async fn verifying_key(
    signet: &Signet,
    issuer: IssuerId,
    kid: &str,
) -> Result<Option<Arc<VerifyingKey>>, Failure> {
    Ok(signet.store().verifying_key(issuer, kid).await?)
}

/// Whom an ID token means that this issuer made, expired or not (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2).
pub async fn id_token_hint(signet: &Signet, issuer: &Issuer, text: &str) -> Result<Option<Hint>, Failure> {
    let Ok(parsed) = Parsed::parse(text) else {
        return Ok(None);
    };
    if parsed.typ() != Some(Typ::IdToken.as_str()) {
        return Ok(None);
    }
    let claims = match parsed.alg() {
        Some(SigningAlg::Hs256) => hmac_hint(signet, issuer, &parsed).await?,
        Some(_) => match verifying_key(signet, issuer.id(), parsed.kid().unwrap_or_default()).await? {
            Some(key) => parsed.verify::<HintClaims>(Verifier::Key(&key)).ok(),
            None => None,
        },
        None => None,
    };
    let Some(claims) = claims.filter(|claims| claims.made_by(issuer)) else {
        return Ok(None);
    };
    let client = signet.store().application(claims.aud).await?;
    Ok(client.and_then(|client| claims.resolve(signet.store().pool().subjects(), &client)))
}

/// A hint that is keyed by the client's secret: the unverified audience says whose.
async fn hmac_hint(
    signet: &Signet,
    issuer: &Issuer,
    parsed: &Parsed<'_>,
) -> Result<Option<HintClaims>, Failure> {
    let Ok(unverified) = parsed.unverified_claims::<HintClaims>() else {
        return Ok(None);
    };
    let key = match client_key(signet, issuer, unverified.aud).await? {
        Some(key) => key,
        None => return Ok(None),
    };
    Ok(parsed.verify::<HintClaims>(Verifier::Hmac(&key)).ok())
}

/// The key of ID tokens signed with HS256 for `client`: only while that is what they are signed with.
async fn client_key(signet: &Signet, issuer: &Issuer, client: AppId) -> Result<Option<HmacKey>, Failure> {
    let application = application_here(signet, issuer, client).await?;
    let uses = application.filter(|app| app.settings.id_token_signed_response_alg == SigningAlg::Hs256);
    Ok(uses.and_then(|app| HmacKey::new(app.secret.as_ref()?.expose()).ok()))
}
