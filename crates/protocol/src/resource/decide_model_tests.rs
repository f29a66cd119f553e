//! The decision against a model that enumerates everything, in small worlds.
//!
//! The model takes "all there are and will be" literally: beside every name that is known or that a rule mentions, each
//! namespace has one more resource, each resource one more thing and one more action, which nothing mentions.

use std::net::IpAddr;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    resource::{
        Action, ActionName, Actions, ApiIdentifier, Resource, ResourceCode, ResourceName, ResourceType,
    },
    samples::*,
    scope::ScopeValue,
};

const CODES: [&str; 3] = ["a", "b", "c"];
const NEW: &str = "new";
const APIS: [&str; 2] = ["urn:x", "urn:y"];

#[derive(Clone, Debug)]
struct World {
    own: Vec<Resource>,
    pool: Vec<Resource>,
    rules: Vec<Rule>,
    asked: Scope,
    api: Option<usize>,
    is_account: bool,
    ip: Option<bool>,
    mfa: Option<bool>,
}

fn user_of_world() -> User {
    let mut user = bare_user();
    user.details.roles = vec!["role".into()];
    user.details.groups = vec!["group".into()];
    user
}

fn account() -> AccountId {
    AccountId::parse("d00000000000000000000001").unwrap()
}

impl World {
    fn permissions(&self) -> Permissions {
        let resources = |list: &Vec<Resource>| Arc::new(Resources::new(list.clone()).unwrap());
        Permissions::new(resources(&self.own), resources(&self.pool), self.rules.clone())
    }

    /// `None`: the request names an API that does not exist.
    fn decide(&self) -> Option<Decision> {
        let permissions = self.permissions();
        let (user, settings) = (user_of_world(), PoolSettings::default());
        let caller = if self.is_account { Caller::Account(account()) } else { Caller::User(&user) };
        let api = match self.api {
            Some(api) => Some(permissions.api(APIS[api])?),
            None => None,
        };
        let address = |inside| IpAddr::from(if inside { [10, 0, 0, 1] } else { [11, 0, 0, 1] });
        let ip = self.ip.map(address);
        let scope = &self.asked;
        Some(permissions.decide(&ScopeCase {
            scope,
            api,
            caller,
            settings: &settings,
            ip,
            now: NOW,
            mfa: self.mfa,
        }))
    }

    fn with(&self, rule: Rule) -> World {
        let mut world = self.clone();
        world.rules.push(rule);
        world
    }
}

/// One thing that can be done: where, with which resource, with which thing of it, and what.
type Point = (Namespace, String, String, String);

impl World {
    fn find(&self, namespace: Namespace, code: &str) -> Option<&Resource> {
        let list = if namespace == Namespace::Application { &self.own } else { &self.pool };
        list.iter().find(|resource| resource.code.as_str() == code)
    }

    /// Whether a token for the API of this world can be for it; what does not exist may be of any API.
    fn is_within(&self, namespace: Namespace, code: &str) -> bool {
        match (self.api, self.find(namespace, code)) {
            (Some(api), Some(resource)) => {
                resource.api_identifier.as_ref().is_some_and(|own| own.as_str() == APIS[api])
            }
            _ => true,
        }
    }

    /// All that an item denotes; nothing, if it means nothing today.
    fn denoted(&self, text: &str) -> Vec<Point> {
        let parts: Vec<&str> = text.split(':').collect();
        let [code, id, action] = match parts[..] {
            [code] => [code, "*", "*"],
            [code, action] => [code, "*", action],
            [code, id, action] => [code, id, action],
            _ => panic!("{text}"),
        };
        let both = [Namespace::Application, Namespace::Pool];
        let known = |namespace: &Namespace, code: &str| {
            let resource = self.find(*namespace, code).filter(|_| self.is_within(*namespace, code));
            resource.filter(|resource| {
                action == "*" || resource.actions.iter().any(|own| own.name.as_str() == action)
            })
        };
        let exists = |namespace: &Namespace, code: &str| {
            self.find(*namespace, code).is_some() && self.is_within(*namespace, code)
        };
        let places: Vec<(Namespace, &str)> = if code == "*" {
            let names =
                both.into_iter().flat_map(|at| CODES.into_iter().chain([NEW]).map(move |code| (at, code)));
            match both.iter().any(|at| CODES.iter().any(|code| known(at, code).is_some())) {
                true => names.filter(|(at, code)| self.is_within(*at, code)).collect(),
                false => vec![],
            }
        } else {
            let first = both.into_iter().find(|at| exists(at, code));
            first.filter(|at| known(at, code).is_some()).map(|at| (at, code)).into_iter().collect()
        };
        let all = |part: &str, names: &[&str]| -> Vec<String> {
            let names = if part == "*" { names } else { &[part][..] };
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        let (ids, actions) = (all(id, &["1", "2", NEW]), all(action, &["r", "w", "x", NEW]));
        let mut points = Vec::new();
        for (at, code) in places {
            for id in &ids {
                points.extend(actions.iter().map(|action| (at, code.to_owned(), id.clone(), action.clone())));
            }
        }
        points
    }

    /// Whether a rule is about the caller and holds, in every way that what is not known may be, and in any.
    fn holds(&self, rule: &Rule) -> (bool, bool) {
        let about = match &rule.subject {
            Subject::Account(id) => self.is_account && *id == account(),
            Subject::User(id) => !self.is_account && *id == user_id(),
            Subject::Role(code) => !self.is_account && code == "role",
            Subject::Group(code) => !self.is_account && code == "group",
        };
        let ways = |fact: Option<bool>| fact.map_or(vec![false, true], |known| vec![known]);
        let mut each = Vec::new();
        for inside in ways(self.ip) {
            for mfa in ways(self.mfa) {
                let ip = rule.restrictions.ip.is_empty() || inside;
                each.push(about && ip && rule.restrictions.mfa.is_none_or(|wanted| wanted == mfa));
            }
        }
        (each.iter().all(|way| *way), each.iter().any(|way| *way))
    }

    fn grants(&self, text: &str) -> bool {
        let points = self.denoted(text);
        let allow: Vec<&Rule> =
            self.rules.iter().filter(|rule| rule.effect == Effect::Allow && self.holds(rule).0).collect();
        let deny: Vec<&Rule> =
            self.rules.iter().filter(|rule| rule.effect == Effect::Deny && self.holds(rule).1).collect();
        let all_allowed = points.iter().all(|point| allow.iter().any(|rule| contains(rule, point)));
        !points.is_empty()
            && all_allowed
            && !points.iter().any(|point| deny.iter().any(|rule| contains(rule, point)))
    }
}

fn contains(rule: &Rule, (namespace, code, id, action): &Point) -> bool {
    let resource = match &rule.resource {
        Part::Any => true,
        Part::One(name) => name.namespace == *namespace && name.code.as_str() == code,
    };
    let identifier = match &rule.identifier {
        Part::Any => true,
        Part::One(own) => own.as_str() == id,
    };
    resource
        && identifier
        && match &rule.actions {
            Actions::All => true,
            Actions::Listed(list) => list.iter().any(|name| name.as_str() == action),
        }
}

fn any_resources() -> impl Strategy<Value = Vec<Resource>> {
    let one = (any::<bool>(), prop::option::of(0..APIS.len()), any::<bool>(), any::<bool>());
    prop::array::uniform3(one).prop_map(|each| {
        let resources = CODES.iter().zip(each).filter(|(_, (there, ..))| *there);
        let resource = |(code, (_, api, r, w)): (&&str, (bool, Option<usize>, bool, bool))| {
            let actions = [("r", r), ("w", w)].into_iter().filter(|(_, has)| *has);
            Resource {
                code: ResourceCode::parse(code).unwrap(),
                name: None,
                kind: ResourceType::Api,
                description: None,
                actions: actions
                    .map(|(name, _)| Action { name: ActionName::parse(name).unwrap(), description: None })
                    .collect(),
                api_identifier: api.map(|api| ApiIdentifier::parse(APIS[api]).unwrap()),
            }
        };
        resources.map(resource).collect()
    })
}

fn any_rule(effect: impl Strategy<Value = Effect>) -> impl Strategy<Value = Rule> {
    let subject = prop_oneof![
        4 => Just(json!({ "account": account() })),
        3 => Just(json!({ "user": user_id() })),
        1 => Just(json!({ "user": other_user_id() })),
        2 => Just(json!({ "role": "role" })),
        1 => Just(json!({ "role": "group" })),
        2 => Just(json!({ "group": "group" })),
    ];
    let resource = prop_oneof![
        Just(None),
        (any::<bool>(), prop::sample::select(&CODES[..])).prop_map(|(own, code)| Some(ResourceName {
            namespace: if own { Namespace::Application } else { Namespace::Pool },
            code: ResourceCode::parse(code).unwrap(),
        })),
    ];
    let identifier = prop_oneof![3 => Just("*"), 1 => Just("1"), 1 => Just("2")];
    let actions = prop::sample::select(vec![
        json!("all"),
        json!(["r"]),
        json!(["w"]),
        json!(["r", "w"]),
        json!(["x", "r", "w"]),
    ]);
    let restrictions = prop_oneof![
        4 => Just(json!({})),
        1 => Just(json!({ "ip": ["10.0.0.0/8"] })),
        1 => any::<bool>().prop_map(|mfa| json!({ "mfa": mfa })),
        1 => Just(json!({ "ip": ["10.0.0.0/8"], "mfa": true })),
    ];
    (subject, effect, resource, identifier, actions, restrictions).prop_map(
        |(subject, effect, resource, identifier, actions, restrictions)| {
            let rule = json!({
                "subject": subject, "effect": effect, "resource": "*", "identifier": identifier, "actions": actions,
                "restrictions": restrictions,
            });
            let rule: Rule = serde_json::from_value(rule).unwrap();
            Rule { resource: resource.map_or(Part::Any, Part::One), ..rule }
        },
    )
}

fn any_effect() -> impl Strategy<Value = Effect> {
    prop_oneof![3 => Just(Effect::Allow), 1 => Just(Effect::Deny)]
}

fn any_item() -> impl Strategy<Value = String> {
    let code = prop::sample::select(vec!["a", "b", "c", "z", "*"]);
    let id = prop::sample::select(vec!["1", "2", "*"]);
    let action = prop::sample::select(vec!["r", "w", "x", "*"]);
    (0..3, code, id, action).prop_map(|(form, code, id, action)| match form {
        0 => code.to_owned(),
        1 => format!("{code}:{action}"),
        _ => format!("{code}:{id}:{action}"),
    })
}

prop_compose! {
    fn any_world()(
        own in any_resources(),
        pool in any_resources(),
        rules in prop::collection::vec(any_rule(any_effect()), 0..7),
        asked in prop::collection::vec(any_item(), 0..12),
        api in prop::option::weighted(0.3, 0..APIS.len()),
        is_account in any::<bool>(),
        ip in any::<Option<bool>>(),
        mfa in any::<Option<bool>>(),
    ) -> World {
        World { own, pool, rules, asked: scope(&asked.join(" ")), api, is_account, ip, mfa }
    }
}

fn values(scope: &Scope) -> Vec<&str> {
    scope.iter().map(ScopeValue::as_str).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn it_agrees_with_the_enumeration(world in any_world()) {
        let Some(decision) = world.decide() else {
            let named = world.own.iter().chain(&world.pool).filter_map(|resource| resource.api_identifier.as_ref());
            prop_assert!(named.into_iter().all(|api| Some(api.as_str()) != world.api.map(|api| APIS[api])));
            return Ok(());
        };
        let (granted, rejected): (Vec<&str>, Vec<&str>) =
            values(&world.asked).into_iter().partition(|text| world.grants(text));
        prop_assert_eq!((values(&decision.granted), values(&decision.rejected)), (granted, rejected));
    }

    #[test]
    fn a_rule_more_moves_items_in_one_direction(world in any_world(), more in any_rule(any_effect())) {
        let effect = more.effect;
        let (Some(before), Some(after)) = (world.decide(), world.with(more).decide()) else { return Ok(()) };
        let (less, all) = match effect {
            Effect::Allow => (before, after),
            Effect::Deny => (after, before),
        };
        prop_assert!(all.granted.covers(&less.granted), "{} is more than {}", less.granted, all.granted);
    }

    #[test]
    fn every_value_is_in_one_of_the_two_as_it_was_written_and_in_order(world in any_world()) {
        let Some(decision) = world.decide() else { return Ok(()) };
        let (mut granted, mut rejected) = (values(&decision.granted).into_iter(), values(&decision.rejected).into_iter());
        let (mut next, mut other) = (granted.next(), rejected.next());
        for value in values(&world.asked) {
            match (next, other) {
                (Some(one), _) if one == value => next = granted.next(),
                (_, Some(one)) if one == value => other = rejected.next(),
                _ => prop_assert!(false, "{value} is in neither at its place"),
            }
        }
        prop_assert_eq!((next, other), (None, None));
    }

    #[test]
    fn to_ask_for_what_was_granted_gets_it_and_the_order_of_rules_is_nothing(world in any_world()) {
        let Some(decision) = world.decide() else { return Ok(()) };
        let again = World { asked: decision.granted.clone(), ..world.clone() }.decide().unwrap();
        prop_assert_eq!((&again.granted, &again.rejected), (&decision.granted, &Scope::default()));
        let again = World { asked: decision.rejected.clone(), ..world.clone() }.decide().unwrap();
        prop_assert_eq!((&again.granted, &again.rejected), (&Scope::default(), &decision.rejected));
        let rules = world.rules.iter().rev().cloned().collect();
        prop_assert_eq!(World { rules, ..world }.decide().unwrap(), decision);
    }
}
