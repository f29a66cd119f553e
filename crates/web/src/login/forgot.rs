//! `/login/forgot`: a link to choose another password, sent to whoever has forgotten theirs.
//!
//! It belongs to a transaction, so that no other site can have messages sent, and is there only where the pool allows it and has
//! a mail server. The answer is the same for everybody: who it is for is looked up afterwards (attack 22).

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use signet_protocol::{
    limits::IDENTIFIER_BYTES, pool::PoolSettings, sign_in::LoginMethod, throttle::Counter, user::LoginName,
};
use signet_store::audit::Via;

use crate::{
    Network, Signet,
    edge::{Edge, Form},
    error::{Failure, Missing},
    login::{self, sso, transaction::Open},
    mail::{self, Recovery},
    pages::{Brand, ForgotAlert, ForgotPage, ForgotSentPage},
    respond::{self, Policy},
};

/// Whether a pool sends such links.
pub fn is_offered(pool: &PoolSettings) -> bool {
    pool.sign_in.password_recovery && mail::is_set_up(pool)
}

/// GET and POST `/login/forgot`.
pub async fn handle(State(signet): State<Arc<Signet>>, edge: Edge, form: Form) -> Response {
    login::page(&edge, show(&signet, &edge), submit(&signet, &edge, form)).await
}

async fn show(signet: &Arc<Signet>, edge: &Edge) -> Result<Response, Failure> {
    let query = edge.query()?;
    let open = open(signet, edge, query.get("txn")).await?;
    if sso::is_elsewhere(edge, &open.application) {
        return Ok(respond::see_other(&open.onward()));
    }
    Ok(page(signet, edge, &open, "", None))
}

/// The transaction, where links are sent.
async fn open(signet: &Arc<Signet>, edge: &Edge, txn: Option<&str>) -> Result<Open, Failure> {
    if !is_offered(&*signet.store().pool_settings().await?) {
        return Err(Missing::Path.into());
    }
    Open::find(signet, edge, txn).await
}

fn page(signet: &Signet, edge: &Edge, open: &Open, typed: &str, alert: Option<ForgotAlert>) -> Response {
    let lang = edge.lang(open.params.get("ui_locales"));
    let brand = Brand::of(&open.application, lang);
    let page = ForgotPage {
        lang,
        app_name: &open.application.name,
        brand,
        methods: LoginMethod::ALL,
        identifier: typed,
        transaction: &open.transaction.id.to_string(),
        csrf: &open.csrf(signet, None),
        alert,
    };
    let status = match alert {
        None => StatusCode::OK,
        Some(ForgotAlert::Missing) => StatusCode::BAD_REQUEST,
        Some(ForgotAlert::Throttled { .. }) => StatusCode::TOO_MANY_REQUESTS,
    };
    let mut response = respond::page(status, &page, &Policy::FORM.showing(&brand));
    if let Some(ForgotAlert::Throttled { seconds }) = alert {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

async fn submit(signet: &Arc<Signet>, edge: &Edge, form: Form) -> Result<Response, Failure> {
    let form = form.params()?;
    let open = open(signet, edge, form.get("txn")).await?;
    if sso::is_elsewhere(edge, &open.application) {
        return Ok(respond::see_other(&open.onward()));
    }
    open.check_csrf(signet, &form, None)?;
    let typed = form.get("username").unwrap_or_default();
    let known = (typed.len() <= IDENTIFIER_BYTES).then(|| LoginName::parse(typed)).flatten();
    let Some(name) = known else {
        return Ok(page(signet, edge, &open, "", Some(ForgotAlert::Missing)));
    };
    let network = Network::of(edge.peer);
    let by_network =
        (!network.is_loopback()).then(|| Counter::recovery_from_network(network.to_string().as_bytes()));
    let counters: Vec<_> =
        [Some(Counter::recovery_of_name(&name)), by_network].into_iter().flatten().collect();
    if let Err(wait) = signet.store().reserve_attempts(&counters, signet.now()).await? {
        let alert = ForgotAlert::Throttled { seconds: wait.0.unsigned_abs() };
        return Ok(page(signet, edge, &open, typed, Some(alert)));
    }
    let lang = edge.lang(open.params.get("ui_locales"));
    signet.recoveries().ask(Recovery { name, lang, origin: edge.origin(Via::Page) });
    let brand = Brand::of(&open.application, lang);
    let sent = ForgotSentPage { lang, brand, transaction: &open.transaction.id.to_string() };
    Ok(respond::page(StatusCode::OK, &sent, &Policy::default().showing(&brand)))
}
