//! `/login/reset`: a one-time link, by which somebody chooses their password.
//!
//! Whoever has the link may use it, so its address is told to nobody, and nothing is kept of the page. Opening it spends
//! nothing: what looks at links in messages only opens them. Nobody is signed in by it: who is made to open another's link
//! is not in that one's account.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{StatusCode, header::RETRY_AFTER};
use signet_protocol::{params::RawParams, password::PasswordHash, user::User};
use signet_store::{Applied, Change};

use crate::{
    Network, Signet,
    clock::SystemEntropy,
    edge::{Edge, Form},
    error::{Failure, RETRY},
    hashing::{Asker, Busy},
    login,
    manage::users::link::{self, Shown},
    pages::{Problem, ResetAlert, ResetDonePage, ResetPage},
    respond::{self, Policy},
};

/// How often the password is written again because the user was changed meanwhile.
const ATTEMPTS: usize = 3;

/// GET and POST `/login/reset`.
pub async fn handle(State(signet): State<Arc<Signet>>, edge: Edge, form: Form) -> Response {
    respond::untold(login::page(&edge, show(&signet, &edge), submit(&signet, &edge, form)).await)
}

async fn show(signet: &Signet, edge: &Edge) -> Result<Response, Failure> {
    let query = edge.query()?;
    let token = query.get("link").unwrap_or_default();
    let (_, user) = live(signet, token).await?;
    page(signet, edge, (token, &user), None).await
}

/// The link and its user, if it can be used.
async fn live(signet: &Signet, token: &str) -> Result<(signet_protocol::id::LinkId, User), Failure> {
    match link::look(signet, token).await? {
        Shown::Live(link, user) => Ok((link, *user)),
        Shown::Used => Err(Problem::LinkUsed.into()),
        Shown::Dead => Err(Problem::LinkDead.into()),
    }
}

async fn page(
    signet: &Signet,
    edge: &Edge,
    (token, user): (&str, &User),
    alert: Option<ResetAlert>,
) -> Result<Response, Failure> {
    let pool = signet.store().pool_settings().await?;
    let lang = edge.lang(None);
    let brand = edge.brand(lang);
    let page = ResetPage {
        lang,
        brand,
        account: user.account_name(),
        link: token,
        policy: &pool.password_policy,
        alert,
    };
    let status = match alert {
        None => StatusCode::OK,
        Some(ResetAlert::Busy) => StatusCode::SERVICE_UNAVAILABLE,
        Some(_) => StatusCode::BAD_REQUEST,
    };
    let mut response = respond::page(status, &page, &Policy::FORM.showing(&brand));
    if alert == Some(ResetAlert::Busy) {
        response.headers_mut().insert(RETRY_AFTER, RETRY);
    }
    Ok(response)
}

async fn submit(signet: &Signet, edge: &Edge, form: Form) -> Result<Response, Failure> {
    let form = form.params()?;
    let token = form.get("link").unwrap_or_default();
    let (_, user) = live(signet, token).await?;
    let again = |alert| page(signet, edge, (token, &user), Some(alert));
    let password = match chosen(signet, &form, &user).await? {
        Ok(password) => password,
        Err(alert) => return again(alert).await,
    };
    let asker = Asker::Network(Network::of(edge.peer));
    let hash = match signet.hasher().create(asker, password).await {
        Ok(hash) => hash,
        Err(Busy) => return again(ResetAlert::Busy).await,
    };
    for _ in 0..ATTEMPTS {
        if spend(signet, token, &hash).await? {
            tracing::info!(request_id = edge.request_id, sub = %user.id, "a password was set by a one-time link");
            let lang = edge.lang(None);
            let brand = edge.brand(lang);
            let done = ResetDonePage { lang, brand };
            return Ok(respond::page(StatusCode::OK, &done, &Policy::default().showing(&brand)));
        }
    }
    Err(Failure::Busy(Busy))
}

/// The password of the form, if it may be this user's.
async fn chosen(
    signet: &Signet,
    form: &RawParams,
    user: &User,
) -> Result<Result<String, ResetAlert>, Failure> {
    let typed = form.get("password").unwrap_or_default();
    let pool = signet.store().pool_settings().await?;
    Ok(match pool.password_policy.check(typed, user) {
        Err(problem) => Err(ResetAlert::Policy(problem)),
        Ok(()) if form.get("repeat") != Some(typed) => Err(ResetAlert::Differ),
        Ok(()) => Ok(typed.to_owned()),
    })
}

/// Spends the link and writes the password, both or nothing: `false` when something was changed since they were read (attack 6).
async fn spend(signet: &Signet, token: &str, hash: &PasswordHash) -> Result<bool, Failure> {
    let (link, mut user) = live(signet, token).await?;
    user.password = Some(hash.clone());
    user.details.imported = None;
    user.updated_at = signet.now().timestamp();
    let plan = vec![Change::SpendLink { link, user: user.id }, Change::UpdateUser(user)];
    Ok(signet.store().apply(plan, signet.now(), &mut SystemEntropy).await? == Applied::Done)
}
