//! A caller without a user: an account of an application.

use std::sync::Arc;

use http::{Method, StatusCode, header};
use serde_json::{Value, json};
use signet_protocol::{
    account::Account,
    application::{Application, GrantType},
    id::{AccountId, AppId},
    params::encode_pairs,
    pool::PoolSettings,
    resource::{Resource, Rule},
    secret::Secret,
    time::{Seconds, Timestamp},
};
use signet_store::Change;
use signet_testkit::jwt::Jwt;
use signet_web::Peer;

use crate::{
    rp::Rp,
    support::{Answer, World, basic, request},
};

/// The secret of the sample accounts.
pub const KEY: &str = "5ecre75ecre75ecre75ecre75ecre700";
/// The API that the books of the sample application belong to.
pub const BOOKS: &str = "https://api.example.com/books";

/// An account of `rp`'s application, at the issuer that `rp` speaks to.
#[derive(Clone)]
pub struct Machine {
    pub rp: Rp,
    pub account: AccountId,
    pub id: String,
}

/// What is asked for at the endpoint of tokens.
pub const GRANT: (&str, &str) = ("grant_type", "client_credentials");

impl Machine {
    /// The sample application, changed by `change`, with `client_credentials` ticked, and an account of it without rules.
    pub async fn new(world: &Arc<World>, label: &str, change: impl FnOnce(&mut Application)) -> Machine {
        let rp = Rp::new(world, label, |application| {
            application.settings.grant_types.push(GrantType::ClientCredentials);
            change(application);
        })
        .await;
        let mut bytes = rp.application.id.bytes();
        bytes[11] ^= 1;
        Machine::of(&rp, AccountId::from_bytes(bytes), |_| {}).await
    }

    /// Another account of the same application, changed by `change`.
    pub async fn of(rp: &Rp, id: AccountId, change: impl FnOnce(&mut Account)) -> Machine {
        let mut account = Account {
            id,
            pool: rp.application.pool,
            application: rp.application.id,
            secret: Secret::new(KEY),
            previous: None,
            token_lifetime: Seconds(600),
            remarks: None,
            enabled: true,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            version: 1,
        };
        change(&mut account);
        rp.world.change(Change::InsertAccount(account)).await;
        Machine { rp: rp.clone(), account: id, id: id.to_string() }
    }

    /// The same at the application's own issuer.
    pub fn at_home(&self) -> Machine {
        Machine { rp: self.rp.at_home(), ..self.clone() }
    }

    /// The same at another node.
    pub fn at(&self, world: &Arc<World>) -> Machine {
        Machine { rp: Rp { world: Arc::clone(world), ..self.rp.clone() }, ..self.clone() }
    }

    /// Changes the account, as an operator would.
    pub async fn change(&self, change: impl FnOnce(&mut Account)) {
        let world = &self.rp.world;
        let mut account = world.signet().store().stored_account(self.account).await.unwrap().unwrap();
        change(&mut account);
        world.change(Change::UpdateAccount(account)).await;
    }

    /// Deletes the account, as an operator would.
    pub async fn delete(&self) {
        let store = self.rp.world.signet().store().clone();
        let account = store.stored_account(self.account).await.unwrap().unwrap();
        guarded(&self.rp.world, vec![Change::DeleteAccount(account)]).await;
    }

    /// Gives the application resources of its own, each of code, actions and API identifier.
    pub async fn resources(&self, resources: &[(&str, &[&str], Option<&str>)]) {
        put_resources(&self.rp.world, Some(self.rp.application.id), resources).await;
    }

    /// Adds a rule about the account, which allows and is about the application's own resources unless `rule` says otherwise.
    pub async fn rule(&self, rule: Value) {
        let mut whole = json!({ "subject": { "account": self.id }, "effect": "allow" });
        whole.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
        let added: Vec<Rule> = vec![serde_json::from_value(whole).unwrap()];
        let change = Change::Rules { of: self.rp.application.id, added, removed: Vec::new() };
        guarded(&self.rp.world, vec![change]).await;
    }

    /// A sample application with books that the account may read.
    pub async fn with_books(world: &Arc<World>) -> Machine {
        let machine = Machine::new(world, "library", |_| {}).await;
        machine.resources(&[("book", &["read", "write"], Some(BOOKS)), ("note", &["read"], None)]).await;
        machine.rule(json!({ "resource": "book", "actions": ["read"] })).await;
        machine
    }

    /// Asks for a token with its secret in the body.
    pub async fn ask(&self, form: &[(&str, &str)]) -> Answer {
        self.post("/token", &[&[GRANT], form].concat()).await
    }

    /// Asks for a token by HTTP Basic.
    pub async fn ask_by_basic(&self, form: &[(&str, &str)]) -> Answer {
        let form = [&[GRANT], form].concat();
        self.rp.world.post(&self.url("/token"), &form, Some(&basic(&self.id, KEY))).await
    }

    /// Asks for a token from an address.
    pub async fn ask_from(&self, peer: &str, scope: &str) -> Answer {
        let form = [GRANT, ("client_id", &self.id), ("client_secret", KEY), ("scope", scope)];
        let request = request(Method::POST, &self.url("/token"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .extension(Peer(peer.parse().unwrap()));
        self.rp.world.send(request.body(encode_pairs(form.into_iter()).into()).unwrap()).await
    }

    /// A token for `scope`.
    pub async fn token(&self, scope: &str) -> String {
        token_of(&self.ask(&[("scope", scope)]).await)
    }

    /// POST of a form to an endpoint with its secret in the body.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let form = [form, &[("client_id", self.id.as_str()), ("client_secret", KEY)]].concat();
        self.rp.world.post(&self.url(path), &form, None).await
    }

    /// Whether introspection by the account calls a token active.
    pub async fn is_active(&self, token: &str) -> bool {
        let answer = self.post("/token/introspection", &[("token", token)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.json()["active"] == true
    }

    /// The address of an endpoint.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.rp.issuer)
    }
}

/// Gives an application, or the pool, resources.
pub async fn put_resources(world: &World, of: Option<AppId>, resources: &[(&str, &[&str], Option<&str>)]) {
    let read = |(code, actions, api): &(&str, &[&str], Option<&str>)| {
        let mut resource = json!({ "code": code, "type": "API", "actions": actions });
        if let Some(api) = api {
            resource["api_identifier"] = json!(api);
        }
        serde_json::from_value::<Resource>(resource).unwrap()
    };
    let put = resources.iter().map(read).collect();
    guarded(world, vec![Change::Resources { of, put, removed: Vec::new() }]).await;
}

/// Applies changes that have the version of the pool's settings.
pub async fn guarded(world: &World, mut changes: Vec<Change>) {
    let settings = world.signet().store().pool_settings().await.unwrap();
    changes.push(Change::UpdatePool(PoolSettings::clone(&settings)));
    world.change_all(changes).await;
}

/// The access token of an answer that must have one.
pub fn token_of(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

/// The claims of a token.
pub fn claims_of(token: &str) -> Value {
    Jwt::decode(token).unwrap().claims
}
