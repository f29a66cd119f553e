//! `/oidc/auth`: the authorization endpoint, and `/oidc/auth/resume`, where a transaction comes back to it.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use signet_protocol::{
    application::{ActiveApplication, GrantType},
    authorize::{
        self, Addressee, AllowedResponse, AuthorizationRequest, AuthorizationResponse, AuthorizeError, Draft,
        Issuing, Next, ResponseMode, Situation, UNKNOWN_CLIENT,
    },
    consent::Consent,
    entropy::random,
    error::{ErrorCode, Refusal, refuse},
    id::{RowId, TransactionId, UserId},
    jose,
    params::RawParams,
    scope::Scope,
    session::Session,
    token::{FrontTokens, Minting},
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
    oidc::{application_here, live, token::Keys},
    pages::{FormPostPage, Problem, WebMessagePage},
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
        match self.expected(&request).await? {
            Ok(expected) => self.decide(&request, expected.as_deref()).await,
            Err(refusal) => self.refuse(refusal, draft.is_silent()).await,
        }
    }

    /// The users of whom it must be one: of the `id_token_hint`, of which one that is not ours is refused, and of a `sub`
    /// that `claims` asks for by value (OpenID Connect Core §3.1.2.2).
    async fn expected(
        &self,
        request: &AuthorizationRequest,
    ) -> Result<Result<Option<Vec<UserId>>, Refusal>, Failure> {
        let subjects = self.signet.store().pool().subjects();
        let named = request.claims.needed_subjects().map(|named| -> Vec<UserId> {
            named.into_iter().filter_map(|subject| subjects.user(subject, &self.application)).collect()
        });
        let Some(hint) = request.id_token_hint.as_deref() else {
            return Ok(Ok(named));
        };
        let meant = live::id_token_hint(self.signet, &self.edge.issuer, hint).await?;
        let Some(hint) = meant.filter(|hint| hint.client == self.application.id) else {
            return Ok(Err(refuse(
                ErrorCode::InvalidRequest,
                "id_token_hint is not an ID token that this issuer made for this application",
            )));
        };
        let fits = named.is_none_or(|named| named.contains(&hint.user));
        Ok(Ok(Some(if fits { vec![hint.user] } else { Vec::new() })))
    }

    async fn decide(
        &self,
        request: &AuthorizationRequest,
        expected: Option<&[UserId]>,
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
            expected,
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
    ) -> Result<Option<Consent>, Failure> {
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
        let issuer = &self.edge.issuer;
        let allowed = &AllowedResponse::of(&self.application, request.response_type)?;
        // Loaded first, so that nothing is written in vain.
        let keys = match allowed.kind().is_front() {
            true => Some(Keys::load(self.signet, issuer.id(), &self.application).await?),
            false => None,
        };
        let addressee = &self.addressee;
        let from = Issuing { issuer, allowed, user, session, request, addressee, scope };
        let transaction = self.transaction.as_ref().map(|transaction| transaction.id);
        if let Some((issued, now)) = core::issue::answer(&**self.signet, from, transaction).await? {
            let tokens = match keys.as_ref().zip(issued.grant()) {
                Some((keys, grant)) => {
                    let (subjects, scope) = (self.signet.store().pool().subjects(), grant.scope.clone());
                    let nonce = request.nonce.clone();
                    let minting = Minting { issuer, allowed, user, subjects, grant, scope, nonce };
                    let (signers, state, at) = (keys.signers(), addressee.state(), now.timestamp());
                    minting.mint_front(&signers, issued.code(), state, at, &mut SystemEntropy)?
                }
                None => FrontTokens::default(),
            };
            let answer = addressee.success(issued.code().map(str::to_owned), tokens);
            let sent = self.succeed(answer, session, request.prompt.none);
            return Ok(if keys.is_some() { mark(sent, Outcome::Tokens(GrantType::Implicit)) } else { sent });
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
    let (lang, uri) = (edge.lang(None), response.redirect_uri().uri());
    let policy = |has_form| Policy {
        has_form,
        script_nonce: Some(jose::b64(&random::<16>(&mut SystemEntropy))),
        framed_by: framed.then(|| uri.origin().to_owned()),
    };
    match response.mode() {
        ResponseMode::Query => respond::see_other(&response.query_location()),
        ResponseMode::Fragment => respond::see_other(&response.fragment_location()),
        ResponseMode::FormPost => {
            let fields: Vec<(&str, &str)> = response.pairs().collect();
            let policy = policy(true);
            let page = FormPostPage { lang, action: uri.as_str(), fields: &fields, nonce: policy.nonce() };
            respond::page(StatusCode::OK, &page, &policy)
        }
        ResponseMode::WebMessage => {
            let answer: Map<String, Value> =
                response.pairs().map(|(name, value)| (name.to_owned(), value.into())).collect();
            let message = json!({ "type": "authorization_response", "response": answer }).to_string();
            let (policy, origin) = (policy(false), uri.web_origin());
            let page = WebMessagePage { lang, origin, message: &message, nonce: policy.nonce() };
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
