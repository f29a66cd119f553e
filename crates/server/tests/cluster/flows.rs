//! One flow, two nodes: each request may go to the other one.

use std::{collections::BTreeSet, sync::Barrier, thread};

use crate::{
    client::{Answer, Target},
    nodes::{CALLBACK, Cluster},
    person::{Person, Tokens, redemption, refreshment},
};

#[test]
fn every_flow_hops_between_the_nodes() {
    let cluster = Cluster::start();
    let both = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
    let mut person = Person::new(cluster.proxy(), 0);

    let code = person.code();
    assert_eq!(person.logins, 1);
    assert_eq!(person.nodes(), both, "login and consent");
    let mut tokens = Tokens::of(&person.redeem(&code));
    for _ in 0..3 {
        tokens = Tokens::of(&person.refresh(&tokens.refresh));
    }
    assert_eq!(person.nodes(), both, "redemption and refreshes");
    for _ in 0..2 {
        assert_eq!(person.user_info(&tokens.access).expect(200).json()["preferred_username"], "user0");
        // The application asks at one node while its user is at the other.
        assert_eq!(person.introspect(&tokens.access).expect(200).json()["active"], true);
        drop(person.introspect(&tokens.id));
    }
    assert_eq!(person.nodes(), both, "user info and introspection");
    person.try_code(&[]).unwrap_or_else(|answer| panic!("{answer:?}"));
    assert_eq!((person.logins, person.repeats), (1, 0), "the session serves at both nodes");
    assert_eq!(person.sign_out(&tokens.id).expect(303).header("location"), CALLBACK);
    for _ in 0..2 {
        let refused = person.try_code(&[("prompt", "none")]).unwrap_err();
        assert!(refused.header("location").contains("error=login_required"), "{refused:?}");
    }
    assert_eq!(person.nodes(), both, "logout");
}

/// Sends the form to both nodes in the same moment.
fn at_both(cluster: &Cluster, form: &[(&str, &str)]) -> [Answer; 2] {
    let start = Barrier::new(2);
    let send = |target: Target| {
        start.wait();
        target.post("/oidc/token", form)
    };
    thread::scope(|scope| {
        [cluster.a.target(), cluster.b.target()]
            .map(|target| scope.spawn(|| send(target)))
            .map(|sent| sent.join().unwrap())
    })
}

#[test]
fn attack_06_a_code_that_is_redeemed_at_both_nodes_at_once_is_redeemed_once() {
    let cluster = Cluster::start();
    let mut person = Person::new(cluster.proxy(), 0);
    for _ in 0..20 {
        let code = person.code();
        let answers = at_both(&cluster, &redemption(&code));
        let mut statuses = answers.each_ref().map(|answer| answer.status);
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400], "{answers:?}");
        let refused = answers.iter().find(|answer| answer.status == 400).unwrap();
        assert_eq!(refused.text("error"), "invalid_grant");
    }
}

#[test]
fn attack_06_a_refresh_at_both_nodes_at_once_rotates_once() {
    let cluster = Cluster::start();
    let mut person = Person::new(cluster.proxy(), 0);
    let code = person.code();
    let mut token = Tokens::of(&person.redeem(&code)).refresh;
    for _ in 0..20 {
        let answers = at_both(&cluster, &refreshment(&token));
        let [one, other] = answers.each_ref().map(|answer| Tokens::of(answer).refresh);
        assert_eq!(one, other, "the same successor");
        assert_ne!(one, token);
        token = one;
    }
}
