//! `/console/applications/{app}`: what a developer needs.

use askama::Template;
use http::StatusCode;
use signet_protocol::{discovery::discovery, operator::Permission};

use super::{
    frame::{Frame, Tab, own_issuer},
    words::AppWords,
};
use crate::{
    console::{Answer, Ask, Section, shell::Shell, words::Words},
    manage::snippets::{Client, Snippet, snippets},
};

#[derive(Template)]
#[template(path = "console/applications/quick_start.html")]
struct StartPage {
    shell: Shell,
    frame: Frame,
    endpoints: Vec<Endpoint>,
    pool_issuer: String,
    snippets: Vec<Snippet>,
    may_see_secret: bool,
}

struct Endpoint {
    id: &'static str,
    name: &'static str,
    url: String,
}

impl StartPage {
    fn t(&self) -> &'static AppWords {
        AppWords::of(self.shell.lang)
    }
}

/// GET `/console/applications/{app}`.
pub async fn show(ask: Ask) -> Answer {
    let frame = Frame::of(&ask, Tab::Start).await?;
    let t: &'static AppWords = ask.words();
    let application = &frame.application;
    let pool = ask.signet.store().pool_settings().await?;
    let document = discovery(&own_issuer(&ask.signet, application), Some(application), &pool);
    let endpoint = |id, name, url| Endpoint { id, name, url };
    let endpoints = vec![
        endpoint("issuer", t.issuer, document.issuer.clone()),
        endpoint("discovery", t.discovery, format!("{}/.well-known/openid-configuration", document.issuer)),
        endpoint("jwks", t.jwks, document.jwks_uri),
        endpoint("authorization", t.authorization, document.authorization_endpoint),
        endpoint("token", t.token, document.token_endpoint),
        endpoint("userinfo", t.userinfo, document.userinfo_endpoint),
        endpoint("introspection", t.introspection, document.introspection_endpoint),
        endpoint("revocation", t.revocation, document.revocation_endpoint),
        endpoint("logout", t.logout, document.end_session_endpoint),
    ];
    let pool_issuer = ask.signet.pool_issuer().url().to_owned();
    let settings = &application.settings;
    let client = Client {
        issuer: pool_issuer.clone(),
        client_id: application.id.to_string(),
        confidential: application.secret.is_some(),
        redirect_uri: settings.redirect_uris.first().map(ToString::to_string).unwrap_or_default(),
        auth_method: settings.token_endpoint_auth_method.as_str(),
    };
    let page = StartPage {
        shell: ask.shell(Section::Applications),
        endpoints,
        pool_issuer,
        snippets: snippets(&client),
        may_see_secret: ask.may(Permission::SecretsRead),
        frame,
    };
    ask.page(StatusCode::OK, &page)
}
