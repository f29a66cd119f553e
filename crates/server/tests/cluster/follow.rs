//! What one node changes, the other follows.

use std::time::{Duration, Instant};

use signet_testkit::{jwt::Jwt, postgres::ThrowawayPostgres};

use crate::{
    nodes::{CALLBACK, Cluster, application},
    person::{Person, Tokens, as_client, authorize, refreshment},
};

/// What takes longer fails. The promise is a second, on a machine that is not busy with other tests.
const LATEST: Duration = Duration::from_secs(5);

/// Waits for `holds` and says how long that took.
fn follows(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LATEST, "{what}: not followed within {LATEST:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
    eprintln!("{what}: followed after {} ms", start.elapsed().as_millis());
}

fn tokens(cluster: &Cluster, number: usize) -> Tokens {
    let mut person = Person::new(cluster.proxy(), number);
    let code = person.code();
    Tokens::of(&person.redeem(&code))
}

fn is_active(cluster: &Cluster, token: &str) -> bool {
    let answer = cluster.b.target().post("/oidc/token/introspection", &as_client(&[("token", token)]));
    answer.expect(200).json()["active"] == true
}

fn revoke(cluster: &Cluster, token: &str) {
    cluster.a.target().post("/oidc/token/revocation", &as_client(&[("token", token)])).expect(200);
}

#[test]
fn attack_27_what_is_revoked_at_one_node_is_refused_at_the_other() {
    let cluster = Cluster::start();
    for _ in 0..3 {
        let tokens = tokens(&cluster, 0);
        assert!(is_active(&cluster, &tokens.access));
        revoke(&cluster, &tokens.refresh);
        assert_eq!(
            cluster.b.target().post("/oidc/token", &refreshment(&tokens.refresh)).status,
            400,
            "at once"
        );
        follows("revocation", || !is_active(&cluster, &tokens.access));
        cluster.b.target().get_as("/oidc/me", &tokens.access).expect(401);
    }
}

#[test]
fn who_is_blocked_at_one_node_is_refused_at_the_other() {
    let cluster = Cluster::start();
    let tokens = tokens(&cluster, 1);
    cluster.b.target().get_as("/oidc/me", &tokens.access).expect(200);
    cluster.apply("[[users]]\nusername = \"user1\"\nblocked = true\n");
    assert_eq!(cluster.b.target().post("/oidc/token", &refreshment(&tokens.refresh)).status, 400, "at once");
    follows("blocked user", || cluster.b.target().get_as("/oidc/me", &tokens.access).status == 401);
    assert!(!is_active(&cluster, &tokens.access));
    let refused = Person::new(cluster.b.target(), 1).try_code(&[]).unwrap_err();
    assert!(refused.body.contains("name=\"password\""), "a blocked user signs in: {refused:?}");
}

#[test]
fn a_changed_list_of_callbacks_is_followed() {
    let cluster = Cluster::start();
    let another = "http://localhost:3000/another";
    let asked = |callback: &str| cluster.b.target().get(&authorize(callback, &[])).status;
    for (old, new) in [(CALLBACK, another), (another, CALLBACK), (CALLBACK, another)] {
        assert_eq!((asked(old), asked(new)), (303, 400));
        cluster.apply(&application(&[new]));
        follows("callbacks", || asked(old) == 400);
        assert_eq!(asked(new), 303);
    }
}

#[test]
fn another_signing_key_is_followed_and_its_tokens_verify_at_once() {
    let cluster = Cluster::start();
    let mut current = tokens(&cluster, 0);
    let kid = |token: &str| Jwt::decode(token).unwrap().header["kid"].as_str().unwrap().to_owned();
    let jwks = || cluster.b.target().get("/oidc/.well-known/jwks.json").expect(200).json();
    for _ in 0..3 {
        let old = current.clone();
        assert!(Jwt::decode(&old.access).unwrap().verifies_with(&jwks()));
        let said = cluster.a.run(&["keys", "rotate", "--issuer", "pool", "--now"]);
        assert!(said.starts_with("pool RS256: a new key signs."), "{said}");
        current = Tokens::of(&cluster.a.target().post("/oidc/token", &refreshment(&old.refresh)));
        assert_ne!(kid(&current.access), kid(&old.access));
        cluster.b.target().get_as("/oidc/me", &current.access).expect(200);
        follows("signing key", || Jwt::decode(&current.access).unwrap().verifies_with(&jwks()));
        let by_b = Tokens::of(&cluster.b.target().post("/oidc/token", &refreshment(&current.refresh)));
        assert_eq!(kid(&by_b.access), kid(&current.access));
        current = by_b;
        cluster.b.target().get_as("/oidc/me", &old.access).expect(200);
        assert!(
            Jwt::decode(&old.access).unwrap().verifies_with(&jwks()),
            "it is kept for what it has signed"
        );
    }
    let listed = cluster.b.run(&["keys", "list"]);
    assert_eq!((listed.matches(" active ").count(), listed.matches(" retired ").count()), (1, 3), "{listed}");
}

#[test]
fn keys_are_rotated_once_by_two_operators() {
    let cluster = Cluster::start();
    tokens(&cluster, 0);
    let rotate = |node| {
        std::thread::scope(|scope| {
            let nodes: [&crate::nodes::Node; 2] = node;
            nodes.map(|node| scope.spawn(|| node.run(&["keys", "rotate"]))).map(|ran| ran.join().unwrap())
        })
    };
    let said = rotate([&cluster.a, &cluster.b]);
    assert_eq!(said.iter().filter(|text| text.contains("a new key is published")).count(), 1, "{said:?}");
    assert_eq!(said.iter().filter(|text| text.contains("nothing done")).count(), 1, "{said:?}");
    let early = cluster.b.run(&["keys", "rotate"]);
    assert!(early.contains("clients may not know the next key before"), "{early}");
    let listed = cluster.a.run(&["keys", "list"]);
    assert_eq!((listed.matches(" active ").count(), listed.matches(" next ").count()), (1, 1), "{listed}");
}

#[test]
fn what_changes_after_the_database_was_away_is_followed_as_fast() {
    let mut cluster = Cluster::start();
    let first = tokens(&cluster, 0);
    let second = tokens(&cluster, 1);
    cluster.b.target().get_as("/oidc/me", &first.access).expect(200);
    let name = cluster.database.rsplit('/').next().unwrap().to_owned();
    let postgres = ThrowawayPostgres::shared();
    postgres.execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).unwrap();
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    postgres.execute(&end).unwrap();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(cluster.b.target().get("/readyz").status, 503);
    let in_memory = cluster.b.target().get_as("/oidc/me", &first.access);
    assert_eq!(in_memory.status, 503, "who may be blocked by now is not answered for from memory");
    postgres.execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).unwrap();
    revoke(&cluster, &first.refresh);
    follows("revocation after the database was away", || !is_active(&cluster, &first.access));
    cluster.wait_for(|cluster| &mut cluster.b);
    cluster.b.target().get_as("/oidc/me", &second.access).expect(200);
    assert_eq!(cluster.b.read_log().matches("cannot follow the changes").count(), 1, "said once");
}
