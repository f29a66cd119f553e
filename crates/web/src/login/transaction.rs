//! The transaction a page belongs to.

use std::sync::Arc;

use signet_protocol::{
    application::ActiveApplication,
    id::{RowId, SessionId, TransactionId},
    params::RawParams,
    transaction::{Transaction, TransactionProblem, csrf_fits, csrf_token},
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
}

impl Open {
    /// The transaction named by `txn`, for a page.
    pub async fn find(signet: &Arc<Signet>, edge: &Edge, txn: Option<&str>) -> Result<Open, Failure> {
        let transaction = load(signet, edge, txn).await?;
        let application = application_here(signet, &edge.issuer, transaction.application).await?;
        let application = application.ok_or(Problem::BadClient)?;
        let browser = Browser::shown(edge).ok_or(Problem::CookiesBlocked)?;
        let params = transaction.request()?;
        let open = transaction.check(Some(&browser.hash()), signet.now().timestamp());
        open.map_err(|problem| stuck(tell(problem), &application, &params))?;
        Ok(Open { transaction, application, params, browser })
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
pub async fn resume(signet: &Arc<Signet>, edge: &Edge) -> Result<(Transaction, Browser), Failure> {
    let query = edge.query()?;
    let mut transaction = load(signet, edge, query.get("txn")).await?;
    let browser = match &transaction.browser {
        Some(_) => Browser::shown(edge).ok_or(Problem::CookiesBlocked)?,
        None => Browser::of(edge),
    };
    if let Err(problem) = transaction.check(Some(&browser.hash()), signet.now().timestamp()) {
        let application = application_here(signet, &edge.issuer, transaction.application).await?;
        let application = application.ok_or(Problem::BadClient)?;
        return Err(stuck(tell(problem), &application, &transaction.request()?));
    }
    if transaction.browser.is_none() {
        if !signet.store().bind_transaction(transaction.id, browser.hash()).await? {
            return Err(Problem::WrongBrowser.into());
        }
        transaction.browser = Some(browser.hash());
    }
    Ok((transaction, browser))
}

async fn load(signet: &Arc<Signet>, edge: &Edge, txn: Option<&str>) -> Result<Transaction, Failure> {
    let id = txn.and_then(TransactionId::parse).ok_or(Problem::TransactionExpired)?;
    let transaction = signet.store().transaction(id).await?;
    // A transaction of another issuer is none here; one that was swept is too old.
    let found = transaction.filter(|transaction| transaction.issuer == edge.issuer.id());
    Ok(found.ok_or(Problem::TransactionExpired)?)
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
