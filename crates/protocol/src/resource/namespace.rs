//! The resources of one namespace.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{ActionName, ApiIdentifier, Part, ResourceCode, check::twice};
use crate::{
    application::names,
    limits::{ACTIONS_PER_RESOURCE, RESOURCES_PER_NAMESPACE},
    pool::PoolSettings,
    says,
};

names!(
    /// What a resource is, for sorting only.
    ResourceType {
        /// Called over the network: it alone can have an API identifier.
        Api = "API",
        /// Data.
        Data = "DATA",
        /// A part of a user interface.
        Ui = "UI",
        /// An entry of a menu.
        Menu = "MENU",
        /// A button.
        Button = "BUTTON",
    }
);

/// Something that can be done with a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "ActionForm", into = "ActionForm")]
pub struct Action {
    /// Its name, unique in the resource.
    pub name: ActionName,
    /// What it is, for people.
    pub description: Option<String>,
}

/// `"read"`, or with a description `{ name = "read", description = "…" }`.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum ActionForm {
    Name(ActionName),
    Described { name: ActionName, description: String },
}

impl From<Action> for ActionForm {
    fn from(Action { name, description }: Action) -> ActionForm {
        match description {
            Some(description) => ActionForm::Described { name, description },
            None => ActionForm::Name(name),
        }
    }
}

impl From<ActionForm> for Action {
    fn from(form: ActionForm) -> Action {
        match form {
            ActionForm::Name(name) => Action { name, description: None },
            ActionForm::Described { name, description } => Action { name, description: Some(description) },
        }
    }
}

/// A resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Unique in its namespace.
    pub code: ResourceCode,
    /// Its name, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: ResourceType,
    /// What it is, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What can be done with it; without any, it can be granted only as a whole.
    #[serde(default)]
    pub actions: Vec<Action>,
    /// The API it belongs to; several resources may have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_identifier: Option<ApiIdentifier>,
}

impl Resource {
    /// Whether `action` is one of its own; all of them always are.
    pub(super) fn defines(&self, action: Part<&str>) -> bool {
        match action {
            Part::Any => true,
            Part::One(name) => self.actions.iter().any(|own| own.name.as_str() == name),
        }
    }

    /// Whether it belongs to `api`; to none in particular, all do.
    pub(super) fn is_of(&self, api: Option<&str>) -> bool {
        api.is_none_or(|api| self.api_identifier.as_ref().is_some_and(|own| own.as_str() == api))
    }

    fn check(&self) -> Result<(), ResourceError> {
        let twice = twice(self.actions.iter().map(|action| &action.name));
        let described = self.actions.iter().map(|action| &action.description);
        let mut texts = described.chain([&self.name, &self.description]).flatten();
        if self.kind != ResourceType::Api && self.api_identifier.is_some() {
            Err(ResourceError::NotAnApi)
        } else if let Some(name) = twice {
            Err(ResourceError::ActionTwice(name.clone()))
        } else if self.actions.len() > ACTIONS_PER_RESOURCE {
            Err(ResourceError::TooManyActions)
        } else if texts.any(|text| text.len() > 1000 || text.chars().any(char::is_control)) {
            Err(ResourceError::Text)
        } else {
            Ok(())
        }
    }
}

/// What is wrong with a resource, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceError {
    /// Its code is that of an earlier one.
    CodeTwice(ResourceCode),
    /// It has one action twice.
    ActionTwice(ActionName),
    /// It is no API, and has the identifier of one.
    NotAnApi,
    /// A text is too long, or not one line.
    Text,
    /// It has too many actions.
    TooManyActions,
    /// There are too many.
    TooMany,
}

says!(ResourceError {
    ResourceError::CodeTwice(code) =>
        "the resource `{code}` is there twice; keep one, with the actions of both",
        "资源 `{code}` 出现了两次；请只保留一个，并合并两者的操作";
    ResourceError::ActionTwice(name) =>
        "the action `{name}` is there twice; keep one",
        "操作 `{name}` 出现了两次；请只保留一个";
    ResourceError::NotAnApi =>
        "only a resource of type API has an `api_identifier`; change the type or leave it out",
        "只有 API 类型的资源才有 `api_identifier`；请更改类型，或去掉该项";
    ResourceError::Text =>
        "name and descriptions must be at most 1000 bytes each, without control characters",
        "名称和描述各自最多 1000 字节，且不含控制字符";
    ResourceError::TooManyActions =>
        "a resource has at most {ACTIONS_PER_RESOURCE} actions; make two of it",
        "一个资源最多有 {ACTIONS_PER_RESOURCE} 个操作；请拆分为两个资源";
    ResourceError::TooMany =>
        "a namespace has at most {RESOURCES_PER_NAMESPACE} resources; leave some out",
        "一个命名空间最多有 {RESOURCES_PER_NAMESPACE} 个资源；请减少一些";
});

/// The resources of one namespace, indexed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    by_code: BTreeMap<ResourceCode, Resource>,
    /// The actions of all of them.
    actions: BTreeSet<ActionName>,
    /// The actions of those of each API.
    by_api: BTreeMap<ApiIdentifier, BTreeSet<ActionName>>,
}

impl Resources {
    /// Of these.
    ///
    /// # Errors
    /// All that is wrong, by place in the list.
    pub fn new(list: Vec<Resource>) -> Result<Resources, Vec<(usize, ResourceError)>> {
        let mut resources = Resources::default();
        let mut errors = Vec::new();
        for (at, resource) in list.into_iter().enumerate() {
            let full = (at == RESOURCES_PER_NAMESPACE).then_some(ResourceError::TooMany);
            let twice = resources.find(resource.code.as_str()).is_some();
            let twice = twice.then(|| ResourceError::CodeTwice(resource.code.clone()));
            errors.extend(resource.check().err().or(twice).or(full).map(|error| (at, error)));
            resources.insert(resource);
        }
        if errors.is_empty() { Ok(resources) } else { Err(errors) }
    }

    fn insert(&mut self, resource: Resource) {
        let names = || resource.actions.iter().map(|action| action.name.clone());
        self.actions.extend(names());
        if let Some(api) = &resource.api_identifier {
            self.by_api.entry(api.clone()).or_default().extend(names());
        }
        self.by_code.insert(resource.code.clone(), resource);
    }

    /// All of them, by code.
    pub fn iter(&self) -> impl Iterator<Item = &Resource> {
        self.by_code.values()
    }

    /// The one with this code.
    pub fn find(&self, code: &str) -> Option<&Resource> {
        self.by_code.get(code)
    }

    /// Those that can no longer be asked for by their code alone, since a scope of the pool's own has that name.
    pub fn hidden<'a>(&'a self, settings: &'a PoolSettings) -> impl Iterator<Item = &'a ResourceCode> {
        settings.scopes.keys().filter_map(|name| Some(self.by_code.get_key_value(name.as_str())?.0))
    }

    /// The API of this identifier, if one of them belongs to it.
    pub(super) fn api(&self, identifier: &str) -> Option<&ApiIdentifier> {
        self.by_api.get_key_value(identifier).map(|(api, _)| api)
    }

    /// Whether one of those of `api`, or of all, has `action`.
    pub(super) fn define(&self, action: Part<&str>, api: Option<&str>) -> bool {
        let actions = match api {
            Some(api) => self.by_api.get(api),
            None => (!self.by_code.is_empty()).then_some(&self.actions),
        };
        actions.is_some_and(|actions| match action {
            Part::Any => true,
            Part::One(name) => actions.contains(name),
        })
    }
}
