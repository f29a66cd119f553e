//! `/login`: user name, e-mail or phone, and password.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use signet_protocol::{
    limits::{IDENTIFIER_BYTES, PASSWORD_BYTES},
    params::RawParams,
    password::PasswordHash,
    user::{ActiveUser, LoginName, User},
};

use crate::{
    Network, Signet,
    edge::{Edge, Form},
    error::Failure,
    hashing::{Asker, Busy},
    login::{
        self,
        attempts::{Attempt, device_cookie},
        session, sso,
        transaction::{Open, used},
    },
    metrics::{Login, Outcome, mark},
    pages::{LoginAlert, LoginPage},
    respond::{self, Policy},
};

/// GET and POST `/login`.
pub async fn handle(State(signet): State<Arc<Signet>>, edge: Edge, form: Form) -> Response {
    login::page(&edge, show(&signet, &edge), submit(&signet, &edge, form)).await
}

async fn show(signet: &Arc<Signet>, edge: &Edge) -> Result<Response, Failure> {
    let query = edge.query()?;
    let open = Open::find(signet, edge, query.get("txn")).await?;
    if sso::is_elsewhere(edge, &open.application) {
        return Ok(respond::see_other(&open.onward()));
    }
    let signed_in = session::current(signet, edge, &open.application).await?.is_some();
    let alert = (signed_in && open.transaction.chosen.is_none()).then_some(LoginAlert::SignInAgain);
    let hint =
        open.params.get("login_hint").filter(|hint| hint.len() <= IDENTIFIER_BYTES).unwrap_or_default();
    Ok(page(signet, edge, &open, hint, alert))
}

fn page(signet: &Signet, edge: &Edge, open: &Open, identifier: &str, alert: Option<LoginAlert>) -> Response {
    let page = LoginPage {
        lang: edge.lang(open.params.get("ui_locales")),
        app_name: &open.application.name,
        app_logo: open.application.settings.logo_uri.as_deref(),
        identifier,
        transaction: &open.transaction.id.to_string(),
        csrf: &open.csrf(signet, None),
        alert,
    };
    let status = match alert {
        None | Some(LoginAlert::SignInAgain) => StatusCode::OK,
        Some(LoginAlert::Throttled { .. }) => StatusCode::TOO_MANY_REQUESTS,
        Some(LoginAlert::Busy) => StatusCode::SERVICE_UNAVAILABLE,
        Some(LoginAlert::WrongCredentials | LoginAlert::Missing | LoginAlert::TooLong) => {
            StatusCode::BAD_REQUEST
        }
    };
    let mut response = respond::page(status, &page, &Policy::FORM);
    let wait = match alert {
        Some(LoginAlert::Throttled { seconds }) => Some(seconds),
        Some(LoginAlert::Busy) => Some(2),
        _ => None,
    };
    if let Some(seconds) = wait {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    let ended = match alert {
        Some(LoginAlert::WrongCredentials) => Login::Failed,
        Some(LoginAlert::Throttled { .. }) => Login::Throttled,
        Some(LoginAlert::Busy) => Login::Busy,
        None | Some(LoginAlert::SignInAgain | LoginAlert::Missing | LoginAlert::TooLong) => return response,
    };
    mark(response, Outcome::Login(ended))
}

async fn submit(signet: &Arc<Signet>, edge: &Edge, form: Form) -> Result<Response, Failure> {
    let form = form.params()?;
    let open = Open::find(signet, edge, form.get("txn")).await?;
    if sso::is_elsewhere(edge, &open.application) {
        return Ok(respond::see_other(&open.onward()));
    }
    open.check_csrf(signet, &form, None)?;
    let again = |alert| Ok(page(signet, edge, &open, form.get("username").unwrap_or_default(), Some(alert)));
    let (name, password) = match read(&form) {
        Ok(read) => read,
        Err(alert) => return again(alert),
    };
    let user = signet.store().user_by_login(&name).await?;
    let asker = Asker::Network(Network::of(edge.peer));
    let attempt = match Attempt::reserve(signet, edge, &name, user.as_ref()).await? {
        Ok(attempt) => attempt,
        Err(wait) => {
            tracing::warn!(request_id = edge.request_id, peer = %edge.peer, seconds = wait.0, "login throttled");
            return again(LoginAlert::Throttled { seconds: wait.0.unsigned_abs() });
        }
    };
    match verify(signet, asker, user.as_ref(), password.clone()).await {
        Ok(true) => {}
        Ok(false) => {
            tracing::info!(request_id = edge.request_id, peer = %edge.peer, "login failed");
            return again(LoginAlert::WrongCredentials);
        }
        Err(Busy) => {
            attempt.give_back(signet).await?;
            return again(LoginAlert::Busy);
        }
    }
    // A blocked user gets the answer of a wrong password, after the same work (attack 22).
    match user.map(Arc::new).as_ref().and_then(User::active) {
        None => again(LoginAlert::WrongCredentials),
        Some(user) => {
            attempt.forgive(signet).await?;
            strengthen(signet, asker, &user, password).await?;
            let begun = session::begin(signet, edge, &open.application, &user, open.transaction.id).await?;
            let cookie = begun.ok_or_else(|| used(&open.transaction, &open.application))?;
            tracing::info!(request_id = edge.request_id, sub = %user.id, "signed in");
            let response = respond::see_other(&open.onward());
            let response = mark(response, Outcome::Login(Login::Succeeded));
            Ok(respond::set_cookies(response, [cookie, device_cookie(signet, edge, user.id)]))
        }
    }
}

fn read(form: &RawParams) -> Result<(LoginName, String), LoginAlert> {
    let (Some(typed), Some(password)) = (form.get("username"), form.get("password")) else {
        return Err(LoginAlert::Missing);
    };
    if typed.len() > IDENTIFIER_BYTES || password.len() > PASSWORD_BYTES {
        return Err(LoginAlert::TooLong);
    }
    let name = LoginName::parse(typed).ok_or(LoginAlert::Missing)?;
    Ok((name, password.to_owned()))
}

/// Hashes the password of an imported user anew if its hash costs more or less than ours. If the threads are busy, another time.
async fn strengthen(
    signet: &Signet,
    asker: Asker,
    user: &ActiveUser,
    password: String,
) -> Result<(), Failure> {
    if user.password.as_ref().is_some_and(|hash| !hash.is_current())
        && let Ok(new) = signet.hasher().create(asker, password).await
    {
        signet.store().rehash_password(user, &new, signet.now()).await?;
    }
    Ok(())
}

/// Verifies the password, or for nobody a decoy of the same cost.
async fn verify(signet: &Signet, asker: Asker, user: Option<&User>, password: String) -> Result<bool, Busy> {
    let hash = user.and_then(|user| user.password.clone()).unwrap_or_else(PasswordHash::decoy);
    signet.hasher().verify(asker, hash, password).await
}
