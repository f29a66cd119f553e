//! The transaction a page belongs to.

use std::sync::Arc;

use signet_protocol::{
    application::ActiveApplication,
    authorize::Draft,
    id::{RowId, SessionId, TransactionId},
    issuer::IssuerId,
    params::RawParams,
    transaction::{Place, Transaction, TransactionProblem, csrf_fits, csrf_token},
};

use crate::{
    Signet,
    edge::Edge,
    error::Failure,
    login::browser::Browser,
    oidc::{application_here, auth::stuck},
    pages::Problem,
};

/// A transaction that this browser may go on with, and its application.
pub struct Open {
    /// The transaction.
    pub transaction: Transaction,
    /// The application it is for.
    pub application: ActiveApplication,
    /// The request it holds.
    pub params: RawParams,
    /// The browser.
    pub browser: Browser,
    place: Place,
}

impl Open {
    /// The transaction named by `txn`, for a page.
    pub async fn find(signet: &Arc<Signet>, edge: &Edge, txn: Option<&str>) -> Result<Open, Failure> {
        let (transaction, place) = load(signet, edge, txn).await?;
        let application = application_here(signet, &edge.issuer, transaction.application).await?;
        let application = application.ok_or(Problem::BadClient)?;
        // One that has not arrived at the pool's address, or whose application left the list, has no pages there.
        if place == Place::Pool && (transaction.trips.browser.is_none() || !application.settings.sso) {
            return Err(Problem::TransactionExpired.into());
        }
        let browser = Browser::shown(edge).ok_or(Problem::CookiesBlocked)?;
        let params = transaction.request()?;
        let open = transaction.check(place, Some(&browser.hash()), signet.now().timestamp());
        open.map_err(|problem| stuck(tell(problem), &application, &params))?;
        Ok(Open { transaction, application, params, browser, place })
    }

    /// Where the transaction goes on.
    pub fn onward(&self) -> String {
        let path = match self.place {
            Place::Home => "/oidc/auth/resume",
            Place::Pool => "/login/sso",
        };
        format!("{path}?txn={}", self.transaction.id)
    }

    /// The token of a form of this transaction, shown to `session`.
    pub fn csrf(&self, signet: &Signet, session: Option<SessionId>) -> String {
        let key = signet.store().pool().csrf_key.expose();
        csrf_token(key, self.browser.value(), &self.transaction.id.to_string(), session)
    }

    /// Sees that a form is one we gave this browser for this transaction and session.
    pub fn check_csrf(
        &self,
        signet: &Signet,
        form: &RawParams,
        session: Option<SessionId>,
    ) -> Result<(), Failure> {
        let fits = csrf_fits(form.get("csrf"), &self.csrf(signet, session));
        if fits { Ok(()) } else { Err(stuck(Problem::WrongBrowser, &self.application, &self.params)) }
    }
}

/// The transaction that `/oidc/auth/resume` goes on with. One that came by a cross-site POST is bound to the browser now.
/// There is no browser if it shows no cookie where no page may be shown to say so: in a frame whose cookies are blocked.
pub async fn resume(signet: &Arc<Signet>, edge: &Edge) -> Result<(Transaction, Option<Browser>), Failure> {
    let query = edge.query()?;
    let (mut transaction, place) = load(signet, edge, query.get("txn")).await?;
    if place != Place::Home {
        return Err(Problem::TransactionExpired.into());
    }
    let browser = match Browser::shown(edge) {
        None if transaction.browser.is_some() && is_silent(&transaction)? => return Ok((transaction, None)),
        _ => holder(signet, edge, &transaction, place).await?,
    };
    if transaction.browser.is_none() {
        if !signet.store().bind_transaction(transaction.id, browser.hash()).await? {
            return Err(Problem::WrongBrowser.into());
        }
        transaction.browser = Some(browser.hash());
    }
    Ok((transaction, Some(browser)))
}

/// The transaction that has come to the pool's address. The first time it is bound to the browser there, too.
pub async fn arrive(signet: &Arc<Signet>, edge: &Edge) -> Result<(Transaction, Browser), Failure> {
    let query = edge.query()?;
    let (mut transaction, place) = load(signet, edge, query.get("txn")).await?;
    // One that did not depart is bound to no browser at home, or was not meant to come.
    if place != Place::Pool || transaction.browser.is_none() || transaction.trips.taken == 0 {
        return Err(Problem::TransactionExpired.into());
    }
    let browser = holder(signet, edge, &transaction, place).await?;
    if transaction.trips.browser.is_none() {
        if !signet.store().bind_at_pool(transaction.id, browser.hash()).await? {
            return Err(Problem::WrongBrowser.into());
        }
        transaction.trips.browser = Some(browser.hash());
    }
    Ok((transaction, browser))
}

/// The browser, if it may go on with `transaction` at `place`.
async fn holder(
    signet: &Arc<Signet>,
    edge: &Edge,
    transaction: &Transaction,
    place: Place,
) -> Result<Browser, Failure> {
    let browser = match transaction.browser_at(place) {
        Some(_) => Browser::shown(edge).ok_or(Problem::CookiesBlocked)?,
        None => Browser::of(edge),
    };
    let Err(problem) = transaction.check(place, Some(&browser.hash()), signet.now().timestamp()) else {
        return Ok(browser);
    };
    let application = application_here(signet, &edge.issuer, transaction.application).await?;
    let application = application.ok_or(Problem::BadClient)?;
    Err(stuck(tell(problem), &application, &transaction.request()?))
}

fn is_silent(transaction: &Transaction) -> Result<bool, Failure> {
    Ok(Draft::parse(&transaction.request()?).is_silent())
}

/// The transaction `txn` and what this host is to it. One of another issuer is none here; one that was swept is too old.
async fn load(signet: &Arc<Signet>, edge: &Edge, txn: Option<&str>) -> Result<(Transaction, Place), Failure> {
    let id = txn.and_then(TransactionId::parse).ok_or(Problem::TransactionExpired)?;
    let transaction = signet.store().transaction(id).await?.ok_or(Problem::TransactionExpired)?;
    let place = match transaction.issuer {
        issuer if issuer == edge.issuer.id() => Place::Home,
        IssuerId::Application(_) if edge.own.is_none() => Place::Pool,
        _ => return Err(Problem::TransactionExpired.into()),
    };
    Ok((transaction, place))
}

/// The page that says the transaction was answered before.
pub fn used(transaction: &Transaction, application: &ActiveApplication) -> Failure {
    match transaction.request() {
        Ok(params) => stuck(Problem::TransactionUsed, application, &params),
        Err(_) => Problem::TransactionUsed.into(),
    }
}

fn tell(problem: TransactionProblem) -> Problem<'static> {
    match problem {
        TransactionProblem::Expired => Problem::TransactionExpired,
        TransactionProblem::Used => Problem::TransactionUsed,
        TransactionProblem::WrongBrowser => Problem::WrongBrowser,
    }
}
