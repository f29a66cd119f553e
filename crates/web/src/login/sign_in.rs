//! `/login`: user name, e-mail or phone, and password.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use signet_protocol::{
    id::AppId,
    limits::IDENTIFIER_BYTES,
    params::RawParams,
    sign_in::LoginMethod,
    user::{LoginName, User},
};
use signet_store::{audit::Via, usage::Use};

use crate::{
    Signet,
    edge::{Edge, Form},
    error::Failure,
    login::{
        self,
        attempts::device_cookie,
        credentials::{Checked, Credentials, Door},
        forgot, session, sso,
        transaction::{Open, used},
    },
    pages::{Brand, LoginAlert, LoginPage},
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
    let lang = edge.lang(open.params.get("ui_locales"));
    let brand = Brand::of(&open.application, lang);
    let page = LoginPage {
        methods: edge.pool().map_or(LoginMethod::ALL, |pool| &pool.sign_in.login_methods),
        lang,
        app_name: &open.application.name,
        brand,
        identifier,
        transaction: &open.transaction.id.to_string(),
        csrf: &open.csrf(signet, None),
        recovery: edge.pool().is_some_and(forgot::is_offered),
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
    let mut response = respond::page(status, &page, &Policy::FORM.showing(&brand));
    let wait = match alert {
        Some(LoginAlert::Throttled { seconds }) => Some(seconds),
        Some(LoginAlert::Busy) => Some(2),
        _ => None,
    };
    if let Some(seconds) = wait {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

async fn submit(signet: &Arc<Signet>, edge: &Edge, form: Form) -> Result<Response, Failure> {
    let form = form.params()?;
    let open = Open::find(signet, edge, form.get("txn")).await?;
    if sso::is_elsewhere(edge, &open.application) {
        return Ok(respond::see_other(&open.onward()));
    }
    open.check_csrf(signet, &form, None)?;
    let again = |alert| Ok(page(signet, edge, &open, form.get("username").unwrap_or_default(), Some(alert)));
    let door = Door { via: Via::Page, application: Some(&open.application) };
    let user = match read(&form) {
        Ok(credentials) => match credentials.check(signet, edge, door).await? {
            Checked::Right(user) => user,
            Checked::Wrong => return again(LoginAlert::WrongCredentials),
            Checked::Throttled(wait) => {
                return again(LoginAlert::Throttled { seconds: wait.0.unsigned_abs() });
            }
            Checked::Busy => return again(LoginAlert::Busy),
        },
        Err(alert) => return again(alert),
    };
    let begun = session::begin(signet, edge, &open.application, &user, open.transaction.id).await?;
    let cookie = begun.ok_or_else(|| used(&open.transaction, &open.application))?;
    tracing::info!(request_id = edge.request_id, sub = %user.id, "signed in");
    count(signet, open.application.id, &user);
    let response = respond::see_other(&open.onward());
    Ok(respond::set_cookies(response, [cookie, device_cookie(signet, edge, user.id)]))
}

/// Counts a login, for the overview.
fn count(signet: &Signet, at: AppId, user: &User) {
    let now = signet.now().timestamp();
    signet.store().count_use(at, Use::SignIn, now);
    signet.store().count_active(user.id, now);
}

fn read(form: &RawParams) -> Result<Credentials, LoginAlert> {
    let (Some(typed), Some(password)) = (form.get("username"), form.get("password")) else {
        return Err(LoginAlert::Missing);
    };
    if typed.len() > IDENTIFIER_BYTES {
        return Err(LoginAlert::TooLong);
    }
    let name = LoginName::parse(typed).ok_or(LoginAlert::Missing)?;
    Credentials::new(name, password).ok_or(LoginAlert::TooLong)
}
