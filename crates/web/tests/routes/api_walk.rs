//! Each row of the admin API's table: who may ask it, and that the document has it.

use std::collections::BTreeSet;

use http::{Method, StatusCode, header};
use serde_json::{Value, json};
use signet_protocol::operator::Permission;
use signet_web::api::{KINDS, PREFIX, ROWS, document};

use crate::{
    api::{Api, admin, wrong},
    machine::Machine,
    support::{BASE, World, request},
};

const SOME_ID: &str = "0123456789abcdef01234567";

/// A path of the table with something in the place of each part.
fn address(path: &str) -> String {
    let part = |part: &str| match part.strip_prefix('{') {
        Some(_) => SOME_ID.to_owned(),
        None => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn attack_19_each_row_is_open_to_its_permission_alone() {
    let world = World::new().await;
    let all = Api::new(&world).await;
    let nobody = Api { token: String::new(), ..all.clone() };
    let stranger = Api { token: "not.a.token".to_owned(), ..all.clone() };
    let mut of_one = Vec::new();
    for permission in Permission::ALL {
        of_one.push((*permission, all.with(&permission.item()).await));
    }
    for row in ROWS {
        let path = address(row.path);
        let body = row.takes.map(|_| json!({}));
        for (who, challenge) in [
            (&nobody, "Bearer realm=\"signet\""),
            (&stranger, "Bearer realm=\"signet\", error=\"invalid_token\""),
        ] {
            let answer = who.send(row.method.clone(), &path, body.clone(), &[]).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{} {path}", row.method);
            assert_eq!(answer.header("www-authenticate"), Some(challenge));
        }
        let needs = row.permissions();
        for (permission, api) in &of_one {
            let answer = api.send(row.method.clone(), &path, body.clone(), &[]).await;
            let enough = needs == [*permission];
            assert_eq!(
                answer.status != StatusCode::FORBIDDEN,
                enough,
                "{} {path} {permission:?}",
                row.method
            );
            if !enough {
                let challenge = answer.header("www-authenticate").unwrap();
                let missing = needs.iter().filter(|needed| *needed != permission);
                assert!(challenge.contains("error=\"insufficient_scope\""));
                missing.for_each(|needed| assert!(challenge.contains(&needed.item()), "{challenge}"));
            }
        }
        let answer = all.send(row.method.clone(), &path, body, &[]).await;
        assert!(
            !answer.status.is_server_error() && answer.status != StatusCode::FORBIDDEN,
            "{path}: {}",
            answer.body
        );
    }
}

#[tokio::test]
async fn every_path_tells_its_methods_and_no_other_is_there() {
    let world = World::new().await;
    let api = Api::new(&world).await;
    let paths: BTreeSet<&str> = ROWS.iter().map(|row| row.path).collect();
    for path in paths {
        let mut methods: BTreeSet<&str> =
            ROWS.iter().filter(|row| row.path == path).map(|row| row.method.as_str()).collect();
        if methods.contains("GET") {
            methods.insert("HEAD");
        }
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS]
        {
            if methods.contains(method.as_str()) {
                continue;
            }
            let answer = api.ask(method.clone(), &address(path)).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            let allowed: BTreeSet<&str> = answer.header("allow").unwrap().split(", ").collect();
            assert_eq!(allowed, methods, "{path}");
        }
    }
    for path in ["/nothing", "/applications/", "/users/x/y/z"] {
        let answer = api.get(path).await;
        assert_eq!(
            (answer.status, answer.json()["title"].as_str()),
            (StatusCode::NOT_FOUND, Some("There is no such thing"))
        );
    }
    let own = request(Method::GET, &format!("http://operator.localhost:8080{PREFIX}/users"))
        .header(header::AUTHORIZATION, format!("Bearer {}", api.token));
    let answer = world.send(own.body(Default::default()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "the API is at the pool's address");
}

#[tokio::test]
async fn the_document_has_every_row_and_every_schema() {
    let world = World::new().await;
    let answer = world.get(&format!("{BASE}{PREFIX}/openapi.json")).await;
    let served = answer.json();
    assert_eq!(served, document(BASE));
    assert_eq!(served["openapi"], "3.1.0");
    let mut operations = BTreeSet::new();
    for row in ROWS {
        let operation = &served["paths"][row.path][row.method.as_str().to_ascii_lowercase()];
        let items: Vec<String> = row.permissions().iter().map(|permission| permission.item()).collect();
        assert_eq!(operation["security"][0]["token"], json!(items), "{}", row.path);
        assert_eq!(operation["summary"], row.summary);
        assert!(operations.insert(operation["operationId"].as_str().unwrap()), "twice: {}", row.path);
        for name in row.takes.iter().chain(&row.gives) {
            assert!(served["components"]["schemas"][*name].is_object(), "there is no schema {name}");
        }
    }
    let schemas = served["components"]["schemas"].as_object().unwrap();
    let text = answer.body;
    for (name, schema) in schemas {
        assert!(text.contains(&format!("#/components/schemas/{name}\"")), "nothing has {name}");
        // Every schema is one that the check of answers understands.
        let _ = wrong(schema, &Value::Null, name);
    }
    let mut statuses = BTreeSet::new();
    assert!(KINDS.iter().all(|kind| statuses.insert(kind.status)), "each kind has a status of its own");
}

#[tokio::test]
async fn a_rule_that_is_taken_back_and_a_token_for_another_api_count_at_once() {
    let world = World::new().await;
    let api = Api::new(&world).await;
    let machine =
        Machine::of(&api.machine.rp, signet_protocol::id::AccountId::from_bytes([9; 12]), |_| {}).await;
    machine.rule(admin("users", json!(["read"]))).await;
    let token = machine.token("admin:users:read").await;
    let other = Api { token, ..api.clone() };
    assert_eq!(other.get("/users").await.status, StatusCode::OK);
    let app = api.machine.rp.id.clone();
    let rules = api.done(Method::GET, &format!("/applications/{app}/rules"), None, 200).await;
    let of = |rule: &&Value| rule["subject"]["account"] == machine.id;
    let id = rules["items"].as_array().unwrap().iter().find(of).unwrap()["id"].as_str().unwrap().to_owned();
    api.done(Method::DELETE, &format!("/applications/{app}/rules/{id}"), None, 204).await;
    assert_eq!(other.get("/users").await.status, StatusCode::FORBIDDEN);
    machine.change(|account| account.enabled = false).await;
    assert_eq!(other.get("/users").await.status, StatusCode::UNAUTHORIZED);
}
