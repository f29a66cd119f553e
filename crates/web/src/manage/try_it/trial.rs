//! A trial under way: who asks whom, what was found out, and what is told of it.

use std::{net::IpAddr, sync::Arc};

use serde_json::Value;
use signet_protocol::{
    application::{Application, AuthMethod},
    issuer::Issuer,
};

use super::{
    Check, Said, Step, TokenView,
    authentication::{Asking, OwnKey},
    refusal::{By, Refused},
    rules,
    token::{Bound, Expected, Keys},
    wire::{Call, Reply, Wire},
};
use crate::Signet;

/// What is tried, where, and for whom.
#[derive(Clone)]
pub struct Tried {
    /// The application.
    pub application: Arc<Application>,
    /// The issuer.
    pub issuer: Issuer,
    /// Where whoever tries it is: whom attempts at passwords are counted for.
    pub peer: IpAddr,
}

/// What is told of a trial.
#[derive(Debug)]
pub struct Report {
    /// The steps, in their order.
    pub steps: Vec<Step>,
    /// What was given and is alive.
    pub given: Option<Given>,
}

/// A token by which everything that was given can be revoked.
#[derive(Clone, Debug)]
pub struct Given {
    /// The token.
    pub token: String,
}

impl Report {
    /// How many checks there were, and how many of them failed.
    pub fn count(&self) -> (usize, usize) {
        let checks = || self.steps.iter().flat_map(Step::all_checks);
        (checks().count(), checks().filter(|check| !check.passed).count())
    }

    /// The first error that was told.
    pub fn refused(&self) -> Option<&Refused> {
        self.steps.iter().find_map(|step| step.refused.as_ref())
    }
}

/// Tokens that an answer had.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    /// The access token.
    pub access: Option<String>,
    /// The ID token.
    pub id: Option<String>,
    /// The refresh token.
    pub refresh: Option<String>,
    /// `sub` of the ID token.
    pub sub: Option<String>,
}

impl Tokens {
    /// Those in the body of an answer.
    pub fn of(reply: &Reply) -> Tokens {
        let text = |name| reply.get(name).map(str::to_owned);
        Tokens {
            access: text("access_token"),
            id: text("id_token"),
            refresh: text("refresh_token"),
            sub: None,
        }
    }
}

/// A trial under way.
pub struct Trial<'a> {
    signet: &'a Arc<Signet>,
    /// What is tried.
    pub tried: &'a Tried,
    wire: Wire,
    discovered: Value,
    jwks: Value,
    steps: Vec<Step>,
    given: Option<Given>,
}

impl<'a> Trial<'a> {
    /// One of which nothing is told yet.
    pub fn new(signet: &'a Arc<Signet>, tried: &'a Tried) -> Trial<'a> {
        Trial {
            signet,
            tried,
            wire: Wire::new(signet, tried.peer),
            discovered: Value::Null,
            jwks: Value::Null,
            steps: Vec::new(),
            given: None,
        }
    }

    /// What is told of it.
    pub fn report(self) -> Report {
        Report { steps: self.steps, given: self.given }
    }

    /// Tells a step.
    pub fn tell(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Keeps a token by which what was given can be revoked.
    pub fn gave(&mut self, tokens: &Tokens) {
        let token = tokens.refresh.as_ref().or(tokens.access.as_ref());
        if let Some(token) = token {
            self.given = Some(Given { token: token.clone() });
        }
    }

    /// An endpoint, by its name in the discovery document.
    pub fn endpoint(&self, name: &str) -> &str {
        self.discovered.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Reads the discovery document and the public keys. Whether both are there.
    pub async fn discover(&mut self) -> bool {
        let issuer = self.tried.issuer.url();
        let reply =
            self.wire.send(Call::get(&self.tried.issuer.endpoint("/.well-known/openid-configuration"))).await;
        let mut step = Step::new(&rules::DISCOVERY);
        if reply.is_ok() {
            step.checks.push(Check::equal(
                &rules::DISCOVERY_ISS,
                reply.get("issuer").unwrap_or_default(),
                issuer,
            ));
        }
        let going_on = self.finish(step, By::Token, &reply);
        self.discovered = reply.json.clone();
        self.told(reply);
        if !going_on {
            return false;
        }
        let reply = self.wire.send(Call::get(self.endpoint("jwks_uri"))).await;
        let going_on = self.finish(Step::new(&rules::KEYS), By::Token, &reply);
        self.jwks = reply.json.clone();
        self.told(reply);
        going_on
    }

    /// A request that the application authenticates. `None`: it cannot be made here, which is told.
    pub async fn ask(&mut self, call: Call, method: AuthMethod, title: &'static Said) -> Option<Reply> {
        let application = &self.tried.application;
        let now = self.signet.now().timestamp();
        let asking = Asking { application, issuer: self.tried.issuer.url(), now };
        match asking.authenticated(call, method) {
            Ok(call) => Some(self.wire.send(call).await),
            Err(OwnKey) => {
                self.tell(Step { note: Some(&rules::OWN_KEY), ..Step::new(title) });
                None
            }
        }
    }

    /// A request as it is.
    pub async fn send(&self, call: Call) -> Reply {
        self.wire.send(call).await
    }

    /// Tells a step with the error of its answer, if there is one. Whether it is a good one. What was asked and answered
    /// is added by [`Trial::told`].
    pub fn finish(&mut self, mut step: Step, by: By, reply: &Reply) -> bool {
        if !reply.is_ok() {
            step.refused = Refused::of_json(by, &reply.json);
            step.note = step.note.or(step.refused.is_none().then_some(&rules::UNREACHED));
        }
        self.tell(step);
        reply.is_ok()
    }

    /// Adds what was asked and answered to the last step.
    pub fn told(&mut self, reply: Reply) {
        if let Some(step) = self.steps.last_mut() {
            step.exchange = Some(reply.exchange);
        }
    }

    /// The tokens of an answer taken apart, for `client`. What their ID token says of whom they are about is kept.
    pub fn view(&self, tokens: &mut Tokens, client: &str, bound: &Bound<'_>) -> Vec<TokenView> {
        let settings = &self.tried.application.settings;
        let expected = self.expected(client, settings.id_token_signed_response_alg);
        let bound = Bound { access_token: tokens.access.as_deref(), ..*bound };
        let id = tokens.id.as_deref().map(|text| TokenView::id_token(text, &expected, &bound));
        let expected = Expected { alg: settings.access_token_signed_response_alg, ..expected };
        let access = tokens.access.as_deref().map(|text| TokenView::access_token(text, &expected));
        tokens.sub = id.as_ref().and_then(|view| view.get("sub")).map(str::to_owned);
        id.into_iter().chain(access).collect()
    }

    /// What a token for `client` has to say.
    pub fn expected<'e>(&'e self, client: &'e str, alg: signet_protocol::jose::SigningAlg) -> Expected<'e> {
        let keys = Keys { jwks: &self.jwks, secret: self.tried.application.secret.as_ref() };
        let issuer = self.tried.issuer.url();
        Expected { issuer, client, alg, keys, now: self.signet.now().timestamp() }
    }
}
