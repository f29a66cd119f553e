//! Single sign-on over hosts: an application of the list has its people sign in at the pool's address.
//!
//! A transaction of its own host departs for `/login/sso` at the pool's address, where the person's login is found or made,
//! and comes back to `/login/ticket` with a ticket that lends it. Whatever is wrong with a ticket, nothing is lent and the
//! transaction resumes without: there is one place that tells a person what to do, and one that counts the trips.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::HeaderValue;
use signet_protocol::{
    application::ActiveApplication,
    authorize::Next,
    id::TransactionId,
    issuer::{Issuer, Site},
    opaque::Opaque,
    transaction::{Place, TRIPS_MAX, Transaction},
};

use crate::{
    Signet, core,
    edge::Edge,
    error::{Failure, only},
    login::{self, browser::Browser, session},
    oidc::{application_here, auth},
    pages::Problem,
    respond,
};

/// Whether people sign in to `application` elsewhere: it is in the list, and this is its own host.
pub fn is_elsewhere(edge: &Edge, application: &ActiveApplication) -> bool {
    edge.own.is_some() && application.settings.sso
}

/// Sends a transaction that was counted as under way to the pool's address.
pub fn depart(signet: &Signet, id: TransactionId) -> Response {
    let pool = signet.settings().base_url.origin(&Site::Pool);
    respond::see_other(&format!("{pool}/login/sso?txn={id}"))
}

/// Sends a transaction to the pool's address once more; one that only goes to and fro ends on a page.
pub async fn depart_again(
    signet: &Signet,
    transaction: &Transaction,
    application: &ActiveApplication,
) -> Result<Response, Failure> {
    if signet.store().depart(transaction.id, TRIPS_MAX).await? {
        return Ok(depart(signet, transaction.id));
    }
    if transaction.trips.taken < TRIPS_MAX {
        return Err(login::transaction::used(transaction, application));
    }
    Err(auth::stuck(Problem::CookiesBlocked, application, &transaction.request()?))
}

/// GET `/login/sso?txn=…` at the pool's address: finds who is signed in, or has them sign in, and sends the transaction home.
pub async fn arrive(State(signet): State<Arc<Signet>>, edge: Edge) -> Response {
    let result = arrived(&signet, &edge).await;
    edge.page(edge.lang(None), result)
}

async fn arrived(signet: &Arc<Signet>, edge: &Edge) -> Result<Response, Failure> {
    only(&edge.method, "GET")?;
    let (transaction, browser) = login::transaction::arrive(signet, edge).await?;
    let application = application_here(signet, &edge.issuer, transaction.application).await?;
    let application = application.ok_or(Problem::BadClient)?;
    let id = transaction.id;
    let site = Site::Application(application.identifier.clone());
    let base = &signet.settings().base_url;
    let home = Issuer::at(base, &site, transaction.pool, transaction.issuer);
    let (next, session) = auth::seen_from_pool(signet, edge, home, transaction).await?;
    let response = match (next, session) {
        (Next::SignIn { .. }, _) => respond::see_other(&format!("/login?txn={id}")),
        (Next::ChooseAccount, _) => respond::see_other(&format!("/login/account?txn={id}")),
        (_, session) => {
            let ticket = match session {
                Some(session) => core::ticket::give(&**signet, id, session.id).await?,
                None => None,
            };
            go_home(&base.origin(&site), id, ticket)
        }
    };
    Ok(respond::set_cookies(response, [browser.cookie(edge)]))
}

fn go_home(origin: &str, id: TransactionId, ticket: Option<Opaque<TransactionId>>) -> Response {
    match ticket {
        Some(ticket) => {
            respond::see_other_untold(&format!("{origin}/login/ticket?ticket={}", ticket.encode()))
        }
        None => respond::see_other(&format!("{origin}/oidc/auth/resume?txn={id}")),
    }
}

/// GET `/login/ticket?ticket=…` at an application's own host: spends the ticket and lends the host the login.
pub async fn come_back(State(signet): State<Arc<Signet>>, edge: Edge) -> Response {
    let result = came_back(&signet, &edge).await;
    edge.page(edge.lang(None), result)
}

async fn came_back(signet: &Arc<Signet>, edge: &Edge) -> Result<Response, Failure> {
    only(&edge.method, "GET")?;
    let query = edge.query()?;
    let ticket = query.get("ticket").and_then(Opaque::parse).ok_or(Problem::TransactionExpired)?;
    let cookie = admit(signet, edge, &ticket).await?;
    if cookie.is_none() {
        tracing::info!(request_id = edge.request_id, peer = %edge.peer, "ticket refused");
    }
    let response = respond::see_other_untold(&format!("/oidc/auth/resume?txn={}", ticket.id));
    Ok(respond::set_cookies(response, [cookie]))
}

/// The cookie of the login that `ticket` lends this host, if this browser brings it from a transaction of this host.
/// Whoever shows it, it is spent: what went astray is worth nothing then.
async fn admit(
    signet: &Arc<Signet>,
    edge: &Edge,
    ticket: &Opaque<TransactionId>,
) -> Result<Option<HeaderValue>, Failure> {
    let Some(transaction) = signet.store().transaction(ticket.id).await? else { return Ok(None) };
    let application = application_here(signet, &edge.issuer, transaction.application).await?;
    let rightful = application.filter(|application| {
        let browser = Browser::shown(edge).map(|browser| browser.hash());
        let open = transaction.check(Place::Home, browser.as_ref(), signet.now().timestamp());
        transaction.issuer == edge.issuer.id() && is_elsewhere(edge, application) && open.is_ok()
    });
    let Some(application) = rightful else {
        core::ticket::spend(&**signet, &transaction, ticket, None).await?;
        return Ok(None);
    };
    let replaced = session::current(signet, edge, &application).await?.map(|(session, _)| session);
    let lent = core::ticket::spend(&**signet, &transaction, ticket, replaced.as_ref()).await?;
    match lent {
        Some(session) => session::lend(signet, edge, &application, &session).await,
        None => Ok(None),
    }
}
