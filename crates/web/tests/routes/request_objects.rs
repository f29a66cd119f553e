//! `request` and `request_uri`.

use std::sync::Arc;

use serde_json::{Value, json};
use signet_protocol::{
    application::{Application, RequestObjectAlg},
    jose::{ClientKeys, b64, sha256},
    params::RawParams,
    request_uri::RequestUri,
};

use crate::{
    client::{Site, jwks, key, keyed, signed},
    rp::{Rp, Tokens},
    support::{Answer, CALLBACK, CHALLENGE, World, on_both_engines},
};

fn with_keys(application: &mut Application) {
    application.settings.jwks = Some(ClientKeys::parse(&jwks(&[key()])).unwrap());
}

/// Only what must stand beside an object; the rest is in it.
const BESIDE: &[(&str, &str)] = &[
    ("redirect_uri", ""),
    ("state", ""),
    ("nonce", ""),
    ("code_challenge", ""),
    ("code_challenge_method", ""),
];

fn inside(rp: &Rp, change: Value) -> Value {
    let mut members = json!({
        "iss": rp.id, "aud": rp.issuer, "client_id": rp.id, "response_type": "code", "redirect_uri": CALLBACK,
        "scope": "openid profile", "state": "inside", "nonce": "inside", "exp": rp.world.now() + 60,
        "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    });
    for (name, value) in change.as_object().unwrap() {
        match value {
            Value::Null => drop(members.as_object_mut().unwrap().remove(name)),
            value => members[name] = value.clone(),
        }
    }
    members
}

/// What the callback is told.
fn told(answer: &Answer) -> RawParams {
    assert!(answer.location().starts_with(CALLBACK), "{}", answer.location());
    answer.callback()
}

fn error(answer: &Answer) -> String {
    told(answer).get("error").unwrap_or_default().to_owned()
}

async fn an_object_is_a_request(world: Arc<World>) {
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", with_keys).await;
    for (sign, change) in [(signed as fn(&Value) -> String, json!({})), (keyed, json!({"max_age": 3600}))] {
        let object = sign(&inside(&rp, change));
        let change = [BESIDE, &[("request", object.as_str())]].concat();
        let mut browser = world.browser();
        // The object outlives its time while the person signs in: it was judged when it came.
        let page = browser.open(&rp.url(&change)).await;
        world.advance(300);
        let answer = browser.sign_in(&page, "alice").await;
        let callback = told(&answer);
        assert_eq!(callback.get("state"), Some("inside"));
        let tokens = Tokens::of(&rp.redeem(callback.get("code").unwrap()).await);
        assert_eq!(tokens.id_token().claims["nonce"], "inside");
        assert_eq!(tokens.json["scope"], "openid profile");
    }
}

async fn an_object_by_post_and_by_reference_is_a_request(world: Arc<World>) {
    world.user("alice", |_| {}).await;
    let site = Site::new().await;
    let registered = RequestUri::parse(&format!("{}/req/", site.origin)).unwrap();
    let rp = Rp::new(&world, "notes", |application| {
        with_keys(application);
        application.settings.request_uris = vec![registered];
    })
    .await;
    let object = signed(&inside(&rp, json!({})));
    site.serves(&format!("{object}\n"));
    let uri = format!("{}/req/1.jwt", site.origin);
    let mut browser = world.browser();
    let page = browser.open(&rp.url(&[BESIDE, &[("request_uri", uri.as_str())]].concat())).await;
    assert_eq!(site.asked(), 1);
    site.hangs();
    let answer = browser.sign_in(&page, "alice").await;
    assert_eq!(told(&answer).get("state"), Some("inside"));
    assert_eq!(site.asked(), 1, "it is fetched once");
    let mut browser = world.browser();
    let form =
        [("client_id", rp.id.as_str()), ("response_type", "code"), ("scope", "openid"), ("request", &object)];
    let page = browser.post(&format!("{}/auth", rp.issuer), &form).await;
    let answer = browser.sign_in(&page, "alice").await;
    assert_eq!(told(&answer).get("state"), Some("inside"));
}

on_both_engines!(an_object_is_a_request, an_object_by_post_and_by_reference_is_a_request);

#[tokio::test]
async fn attack_01_the_callback_of_an_object_is_verified_like_any_other() {
    let world = World::new().await;
    let rp = Rp::new(&world, "notes", with_keys).await;
    let evil = signed(&inside(&rp, json!({"redirect_uri": "https://evil.example/cb"})));
    for change in [[BESIDE, &[("request", evil.as_str())]].concat(), vec![("request", evil.as_str())]] {
        let answer = world.browser().open(&rp.url(&change)).await;
        assert_eq!(answer.status, 400, "a page, and no redirect");
        assert!(answer.body.contains("invalid_redirect_uri"), "{}", answer.body);
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_to_the_callback_beside_the_object_else_on_a_page() {
    let world = World::new().await;
    let rp = Rp::new(&world, "notes", with_keys).await;
    for object in [
        "x".to_owned(),
        signed(&inside(&rp, json!({"exp": world.now() - 100}))),
        signed(&inside(&rp, json!({"aud": "https://other.example"}))),
        signed(&inside(&rp, json!({"request": "x"}))),
    ] {
        let answer = world.browser().open(&rp.url(&[("request", object.as_str())])).await;
        assert_eq!(error(&answer), "invalid_request_object", "{object}");
        assert_eq!(told(&answer).get("state"), Some("st4te"));
        let answer = world.browser().open(&rp.url(&[BESIDE, &[("request", object.as_str())]].concat())).await;
        assert_eq!(answer.status, 400);
        assert!(answer.body.contains("invalid_request_object"), "{}", answer.body);
    }
    let good = signed(&inside(&rp, json!({})));
    let both = [("request", good.as_str()), ("request_uri", "https://rp.example/req")];
    assert_eq!(error(&world.browser().open(&rp.url(&both)).await), "invalid_request");
    let url = format!("{}&request={good}", rp.url(&[("request", good.as_str())]));
    assert_eq!(error(&world.browser().open(&url).await), "invalid_request", "attack 2");
    let answer = world.browser().open(&rp.url(&[("request_uri", "https://rp.example/req")])).await;
    assert_eq!(error(&answer), "invalid_request_uri", "it is not registered");
}

#[tokio::test]
async fn attack_18_what_must_be_signed_is_refused_otherwise() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |application| {
        with_keys(application);
        application.settings.require_signed_request_object = true;
    })
    .await;
    assert_eq!(error(&world.browser().open(&rp.url(&[])).await), "invalid_request");
    let form = [
        ("client_id", rp.id.as_str()),
        ("response_type", "code"),
        ("scope", "openid"),
        ("redirect_uri", CALLBACK),
    ];
    let answer = world.browser().post(&format!("{}/auth", rp.issuer), &form).await;
    assert_eq!(error(&answer), "invalid_request");
    let object = signed(&inside(&rp, json!({"state": null})));
    let answer = rp.login(&mut world.browser(), "alice", &[("request", object.as_str())]).await;
    let callback = told(&answer);
    assert!(callback.get("code").is_some() && callback.get("state").is_none(), "nothing beside it counts");
}

#[tokio::test]
async fn an_unsigned_object_is_taken_where_it_is_registered() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let unsigned = |rp: &Rp| {
        let part = |value: &Value| b64(value.to_string().as_bytes());
        format!("{}.{}.", part(&json!({"alg": "none"})), part(&inside(rp, json!({}))))
    };
    let rp = Rp::new(&world, "notes", with_keys).await;
    let object = unsigned(&rp);
    assert_eq!(
        error(&world.browser().open(&rp.url(&[("request", object.as_str())])).await),
        "invalid_request_object"
    );
    let rp = Rp::new(&world, "unsigned", |application| {
        application.settings.request_object_signing_alg = Some(RequestObjectAlg::None);
    })
    .await;
    let object = unsigned(&rp);
    let answer =
        rp.login(&mut world.browser(), "alice", &[BESIDE, &[("request", object.as_str())]].concat()).await;
    assert_eq!(told(&answer).get("state"), Some("inside"));
}

/// An application that may have objects fetched from `site`.
async fn referring(world: &Arc<World>, site: &Site) -> (Rp, String) {
    let uri = format!("{}/req.jwt", site.origin);
    let registered = RequestUri::parse(&uri).unwrap();
    let rp = Rp::new(world, "notes", |application| {
        with_keys(application);
        application.settings.request_uris = vec![registered];
    })
    .await;
    (rp, uri)
}

#[tokio::test]
async fn attack_10_a_reference_leads_to_a_small_document_and_nowhere_else() {
    let (world, site, inner) = (World::new().await, Site::new().await, Site::new().await);
    let (rp, uri) = referring(&world, &site).await;
    let object = signed(&inside(&rp, json!({})));
    inner.serves(&object);
    for (answer, expected) in [
        (
            format!("HTTP/1.1 302 X\r\nlocation: {}/\r\ncontent-length: 0\r\n\r\n", inner.origin),
            "invalid_request_uri",
        ),
        ("HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n".to_owned(), "invalid_request_uri"),
        ("".to_owned(), "invalid_request_uri"),
        (format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(1 << 20)), "invalid_request_uri"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n\u{fffd}".to_owned(), "invalid_request_object"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>".to_owned(), "invalid_request_object"),
    ] {
        site.answers(&answer);
        let refused = world.browser().open(&rp.url(&[("request_uri", uri.as_str())])).await;
        assert_eq!(error(&refused), expected, "{:.60}", answer);
    }
    assert_eq!(inner.asked(), 0, "a redirect was followed");
    let asked = site.asked();
    for other in
        [format!("{uri}?x"), format!("{uri}#x"), format!("{}/other", site.origin), inner.origin.clone()]
    {
        let refused = world.browser().open(&rp.url(&[("request_uri", other.as_str())])).await;
        assert_eq!(error(&refused), "invalid_request_uri", "{other}");
    }
    assert_eq!((site.asked(), inner.asked()), (asked, 0), "what is not registered is not asked");
}

#[tokio::test]
async fn a_fragment_is_the_hash_of_the_object() {
    let (world, site) = (World::new().await, Site::new().await);
    let (rp, uri) = referring(&world, &site).await;
    let object = signed(&inside(&rp, json!({})));
    let named = format!("{uri}#{}", b64(&sha256(object.as_bytes())));
    site.serves(&object);
    let page = world.browser().open(&rp.url(&[("request_uri", named.as_str())])).await;
    assert!(page.body.contains("id=\"sign-in\""), "{}", page.body);
    site.serves(&signed(&inside(&rp, json!({"state": "other"}))));
    let refused = world.browser().open(&rp.url(&[("request_uri", named.as_str())])).await;
    assert_eq!(error(&refused), "invalid_request_uri");
}

#[tokio::test]
async fn attack_10_a_site_that_hangs_holds_nobody_for_long() {
    let (world, site) = (World::new().await, Site::new().await);
    let (rp, uri) = referring(&world, &site).await;
    let refused = world.browser().open(&rp.url(&[("request_uri", uri.as_str())])).await;
    assert_eq!((error(&refused), site.asked()), ("invalid_request_uri".to_owned(), 1));
}
