//! `/oidc/token`.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::StatusCode;
use signet_protocol::{
    application::{ActiveApplication, AuthMethod, GrantType},
    error::Refusal,
    grant::Grant,
    id::{FamilyId, RowId},
    issuer::IssuerId,
    jose::{HmacKey, JoseError, KeyAlg, Signer, SigningAlg, SigningKey},
    params::RawParams,
    refresh::{self, GRACE_CONFIDENTIAL, GRACE_PUBLIC, RefreshDecision, RefreshFamily},
    time::{Now, Timestamp},
    token::{
        self, AllowedGrant, CodeCase, CodeOutcome, CodeRequest, INVALID_GRANT, Minting, RefreshCase,
        RefreshRequest, Signers,
    },
    user::ActiveUser,
};
use signet_store::NewFamily;

use crate::{
    Signet,
    clock::SystemEntropy,
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
    };
    Ok(mark(answer, Outcome::Tokens(allowed.grant())))
}

/// A request whose client is authenticated and whose grant is ticked.
struct Exchange<'a> {
    signet: &'a Arc<Signet>,
    edge: &'a Edge,
    allowed: &'a AllowedGrant,
}

impl Exchange<'_> {
    async fn code(&self, params: &RawParams) -> Result<Response, Failure> {
        let store = self.signet.store();
        let request = CodeRequest::parse(params)?;
        let stored = store.code(request.code.id).await?.ok_or(INVALID_GRANT)?;
        let case = CodeCase {
            request: &request,
            stored: &stored,
            client: self.allowed.client(),
            issuer: self.edge.issuer.id(),
        };
        let now = self.signet.now();
        match token::judge_code(&case, now.timestamp())? {
            CodeOutcome::Redeem => {}
            CodeOutcome::Reused(_) => {
                return Err(self.revoke(&stored.grant, "a code was used again").await?.into());
            }
            CodeOutcome::Dead => return Err(INVALID_GRANT.into()),
        }
        let user = self.user(&stored.grant).await?;
        let keys = Keys::load(self.signet, self.edge.issuer.id(), self.application()).await?;
        let family = self.new_family(&stored.grant);
        let (now, grant) = (self.signet.now(), stored.grant.id);
        if !store.redeem_code(stored.id, grant, family.as_ref(), self.access_until(now), now).await? {
            // Another request spent it between reading and writing: that is a second use, too.
            return Err(self.revoke(&stored.grant, "a code was used twice at once").await?.into());
        }
        let refresh = family.map(|family| refresh::refresh_token(&store.pool().refresh_key, family.id, 0));
        let minting = Minting {
            issuer: &self.edge.issuer,
            allowed: self.allowed,
            user: &user,
            grant: &stored.grant,
            scope: stored.grant.scope.clone(),
            nonce: stored.nonce.clone(),
        };
        self.mint(minting, &keys, refresh, now)
    }

    async fn refresh(&self, params: &RawParams) -> Result<Response, Failure> {
        let store = self.signet.store();
        let request = RefreshRequest::parse(params)?;
        let key = &store.pool().refresh_key;
        let presented = refresh::parse_refresh_token(key, &request.token).ok_or(INVALID_GRANT)?;
        let family = store.refresh_family(presented.family).await?.ok_or(INVALID_GRANT)?;
        let case =
            RefreshCase { family: &family, client: self.allowed.client(), issuer: self.edge.issuer.id() };
        token::check_refresh(&case)?;
        let scope = token::refreshed_scope(&family.grant.scope, request.scope.as_ref())?;
        let user = self.user(&family.grant).await?;
        let keys = Keys::load(self.signet, self.edge.issuer.id(), self.application()).await?;
        let grant = family.grant.clone();
        let (generation, now) = self.advance(family, presented.generation).await?;
        let token = refresh::refresh_token(key, presented.family, generation);
        let minting = Minting {
            issuer: &self.edge.issuer,
            allowed: self.allowed,
            user: &user,
            grant: &grant,
            scope,
            nonce: None,
        };
        self.mint(minting, &keys, Some(token), now)
    }

    /// Moves the chain on, or finds that it was moved already; the generation to hand out, and when that was written.
    async fn advance(&self, mut family: RefreshFamily, presented: i64) -> Result<(i64, Now), Failure> {
        let store = self.signet.store();
        let confidential = self.application().settings.token_endpoint_auth_method != AuthMethod::None;
        let grace = if confidential { GRACE_CONFIDENTIAL } else { GRACE_PUBLIC };
        // A guard that finds another request was quicker makes us look again: the same refresh is then a repeat.
        for _ in 0..8 {
            let now = self.signet.now();
            let (id, grant, until) = (family.id, family.grant.id, self.access_until(now));
            let (written, generation) = match refresh::decide(&family, presented, now.timestamp(), grace) {
                RefreshDecision::Rotate { next } => {
                    (store.rotate(id, grant, presented, until, now).await?, next)
                }
                RefreshDecision::Repeat { generation } => {
                    (store.repeat(id, grant, generation, until).await?, generation)
                }
                RefreshDecision::Fork => {
                    return Err(self
                        .revoke(&family.grant, "a refresh token was used out of turn")
                        .await?
                        .into());
                }
                RefreshDecision::Dead => return Err(INVALID_GRANT.into()),
            };
            if written {
                return Ok((generation, now));
            }
            family = store.refresh_family(family.id).await?.ok_or(INVALID_GRANT)?;
        }
        Err(Failure::Store(signet_store::StoreError::Busy))
    }

    fn application(&self) -> &ActiveApplication {
        self.allowed.client().application()
    }

    async fn user(&self, grant: &Grant) -> Result<ActiveUser, Failure> {
        let user = self.signet.store().user(grant.user).await?;
        Ok(user.and_then(|user| user.active()).ok_or(INVALID_GRANT)?)
    }

    fn new_family(&self, grant: &Grant) -> Option<NewFamily> {
        let settings = &self.application().settings;
        let now = self.signet.now();
        let wanted = grant.offline && self.application().allows_grant(GrantType::RefreshToken);
        let expires_at = now.timestamp().plus(settings.refresh_token_expire);
        wanted.then(|| NewFamily { id: FamilyId::generate(now, &mut SystemEntropy), expires_at })
    }

    async fn revoke(&self, grant: &Grant, why: &str) -> Result<Refusal, Failure> {
        let revoked = self.signet.store().revoke_grant(grant.id, self.signet.now()).await?;
        let (request_id, client_id, sub) = (&self.edge.request_id, grant.application, grant.user);
        tracing::warn!(request_id, %client_id, %sub, grant = %grant.id, revoked, "{why}; the grant is revoked");
        Ok(INVALID_GRANT)
    }

    /// When an access token made at `now` ends: the grant, and with it a revocation, is kept as long.
    fn access_until(&self, now: Now) -> Timestamp {
        now.timestamp().plus(self.application().settings.access_token_expire)
    }

    /// Makes the tokens, as of the moment that was written with what they are made from.
    fn mint(
        &self,
        minting: Minting<'_>,
        keys: &Keys,
        refresh: Option<String>,
        now: Now,
    ) -> Result<Response, Failure> {
        let signers =
            keys.signers().map_err(|_| Failure::Internal("an application has no secret for HS256"))?;
        let tokens = minting.mint(&signers, refresh, now.timestamp(), &mut SystemEntropy)?;
        Ok(respond::json(StatusCode::OK, &tokens))
    }
}

/// The keys an application's tokens are signed with, loaded before anything is spent.
struct Keys {
    access_token: Arc<SigningKey>,
    id_token: IdTokenKey,
}

enum IdTokenKey {
    Same,
    Other(Arc<SigningKey>),
    Secret(Box<HmacKey>),
}

impl Keys {
    async fn load(
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

    fn signers(&self) -> Result<Signers<'_>, JoseError> {
        Ok(Signers {
            access_token: Signer::Key(&self.access_token),
            id_token: match &self.id_token {
                IdTokenKey::Same => Signer::Key(&self.access_token),
                IdTokenKey::Other(key) => Signer::Key(key),
                IdTokenKey::Secret(key) => Signer::Hmac(key),
            },
        })
    }
}

async fn signing_key(signet: &Signet, issuer: IssuerId, alg: KeyAlg) -> Result<Arc<SigningKey>, Failure> {
    Ok(signet.store().signing_key(issuer, alg, signet.now(), &mut SystemEntropy).await?)
}
