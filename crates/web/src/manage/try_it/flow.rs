//! The flows, from the answer of a browser or from credentials to everything that can be asked with the tokens.

use std::sync::Arc;

use signet_protocol::{application::ResponseType, params::RawParams};

use super::{
    Attempt, Check, Exchange, Mode, Report, Said, Step, TokenView, Tried, callback,
    refusal::{By, Refused},
    rules,
    token::Bound,
    trial::{Tokens, Trial},
    wire::{Call, Reply},
};
use crate::Signet;

/// What came of `attempt`, now that the browser brought its answer.
pub async fn after_browser(
    signet: &Arc<Signet>,
    tried: &Tried,
    attempt: &Attempt,
    answer: &RawParams,
) -> Report {
    let mut trial = Trial::new(signet, tried);
    let callback = callback(signet);
    trial.tell(request(tried, attempt, &callback));
    let answered = answer_of(tried, attempt, &callback, answer);
    let going_on = answered.passed();
    trial.tell(answered);
    if going_on && trial.discover().await {
        let flow = Flow { client: tried.application.id.to_string(), trial: &mut trial };
        flow.from(attempt, answer, &callback).await;
    }
    trial.report()
}

/// What came of the password of a user.
pub async fn by_password(
    signet: &Arc<Signet>,
    tried: &Tried,
    (username, password): (&str, &str),
    scope: &str,
) -> Report {
    let mut trial = Trial::new(signet, tried);
    if trial.discover().await {
        let call = Call::post(trial.endpoint("token_endpoint")).with("grant_type", "password");
        let call = call.with("username", username).with_secret("password", password).with("scope", scope);
        let mut flow = Flow { client: tried.application.id.to_string(), trial: &mut trial };
        if let Some(tokens) =
            flow.tokens(call, &rules::PASSWORD, (&Tokens::default(), &Bound::default())).await
        {
            flow.with(&tokens).await;
        }
    }
    trial.report()
}

/// What came of the AccessKey and the SecretKey of an account.
pub async fn by_account(
    signet: &Arc<Signet>,
    tried: &Tried,
    (access_key, secret_key): (&str, &str),
    scope: &str,
) -> Report {
    let mut trial = Trial::new(signet, tried);
    if !trial.discover().await {
        return trial.report();
    }
    let shown = |call: Call| call.with("client_id", access_key).with_secret("client_secret", secret_key);
    let call = Call::post(trial.endpoint("token_endpoint")).with("grant_type", "client_credentials");
    let reply = trial.send(shown(call.with("scope", scope))).await;
    let mut flow = Flow { client: access_key.to_owned(), trial: &mut trial };
    let tokens = flow.read(reply, &rules::ACCOUNT, (&Tokens::default(), &Bound::default()));
    if let Some(access) = tokens.and_then(|tokens| tokens.access) {
        let call = Call::post(trial.endpoint("introspection_endpoint")).with("token", &access);
        let reply = trial.send(shown(call)).await;
        introspected(&mut trial, reply, true);
    }
    trial.report()
}

/// The step of the request that the browser made.
fn request(tried: &Tried, attempt: &Attempt, callback: &str) -> Step {
    let params = attempt.request(callback);
    let params = params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let url = tried.issuer.endpoint("/auth");
    let exchange = Some(Exchange { method: "GET", url, params, ..Exchange::default() });
    Step { exchange, ..Step::new(&rules::REQUEST) }
}

/// The step of the answer that it brought.
fn answer_of(tried: &Tried, attempt: &Attempt, callback: &str, answer: &RawParams) -> Step {
    let params = answer.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let exchange = Exchange { method: "POST", url: callback.to_owned(), params, ..Exchange::default() };
    let text = |name| answer.get(name).unwrap_or_default();
    Step {
        exchange: Some(exchange),
        checks: vec![
            Check::equal(&rules::STATE, text("state"), &attempt.state),
            Check::equal(&rules::RESPONSE_ISS, text("iss"), tried.issuer.url()),
        ],
        refused: answer
            .get("error")
            .map(|error| Refused::told(By::Authorization, error, answer.get("error_description"))),
        ..Step::new(&rules::ANSWER)
    }
}

/// A trial whose tokens are for one client.
struct Flow<'f, 'a> {
    trial: &'f mut Trial<'a>,
    client: String,
}

impl Flow<'_, '_> {
    /// Goes on from the answer of the authorization endpoint.
    async fn from(mut self, attempt: &Attempt, answer: &RawParams, callback: &str) {
        let (code, kind) = (answer.get("code"), attempt.mode.response_type());
        let bound = Bound {
            nonce: Some(&attempt.nonce),
            state: Some(&attempt.state),
            code,
            front: kind,
            access_token: None,
        };
        let mut tokens = self.front(answer, &bound);
        if let Some(code) = code.filter(|_| kind.is_some_and(ResponseType::gives_code)) {
            let call =
                Call::post(self.trial.endpoint("token_endpoint")).with("grant_type", "authorization_code");
            let call = call.with("code", code).with("redirect_uri", callback);
            let verifier = if attempt.mode.has_challenge() { attempt.verifier.as_str() } else { "" };
            let call = call.with("code_verifier", verifier);
            let bound = Bound { front: None, code: None, ..bound };
            if let Some(given) = self.tokens(call, &rules::REDEEM, (&tokens, &bound)).await {
                tokens = given;
            }
        }
        self.with(&tokens).await;
        if attempt.mode == Mode::Refresh && tokens.access.is_some() {
            self.refresh(&tokens).await;
        }
    }

    /// The tokens that came through the browser.
    fn front(&mut self, answer: &RawParams, bound: &Bound<'_>) -> Tokens {
        let text = |name| answer.get(name).map(str::to_owned);
        let mut tokens = Tokens { access: text("access_token"), id: text("id_token"), ..Tokens::default() };
        let views = self.trial.view(&mut tokens, &self.client, bound);
        if !views.is_empty() {
            self.trial.gave(&tokens);
            self.trial.tell(Step { tokens: views, ..Step::new(&rules::FRONT) });
        }
        tokens
    }

    /// Asks for tokens, and takes them apart. They have to be about the same person as those `before`.
    async fn tokens(
        &mut self,
        call: Call,
        title: &'static Said,
        wanted: (&Tokens, &Bound<'_>),
    ) -> Option<Tokens> {
        let method = self.trial.tried.application.settings.token_endpoint_auth_method;
        let reply = self.trial.ask(call, method, title).await?;
        self.read(reply, title, wanted)
    }

    /// Takes the tokens of an answer apart.
    fn read(
        &mut self,
        reply: Reply,
        title: &'static Said,
        (before, bound): (&Tokens, &Bound<'_>),
    ) -> Option<Tokens> {
        let mut tokens = Tokens::of(&reply);
        let mut step = Step::new(title);
        if reply.is_ok() {
            step.tokens = self.trial.view(&mut tokens, &self.client, bound);
            let kind = reply.get("token_type").unwrap_or_default();
            step.checks.push(Check::that(&rules::TOKEN_TYPE, kind.eq_ignore_ascii_case("Bearer"), kind));
            let kept = reply.exchange.answer_headers.iter().find(|(name, _)| *name == "Cache-Control");
            let kept = kept.map_or("", |(_, value)| value.as_str());
            step.checks.push(Check::that(&rules::NO_STORE, kept.contains("no-store"), kept));
            if let (Some(before), Some(sub)) = (&before.sub, &tokens.sub) {
                step.checks.push(Check::equal(&rules::SUB_STAYS, sub, before));
            }
            if let Some(used) = &before.refresh {
                step.checks.push(self.rotated(used, tokens.refresh.as_deref()));
            }
            self.trial.gave(&tokens);
        }
        let good = self.trial.finish(step, By::Token, &reply);
        self.trial.told(reply);
        good.then_some(tokens)
    }

    fn rotated(&self, used: &str, given: Option<&str>) -> Check {
        let told = |same| if same { "=" } else { "≠" };
        let same = given == Some(used);
        match self.trial.tried.application.settings.reuse_refresh_tokens {
            true => Check::that(&rules::REUSED, same || given.is_none(), told(same)),
            false => Check::that(&rules::ROTATED, given.is_some() && !same, told(same)),
        }
    }

    /// Asks everything that can be asked with an access token.
    async fn with(&mut self, tokens: &Tokens) {
        let Some(access) = tokens.access.as_deref() else { return };
        if tokens.id.is_some() {
            self.user_info(access, tokens.sub.as_deref()).await;
        }
        let call = Call::post(self.trial.endpoint("introspection_endpoint")).with("token", access);
        let method = self.trial.tried.application.settings.introspection_endpoint_auth_method;
        if let Some(reply) = self.trial.ask(call, method, &rules::INTROSPECTION).await {
            introspected(self.trial, reply, true);
        }
    }

    async fn user_info(&mut self, access: &str, sub: Option<&str>) {
        let told = format!("Bearer {}…", access.get(..12).unwrap_or_default());
        let call = Call::get(self.trial.endpoint("userinfo_endpoint"));
        let reply = self.trial.send(call.authorized(format!("Bearer {access}"), told)).await;
        let mut step = Step::new(&rules::USER_INFO);
        let alg = self.trial.tried.application.settings.userinfo_signed_response_alg;
        if let Some(alg) = alg.filter(|_| reply.is_ok()) {
            let expected = self.trial.expected(&self.client, alg);
            step.tokens.push(TokenView::user_info(&reply.text, &expected));
        }
        if let Some(sub) = sub.filter(|_| reply.is_ok()) {
            let signed = step.tokens.first().and_then(|view| view.get("sub"));
            let found = signed.or(reply.get("sub")).unwrap_or_default();
            step.checks.push(Check::equal(&rules::SAME_SUB, found, sub));
        }
        self.trial.finish(step, By::Bearer, &reply);
        self.trial.told(reply);
    }

    async fn refresh(&mut self, tokens: &Tokens) {
        let Some(token) = tokens.refresh.as_deref() else {
            self.trial.tell(Step { note: Some(&rules::NO_REFRESH), ..Step::new(&rules::REFRESH) });
            return;
        };
        let call = Call::post(self.trial.endpoint("token_endpoint")).with("grant_type", "refresh_token");
        let call = call.with("refresh_token", token);
        self.tokens(call, &rules::REFRESH, (tokens, &Bound::default())).await;
    }
}

/// The step of an introspection that should say `active`.
pub fn introspected(trial: &mut Trial<'_>, reply: Reply, active: bool) {
    let mut step = Step::new(&rules::INTROSPECTION);
    if reply.is_ok() {
        let found = reply.json.get("active").and_then(serde_json::Value::as_bool);
        let rule = if active { &rules::ACTIVE } else { &rules::INACTIVE };
        step.checks.push(Check::that(
            rule,
            found == Some(active),
            reply.json.get("active").map(ToString::to_string).unwrap_or_default(),
        ));
    }
    trial.finish(step, By::Token, &reply);
    trial.told(reply);
}
