//! The keys that what an application gets is signed with and encrypted to.

use std::sync::Arc;

use signet_protocol::{
    application::{ActiveApplication, Application},
    error::{ErrorCode, Refusal, refuse},
    issuer::IssuerId,
    jose::{HmacKey, KeyAlg, Recipient, Signer, SigningAlg, SigningKey},
    token::Signers,
};

use crate::{Signet, client_keys, clock::SystemEntropy, error::Failure};

/// The keys of an application's tokens, loaded before anything is spent.
pub struct Keys {
    access_token: Arc<SigningKey>,
    id_token: IdTokenKey,
    recipient: Option<Recipient>,
}

enum IdTokenKey {
    Same,
    Other(Key),
}

/// A key by which something is signed for an application.
pub enum Key {
    /// The issuer's own.
    Issuers(Arc<SigningKey>),
    /// The application's secret.
    Secret(Box<HmacKey>),
}

impl Keys {
    /// Loads them, making those that are missing.
    pub async fn load(
        signet: &Signet,
        issuer: IssuerId,
        application: &ActiveApplication,
    ) -> Result<Keys, Failure> {
        let settings = &application.settings;
        let (access, id) = (settings.access_token_signed_response_alg, settings.id_token_signed_response_alg);
        let access_token = access_token_key(signet, issuer, application).await?;
        let id_token = match id == access {
            true => IdTokenKey::Same,
            false => IdTokenKey::Other(Key::load(signet, issuer, application, id).await?),
        };
        Ok(Keys { access_token, id_token, recipient: recipient(signet, application).await? })
    }

    /// Who signs with them, and for whom.
    pub fn signers(&self) -> Signers<'_> {
        Signers {
            access_token: Signer::Key(&self.access_token),
            id_token: match &self.id_token {
                IdTokenKey::Same => Signer::Key(&self.access_token),
                IdTokenKey::Other(key) => key.signer(),
            },
            recipient: self.recipient.as_ref(),
        }
    }
}

impl Key {
    /// The key for `alg` of `application` at `issuer`, made if it is missing.
    pub async fn load(
        signet: &Signet,
        issuer: IssuerId,
        application: &Application,
        alg: SigningAlg,
    ) -> Result<Key, Failure> {
        if let Some(alg) = alg.key_alg() {
            return Ok(Key::Issuers(signing_key(signet, issuer, alg).await?));
        }
        let secret = application.secret.as_ref();
        let secret = secret.ok_or(Failure::Internal("an application has no secret for HS256"))?;
        Ok(Key::Secret(Box::new(HmacKey::new(secret.expose())?)))
    }

    /// Who signs with it.
    pub fn signer(&self) -> Signer<'_> {
        match self {
            Key::Issuers(key) => Signer::Key(key),
            Key::Secret(key) => Signer::Hmac(key),
        }
    }
}

/// The key of an application's access tokens at `issuer`, made if it is missing.
pub async fn access_token_key(
    signet: &Signet,
    issuer: IssuerId,
    application: &Application,
) -> Result<Arc<SigningKey>, Failure> {
    let alg = application.settings.access_token_signed_response_alg.key_alg();
    let alg = alg.ok_or(Failure::Internal("access tokens cannot be signed with a secret"))?;
    signing_key(signet, issuer, alg).await
}

async fn signing_key(signet: &Signet, issuer: IssuerId, alg: KeyAlg) -> Result<Arc<SigningKey>, Failure> {
    Ok(signet.store().signing_key(issuer, alg, signet.now(), &mut SystemEntropy).await?)
}

/// Whom the application's ID tokens are encrypted to, if they are.
async fn recipient(signet: &Signet, application: &ActiveApplication) -> Result<Option<Recipient>, Failure> {
    let settings = &application.settings;
    let Some(alg) = settings.id_token_encrypted_response_alg else { return Ok(None) };
    let enc = settings.id_token_encrypted_response_enc.unwrap_or_default();
    let keys = client_keys::current(signet, application).await;
    Ok(Some(keys.and_then(|keys| keys.recipient(alg, enc)).ok_or(NO_RECIPIENT)?))
}

/// Before anything is spent, so that the same request can be made again.
const NO_RECIPIENT: Refusal = refuse(
    ErrorCode::TemporarilyUnavailable,
    "the application wants encrypted ID tokens, but its jwks_uri has no fitting key or does not answer; try again",
);
