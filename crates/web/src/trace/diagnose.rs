//! What was wrong: the rule that refused, looked at again with time and with everything that is stored.

use std::sync::Arc;

use signet_protocol::{
    application::{Application, GrantType, ResponseType},
    client_assertion::claimed_client,
    error::{ErrorCode, Rule},
    id::ClientId,
    issuer::{Issuer, IssuerId, Site},
    params::RawParams,
    redirect_uri::RedirectUri,
    scope::{KnownScope, Scope},
    time::Timestamp,
};

use super::{Fix, Refused, Trace, client, redact, reference, token};
use crate::Signet;

/// Registered values that a trace lists.
const LISTED: usize = 5;

/// What was found.
#[derive(Default)]
pub struct Finding {
    pub expected: Option<String>,
    pub received: Option<String>,
    pub fix: Option<Fix>,
}

impl Finding {
    pub fn new(
        expected: impl Into<String>,
        received: impl Into<String>,
        fix: impl Into<Option<Fix>>,
    ) -> Finding {
        Finding { expected: Some(expected.into()), received: Some(received.into()), fix: fix.into() }
    }

    fn fix(fix: Fix) -> Finding {
        Finding { fix: Some(fix), ..Finding::default() }
    }
}

/// A refused request with what is known of it.
pub struct Case<'a> {
    pub signet: &'a Signet,
    pub refused: &'a Refused,
    pub params: &'a RawParams,
    /// The application it means, enabled or not, here or not.
    pub application: Option<Arc<Application>>,
    /// Whether its client is an account of that application.
    pub by_account: bool,
    pub now: Timestamp,
}

/// Looks into a refused request.
pub async fn diagnose(signet: &Signet, refused: &Refused, now: Timestamp) -> Trace {
    let params = refused.params();
    let (application, by_account) = meant(signet, refused, &params).await;
    let case = Case { signet, refused, params: &params, application, by_account, now };
    let rule = refused.refusal.rule.unwrap_or(usual(refused.refusal.code));
    let found = case.look(rule.name).await;
    let application = case.application.as_ref();
    Trace {
        reference: reference(&refused.request_id),
        request_id: refused.request_id.clone(),
        at: now,
        method: refused.method.as_str().chars().take(16).collect(),
        endpoint: redact::shown(&refused.path),
        issuer: refused.issuer.url().to_owned(),
        app_id: application.map(|application| application.id),
        app_name: application.map(|application| application.name.clone()),
        check: rule.name.to_owned(),
        clause: rule.clause.to_owned(),
        error: refused.refusal.code.as_str().to_owned(),
        description: refused.refusal.description.to_owned(),
        expected: found.expected,
        received: found.received,
        fix: found.fix,
        parameters: redact::parameters(&params),
    }
}

/// The rule of a refusal that names none.
fn usual(code: ErrorCode) -> Rule {
    let (name, clause) = match code {
        ErrorCode::InvalidClient => ("client_authentication", "RFC 6749 §2.3"),
        ErrorCode::InvalidTarget => ("resource", "RFC 8707 §2"),
        ErrorCode::InvalidScope | ErrorCode::InsufficientScope => ("scope", "RFC 6749 §3.3"),
        ErrorCode::InvalidRequestObject | ErrorCode::InvalidRequestUri => {
            ("request_object", "OpenID Connect Core §6, RFC 9101 §6")
        }
        _ => ("parameters", "RFC 6749 §3.1, §3.2"),
    };
    Rule { name, clause }
}

/// The application that a request means, and whether by one of its accounts. Nobody has proved anything.
async fn meant(signet: &Signet, refused: &Refused, params: &RawParams) -> (Option<Arc<Application>>, bool) {
    let basic = refused.authorization.as_deref().and_then(client::basic_id);
    let asserted = params.get("client_assertion").and_then(claimed_client).map(ClientId::from);
    let named = params.get("client_id").and_then(ClientId::parse).or(basic).or(asserted);
    let own = refused.own.as_ref().map(|own| ClientId::from(own.id));
    let shown = token::client(refused, params);
    let Some(id) = named.or(shown).or(own) else { return (None, false) };
    let store = signet.store();
    match store.application(id.as_application()).await {
        Ok(Some(application)) => (Some(application), false),
        _ => match store.account(id.as_account()).await {
            Ok(Some(account)) => (store.application(account.application).await.ok().flatten(), true),
            _ => (None, false),
        },
    }
}

impl Case<'_> {
    async fn look(&self, rule: &str) -> Finding {
        let at_token = self.refused.path == "/oidc/token";
        match rule {
            "client_id" if at_token => self.another_client().await,
            "client_id" => self.client(),
            "redirect_uri" if at_token => self.another_redirect_uri().await,
            "redirect_uri" => self.redirect_uri(),
            "redirect_uri_https" => self.switch("allow_http_implicit_callbacks"),
            "response_type" => self.response_type(),
            "grant_type" if at_token => self.unknown_grant(),
            "grant_type" => self.modes(),
            "grant_allowed" => self.grant_allowed(),
            "response_mode" => self.send("response_mode", Some("fragment, or leave it out")),
            "scope" => self.scope(at_token),
            "resource" => self.resource(),
            "nonce" => self.send("nonce", None),
            "registration" => Finding::fix(Fix::DropParameter { name: "registration".to_owned() }),
            "code_challenge" => self.code_challenge(),
            "code_verifier" => self.code_verifier().await,
            "issuer" => self.another_issuer().await,
            "code" | "code_known" | "code_used" | "code_expired" | "code_revoked" => self.code(rule).await,
            "refresh_token_known"
            | "refresh_token_revoked"
            | "refresh_token_expired"
            | "refresh_token_order" => self.refresh_token(rule),
            "admission" => Finding::fix(Fix::AdmitUser),
            "parameters" => self.missing(),
            "repeated_parameter" => self.repeated(),
            "method" => self.method(),
            "parameters_in_url" | "content_type" => Finding::new(
                "the parameters in the form body of a POST, as application/x-www-form-urlencoded",
                if rule == "content_type" { "a body of another type" } else { "parameters in the URL" },
                Fix::SendInBody,
            ),
            "client_authentication" => client::look(self).await,
            "access_token" => token::look(self),
            "access_token_missing" => Finding::new(
                "Authorization: Bearer with an access token",
                "no access token",
                Fix::SendParameter { name: "Authorization: Bearer".to_owned(), value: None },
            ),
            "access_token_in_query" => self.switch("access_token_in_query"),
            "id_token_hint" => Finding::new(
                "an ID token of this issuer for this application, or none",
                "something else",
                Fix::DropParameter { name: "id_token_hint".to_owned() },
            ),
            "prompt_none" | "cookies" => {
                Finding::new("a login that needs no page", "nobody is signed in as asked", Fix::ShowPages)
            }
            "request_object" if self.refused.refusal.description.contains("expired") => Finding::new(
                "a request object that is still good",
                "one that has expired",
                Fix::MakeNewRequestObject,
            ),
            "post_logout_redirect_uri" => self.logout_redirect_uri(),
            "host" | "application_host" => Finding::new(
                "the address of the pool, or that of an enabled application",
                "a host that is neither",
                Fix::UseIssuer { issuer: self.signet.pool_issuer().url().to_owned() },
            ),
            _ => Finding::default(),
        }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.params.get(name)
    }

    fn send(&self, name: &str, value: Option<&str>) -> Finding {
        let received = if self.params.has(name) { "something else" } else { "nothing" };
        let fix = Fix::SendParameter { name: name.to_owned(), value: value.map(str::to_owned) };
        Finding::new(name, received, fix)
    }

    fn switch(&self, setting: &str) -> Finding {
        Finding::fix(Fix::SwitchOn { setting: setting.to_owned() })
    }

    /// The client is none that may ask here.
    pub fn client(&self) -> Finding {
        let expected = "the App ID of an enabled application at this address";
        if self.params.repeats("client_id") {
            return Finding::fix(Fix::DropParameter { name: "client_id".to_owned() });
        }
        let Some(application) = &self.application else {
            let Some(sent) = self.get("client_id") else { return self.send("client_id", None) };
            return Finding::new(expected, redact::client_id(sent), Fix::CheckClientId);
        };
        let name = &application.name;
        if !application.enabled {
            return Finding::new(
                expected,
                format!("that of {name}, which is disabled"),
                Fix::EnableApplication,
            );
        }
        let issuer = self.url_of(IssuerId::Application(application.id), Some(application));
        let fix = issuer.map(|issuer| Fix::UseIssuer { issuer });
        Finding::new(expected, format!("that of {name}, which this issuer does not serve"), fix)
    }

    /// The address of an issuer.
    pub fn url_of(&self, id: IssuerId, application: Option<&Arc<Application>>) -> Option<String> {
        let (base, pool) = (&self.signet.settings().base_url, self.signet.store().pool().id);
        match id {
            IssuerId::Pool(_) => Some(self.signet.pool_issuer().url().to_owned()),
            IssuerId::Application(_) => {
                let site = Site::Application(application?.identifier.clone());
                Some(Issuer::at(base, &site, pool, id).url().to_owned())
            }
        }
    }

    fn redirect_uri(&self) -> Finding {
        let registered = self.application.as_ref().map(|own| own.settings.redirect_uris.as_slice());
        let registered = registered.unwrap_or_default();
        let name = "redirect_uri".to_owned();
        if self.params.repeats("redirect_uri") {
            return Finding::fix(Fix::DropParameter { name });
        }
        let first = registered.first().map(ToString::to_string);
        match self.get("redirect_uri") {
            None => Finding::new(listed(registered), "nothing", Fix::SendParameter { name, value: first }),
            Some(sent) if RedirectUri::parse(sent).is_ok() => {
                let fix = Fix::AddRedirectUri { uri: redact::shown(sent) };
                Finding::new(listed(registered), near(sent, registered), fix)
            }
            Some(sent) => {
                let received = format!("{}, which cannot be registered", redact::shown(sent));
                Finding::new(listed(registered), received, Fix::SendParameter { name, value: first })
            }
        }
    }

    fn logout_redirect_uri(&self) -> Finding {
        let registered = self.application.as_ref().map(|own| own.settings.logout_redirect_uris.as_slice());
        let registered = registered.unwrap_or_default();
        let sent = self.get("post_logout_redirect_uri").unwrap_or_default();
        if self.application.is_none() {
            return self.send("client_id", None);
        }
        let fix = Fix::AddLogoutRedirectUri { uri: redact::shown(sent) };
        Finding::new(listed(registered), near(sent, registered), fix)
    }

    fn response_type(&self) -> Finding {
        let Some(sent) = self.get("response_type") else {
            return self.send("response_type", Some("code"));
        };
        let ticked = self.application.as_ref().map(|own| own.settings.response_types.as_slice());
        let ticked: Vec<&str> = ticked.unwrap_or_default().iter().map(|kind| kind.as_str()).collect();
        let fix = match ResponseType::read(sent) {
            Some(kind) => Fix::TickResponseType { response_type: kind.as_str().to_owned() },
            None => Fix::SendParameter { name: "response_type".to_owned(), value: Some("code".to_owned()) },
        };
        Finding::new(format!("one of {}", ticked.join(", ")), redact::shown(sent), fix)
    }

    /// The authorization modes that a return type needs.
    fn modes(&self) -> Finding {
        let kind = self.get("response_type").and_then(ResponseType::read);
        let needed: Vec<GrantType> = kind.map(|kind| kind.modes().collect()).unwrap_or_default();
        let missing = needed.iter().filter(|mode| {
            self.application.as_ref().is_some_and(|application| !application.allows_grant(**mode))
        });
        let missing: Vec<String> = missing.map(|mode| mode.as_str().to_owned()).collect();
        let received = redact::shown(self.get("response_type").unwrap_or_default());
        Finding::new(self.ticked(), received, Fix::TickGrantTypes { grant_types: missing })
    }

    fn ticked(&self) -> String {
        let ticked = self.application.as_ref().map(|own| own.settings.grant_types.as_slice());
        let names: Vec<&str> = ticked.unwrap_or_default().iter().map(|grant| grant.as_str()).collect();
        format!("one of the modes that are ticked: {}", names.join(", "))
    }

    fn unknown_grant(&self) -> Finding {
        match self.get("grant_type") {
            None => self.send("grant_type", Some("authorization_code")),
            Some(sent) => {
                let value = Some("authorization_code".to_owned());
                let fix = Fix::SendParameter { name: "grant_type".to_owned(), value };
                Finding::new(self.ticked(), redact::shown(sent), fix)
            }
        }
    }

    fn grant_allowed(&self) -> Finding {
        let sent = self.get("grant_type").unwrap_or_default();
        let of_accounts = sent == GrantType::ClientCredentials.as_str();
        if of_accounts == self.by_account {
            return Finding::new(
                self.ticked(),
                redact::shown(sent),
                Fix::TickGrantTypes { grant_types: vec![redact::shown(sent)] },
            );
        }
        let (expected, received) = match of_accounts {
            true => ("the AccessKey of an account", "the App ID of an application"),
            false => ("the App ID of an application", "the AccessKey of an account"),
        };
        Finding::new(expected, received, Fix::CheckClientId)
    }

    fn scope(&self, at_token: bool) -> Finding {
        let name = "scope".to_owned();
        let sent = self.get("scope");
        let values = || sent.unwrap_or_default().split(' ').filter(|value| !value.is_empty());
        let received = sent.map_or("nothing".to_owned(), redact::shown);
        if self.refused.path == "/oidc/me" {
            let fix = Fix::SendParameter { name, value: Some("openid".to_owned()) };
            return Finding::new("an access token with the scope openid", "one without", fix);
        }
        if !at_token {
            let understood =
                sent.is_some_and(|sent| Scope::parse(sent).is_ok_and(|s| s.has(KnownScope::Openid)));
            let value = Some(if understood { received.clone() } else { with_openid(values()) });
            return Finding::new("a scope with openid", received, Fix::SendParameter { name, value });
        }
        if self.get("grant_type") == Some(GrantType::RefreshToken.as_str()) {
            return Finding::new("no more than was granted", received, Fix::DropParameter { name });
        }
        if sent.is_none() {
            return self.send("scope", None);
        }
        let values = values().take(LISTED).map(redact::shown).collect();
        Finding::new("something that rules allow", received, Fix::RegisterScope { values })
    }

    fn resource(&self) -> Finding {
        if self.params.repeats("resource") {
            return Finding::fix(Fix::DropParameter { name: "resource".to_owned() });
        }
        let sent = redact::shown(self.get("resource").unwrap_or_default());
        let expected = "the api_identifier of a resource of the application or the pool";
        Finding::new(expected, sent.clone(), Fix::RegisterScope { values: vec![sent] })
    }

    fn code_challenge(&self) -> Finding {
        let set = |name: &str, value: &str| {
            Some(Fix::SendParameter { name: name.to_owned(), value: Some(value.to_owned()) })
        };
        match (self.get("code_challenge"), self.get("code_challenge_method")) {
            (None, _) => self.send("code_challenge", None),
            (Some(_), Some("plain")) => {
                let fix = Fix::SwitchOn { setting: "allow_plain_pkce".to_owned() };
                Finding::new("code_challenge_method S256", "plain", fix)
            }
            (Some(_), None) => Finding::new(
                "code_challenge_method S256",
                "no code_challenge_method, which means plain",
                set("code_challenge_method", "S256"),
            ),
            (Some(sent), Some("S256")) => {
                Finding::new("43 characters of base64url", redact::fingerprint(sent), None)
            }
            (Some(_), Some(method)) => Finding::new(
                "code_challenge_method S256",
                redact::shown(method),
                set("code_challenge_method", "S256"),
            ),
        }
    }

    fn missing(&self) -> Finding {
        let needed: &[&str] = match (self.refused.path.as_str(), self.get("grant_type")) {
            ("/oidc/token", Some("authorization_code")) => &["code", "redirect_uri"],
            ("/oidc/token", Some("refresh_token")) => &["refresh_token"],
            ("/oidc/token", Some("password")) => &["username", "password"],
            ("/oidc/token/introspection" | "/oidc/token/revocation", _) => &["token"],
            _ => &[],
        };
        match needed.iter().find(|name| self.get(name).is_none()) {
            Some(name) => self.send(name, None),
            None => Finding::default(),
        }
    }

    fn repeated(&self) -> Finding {
        let repeated = self.params.pairs().map(|(name, _)| name).find(|name| self.params.repeats(name));
        let known = repeated.map(redact::name).unwrap_or("a parameter");
        let fix = Fix::DropParameter { name: known.to_owned() };
        Finding::new("each parameter once", format!("{known} more than once"), fix)
    }

    fn method(&self) -> Finding {
        let method = if self.refused.path.starts_with("/oidc/token") { "POST" } else { "GET or POST" };
        let sent: String = self.refused.method.as_str().chars().take(16).collect();
        Finding::new(method, sent, Fix::UseMethod { method: method.to_owned() })
    }
}

fn with_openid<'s>(values: impl Iterator<Item = &'s str>) -> String {
    let all: Vec<&str> = ["openid"].into_iter().chain(values.filter(|value| *value != "openid")).collect();
    redact::shown(&all.join(" "))
}

/// Registered addresses, the first few of many.
fn listed(registered: &[RedirectUri]) -> String {
    if registered.is_empty() {
        return "one that is registered, and none is".to_owned();
    }
    let few: Vec<String> = registered.iter().take(LISTED).map(ToString::to_string).collect();
    let more = if registered.len() > LISTED { ", …" } else { "" };
    format!("one of {}{more}", few.join(", "))
}

/// An address that is not registered, with how it differs from one that is.
fn near(sent: &str, registered: &[RedirectUri]) -> String {
    let shown = redact::shown(sent);
    let plain = |text: &str| text.trim_end_matches('/').to_owned();
    let bare = |text: &str| plain(text).split_once("://").map(|(_, rest)| rest.to_ascii_lowercase());
    let slash = registered.iter().find(|own| plain(own.as_str()) == plain(sent));
    let scheme = registered.iter().find(|own| bare(own.as_str()) == bare(sent));
    match (slash, scheme) {
        (Some(own), _) => format!("{shown}, which differs from {own} by the slash at its end"),
        (None, Some(own)) => format!("{shown}, which differs from {own} by its scheme, its case or a slash"),
        (None, None) => shown,
    }
}
