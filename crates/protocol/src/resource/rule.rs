//! Who may do what, and who may not.

use serde::{Deserialize, Serialize};

use super::{ActionName, Part, ResourceCode, ResourceId, Restrictions};
use crate::{
    access::Effect,
    application::names,
    id::{AccountId, UserId},
    said::Pair,
};

/// Whom a rule is about: `{ account = "…" }`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// One programmatic access account.
    Account(AccountId),
    /// One user.
    User(UserId),
    /// Whoever has the role of this code.
    Role(String),
    /// Whoever is in the group of this code.
    Group(String),
}

names!(
    /// Where a resource is. Equal codes in the two are two resources.
    Namespace {
        /// The application's own resources.
        Application = "application",
        /// The pool's default namespace, which all its applications have.
        Pool = "pool",
    }
);

/// One resource, by its whole name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceName {
    /// Where it is.
    pub namespace: Namespace,
    /// Its code there.
    pub code: ResourceCode,
}

/// The actions of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "ActionsForm", into = "ActionsForm")]
pub enum Actions {
    /// `"all"`: every one there is and will be.
    All,
    /// These, of which there is at least one.
    Listed(Vec<ActionName>),
}

/// One rule: of all combinations of its resource, identifier and actions it says whether its subject may.
///
/// It names its resource by namespace, and not as a request does, so that a resource that appears or goes in the one
/// namespace never changes what a rule about the other means.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct Rule {
    /// Whom it is about.
    pub subject: Subject,
    /// What it says.
    pub effect: Effect,
    /// Of which resource; any is every one of both namespaces.
    pub resource: Part<ResourceName>,
    /// Of which thing of it.
    pub identifier: Part<ResourceId>,
    /// Of which actions.
    pub actions: Actions,
    /// When it counts.
    pub restrictions: Restrictions,
}

impl Rule {
    pub(super) fn named(&self) -> Part<(Namespace, &str)> {
        match &self.resource {
            Part::Any => Part::Any,
            Part::One(name) => Part::One((name.namespace, name.code.as_str())),
        }
    }
}

impl Actions {
    /// Whether all of `action` is in it.
    pub(super) fn cover(&self, action: Part<&str>) -> bool {
        match self {
            Actions::All => true,
            Actions::Listed(list) => {
                matches!(action, Part::One(one) if list.iter().any(|name| name.as_str() == one))
            }
        }
    }

    /// Whether anything of `action` is in it.
    pub(super) fn meet(&self, action: Part<&str>) -> bool {
        action == Part::Any || self.cover(action)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum ActionsForm {
    Word(String),
    List(Vec<ActionName>),
}

impl From<Actions> for ActionsForm {
    fn from(actions: Actions) -> ActionsForm {
        match actions {
            Actions::All => ActionsForm::Word("all".to_owned()),
            Actions::Listed(list) => ActionsForm::List(list),
        }
    }
}

impl TryFrom<ActionsForm> for Actions {
    type Error = Pair;

    fn try_from(form: ActionsForm) -> Result<Actions, Pair> {
        match form {
            ActionsForm::Word(word) if word == "all" => Ok(Actions::All),
            ActionsForm::List(list) if !list.is_empty() => Ok(Actions::Listed(list)),
            _ => Err(Pair(
                "`actions` must be \"all\" or a list of at least one action",
                "`actions` 须为 \"all\" 或至少含一个操作的列表",
            )),
        }
    }
}

/// A rule as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    subject: Subject,
    effect: Effect,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<Namespace>,
    resource: Part<ResourceCode>,
    #[serde(default = "anything")]
    identifier: Part<ResourceId>,
    actions: Actions,
    #[serde(default, skip_serializing_if = "is_default")]
    restrictions: Restrictions,
}

fn anything() -> Part<ResourceId> {
    Part::Any
}

fn is_default(restrictions: &Restrictions) -> bool {
    *restrictions == Restrictions::default()
}

/// What a rule is about, from the keys `resource` and `namespace`; the application's own is meant where none is named.
///
/// # Errors
/// Every resource has no namespace.
pub fn resource_name(
    resource: Part<ResourceCode>,
    namespace: Option<Namespace>,
) -> Result<Part<ResourceName>, Pair> {
    match (resource, namespace) {
        (Part::Any, Some(_)) => Err(Pair(
            "`resource = \"*\"` is about both namespaces; leave `namespace` out",
            "`resource = \"*\"` 同时涉及两个命名空间；请去掉 `namespace`",
        )),
        (resource, namespace) => {
            let namespace = namespace.unwrap_or(Namespace::Application);
            Ok(resource.map(|code| ResourceName { namespace, code }))
        }
    }
}

impl From<Rule> for Form {
    fn from(rule: Rule) -> Form {
        let namespace = match &rule.resource {
            Part::One(ResourceName { namespace: Namespace::Pool, .. }) => Some(Namespace::Pool),
            _ => None,
        };
        Form {
            subject: rule.subject,
            effect: rule.effect,
            namespace,
            resource: rule.resource.map(|name| name.code),
            identifier: rule.identifier,
            actions: rule.actions,
            restrictions: rule.restrictions,
        }
    }
}

impl TryFrom<Form> for Rule {
    type Error = Pair;

    fn try_from(form: Form) -> Result<Rule, Pair> {
        Ok(Rule {
            subject: form.subject,
            effect: form.effect,
            resource: resource_name(form.resource, form.namespace)?,
            identifier: form.identifier,
            actions: form.actions,
            restrictions: form.restrictions,
        })
    }
}
