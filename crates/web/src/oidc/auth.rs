//! `/oidc/auth`: the authorization endpoint, and `/oidc/auth/resume`, where a transaction comes back to it.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{Method, StatusCode};
use signet_protocol::{
    application::ActiveApplication,
    authorize::{
        self, Addressee, AuthorizationRequest, AuthorizationResponse, AuthorizeError, Draft, Issuing, Next,
        ResponseMode, Situation, UNKNOWN_CLIENT,
    },
    entropy::random,
    error::{ErrorCode, Refusal, refuse},
    id::{RowId, TransactionId, UserId},
    jose,
    params::RawParams,
    scope::Scope,
    session::Session,
    transaction::{TRANSACTION_EXPIRE, Transaction},
    user::ActiveUser,
};

use crate::{
    Signet,
    clock::SystemEntropy,
    core,
    edge::{Edge, Form},
    error::{Failure, only},
    login::{self, browser::Browser},
    logout::session_state,
    metrics::{Outcome, mark},
    oidc::{application_here, live},
    pages::{FormPostPage, Problem},
    respond::{self, Policy},
};

/// GET and POST `/oidc/auth` (OpenID Connect Core §3.1.2.1).
pub async fn handle(State(signet): State<Arc<Signet>>, edge: Edge, form: Form) -> Response {
    let params = read(&edge, form);
    let locales = params.as_ref().ok().and_then(|params| params.get("ui_locales").map(str::to_owned));
    let lang = edge.lang(locales.as_deref());
    let result = match params {
        Ok(params) if edge.method == Method::POST => keep(&signet, &edge, params).await,
        Ok(params) => answer(&signet, &edge, params, None).await,
        Err(failure) => Err(failure),
    };
    edge.page(lang, result)
}

/// GET `/oidc/auth/resume?txn=…`: the same request again, now that a page was answered.
pub async fn resume(State(signet): State<Arc<Signet>>, edge: Edge) -> Response {
    let result = resumed(&signet, &edge).await;
    edge.page(edge.lang(None), result)
}

fn read(edge: &Edge, form: Form) -> Result<RawParams, Failure> {
    only(&edge.method, "GET, POST")?;
    if edge.method == Method::POST { form.params() } else { edge.query() }
}

async fn resumed(signet: &Arc<Signet>, edge: &Edge) -> Result<Response, Failure> {
    only(&edge.method, "GET")?;
    let (transaction, browser) = login::transaction::resume(signet, edge).await?;
    let params = transaction.request()?;
    let response = answer(signet, edge, params, Some(transaction)).await?;
    Ok(respond::set_cookies(response, [browser.cookie(edge)]))
}

/// A POST may come from another site, without our cookies. It is stored, and a GET goes on with it.
async fn keep(signet: &Arc<Signet>, edge: &Edge, params: RawParams) -> Result<Response, Failure> {
    let (application, addressee) = addressed(signet, edge, &params).await??;
    let draft = Draft::parse(&params);
    if let Err(refusal) = authorize::check(&draft, &application) {
        return Ok(send_error(edge, &addressee, refusal, draft.is_silent()));
    }
    let id = begin(signet, edge, &params, &application, None).await?;
    Ok(respond::see_other(&format!("/oidc/auth/resume?txn={id}")))
}

/// Finds the client and where the answer goes; the inner error is for a page.
async fn addressed(
    signet: &Arc<Signet>,
    edge: &Edge,
    params: &RawParams,
) -> Result<Result<(ActiveApplication, Addressee), Refusal>, Failure> {
    let id = match authorize::client_id(params) {
        Ok(id) => id,
        Err(error) => return Ok(Err(page_refusal(error))),
    };
    let Some(application) = application_here(signet, &edge.issuer, id).await? else {
        return Ok(Err(UNKNOWN_CLIENT));
    };
    Ok(match Addressee::find(params, &application, &edge.issuer) {
        Ok(addressee) => Ok((application, addressee)),
        Err(error) => Err(page_refusal(error)),
    })
}

fn page_refusal(error: AuthorizeError) -> Refusal {
    match error {
        AuthorizeError::Page(refusal) | AuthorizeError::Redirect(_, refusal) => refusal,
    }
}

/// A request that has a client and a callback.
struct Asking<'a> {
    signet: &'a Arc<Signet>,
    edge: &'a Edge,
    params: RawParams,
    application: ActiveApplication,
    addressee: Addressee,
    transaction: Option<Transaction>,
}

async fn answer(
    signet: &Arc<Signet>,
    edge: &Edge,
    params: RawParams,
    transaction: Option<Transaction>,
) -> Result<Response, Failure> {
    let (application, addressee) = addressed(signet, edge, &params).await??;
    let asking = Asking { signet, edge, params, application, addressee, transaction };
    let draft = Draft::parse(&asking.params);
    match asking.answer(&draft).await {
        // The client is known, so it is told of our own failures too: a frame would wait for ever for a page.
        Err(failure) if failure.is_ours() => {
            edge.log(&failure);
            Ok(send_error(edge, &asking.addressee, failure.refusal(), draft.is_silent()))
        }
        result => result,
    }
}

impl Asking<'_> {
    async fn answer(&self, draft: &Draft) -> Result<Response, Failure> {
        let request = match authorize::check(draft, &self.application) {
            Ok(request) => request,
            Err(refusal) => return self.refuse(refusal, draft.is_silent()).await,
        };
        match self.hinted(&request).await? {
            Ok(hinted) => self.decide(&request, hinted).await,
            Err(refusal) => self.refuse(refusal, draft.is_silent()).await,
        }
    }

    /// The user of the `id_token_hint`, if there is one; a hint that is not ours is refused.
    async fn hinted(
        &self,
        request: &AuthorizationRequest,
    ) -> Result<Result<Option<UserId>, Refusal>, Failure> {
        let Some(hint) = request.id_token_hint.as_deref() else {
            return Ok(Ok(None));
        };
        let meant = live::id_token_hint(self.signet, &self.edge.issuer, hint).await?;
        Ok(match meant.filter(|hint| hint.client == self.application.id) {
            Some(hint) => Ok(Some(hint.user)),
            None => Err(refuse(
                ErrorCode::InvalidRequest,
                "id_token_hint is not an ID token that this issuer made for this application",
            )),
        })
    }

    async fn decide(
        &self,
        request: &AuthorizationRequest,
        hinted: Option<UserId>,
    ) -> Result<Response, Failure> {
        let signed_in = login::session::current(self.signet, self.edge, &self.application).await?;
        let session = signed_in.as_ref().map(|(session, _)| session);
        let remembered = self.remembered(session, request).await?;
        let chosen = self.transaction.as_ref().and_then(|transaction| transaction.chosen);
        let same_person =
            session.is_some_and(|session| chosen.is_some_and(|chosen| chosen.session == session.id));
        let situation = Situation {
            now: self.signet.now().timestamp(),
            session,
            chosen,
            answer: self
                .transaction
                .as_ref()
                .and_then(|transaction| transaction.consent)
                .filter(|_| same_person),
            remembered: remembered.as_ref(),
            hinted,
        };
        match (authorize::decide(request, &self.application, &situation), &signed_in) {
            (Next::Issue { scope }, Some((session, user))) => self.issue(request, session, user, scope).await,
            (Next::Refuse(refusal), _) => self.refuse(refusal, request.prompt.none).await,
            (Next::SignIn { .. } | Next::Issue { .. }, _) => self.interact("/login").await,
            (Next::ChooseAccount, _) => self.interact("/login/account").await,
            (Next::AskConsent, _) => self.interact("/consent").await,
        }
    }

    /// What the user agreed to before; looked up only when it can matter.
    async fn remembered(
        &self,
        session: Option<&Session>,
        request: &AuthorizationRequest,
    ) -> Result<Option<Scope>, Failure> {
        match session {
            Some(session) if !self.application.settings.skip_consent && !request.prompt.consent => {
                Ok(self.signet.store().consent(session.user, self.application.id).await?)
            }
            _ => Ok(None),
        }
    }

    async fn issue(
        &self,
        request: &AuthorizationRequest,
        session: &Session,
        user: &ActiveUser,
        scope: Scope,
    ) -> Result<Response, Failure> {
        let from = Issuing {
            issuer: &self.edge.issuer,
            application: &self.application,
            user,
            session,
            request,
            addressee: &self.addressee,
            scope,
        };
        let transaction = self.transaction.as_ref().map(|transaction| transaction.id);
        if let Some(code) = core::issue::code(&**self.signet, from, transaction).await? {
            return Ok(self.succeed(self.addressee.code(code), session, request.prompt.none));
        }
        // The session ended, or the transaction was answered, between reading and writing.
        match &self.transaction {
            Some(transaction) => Err(login::transaction::used(transaction, &self.application)),
            None => self.interact("/login").await,
        }
    }

    /// Sends what was asked for, with what tells the application's page whether the session changes.
    fn succeed(&self, answer: AuthorizationResponse, session: &Session, framed: bool) -> Response {
        let callback = self.addressee.redirect_uri().uri();
        match session_state::tell(self.signet, self.edge, &self.application, session, callback) {
            None => send(self.edge, &answer, framed),
            Some(told) => {
                let response = send(self.edge, &answer.with_session_state(told.session_state), framed);
                respond::set_cookies(response, [told.cookie])
            }
        }
    }

    /// Sends the person to a page, beginning a transaction unless there is one.
    async fn interact(&self, path: &str) -> Result<Response, Failure> {
        if let Some(transaction) = &self.transaction {
            return Ok(respond::see_other(&format!("{path}?txn={}", transaction.id)));
        }
        let browser = Browser::of(self.edge);
        let id = begin(self.signet, self.edge, &self.params, &self.application, Some(&browser)).await?;
        let response = respond::see_other(&format!("{path}?txn={id}"));
        Ok(respond::set_cookies(response, [browser.cookie(self.edge)]))
    }

    async fn refuse(&self, refusal: Refusal, framed: bool) -> Result<Response, Failure> {
        if let Some(transaction) = &self.transaction {
            let now = self.signet.now();
            if !self.signet.store().use_transaction(transaction.id, now).await? {
                return Err(login::transaction::used(transaction, &self.application));
            }
        }
        let (request_id, error) = (&self.edge.request_id, refusal.code.as_str());
        tracing::info!(request_id, error, detail = refusal.description, "refused to the callback");
        Ok(send_error(self.edge, &self.addressee, refusal, framed))
    }
}

async fn begin(
    signet: &Signet,
    edge: &Edge,
    params: &RawParams,
    application: &ActiveApplication,
    browser: Option<&Browser>,
) -> Result<TransactionId, Failure> {
    let kept = params.only(authorize::PARAMETERS).encode();
    // Escaping can make it longer than what would be read again.
    RawParams::parse(kept.as_bytes())?;
    let now = signet.now();
    let transaction = Transaction {
        id: TransactionId::generate(now, &mut SystemEntropy),
        pool: edge.issuer.pool(),
        issuer: edge.issuer.id(),
        application: application.id,
        params: kept,
        browser: browser.map(Browser::hash),
        chosen: None,
        consent: None,
        created_at: now.timestamp(),
        expires_at: now.timestamp().plus(TRANSACTION_EXPIRE),
        used_at: None,
    };
    signet.store().insert_transaction(&transaction).await?;
    Ok(transaction.id)
}

fn send_error(edge: &Edge, to: &Addressee, refusal: Refusal, framed: bool) -> Response {
    mark(send(edge, &to.error(refusal), framed), Outcome::Refused(refusal.code))
}

/// Sends an answer in its mode. `framed`: it was asked for with `prompt=none`, so the application may show it in a frame.
fn send(edge: &Edge, response: &AuthorizationResponse, framed: bool) -> Response {
    match response.mode() {
        ResponseMode::Query => respond::see_other(&response.location()),
        ResponseMode::FormPost => {
            let nonce = jose::b64(&random::<16>(&mut SystemEntropy));
            let uri = response.redirect_uri().uri();
            let fields: Vec<(&str, &str)> = response.pairs().collect();
            let page =
                FormPostPage { lang: edge.lang(None), action: uri.as_str(), fields: &fields, nonce: &nonce };
            let policy = Policy {
                has_form: true,
                script_nonce: Some(nonce.clone()),
                framed_by: framed.then(|| uri.origin().to_owned()),
            };
            respond::page(StatusCode::OK, &page, &policy)
        }
    }
}

/// A way back to an application: the origin of the callback it asked with.
pub fn home(application: &ActiveApplication, params: &RawParams) -> Option<(String, String)> {
    let verified = application.find_redirect_uri(params.get("redirect_uri")?)?;
    let origin = verified.uri().origin();
    origin.starts_with("http").then(|| (application.name.clone(), format!("{origin}/")))
}

/// The problem of a page that cannot go on, with the way back to the application.
pub fn stuck(problem: Problem<'static>, application: &ActiveApplication, params: &RawParams) -> Failure {
    let home = home(application, params);
    Failure::Problem(crate::error::PageProblem { problem, refusal: None, home })
}
