//! Scope items and resource indicators in the flows of users.

use std::sync::Arc;

use http::{Method, header};
use serde_json::{Value, json};
use signet_protocol::{
    application::{Application, GrantType, ResponseType},
    id::AppId,
    params::encode_pairs,
    resource::Rule,
    user::User,
};
use signet_store::Change;
use signet_web::Peer;

use crate::{
    delivery::Delivery,
    machine::{BOOKS, claims_of, guarded, put_resources, token_of},
    rp::{Rp, Tokens},
    support::{Answer, PASSWORD, SECRET, World, on_both_engines, request},
};

on_both_engines!(
    a_code_gives_the_items_that_rules_allow,
    a_refresh_follows_the_rules,
    the_password_mode_gives_items,
    a_resource_is_the_audience_and_its_items_the_scope,
    the_front_channel_gives_and_tells_items,
    attack_17_an_api_token_is_told_to_whom_it_concerns,
);

/// What the sample request asks for: of the items only `book:read` is allowed.
const ASKED: &str = "openid email book:read book:write note:read un+heard+of";
const OFFLINE: &str = "openid offline_access book:read note:read";
const NOTES: &str = "https://api.example.com/notes";

/// An application with books and notes, of two APIs, and a user.
struct Library {
    rp: Rp,
    alice: User,
}

impl Library {
    async fn new(world: &Arc<World>) -> Library {
        Library::with(world, |_| {}).await
    }

    async fn with(world: &Arc<World>, change: impl FnOnce(&mut Application)) -> Library {
        let alice = world.user("alice", |user| user.details.roles = vec!["reader".to_owned()]).await;
        let rp = Rp::new(world, "library", |application| {
            application.settings.grant_types = GrantType::ALL.to_vec();
            application.settings.response_types = ResponseType::ALL.to_vec();
            change(application);
        })
        .await;
        let actions: &[&str] = &["read", "write"];
        let resources = [("book", actions, Some(BOOKS)), ("note", actions, Some(NOTES))];
        put_resources(world, Some(rp.application.id), &resources).await;
        Library { rp, alice }
    }

    /// The same with a rule that lets readers read books.
    async fn open(world: &Arc<World>) -> Library {
        let library = Library::new(world).await;
        library.add(reading()).await;
        library
    }

    async fn add(&self, rule: Value) {
        self.rules(self.rp.application.id, vec![rule], Vec::new()).await;
    }

    async fn remove(&self, rule: Value) {
        self.rules(self.rp.application.id, Vec::new(), vec![rule]).await;
    }

    async fn rules(&self, of: AppId, added: Vec<Value>, removed: Vec<Value>) {
        let read = |rules: Vec<Value>| -> Vec<Rule> {
            rules.into_iter().map(|rule| serde_json::from_value(rule).unwrap()).collect()
        };
        let change = Change::Rules { of, added: read(added), removed: read(removed) };
        guarded(&self.rp.world, vec![change]).await;
    }

    /// The tokens of a login that asks for `scope` with `more`.
    async fn tokens(&self, scope: &str, more: &[(&str, &str)]) -> Tokens {
        self.rp.tokens("alice", &[&[("scope", scope), ("prompt", "consent")], more].concat()).await
    }

    /// What a code of `openid offline_access book:read note:read` gives, redeemed or refreshed with `more`.
    async fn post(&self, form: &[(&str, &str)], more: &[(&str, &str)]) -> Answer {
        self.rp.post("/token", &[form, more].concat()).await
    }

    async fn refresh(&self, token: &str, more: &[(&str, &str)]) -> Answer {
        self.post(&[("grant_type", "refresh_token"), ("refresh_token", token)], more).await
    }

    /// What the password mode answers.
    async fn by_password(&self, more: &[(&str, &str)]) -> Answer {
        self.post(&[("grant_type", "password"), ("username", "alice"), ("password", PASSWORD)], more).await
    }
}

/// Readers may read books.
fn reading() -> Value {
    json!({ "subject": { "role": "reader" }, "effect": "allow", "resource": "book", "actions": ["read"] })
}

/// The scope of an answer and what it rejects, which its access token bears out.
fn told(answer: &Value) -> (String, String) {
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    let claims = claims_of(&text("access_token"));
    assert_eq!(claims["scope"], answer["scope"]);
    (text("scope"), text("rejected_scope"))
}

fn pair(scope: &str, rejected: &str) -> (String, String) {
    (scope.to_owned(), rejected.to_owned())
}

fn error(answer: &Answer) -> String {
    let (status, code) = answer.error();
    assert_eq!(status, 400, "{}", answer.body);
    code
}

async fn a_code_gives_the_items_that_rules_allow(world: Arc<World>) {
    let library = Library::open(&world).await;
    for rp in [library.rp.clone(), library.rp.at_home()] {
        let library = Library { rp, alice: library.alice.clone() };
        let tokens = library.tokens(ASKED, &[]).await;
        assert_eq!(told(&tokens.json), pair("openid email book:read", "book:write note:read"));
        assert_eq!(tokens.access_token().claims["aud"], json!(library.rp.id));
        assert_eq!(tokens.id_token().claims["email"], "alice@example.com");
        assert_eq!(library.rp.introspect(&tokens.access).await["scope"], "openid email book:read");
        assert_eq!(library.rp.me(&tokens.access).await.json()["email"], "alice@example.com");
    }
    let none = library.tokens("openid email", &[]).await.json;
    assert!(none.get("rejected_scope").is_none(), "nothing is said where nothing is rejected: {none}");
}

async fn a_refresh_follows_the_rules(world: Arc<World>) {
    let library = Library::open(&world).await;
    let mut tokens = library.tokens(OFFLINE, &[]).await;
    assert_eq!(told(&tokens.json), pair("openid offline_access book:read", "note:read"));
    for (change, scope, rejected) in [
        (None, "openid offline_access book:read", ""),
        (Some(false), "openid offline_access", "book:read"),
        (Some(true), "openid offline_access book:read", ""),
    ] {
        match change {
            Some(true) => library.add(reading()).await,
            Some(false) => library.remove(reading()).await,
            None => {}
        }
        tokens = Tokens::of(&library.refresh(tokens.refresh(), &[]).await);
        assert_eq!(told(&tokens.json), pair(scope, rejected), "{change:?}");
    }
    world.update_user(library.alice.id, |user| user.details.roles.clear()).await;
    tokens = Tokens::of(&library.refresh(tokens.refresh(), &[("scope", "openid book:read")]).await);
    assert_eq!(told(&tokens.json), pair("openid", "book:read"), "who is no reader any more reads nothing");
}

async fn the_password_mode_gives_items(world: Arc<World>) {
    let library = Library::open(&world).await;
    let tokens = Tokens::of(&library.by_password(&[("scope", ASKED)]).await);
    assert_eq!(told(&tokens.json), pair("openid email book:read", "book:write note:read"));
    let alone = library.by_password(&[("scope", "book:read offline_access")]).await.json();
    assert_eq!(told(&alone), pair("book:read offline_access", ""));
    assert!(alone.get("id_token").is_none());
    for (scope, rejected) in [("book:write note", json!("book:write note")), ("un+heard+of", Value::Null)] {
        let nothing = library.by_password(&[("scope", scope)]).await;
        assert_eq!((error(&nothing), &nothing.json()["rejected_scope"]), ("invalid_scope".into(), &rejected));
    }
    library.remove(reading()).await;
    let kept = library.refresh(alone["refresh_token"].as_str().unwrap(), &[("scope", "book:read")]).await;
    assert_eq!((error(&kept), &kept.json()["rejected_scope"]), ("invalid_scope".into(), &json!("book:read")));
    library.add(reading()).await;
    let back = library.refresh(alone["refresh_token"].as_str().unwrap(), &[]).await.json();
    assert_eq!(told(&back), pair("book:read offline_access", ""), "nothing was spent by the refusal");
}

async fn a_resource_is_the_audience_and_its_items_the_scope(world: Arc<World>) {
    let library = Library::open(&world).await;
    library.add(json!({ "subject": { "role": "reader" }, "effect": "allow", "resource": "note", "actions": "all" })).await;
    let tokens = library.tokens(OFFLINE, &[("resource", BOOKS)]).await;
    assert_eq!(told(&tokens.json), pair("book:read", "note:read"));
    assert_eq!(tokens.access_token().claims["aud"], json!(BOOKS));
    assert_eq!(tokens.id_token().claims["aud"], json!(library.rp.id));
    assert_eq!(library.rp.me(&tokens.access).await.error(), (403, "insufficient_scope".to_owned()));
    let refused = library.refresh(tokens.refresh(), &[("resource", NOTES)]).await;
    assert_eq!(error(&refused), "invalid_target", "another than the one it is for");
    let again = Tokens::of(&library.refresh(tokens.refresh(), &[("resource", BOOKS)]).await);
    assert_eq!(told(&again.json), pair("book:read", ""));
    // A grant for none in particular gives tokens for each.
    let code = library.rp.code("alice", &[("scope", OFFLINE), ("prompt", "consent")]).await;
    let form = library.rp.redeeming(&code);
    assert_eq!(error(&library.post(&form, &[("resource", "urn:unheard-of")]).await), "invalid_target");
    let both = [("resource", BOOKS), ("resource", NOTES)];
    assert_eq!(error(&library.post(&form, &both).await), "invalid_target", "one at a time");
    let notes = Tokens::of(&library.post(&form, &[("resource", NOTES)]).await);
    assert_eq!(told(&notes.json), pair("note:read", "book:read"));
    assert_eq!(notes.access_token().claims["aud"], json!(NOTES));
    let all = Tokens::of(&library.refresh(notes.refresh(), &[]).await);
    assert_eq!(told(&all.json), pair(OFFLINE, ""));
    assert_eq!(all.access_token().claims["aud"], json!(library.rp.id));
    let password = library.by_password(&[("scope", "book:read note:read"), ("resource", NOTES)]).await;
    assert_eq!(told(&password.json()), pair("note:read", "book:read"));
    assert_eq!(claims_of(&token_of(&password))["aud"], json!(NOTES));
}

async fn the_front_channel_gives_and_tells_items(world: Arc<World>) {
    let library = Library::open(&world).await;
    let mut browser = world.browser();
    for (response_type, resource, scope) in [
        ("id_token token", "", "openid email book:read"),
        ("code token", "", "openid email book:read"),
        ("code id_token token", BOOKS, "book:read"),
    ] {
        let change = [("response_type", response_type), ("scope", ASKED), ("resource", resource)];
        let delivery = Delivery::of(&library.rp.login(&mut browser, "alice", &change).await);
        assert_eq!(delivery.get("scope"), Some(scope), "{response_type}");
        assert_eq!(delivery.get("rejected_scope"), Some("book:write note:read"));
        let claims = claims_of(delivery.access());
        let audience = if resource.is_empty() { library.rp.id.as_str() } else { resource };
        assert_eq!((&claims["scope"], &claims["aud"]), (&json!(scope), &json!(audience)));
        if let Some(code) = delivery.get("code") {
            let redeemed = Tokens::of(&library.rp.redeem(code).await);
            assert_eq!(told(&redeemed.json), pair(scope, "book:write note:read"));
        }
    }
    let alone = [("response_type", "id_token"), ("scope", ASKED)];
    let delivery = Delivery::of(&library.rp.login(&mut browser, "alice", &alone).await);
    assert_eq!(delivery.get("rejected_scope"), None, "there is no scope beside it");
}

async fn attack_17_an_api_token_is_told_to_whom_it_concerns(world: Arc<World>) {
    let library = Library::open(&world).await;
    let stranger = Rp::new(&world, "stranger", |_| {}).await;
    let owner = Rp::new(&world, "owner", |_| {}).await;
    let token = library.tokens("openid book:read", &[("resource", BOOKS)]).await.access;
    assert_eq!(library.rp.introspect(&token).await["aud"], json!(BOOKS));
    put_resources(&world, Some(owner.application.id), &[("shelf", &[], Some(BOOKS))]).await;
    assert_eq!(owner.introspect(&token).await["scope"], "book:read", "who has the API judges tokens for it");
    assert!(!stranger.is_active(&token).await);
    library.rp.revoke(&token).await;
    assert!(!owner.is_active(&token).await);
}

#[tokio::test]
async fn attack_18_a_user_without_a_rule_gets_no_item() {
    let world = World::new().await;
    let library = Library::new(&world).await;
    library.add(json!({ "subject": { "user": world.user("bob", |_| {}).await.id }, "effect": "allow", "resource": "*", "actions": "all" })).await;
    library
        .add(json!({ "subject": { "role": "writer" }, "effect": "allow", "resource": "*", "actions": "all" }))
        .await;
    for scope in ["book", "book:read", "*", "*:*:*", "book:1:read"] {
        let json = library.tokens(&format!("openid {scope}"), &[]).await.json;
        assert_eq!(told(&json), pair("openid", scope));
        let form = [("scope", format!("openid {scope}")), ("resource", BOOKS.to_owned())];
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(told(&library.by_password(&form).await.json()), pair("", scope));
    }
}

#[tokio::test]
async fn attack_18_a_rule_that_goes_between_code_and_redemption_counts() {
    let world = World::new().await;
    let library = Library::open(&world).await;
    let code = library.rp.code("alice", &[("scope", OFFLINE), ("prompt", "consent")]).await;
    library.add(json!({ "subject": { "user": library.alice.id }, "effect": "deny", "resource": "book", "actions": "all" })).await;
    let tokens = Tokens::of(&library.rp.redeem(&code).await);
    assert_eq!(told(&tokens.json), pair("openid offline_access", "note:read book:read"));
}

#[tokio::test]
async fn attack_18_no_item_is_smuggled_through_a_refresh() {
    let world = World::new().await;
    let library = Library::open(&world).await;
    let first = library.tokens("openid offline_access book:1:read", &[]).await;
    let wider = "openid book:1:read book:read book:2:read book note:read";
    let tokens = Tokens::of(&library.refresh(first.refresh(), &[("scope", wider)]).await);
    let rejected = "book:read book:2:read book note:read";
    assert_eq!(told(&tokens.json), pair("openid book:1:read", rejected), "though rules allow some of it");
    let refused = library.refresh(tokens.refresh(), &[("scope", "openid email book:1:read")]).await;
    assert_eq!(error(&refused), "invalid_scope");
}

#[tokio::test]
async fn attack_18_a_resource_of_another_application_is_no_target() {
    let world = World::new().await;
    let library = Library::open(&world).await;
    let other = Rp::new(&world, "other", |application| {
        application.settings.grant_types = GrantType::ALL.to_vec();
    })
    .await;
    let change = [("scope", "openid book:read"), ("resource", BOOKS)];
    for resource in [BOOKS, "urn:unheard-of", "https://api.example.com/books#x", "books"] {
        let refused = world.browser().open(&other.url(&[change[0], ("resource", resource)])).await.callback();
        assert_eq!(refused.get("error"), Some("invalid_target"), "{resource}");
    }
    let twice = world.browser().open(&format!("{}&resource={BOOKS}", library.rp.url(&change))).await;
    assert_eq!(twice.callback().get("error"), Some("invalid_target"), "one only");
    let code = other.code("alice", &[("scope", "openid book:read")]).await;
    let refused = other.post("/token", &[other.redeeming(&code), vec![("resource", BOOKS)]].concat()).await;
    assert_eq!(error(&refused), "invalid_target");
    assert_eq!(told(&Tokens::of(&other.redeem(&code).await).json), pair("openid", "book:read"));
}

#[tokio::test]
async fn an_address_is_that_of_the_browser_when_the_grant_was_made() {
    let world = World::new().await;
    let library = Library::new(&world).await;
    let mut rule = reading();
    rule["restrictions"] = json!({ "ip": ["192.0.2.0/24"], "mfa": false });
    library.add(rule).await;
    for (peer, scope) in
        [("192.0.2.7", OFFLINE.replace(" note:read", "")), ("198.51.100.7", "openid offline_access".into())]
    {
        let mut browser = world.browser();
        browser.peer = Some(peer.parse().unwrap());
        let change = [("scope", OFFLINE), ("prompt", "consent")];
        let answer = library.rp.login(&mut browser, "alice", &change).await;
        let tokens = Tokens::of(&library.rp.redeem(answer.callback().get("code").unwrap()).await);
        assert_eq!(tokens.json["scope"], scope, "{peer}");
        let tokens = Tokens::of(&library.rp.refresh(tokens.refresh()).await);
        assert_eq!(tokens.json["scope"], scope, "{peer}");
        let form =
            [("grant_type", "password"), ("username", "alice"), ("password", PASSWORD), ("scope", OFFLINE)];
        let form = [&form[..], &[("client_id", library.rp.id.as_str()), ("client_secret", SECRET)]].concat();
        let request = request(Method::POST, &format!("{}/token", library.rp.issuer))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .extension(Peer(peer.parse().unwrap()));
        let answer = world.send(request.body(encode_pairs(form.into_iter()).into()).unwrap()).await;
        assert_eq!(answer.json()["scope"], scope, "{peer}");
    }
}

#[tokio::test]
async fn the_consent_page_lists_items_by_name_and_remembers_them() {
    let world = World::new().await;
    let library = Library::with(&world, |application| application.settings.skip_consent = false).await;
    let desk = json!({
        "code": "desk", "name": "Desks & <b>chairs</b>", "type": "DATA",
        "actions": [{ "name": "move", "description": "Move them <i>about</i>" }, "burn"],
    });
    let put = vec![serde_json::from_value(desk).unwrap()];
    guarded(&world, vec![Change::Resources { of: None, put, removed: Vec::new() }]).await;
    let all = |resource: &str, namespace: &str| json!({ "subject": { "role": "reader" }, "effect": "allow", "namespace": namespace, "resource": resource, "actions": "all" });
    library.add(all("desk", "pool")).await;
    library.add(reading()).await;
    let scope = ("scope", "openid book:read desk:7:move desk book:write");
    let mut browser = world.browser();
    let login = browser.open(&library.rp.url(&[scope])).await;
    let page = browser.sign_in(&login, "alice").await;
    for text in [
        "book: read",
        "Desks &#38; &#60;b&#62;chairs&#60;/b&#62; 7: Move them &#60;i&#62;about&#60;/i&#62;",
        "desk:7:move",
        "chairs&#60;/b&#62;: do everything you may do",
    ] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    assert!(!page.body.contains("write"), "what is rejected is not asked: {}", page.body);
    let chinese = browser.open(&library.rp.url(&[scope, ("ui_locales", "zh")])).await;
    assert!(chinese.body.contains("chairs&#60;/b&#62;：您可以执行的所有操作"), "{}", chinese.body);
    browser.submit(&page, &[], "allow").await;
    let again = browser.open(&library.rp.url(&[scope])).await;
    assert!(again.callback().get("code").is_some(), "it is remembered");
    library.add(json!({ "subject": { "role": "reader" }, "effect": "allow", "resource": "book", "actions": ["write"] })).await;
    let more = browser.open(&library.rp.url(&[scope])).await;
    assert!(more.body.contains("book: write"), "what rules allow now is asked: {}", more.body);
}
