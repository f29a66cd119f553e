//! What a client sends: its credentials and its authorization requests.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use signet_protocol::{
    application::{ActiveApplication, Application, ApplicationSettings, AuthMethod, GrantType, ResponseType},
    authorize::{Addressee, AuthorizeError, Draft, PARAMETERS, ResponseMode, check, client_id},
    client_auth::{authenticate, presented},
    end_session::EndSessionRequest,
    id::{AppId, PoolId},
    issuer::{BaseUrl, Identifier, Issuer, IssuerId, Site},
    limits::{AUTHORIZATION_BYTES, NONCE_BYTES, STATE_BYTES},
    params::{RawParams, encode_pairs},
    redirect_uri::RedirectUri,
    secret::Secret,
    token::FrontTokens,
};

use crate::{first_line, utf8};

fn application(secret: &str) -> ActiveApplication {
    let application = Application {
        id: AppId::parse("b00000000000000000000001").unwrap(),
        pool: PoolId::parse("a00000000000000000000001").unwrap(),
        identifier: Identifier::parse("notes").unwrap(),
        name: "Notes".to_owned(),
        enabled: true,
        secret: Some(Secret::new(secret)),
        settings: ApplicationSettings {
            redirect_uris: vec![RedirectUri::parse("https://rp.example/cb").unwrap()],
            grant_types: GrantType::ALL.to_vec(),
            response_types: ResponseType::ALL.to_vec(),
            ..ApplicationSettings::default()
        },
        version: 1,
    };
    Arc::new(application).active().unwrap()
}

fn issuer() -> Issuer {
    let (base, pool) =
        (BaseUrl::parse("https://id.example").unwrap(), PoolId::parse("a00000000000000000000001").unwrap());
    Issuer::at(&base, &Site::Pool, pool, IssuerId::Pool(pool))
}

/// The first line is `Authorization`, the rest a form body. Nothing of them is in an answer or in `Debug`, and whoever
/// takes the whole as a secret and sends it as RFC 6749 has it is let in.
pub fn authentication(data: &[u8]) {
    let Some(text) = utf8(data) else { return };
    let (header, body) = first_line(text);
    if let Ok(params) = RawParams::parse(body.as_bytes()) {
        for header in [None, Some(header)] {
            judge(&params, header);
        }
    }
    if text.is_empty() || text.contains('\0') || text.len() > 4000 {
        return;
    }
    let application = application(text);
    let id = application.id.to_string();
    let part = |part: &str| encode_pairs([("", part)].into_iter())[1..].to_owned();
    let encoded = STANDARD.encode(format!("{}:{}", part(&id), part(text)));
    let plain = STANDARD.encode(format!("{id}:{text}"));
    for credentials in [encoded, plain] {
        let header = format!("bAsIc {credentials}");
        if header.len() <= AUTHORIZATION_BYTES {
            let shown = presented(&RawParams::default(), Some(&header)).unwrap();
            let outcome = authenticate(Some(application.clone()), &shown, |_| AuthMethod::ClientSecretBasic);
            assert!(outcome.is_ok());
            let other = authenticate(Some(application.clone()), &shown, |_| AuthMethod::ClientSecretPost);
            assert!(other.is_err(), "only the registered method");
        }
    }
}

fn judge(params: &RawParams, header: Option<&str>) {
    let Ok(shown) = presented(params, header) else { return };
    let id = shown.id.map(|id| id.to_string()).unwrap_or_default();
    let debug = format!("{shown:?}").replace(&id, "");
    for secret in params.get("client_secret").into_iter().chain(header).filter(|text| text.len() > 12) {
        assert!(!debug.contains(secret));
    }
    if header.is_some() {
        assert_eq!(params.get("client_secret"), None, "one method for each request");
    }
    let guessed = authenticate(Some(application("a secret that no input has, 0xF5")), &shown, |app| {
        app.settings.token_endpoint_auth_method
    });
    assert!(guessed.is_err());
}

/// A query. Reading it is total, what passes the checks is bounded, and what is stored of it reads alike.
pub fn authorization_request(data: &[u8]) {
    let Ok(params) = RawParams::parse(data) else { return };
    if let Ok(request) = EndSessionRequest::parse(&params) {
        assert!(request.state.is_none_or(|state| state.len() <= STATE_BYTES));
    }
    match client_id(&params) {
        Ok(id) => assert_eq!(params.get("client_id"), Some(id.to_string().as_str())),
        Err(AuthorizeError::Page(_)) => {}
        Err(AuthorizeError::Redirect(..)) => panic!("nobody is known yet to be told"),
    }
    let draft = Draft::parse(&params);
    let application = application("irrelevant here, but long enough to be one");
    let outcome = check(&draft, &application);
    let stored = RawParams::parse(params.only(PARAMETERS).encode().as_bytes());
    if let Ok(request) = outcome {
        assert!(!params.duplicate() && params.get("state").is_none_or(|state| state.len() <= STATE_BYTES));
        assert!(request.nonce.as_ref().is_none_or(|nonce| nonce.len() <= NONCE_BYTES));
        assert!(request.nonce.is_some() || !request.response_type.gives_id_token());
        assert!(request.max_age.is_none_or(|age| age.0 >= 0));
        assert!(request.challenge.as_ref().is_none_or(|challenge| challenge.value().len() <= 128));
        if let Ok(to) = Addressee::find(&params, &application, &issuer()) {
            let mode = to.success(None, FrontTokens::default()).mode();
            assert!(
                mode != ResponseMode::Query || !request.response_type.is_front(),
                "tokens stay out of queries"
            );
        }
        if let Ok(stored) = stored {
            let again = check(&Draft::parse(&stored), &application).expect("it passed before it was stored");
            assert_eq!(again, request);
        }
    }
}
