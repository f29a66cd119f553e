//! The protocol endpoints below an issuer.

pub mod auth;
pub mod compatibility;
pub mod cors;
pub mod discovery;
pub mod introspection;
pub mod keys;
pub mod live;
pub mod me;
pub mod request_object;
pub mod revocation;
pub mod session_end;
pub mod token;
pub mod user_scope;
pub mod validate_token;

use std::sync::Arc;

use signet_protocol::{
    account::ActiveAccount,
    application::{ActiveApplication, AuthMethod, GrantType},
    client_assertion::{Asserted, asserted},
    client_auth::{
        Authenticated, AuthenticatedClient, INVALID_CLIENT, authenticate, authenticate_account, presented,
    },
    error::{ErrorCode, Refusal, refuse},
    id::{AccountId, AppId, ClientId},
    issuer::Issuer,
    jose::ClientKeys,
    params::RawParams,
    token::check_form,
};

use crate::{
    Signet, client_keys,
    edge::{Edge, Form},
    error::{Failure, only},
    oidc::compatibility::{Unusual, check_query},
};

/// The active application `id`, if `issuer` serves it.
pub async fn application_here(
    signet: &Signet,
    issuer: &Issuer,
    id: AppId,
) -> Result<Option<ActiveApplication>, Failure> {
    if !issuer.serves(id) {
        return Ok(None);
    }
    Ok(signet.store().application(id).await?.and_then(|application| application.active()))
}

/// The enabled account `id` of an active application, if `issuer` serves that.
pub async fn account_here(
    signet: &Signet,
    issuer: &Issuer,
    id: AccountId,
) -> Result<Option<ActiveAccount>, Failure> {
    let Some(account) = signet.store().account(id).await? else { return Ok(None) };
    if !issuer.serves(account.application) {
        return Ok(None);
    }
    let application = signet.store().application(account.application).await?;
    Ok(application.and_then(|application| account.active(&application)))
}

/// What a `client_id` is here.
enum Found {
    Application(ActiveApplication),
    Account(ActiveAccount),
    Nothing,
}

impl Found {
    /// Looks where it is likelier to be first: what is not there is not in memory either.
    async fn find(
        signet: &Signet,
        issuer: &Issuer,
        id: ClientId,
        accounts_first: bool,
    ) -> Result<Found, Failure> {
        let account = || account_here(signet, issuer, id.as_account());
        if accounts_first && let Some(account) = account().await? {
            return Ok(Found::Account(account));
        }
        if let Some(application) = application_here(signet, issuer, id.as_application()).await? {
            return Ok(Found::Application(application));
        }
        let account = if accounts_first { None } else { account().await? };
        Ok(account.map_or(Found::Nothing, Found::Account))
    }

    fn application(&self) -> Option<&ActiveApplication> {
        match self {
            Found::Application(application) => Some(application),
            Found::Account(_) | Found::Nothing => None,
        }
    }
}

/// The form of a back-channel endpoint and who authenticated with it: an application by the method `method` names.
///
/// Only POST, only the body: a secret in a URL ends up in logs and histories.
pub async fn authenticated_form(
    signet: &Arc<Signet>,
    edge: &Edge,
    form: Form,
    method: impl FnOnce(&ActiveApplication) -> AuthMethod,
) -> Result<(RawParams, Authenticated), Failure> {
    only(&edge.method, "POST, OPTIONS")?;
    check_query(edge)?;
    authenticated(signet, edge, form.params()?, &Unusual::default(), method).await
}

/// The parameters of a request, and who authenticated with them, to whom `unusual` must be allowed. It never is to accounts.
async fn authenticated(
    signet: &Arc<Signet>,
    edge: &Edge,
    params: RawParams,
    unusual: &Unusual,
    method: impl FnOnce(&ActiveApplication) -> AuthMethod,
) -> Result<(RawParams, Authenticated), Failure> {
    check_form(&params).map_err(|refusal| unusual.instead_of(refusal))?;
    let presented =
        presented(&params, edge.authorization()?).map_err(|refusal| unusual.instead_of(refusal))?;
    let accounts_first = params.get("grant_type") == Some(GrantType::ClientCredentials.as_str());
    let found = match presented.id {
        Some(id) => Found::find(signet, &edge.issuer, id, accounts_first).await?,
        None => Found::Nothing,
    };
    unusual.check(edge, found.application())?;
    let by_secret = |account| authenticate_account(account, &presented, signet.now().timestamp());
    let who = match (found, presented.assertion()) {
        (Found::Account(account), _) => Authenticated::Account(by_secret(Some(account))?),
        (Found::Nothing, _) => Authenticated::Account(by_secret(None)?),
        (Found::Application(application), None) => {
            Authenticated::Application(authenticate(Some(application), &presented, method)?)
        }
        (Found::Application(application), Some(_)) => {
            let asserted = asserted(Some(application), &presented, method)?;
            Authenticated::Application(Box::pin(by_assertion(signet, edge, asserted)).await?)
        }
    };
    Ok((params, who))
}

/// The parameters of a token request, and who authenticated with them.
pub async fn authenticated_token_request(
    signet: &Arc<Signet>,
    edge: &Edge,
    form: Form,
) -> Result<(RawParams, Authenticated), Failure> {
    only(&edge.method, "POST, OPTIONS")?;
    let (params, unusual) = compatibility::token_request(edge, form)?;
    authenticated(signet, edge, params, &unusual, |app| app.settings.token_endpoint_auth_method).await
}

/// The client whose assertion is verified and, before anything is made of it, spent (RFC 7523 §3).
async fn by_assertion(
    signet: &Signet,
    edge: &Edge,
    asserted: Asserted<'_>,
) -> Result<AuthenticatedClient, Failure> {
    let now = signet.now().timestamp();
    let verify = |keys: Option<&ClientKeys>| asserted.verify(keys, &edge.issuer, now);
    let verified = client_keys::verified(signet, asserted.application(), verify).await;
    let verified = verified.map_err(|error| error.told(INVALID_CLIENT))?;
    let first = signet.store().spend_assertion(verified.key, verified.until).await?;
    Ok(verified.spent(first)?)
}

/// The token that introspection and revocation are about (RFC 7662 §2.1, RFC 7009 §2.1).
pub fn presented_token(params: &RawParams) -> Result<&str, Refusal> {
    params.get("token").ok_or(
        refuse(ErrorCode::InvalidRequest, "token is missing; send it in the form body")
            .by("parameters", "RFC 7662 §2.1, RFC 7009 §2.1"),
    )
}
