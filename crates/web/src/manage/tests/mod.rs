//! What an operator does, on a real store.

mod documentation;
mod export;
mod permissions;
mod plans;
mod pool;
mod removal;
mod rules;
mod settings;
mod user_rules;

use std::sync::Arc;

use signet_protocol::{
    issuer::{BaseUrl, Identifier},
    time::Now,
    user::{LoginName, User},
};
use signet_store::{Database, MasterKey, Options, Store, audit::Origin};

use super::{
    apply::apply,
    description::Description,
    plan::{Plan, PlanError, plan, words},
};
use crate::{
    Settings, Signet,
    clock::{Clock, SystemEntropy},
    hashing::Hasher,
    sayings,
};

struct Fixed;
impl Clock for Fixed {
    fn now(&self) -> Now {
        Now::from_millis(1_800_000_000_000)
    }
}

/// A Signet on a database of its own, which goes with it.
pub(in crate::manage) struct Bench {
    pub(in crate::manage) signet: Arc<Signet>,
    key: MasterKey,
    _directory: tempfile::TempDir,
}

impl Bench {
    pub(in crate::manage) async fn new() -> Bench {
        Bench::with_key(MasterKey::generate(&mut SystemEntropy)).await
    }

    async fn with_key(key: MasterKey) -> Bench {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(directory.path().join("signet.db"));
        let options =
            Options { database, master_key: key.clone(), clock: signet_store::Clock::new(|| Fixed.now()) };
        let store = Store::open(options, Fixed.now(), &mut SystemEntropy).await.unwrap();
        let settings = Settings {
            base_url: BaseUrl::parse("http://localhost:8080").unwrap(),
            proxies: crate::proxies::Proxies::default(),
            outbound: crate::outbound::Outbound::default(),
            key_rotation: signet_protocol::time::Seconds(0),
        };
        let signet = Signet::new(settings, store, Arc::new(Fixed), Hasher::start().unwrap());
        Bench { signet, key, _directory: directory }
    }

    pub(in crate::manage) async fn apply(&self, text: &str) -> Plan {
        let description = Description::parse(text).unwrap_or_else(|problems| panic!("{problems:?}"));
        let plan = apply(&self.signet, &description, &Origin::command_line()).await;
        let plan = plan.unwrap_or_else(|error| panic!("{error:?}"));
        in_chinese(&plan);
        plan
    }

    /// Line and message of everything wrong with `text`, whichever step finds it. Nothing is changed.
    pub(in crate::manage) async fn problems(&self, text: &str) -> Vec<(usize, String)> {
        let problems = match Description::parse(text) {
            Err(problems) => problems,
            Ok(description) => match plan(&self.signet, &description).await {
                Err(PlanError::Refused(problems)) => problems,
                Err(other) => panic!("{other}"),
                Ok(_) => Vec::new(),
            },
        };
        problems.into_iter().map(|problem| (problem.line, sayings::english_of(&problem.message))).collect()
    }

    async fn application(&self, identifier: &str) -> Option<Arc<signet_protocol::application::Application>> {
        let identifier = Identifier::parse(identifier).unwrap();
        self.signet.store().application_by_identifier(&identifier).await.unwrap()
    }

    pub(in crate::manage) async fn user(&self, name: &str) -> Option<User> {
        self.signet.store().user_by_login(&LoginName::parse(name).unwrap()).await.unwrap()
    }
}

/// Everything that is not a value is told in Chinese, too.
fn in_chinese(plan: &Plan) {
    for step in plan.steps() {
        step.text().take(1).for_each(|head| drop(sayings::english_of(&words::said(&head))));
        let words = step.lines.iter().filter(|line| line.becomes().is_none());
        words.for_each(|line| drop(sayings::english_of(&words::said(&line.to_string()))));
    }
}
