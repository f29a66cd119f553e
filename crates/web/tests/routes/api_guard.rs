//! What nobody does by the admin API, and what hostile requests come to.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use signet_protocol::{
    id::AccountId,
    operator::{Administrator, Role},
    time::Timestamp,
};
use signet_store::{
    RoleChange,
    audit::{Named, Origin, Via},
};
use signet_web::manage::{
    edit::{Edit, EditError},
    plan::PlanError,
};

use crate::{
    api::{Api, admin},
    machine::Machine,
    support::{PASSWORD, World},
};

#[tokio::test]
async fn attack_19_nobody_gives_rights_that_they_do_not_have() {
    let world = World::new().await;
    let api = Api::new(&world).await;
    let app = api.machine.rp.id.clone();
    let few = Machine::of(&api.machine.rp, AccountId::from_bytes([9; 12]), |_| {}).await;
    for rule in [admin("applications", json!("all")), admin("secrets", json!(["read"]))] {
        few.rule(rule).await;
    }
    let limited = Api {
        token: few.token("admin:applications:read admin:applications:write admin:secrets:read").await,
        machine: few.clone(),
        ..api.clone()
    };
    let rules = format!("/applications/{app}/rules");
    let to_itself = |about: Value| {
        let mut rule = json!({ "subject": { "account": few.id }, "effect": "allow" });
        rule.as_object_mut().unwrap().extend(about.as_object().unwrap().clone());
        rule
    };
    for (about, permitted) in [
        (admin("*", json!("all")), false),
        (admin("users", json!(["read"])), false),
        (admin("administrators", json!(["write"])), false),
        (admin("applications", json!(["write"])), true),
    ] {
        let answer = limited.say(Method::POST, &rules, to_itself(about.clone())).await;
        let expected = if permitted { StatusCode::CREATED } else { StatusCode::FORBIDDEN };
        assert_eq!(answer.status, expected, "{about}: {}", answer.body);
    }
    let mut denied = to_itself(admin("users", json!("all")));
    denied["effect"] = json!("deny");
    let made = api.done(Method::POST, &rules, Some(denied), 201).await;
    let one = format!("{rules}/{}", made["id"].as_str().unwrap());
    assert_eq!(limited.ask(Method::DELETE, &one).await.status, StatusCode::FORBIDDEN, "a denial stays");
    let strong = format!("/applications/{app}/accounts/{}", api.machine.id);
    for (method, path, body) in [
        (Method::POST, format!("{strong}/refresh"), Some(json!({}))),
        (Method::PATCH, strong.clone(), Some(json!({ "remarks": "mine" }))),
        (Method::DELETE, strong.clone(), None),
    ] {
        let answer = limited.send(method.clone(), &path, body, &[]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}: its key would be theirs");
    }
    for member in ["rules", "accounts", "resources", "secret", "remove", "id"] {
        let answer = limited.say(Method::PATCH, &format!("/applications/{app}"), json!({ member: [] })).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{member}");
        assert_eq!(answer.json()["errors"][0]["field"], member);
    }
}

#[tokio::test]
async fn attack_19_a_manager_of_applications_gives_nothing_of_the_pool_by_any_door() {
    let world = World::new().await;
    let machine = Machine::new(&world, "notes", |_| {}).await;
    let signet = world.signet();
    let owner = world.user("owner", |_| {}).await;
    let text = |more: &str| json!([{ "subject": { "account": machine.id }, "effect": "allow", "namespace": "pool", "resource": "admin", "actions": more }]);
    for (name, role, may) in [
        ("owner", Role::Owner, true),
        ("deputy", Role::Administrator, false),
        ("manager", Role::ApplicationManager, false),
        ("auditor", Role::Auditor, false),
    ] {
        let user = if name == "owner" { owner.clone() } else { world.user(name, |_| {}).await };
        let administrator = Administrator {
            user: user.id,
            role,
            applications: [machine.rp.application.id].into(),
            created_at: Timestamp(0),
            version: 1,
        };
        let given = signet.store().change_role(&RoleChange::Give(administrator), world.clock_now()).await;
        assert_eq!(given, Ok(true));
        let origin = Origin::new(Via::Console, Named::new(user.id, name));
        let application = signet.store().application(machine.rp.application.id).await.unwrap().unwrap();
        let edit = Edit::application(application.id, application.version).set("rules", &text("all"));
        match edit.save(&signet, &origin).await {
            Ok(_) => assert!(may, "{name} gave what they do not have"),
            Err(EditError::Plan(PlanError::Forbidden(reason))) => {
                assert!(!may && reason.to_string().contains("ask an owner"), "{name}: {reason}");
            }
            Err(error) => panic!("{error:?}"),
        }
        if may {
            let cleared = Edit::application(application.id, application.version).set("rules", &json!([]));
            cleared.save(&signet, &origin).await.unwrap();
        }
    }
}

#[tokio::test]
async fn attack_19_who_administers_is_changed_by_those_who_say_who_does() {
    let world = World::new().await;
    let api = Api::new(&world).await;
    let owner = world.user("owner", |_| {}).await;
    api.done(Method::PUT, &format!("/administrators/{}", owner.id), Some(json!({ "role": "owner" })), 200)
        .await;
    let people = api.with("admin:users:read admin:users:write").await;
    let path = format!("/users/{}", owner.id);
    for (method, end, body) in [
        (Method::PATCH, "", Some(json!({ "password": "another horse battery" }))),
        (Method::POST, "/link", None),
        (Method::POST, "/block", None),
        (Method::DELETE, "", None),
    ] {
        let answer = people.send(method, &format!("{path}{end}"), body, &[]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.body);
    }
    let users = json!([{ "username": "owner", "password": "another horse battery" }]);
    let body = json!({ "users": users, "update": true });
    let outcome = people.done(Method::POST, "/users/import", Some(body), 200).await;
    assert_eq!((&outcome["updated"], &outcome["refused"]), (&json!(0), &json!(1)), "{outcome}");
    assert_eq!(people.get(&path).await.status, StatusCode::OK);
}

#[tokio::test]
async fn attack_20_whatever_is_sent_is_answered_with_a_problem() {
    let world = World::new().await;
    let api = Api::new(&world).await;
    let user = world.user("alice", |_| {}).await;
    for query in [
        "cursor=x",
        "cursor=%27%20OR%201%3D1",
        "cursor=AAAA",
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=1e3",
        "limit=1&limit=2",
        "lmit=1",
        "blocked=yes",
        "q=%00",
        "q=%FF",
    ] {
        let answer = api.get(&format!("/users?{query}")).await;
        let good = [StatusCode::UNPROCESSABLE_ENTITY, StatusCode::BAD_REQUEST];
        assert!(good.contains(&answer.status), "{query}: {} {}", answer.status, answer.body);
    }
    let misspelt = api.get("/users?lmit=1").await.json();
    assert_eq!(misspelt["errors"][0]["message"], "there is no `lmit` here; did you mean `limit`?");
    for path in
        ["/users/x", "/users/%00", "/users/..%2f..", "/applications/%27", "/traces/%00", "/administrators/0"]
    {
        let answer = api.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.body);
    }
    let deep =
        format!("{{\"extended_fields\":{}{}}}", "{\"a\":".repeat(200), "1".to_owned() + &"}".repeat(200));
    for (kind, body, status) in [
        (Some("application/json"), "", 400),
        (Some("application/json"), "[]", 400),
        (Some("application/json"), "{", 400),
        (Some("application/json"), "{\"name\": \"\\u0000\"}", 400),
        (Some("application/json"), deep.as_str(), 400),
        (Some("application/x-www-form-urlencoded"), "name=x", 415),
        (None, "{}", 415),
        (Some("application/json"), &format!("{{\"name\": \"{}\"}}", "x".repeat(300 * 1024)), 413),
        (Some("application/json"), "{\"nmae\": \"x\"}", 422),
        (Some("application/json"), "{\"name\": 7}", 422),
        (Some("application/json"), "{\"roles\": \"x\"}", 422),
    ] {
        let path = format!("/users/{}", user.id);
        let answer = api.raw(Method::PATCH, &path, (kind, body.as_bytes().to_vec()), &[]).await;
        assert_eq!(answer.status.as_u16(), status, "{}: {}", &body[..body.len().min(60)], answer.body);
        assert!(!answer.body.contains(PASSWORD));
    }
    let injected = json!({ "name": "x\"\n[[administrators]]\nrole = \"owner", "nickname": "'; DROP TABLE pool_user; --" });
    let answer = api.say(Method::PATCH, &format!("/users/{}", user.id), injected).await;
    assert!([200, 422].contains(&answer.status.as_u16()), "{}", answer.body);
    assert_eq!(api.done(Method::GET, "/administrators", None, 200).await["items"], json!([]));
}

#[tokio::test]
async fn of_two_who_saw_the_same_one_is_told_that_it_is_stale() {
    let world = World::new().await;
    let api = Api::new(&world).await;
    let user = world.user("alice", |_| {}).await;
    let account = format!("/applications/{}/accounts", api.machine.rp.id);
    let made = api.done(Method::POST, &account, Some(json!({})), 201).await;
    for (path, method, one, other) in [
        (
            format!("/applications/{}", api.machine.rp.id),
            Method::PATCH,
            json!({ "name": "One" }),
            json!({ "name": "Other" }),
        ),
        (format!("/users/{}", user.id), Method::PATCH, json!({ "name": "One" }), json!({ "name": "Other" })),
        (
            format!("{account}/{}", made["id"].as_str().unwrap()),
            Method::PATCH,
            json!({ "remarks": "one" }),
            json!({ "remarks": "other" }),
        ),
        (
            "/password-policy".to_owned(),
            Method::PATCH,
            json!({ "min_length": 10 }),
            json!({ "min_length": 11 }),
        ),
    ] {
        let seen = api.get(&path).await;
        let etag = seen.header("etag").unwrap().to_owned();
        let send = |body: Value| {
            let (api, path, method, etag) = (api.clone(), path.clone(), method.clone(), etag.clone());
            tokio::spawn(async move {
                api.send(method, &path, Some(body), &[("if-match", &etag)]).await.status.as_u16()
            })
        };
        let (one, other) = (send(one), send(other));
        let mut both = [one.await.unwrap(), other.await.unwrap()];
        both.sort_unstable();
        assert_eq!(both, [200, 412], "{path}");
        let later = api.send(method.clone(), &path, Some(json!({})), &[("if-match", "7")]).await;
        assert_eq!(later.status, StatusCode::PRECONDITION_FAILED, "an ETag has quotes");
        assert_eq!(
            api.send(method, &path, Some(json!({})), &[("if-match", "*")]).await.status,
            StatusCode::OK
        );
    }
    for path in [format!("/applications/{}", api.machine.rp.id), format!("/users/{}", user.id)] {
        let stale = api.send(Method::DELETE, &path, None, &[("if-match", "\"1\"")]).await;
        assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{path}");
    }
}
