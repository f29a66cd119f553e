//! Requests to the admin API that are sent again, and too often.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::json;
use signet_testkit::race::race;

use crate::{
    api::Api,
    support::{World, on_both_engines},
};

on_both_engines!(a_repeat_is_answered_again_and_done_once, of_many_repeats_at_once_one_is_done);

async fn a_repeat_is_answered_again_and_done_once(world: Arc<World>) {
    let api = Api::new(&world).await;
    let accounts = format!("/applications/{}/accounts", api.machine.rp.id);
    let (body, key) = (json!({ "remarks": "nightly" }), [("idempotency-key", "k-1")]);
    let first = api.send(Method::POST, &accounts, Some(body.clone()), &key).await;
    assert_eq!(first.status, StatusCode::CREATED);
    let again = api.send(Method::POST, &accounts, Some(body.clone()), &key).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body), "with its secret");
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(
        (again.header("location"), again.header("etag")),
        (first.header("location"), first.header("etag"))
    );
    let other = api.send(Method::POST, &accounts, Some(json!({ "remarks": "other" })), &key).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY, "another body");
    let elsewhere = api.send(Method::POST, "/users", Some(json!({ "username": "bob" })), &key).await;
    assert_eq!(elsewhere.status, StatusCode::CREATED, "another path is another request");
    let all = api.done(Method::GET, &accounts, None, 200).await;
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
    let key = [("idempotency-key", "k-2")];
    let wrong = json!({ "token_lifetime": 1 });
    for _ in 0..2 {
        let refused = api.send(Method::POST, &accounts, Some(wrong.clone()), &key).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let right = api.send(Method::POST, &accounts, Some(body.clone()), &key).await;
    assert_eq!(right.status, StatusCode::CREATED, "what was refused did nothing");
    let long = "k".repeat(256);
    for bad in ["", long.as_str()] {
        let refused =
            api.send(Method::POST, &accounts, Some(body.clone()), &[("idempotency-key", bad)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    world.advance(86_401);
    let api = Api { token: api.machine.token("admin:*:*").await, ..api };
    let key = [("idempotency-key", "k-1")];
    let later = api.send(Method::POST, &accounts, Some(body), &key).await;
    assert_eq!(
        (later.status, later.header("idempotent-replayed")),
        (StatusCode::CREATED, None),
        "a day later"
    );
    assert_ne!(later.body, first.body);
}

async fn of_many_repeats_at_once_one_is_done(world: Arc<World>) {
    let api = Api::new(&world).await;
    let accounts = format!("/applications/{}/accounts", api.machine.rp.id);
    let answers = race(6, |_| {
        let (api, accounts) = (api.clone(), accounts.clone());
        async move {
            let answer =
                api.send(Method::POST, &accounts, Some(json!({})), &[("idempotency-key", "k")]).await;
            (answer.status.as_u16(), answer.header("idempotent-replayed").is_some())
        }
    })
    .await;
    let done = answers.iter().filter(|answer| **answer == (201, false)).count();
    assert_eq!(done, 1, "{answers:?}");
    assert!(answers.iter().all(|(status, _)| [201, 409].contains(status)), "{answers:?}");
    let all = api.done(Method::GET, &accounts, None, 200).await;
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn who_asks_too_often_waits_and_nobody_else_does() {
    let world = World::new().await;
    let api = Api::new(&world).await;
    let first = api.get("/password-policy").await;
    assert_eq!(first.header("ratelimit-policy"), Some("\"default\";q=3000;w=60"));
    let left = first.header("ratelimit").unwrap();
    assert!(left.starts_with("\"default\";r=2999;t="), "{left}");
    let mut refused = None;
    for _ in 0..3100 {
        let answer = api.get("/users/x").await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.unwrap();
    let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    let id = signet_protocol::id::AccountId::from_bytes([9; 12]);
    let machine = crate::machine::Machine::of(&api.machine.rp, id, |_| {}).await;
    machine.rule(crate::api::admin("settings", json!("all"))).await;
    let other = Api { token: machine.token("admin:settings:read").await, ..api.clone() };
    assert_eq!(other.get("/password-policy").await.status, StatusCode::OK);
    world.advance(60);
    assert_eq!(api.get("/password-policy").await.status, StatusCode::OK);
}
