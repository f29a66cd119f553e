//! `/oidc/token`.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::StatusCode;
use signet_protocol::{
    amr::Amr,
    application::{ActiveApplication, GrantType},
    client_auth::Authenticated,
    grant::Grant,
    jose::Signer,
    params::RawParams,
    pool::PoolSettings,
    resource::{UserCase, UserScope, narrowed},
    scope::{KnownScope, Scope},
    time::Now,
    token::{
        self, AccountMinting, AccountRequest, AllowedAccount, AllowedGrant, CodeRequest, INVALID_CREDENTIALS,
        Minting, PasswordRequest, RIGHT_BUT_NOT_ADMITTED, RefreshRequest,
    },
    user::User,
};
use signet_store::{audit::Via, usage::Use};

use crate::{
    Signet,
    clock::SystemEntropy,
    core::{Caller, password, redeem, refresh},
    edge::{Edge, Form},
    error::Failure,
    hashing::Busy,
    login::credentials::{Checked, Credentials, Door},
    metrics::{Outcome, mark},
    oidc::{
        authenticated_token_request, cors,
        keys::{Keys, access_token_key},
        user_scope,
    },
    respond,
};

/// POST `/oidc/token` (RFC 6749 §3.2).
pub async fn handle(State(signet): State<Arc<Signet>>, edge: Edge, form: Form) -> Response {
    let result = exchange(&signet, &edge, form).await;
    cors::finish(&signet, &edge, result).await
}

async fn exchange(signet: &Arc<Signet>, edge: &Edge, form: Form) -> Result<Response, Failure> {
    let (params, who) = authenticated_token_request(signet, edge, form).await?;
    let grant = token::grant_type(&params)?;
    let client = match who {
        Authenticated::Application(client) => client,
        Authenticated::Account(account) => {
            let answer = for_account(signet, edge, &params, &token::allow_account(account, grant)?).await?;
            return Ok(mark(answer, Outcome::Tokens(grant)));
        }
    };
    let allowed = token::allow(client, grant)?;
    let exchange = Exchange { signet, edge, allowed: &allowed };
    // Boxed each: the future of the endpoint is moved, and need not be as long as the longest of them.
    let answer = match allowed.grant() {
        GrantType::AuthorizationCode => Box::pin(exchange.code(&params)).await?,
        GrantType::RefreshToken => Box::pin(exchange.refresh(&params)).await?,
        GrantType::Password => Box::pin(exchange.password(&params)).await?,
        GrantType::Implicit | GrantType::ClientCredentials => return Err(token::UNSUPPORTED_GRANT.into()),
    };
    Ok(mark(answer, Outcome::Tokens(grant)))
}

/// The token of an account (RFC 6749 §4.4): as all it depends on is in memory and nothing is stored, no row stands for it.
async fn for_account(
    signet: &Signet,
    edge: &Edge,
    params: &RawParams,
    allowed: &AllowedAccount,
) -> Result<Response, Failure> {
    let (request, account) = (AccountRequest::parse(params)?, allowed.account());
    let pool = signet.store().pool_settings().await?;
    let permissions = signet.store().permissions(account.application).await?;
    let now = signet.now().timestamp();
    let allotted = request.decide(allowed, &permissions, &pool, edge.peer, now)?;
    let key = access_token_key(signet, edge.issuer.id(), account.application()).await?;
    let minting = AccountMinting { issuer: &edge.issuer, allotted };
    let token = minting.mint(&Signer::Key(&key), now, &mut SystemEntropy)?;
    signet.store().note_account_use(account.id, now);
    signet.store().count_use(account.application, Use::Tokens(GrantType::ClientCredentials), now);
    Ok(respond::json(StatusCode::OK, &token))
}

/// An answer gives at least one scope, or an ID token, which a grant of `openid` gives.
fn something(scope: &UserScope, granted: &Scope) -> Result<(), Failure> {
    match scope.of_access_token().is_empty() && !granted.has(KnownScope::Openid) {
        true => Err(Failure::Rejected(token::NOTHING_LEFT, scope.rejected().clone())),
        false => Ok(()),
    }
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
        let pool = self.signet.store().pool_settings().await?;
        let code = redeem::find(self.signet, &caller, &request).await?;
        let (grant, asked) = (code.grant(), request.resource.as_deref());
        let scope = self.given(grant, &grant.scope, asked, code.user(), &pool).await?;
        let scope = scope.after(&grant.items.rejected);
        // Loaded first, so that nothing is spent in vain.
        let keys = Keys::load(self.signet, self.edge.issuer.id(), self.application()).await?;
        let redeemed = code.spend(self.signet, &caller).await?;
        let minting = Minting {
            issuer: &self.edge.issuer,
            allowed: self.allowed,
            user: &redeemed.user,
            subjects: self.signet.store().pool().subjects(),
            grant: &redeemed.code.grant,
            scope,
            pool: &pool,
            nonce: redeemed.code.nonce,
        };
        self.mint(minting, &keys, redeemed.refresh_token, redeemed.now)
    }

    async fn refresh(&self, params: &RawParams) -> Result<Response, Failure> {
        let pool = self.signet.store().pool_settings().await?;
        let (caller, request) = (self.caller(), RefreshRequest::parse(params)?.within(&pool));
        let chain = refresh::find(self.signet, &caller, &request, &pool).await?;
        let (grant, asked) = (chain.grant(), request.resource.as_deref());
        let scope = self.given(grant, &chain.asked().scope, asked, chain.user(), &pool).await?;
        let scope = scope.after(&chain.asked().rejected);
        let keys = Keys::load(self.signet, self.edge.issuer.id(), self.application()).await?;
        let refreshed = chain.advance(self.signet, &caller).await?;
        let minting = Minting {
            issuer: &self.edge.issuer,
            allowed: self.allowed,
            user: &refreshed.user,
            subjects: self.signet.store().pool().subjects(),
            grant: &refreshed.grant,
            scope,
            pool: &pool,
            nonce: None,
        };
        self.mint(minting, &keys, Some(refreshed.refresh_token), refreshed.now)
    }

    async fn password(&self, params: &RawParams) -> Result<Response, Failure> {
        let pool = self.signet.store().pool_settings().await?;
        let request = PasswordRequest::parse(params, self.application(), &pool)?;
        let credentials = Credentials::new(request.name, &request.password).ok_or(INVALID_CREDENTIALS)?;
        let door = Door { via: Via::Endpoint, application: Some(self.application()) };
        let user = match credentials.check(self.signet, self.edge, door).await? {
            Checked::Right(user) => user,
            Checked::Wrong => return Err(INVALID_CREDENTIALS.into()),
            Checked::Throttled(wait) => return Err(Failure::Throttled(wait)),
            Checked::Busy => return Err(Busy.into()),
        };
        let user = self.application().admit(user).ok_or(RIGHT_BUT_NOT_ADMITTED)?;
        let case = UserCase {
            scope: &request.scope,
            api: request.resource.as_deref(),
            narrowed: false,
            user: &user,
            settings: &pool,
            ip: Some(self.edge.peer),
            amr: Amr::PASSWORD,
            now: self.signet.now().timestamp(),
        };
        let scope = user_scope::decide(self.signet, self.application().id, &case).await?;
        something(&scope, scope.granted())?;
        let keys = Keys::load(self.signet, self.edge.issuer.id(), self.application()).await?;
        let from = (self.edge.peer, Some(self.edge.origin(Via::Endpoint)));
        let given = password::begin(self.signet, &self.caller(), &user, &scope, from).await?;
        tracing::info!(request_id = self.edge.request_id, sub = %user.id, client_id = %self.application().id, "signed in by password mode");
        self.signet.store().count_use(self.application().id, Use::SignIn, given.now.timestamp());
        let minting = Minting {
            issuer: &self.edge.issuer,
            allowed: self.allowed,
            user: &user,
            subjects: self.signet.store().pool().subjects(),
            grant: &given.grant,
            scope,
            pool: &pool,
            nonce: None,
        };
        self.mint(minting, &keys, given.refresh_token, given.now)
    }

    /// What of `scope` a grant gives now: what rules no longer allow is left out, and comes back when they do.
    async fn given(
        &self,
        grant: &Grant,
        scope: &Scope,
        asked: Option<&str>,
        user: &User,
        settings: &PoolSettings,
    ) -> Result<UserScope, Failure> {
        let case = UserCase {
            scope,
            api: narrowed(grant.items.api.as_ref(), asked)?,
            narrowed: grant.items.api.is_none(),
            user,
            settings,
            ip: grant.items.ip,
            amr: grant.amr,
            now: self.signet.now().timestamp(),
        };
        let scope = user_scope::decide(self.signet, grant.application, &case).await?;
        something(&scope, &grant.scope)?;
        Ok(scope)
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
        let user = minting.user.id;
        let tokens = minting.mint(&keys.signers(), refresh, now.timestamp(), &mut SystemEntropy)?;
        let (store, grant) = (self.signet.store(), self.allowed.grant());
        store.count_use(self.application().id, Use::Tokens(grant), now.timestamp());
        store.count_active(user, now.timestamp());
        Ok(respond::json(StatusCode::OK, &tokens))
    }
}
