//! A request by somebody who may make it.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value};
use signet_protocol::{
    application::Application,
    id::{AccountId, AppId, UserId},
    params::RawParams,
};
use signet_store::audit::{Origin, Via};

use super::{caller::Caller, problem::Problem};
use crate::{Signet, edge::Edge};

/// A request to the API. Only the gate makes one.
pub struct Ask {
    /// The server.
    pub signet: Arc<Signet>,
    pub(super) edge: Edge,
    pub(super) caller: Caller,
    pub(super) path: BTreeMap<String, String>,
    pub(super) query: RawParams,
    pub(super) body: Map<String, Value>,
    pub(super) version: Option<i64>,
    pub(super) reason: Option<String>,
}

impl Ask {
    /// The part of the path that the route calls `name`.
    pub fn part(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    /// The application that the path names.
    pub async fn application(&self) -> Result<Arc<Application>, Problem> {
        let id = AppId::parse(self.part("app")).ok_or_else(|| Problem::missing("application"))?;
        let found = self.signet.store().application(id).await?;
        found.ok_or_else(|| Problem::missing("application"))
    }

    /// The account that the path names.
    pub fn account(&self) -> Result<AccountId, Problem> {
        AccountId::parse(self.part("account")).ok_or_else(|| Problem::missing("account"))
    }

    /// The user that the path names.
    pub fn user(&self) -> Result<UserId, Problem> {
        UserId::parse(self.part("user")).ok_or_else(|| Problem::missing("user"))
    }

    /// A member of the body that is a text.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Problem> {
        match self.body.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Problem::field(name, format!("`{name}` must be a string"))),
        }
    }

    /// A member of the body that is `true` or `false`.
    pub fn truth(&self, name: &str) -> Result<Option<bool>, Problem> {
        match self.body.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(truth)) => Ok(Some(*truth)),
            Some(_) => Err(Problem::field(name, format!("`{name}` must be true or false"))),
        }
    }

    /// A member of the body that is a whole number.
    pub fn number(&self, name: &str) -> Result<Option<i64>, Problem> {
        match self.body.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_i64() {
                Some(number) => Ok(Some(number)),
                None => Err(Problem::field(name, format!("`{name}` must be a whole number"))),
            },
        }
    }

    /// A parameter of the query.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.get(name).filter(|text| !text.is_empty())
    }

    /// A parameter of the query that is a whole number, which the gate has looked at.
    pub fn param_number(&self, name: &str) -> Option<i64> {
        self.param(name).and_then(|text| text.parse().ok())
    }

    /// Where what is done by this request comes from.
    pub fn origin(&self) -> Origin {
        let origin = self.edge.origin(Via::Api).by(self.caller.named().clone());
        Origin { reason: self.reason.clone(), granted: self.caller.gives(), ..origin }
    }
}

/// Something that is not there, where that is no surprise.
pub fn found(done: bool, what: &str) -> Result<(), Problem> {
    if done { Ok(()) } else { Err(Problem::missing(what)) }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::api::problem::NOT_FOUND;

    #[test]
    fn what_is_not_there_is_told_so() {
        assert_eq!(found(true, "grant"), Ok(()));
        let problem = found(false, "grant").unwrap_err();
        assert_eq!((problem.kind, problem.kind.status), (NOT_FOUND, StatusCode::NOT_FOUND));
        assert_eq!(problem.detail, "there is no such grant");
    }
}
