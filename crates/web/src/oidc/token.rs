//! `/oidc/token`.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::StatusCode;
use signet_protocol::{
    application::{ActiveApplication, GrantType},
    issuer::IssuerId,
    jose::{HmacKey, KeyAlg, Signer, SigningAlg, SigningKey},
    params::RawParams,
    time::Now,
    token::{self, AllowedGrant, CodeRequest, Minting, RefreshRequest, Signers},
};

use crate::{
    Signet,
    clock::SystemEntropy,
    core::{Caller, redeem, refresh},
    edge::{Edge, Form},
    error::Failure,
    metrics::{Outcome, mark},
    oidc::{authenticated_form, cors},
    respond,
};

/// POST `/oidc/token` (RFC 6749 §3.2).
pub async fn handle(State(signet): State<Arc<Signet>>, edge: Edge, form: Form) -> Response {
    let result = exchange(&signet, &edge, form).await;
    cors::finish(&signet, &edge, result).await
}

async fn exchange(signet: &Arc<Signet>, edge: &Edge, form: Form) -> Result<Response, Failure> {
    let (params, client) =
        authenticated_form(signet, edge, form, |app| app.settings.token_endpoint_auth_method).await?;
    let allowed = token::allow(client, token::grant_type(&params)?)?;
    let exchange = Exchange { signet, edge, allowed: &allowed };
    let answer = match allowed.grant() {
        GrantType::AuthorizationCode => exchange.code(&params).await?,
        GrantType::RefreshToken => exchange.refresh(&params).await?,
        GrantType::Implicit => return Err(token::UNSUPPORTED_GRANT.into()),
    };
    Ok(mark(answer, Outcome::Tokens(allowed.grant())))
}

/// A request whose client is authenticated and whose grant is ticked.
struct Exchange<'a> {
    signet: &'a Signet,
    edge: &'a Edge,
    allowed: &'a AllowedGrant,
}

impl Exchange<'_> {
    async fn code(&self, params: &RawParams) -> Result<Response, Failure> {
        let (caller, request) = (self.caller(), CodeRequest::parse(params)?);
        let code = redeem::find(self.signet, &caller, &request).await?;
        // Loaded first, so that nothing is spent in vain.
        let keys = Keys::load(self.signet, self.edge.issuer.id(), self.application()).await?;
        let redeemed = code.spend(self.signet, &caller).await?;
        let minting = Minting {
            issuer: &self.edge.issuer,
            allowed: self.allowed,
            user: &redeemed.user,
            subjects: self.signet.store().pool().subjects(),
            grant: &redeemed.code.grant,
            scope: redeemed.code.grant.scope.clone(),
            nonce: redeemed.code.nonce,
        };
        self.mint(minting, &keys, redeemed.refresh_token, redeemed.now)
    }

    async fn refresh(&self, params: &RawParams) -> Result<Response, Failure> {
        let (caller, request) = (self.caller(), RefreshRequest::parse(params)?);
        let chain = refresh::find(self.signet, &caller, &request).await?;
        let keys = Keys::load(self.signet, self.edge.issuer.id(), self.application()).await?;
        let refreshed = chain.advance(self.signet, &caller).await?;
        let minting = Minting {
            issuer: &self.edge.issuer,
            allowed: self.allowed,
            user: &refreshed.user,
            subjects: self.signet.store().pool().subjects(),
            grant: &refreshed.grant,
            scope: refreshed.scope,
            nonce: None,
        };
        self.mint(minting, &keys, Some(refreshed.refresh_token), refreshed.now)
    }

    fn caller(&self) -> Caller<'_> {
        Caller { client: self.allowed.client(), issuer: &self.edge.issuer, request_id: &self.edge.request_id }
    }

    fn application(&self) -> &ActiveApplication {
        self.allowed.client().application()
    }

    /// Makes the tokens, as of the moment that was written with what they are made from.
    fn mint(
        &self,
        minting: Minting<'_>,
        keys: &Keys,
        refresh: Option<String>,
        now: Now,
    ) -> Result<Response, Failure> {
        let tokens = minting.mint(&keys.signers(), refresh, now.timestamp(), &mut SystemEntropy)?;
        Ok(respond::json(StatusCode::OK, &tokens))
    }
}

/// The keys an application's tokens are signed with, loaded before anything is spent.
pub struct Keys {
    access_token: Arc<SigningKey>,
    id_token: IdTokenKey,
}

enum IdTokenKey {
    Same,
    Other(Arc<SigningKey>),
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
        let access_alg =
            access.key_alg().ok_or(Failure::Internal("access tokens cannot be signed with a secret"))?;
        let access_token = signing_key(signet, issuer, access_alg).await?;
        let id_token = match id.key_alg() {
            Some(alg) if SigningAlg::from(alg) == access => IdTokenKey::Same,
            Some(alg) => IdTokenKey::Other(signing_key(signet, issuer, alg).await?),
            None => {
                let secret = application.secret.as_ref();
                let secret = secret.ok_or(Failure::Internal("an application has no secret for HS256"))?;
                IdTokenKey::Secret(Box::new(HmacKey::new(secret.expose())?))
            }
        };
        Ok(Keys { access_token, id_token })
    }

    /// Who signs with them.
    pub fn signers(&self) -> Signers<'_> {
        Signers {
            access_token: Signer::Key(&self.access_token),
            id_token: match &self.id_token {
                IdTokenKey::Same => Signer::Key(&self.access_token),
                IdTokenKey::Other(key) => Signer::Key(key),
                IdTokenKey::Secret(key) => Signer::Hmac(key),
            },
        }
    }
}

async fn signing_key(signet: &Signet, issuer: IssuerId, alg: KeyAlg) -> Result<Arc<SigningKey>, Failure> {
    Ok(signet.store().signing_key(issuer, alg, signet.now(), &mut SystemEntropy).await?)
}
