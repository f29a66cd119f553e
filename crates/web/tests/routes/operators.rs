//! Several operators at once, on one node and on two.

use std::{collections::HashSet, sync::Arc};

use signet_protocol::{
    id::AccountId,
    issuer::Identifier,
    resource::{Resources, Subject, check_rules},
};
use signet_store::audit::Origin;
use signet_testkit::race::race;
use signet_web::{
    Signet,
    manage::{
        accounts::{self, Which},
        apply,
        description::Description,
        plan::PlanError,
    },
};

use crate::support::{World, on_both_engines};

const KEY: &str = "64f0c0ffee00000000000001";
const SECRET: &str = "0e8a1c5f7b2d49638a1c5f7b2d496380";

on_both_engines!(
    attack_19_two_plans_at_once_leave_no_rule_about_nothing,
    attack_19_of_many_who_claim_an_api_one_has_it,
);

/// How an application is named in a file that changes it.
const NOTES: &str = "[[applications]]\nidentifier = \"notes\"\n";

fn start() -> String {
    format!(
        r#"[[extended_fields]]
name = "level"
type = "number"
[[resources]]
code = "shelf"
type = "DATA"
actions = ["read"]
[[applications]]
identifier = "notes"
name = "Notes"
type = "api"
grant_types = ["client_credentials"]
resources = [{{ code = "book", type = "API", actions = ["read", "write"] }}]
accounts = [{{ id = "{KEY}", secret = "{SECRET}" }}]
rules = []
"#
    )
}

fn rule(subject: &str, more: &str) -> String {
    format!("{NOTES}[[applications.rules]]\nsubject = {{ {subject} }}\neffect = \"allow\"\n{more}\n")
}

async fn apply(signet: &Signet, text: &str) -> Result<(), PlanError> {
    let description = Description::parse(text).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
    apply::apply(signet, &description, &Origin::command_line()).await.map(drop)
}

/// On one node.
fn alone(world: &World) -> [Arc<Signet>; 2] {
    [world.signet(), world.signet()]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attack_19_two_nodes_agree_like_one() {
    let world = World::on_postgres().await;
    let other = world.second_node().await;
    plans_at_once([world.signet(), other.signet()]).await;
    let world = World::on_postgres().await;
    let other = world.second_node().await;
    claims_at_once([world.signet(), other.signet()]).await;
}

/// That every stored rule can be meant.
async fn check(signet: &Signet, round: &str) {
    let store = signet.store();
    let label = Identifier::parse("notes").unwrap();
    let applications = store.applications().await.unwrap();
    let found = applications.iter().find(|application| application.identifier == label);
    let owners = store.account_owners().await.unwrap();
    let Some(application) = found else {
        assert!(owners.is_empty() && store.applications_with_rules().await.unwrap().is_empty(), "{round}");
        assert!(store.resource_codes().await.unwrap().iter().all(|(of, _)| of.is_none()), "{round}");
        return;
    };
    let rules = store.stored_rules(application.id).await.unwrap();
    let resources = async |of| Resources::new(store.stored_resources(of).await.unwrap()).unwrap();
    let (own, pool) = (resources(Some(application.id)).await, resources(None).await);
    let settings = store.stored_pool_settings().await.unwrap();
    assert_eq!(check_rules(&rules, &own, &pool, &settings), Ok(()), "{round}");
    for rule in rules {
        if let Subject::Account(id) = rule.subject {
            assert!(owners.contains_key(&id), "{round}");
        }
    }
}

async fn attack_19_two_plans_at_once_leave_no_rule_about_nothing(world: Arc<World>) {
    plans_at_once(alone(&world)).await;
}

async fn plans_at_once(nodes: [Arc<Signet>; 2]) {
    let account = format!("account = \"{KEY}\"");
    let level = "{ field = \"extended_fields.level\", equals = 7 }";
    for (name, rule, removal) in [
        (
            "an own resource",
            rule(&account, "resource = \"book\"\nactions = \"all\""),
            format!("{NOTES}resources = [{{ code = \"book\", remove = true }}]"),
        ),
        (
            "an action",
            rule(&account, "resource = \"book\"\nactions = [\"write\"]"),
            format!("{NOTES}resources = [{{ code = \"book\", actions = [\"read\"] }}]"),
        ),
        (
            "the pool's resource",
            rule(&account, "namespace = \"pool\"\nresource = \"shelf\"\nactions = \"all\""),
            "[[resources]]\ncode = \"shelf\"\nremove = true".to_owned(),
        ),
        (
            "the account",
            rule(&account, "resource = \"*\"\nactions = \"all\""),
            format!("{NOTES}accounts = [{{ id = \"{KEY}\", remove = true }}]"),
        ),
        (
            "a field",
            rule(
                "role = \"a\"",
                &format!(
                    "resource = \"book\"\nactions = \"all\"\nrestrictions = {{ attributes = [{level}] }}"
                ),
            ),
            "[[extended_fields]]\nname = \"level\"\nremove = true".to_owned(),
        ),
        (
            "the application",
            rule(&account, "resource = \"book\"\nactions = \"all\""),
            format!("{NOTES}remove = true"),
        ),
        ("by command", rule(&account, "resource = \"book\"\nactions = \"all\""), String::new()),
    ] {
        let mut outcomes = HashSet::new();
        for round in 0..6 {
            apply(&nodes[0], &start()).await.unwrap();
            let done = race(2, |number| {
                let (node, text) = (nodes[number].clone(), [&rule, &removal][number].clone());
                async move {
                    if text.is_empty() {
                        let which = Which { id: AccountId::parse(KEY).unwrap(), version: None };
                        return accounts::delete(&node, which, &Origin::command_line()).await.is_ok();
                    }
                    match apply(&node, &text).await {
                        Ok(()) => true,
                        Err(PlanError::Refused(_) | PlanError::Contended) => false,
                        Err(other) => panic!("{other}"),
                    }
                }
            })
            .await;
            check(&nodes[0], &format!("{name}, round {round}: {done:?}")).await;
            outcomes.insert(done);
        }
        assert!(!outcomes.contains(&vec![false, false]), "{name}: one of the two goes through");
    }
}

async fn attack_19_of_many_who_claim_an_api_one_has_it(world: Arc<World>) {
    claims_at_once(alone(&world)).await;
}

async fn claims_at_once(nodes: [Arc<Signet>; 2]) {
    for round in 0..4 {
        let api = format!("https://api.example/{round}");
        let done = race(4, |number| {
            let text = format!(
                "[[applications]]\nidentifier = \"app-{number}\"\nname = \"N\"\ntype = \"api\"\n\
                 resources = [{{ code = \"r{round}\", type = \"API\", api_identifier = \"{api}\" }}]\n"
            );
            let node = nodes[number % 2].clone();
            async move { apply(&node, &text).await.is_ok() }
        })
        .await;
        assert!(done.iter().filter(|done| **done).count() <= 1, "{done:?}");
        let owners = nodes[0].store().resource_apis().await.unwrap();
        assert_eq!(owners.iter().filter(|(_, own)| own.as_str() == api).count(), 1);
    }
}
