//! One entry changed key by key: what a form or a JSON object says becomes the description that `signet apply` reads, so
//! that every way keeps to the same rules. What is wrong comes back under the key it is about.

use serde_json::Value;
use signet_protocol::{
    id::{AppId, UserId},
    lang::Lang,
    said::Said,
};
use signet_store::{Change, audit::Origin};

use super::{
    apply::carry_out,
    authority,
    description::Description,
    export::toml,
    plan::{Plan, PlanError, plan},
    problem::Problem,
};
use crate::Signet;

/// An entry of a description, being written. Each key has a line of its own.
#[derive(Clone, Debug)]
pub struct Edit {
    text: String,
    keys: Vec<String>,
    seen: Option<Seen>,
}

/// What whoever changes an entry has seen of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// An application at a version.
    Application(AppId, i64),
    /// A user at a version.
    User(UserId, i64),
    /// The settings of the pool at a version.
    Pool(i64),
}

/// Something wrong, and the key it is about where it is about one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldProblem {
    /// The key.
    pub key: Option<String>,
    /// What is wrong and what would be right.
    pub message: Said,
}

impl FieldProblem {
    /// The message as it stands beside its field, which need not be named again.
    pub fn beside(&self, lang: Lang) -> &str {
        beside(self.key.as_deref().unwrap_or_default(), self.message.of(lang))
    }
}

/// A message about `key` as it stands beside that.
pub fn beside<'m>(key: &str, message: &'m str) -> &'m str {
    message.strip_prefix(format!("`{key}` ").as_str()).unwrap_or(message)
}

/// Why an edit was not carried out. Nothing was changed.
#[derive(Debug)]
pub enum EditError {
    /// It breaks rules.
    Refused(Vec<FieldProblem>),
    /// Anything else.
    Plan(PlanError),
}

impl Edit {
    /// An entry of a table: `applications`, `users`.
    pub fn of(table: &str) -> Edit {
        Edit { text: format!("[[{table}]]\n"), keys: Vec::new(), seen: None }
    }

    /// Of an application that there is, as it was seen.
    pub fn application(id: AppId, version: i64) -> Edit {
        let edit = Edit { seen: Some(Seen::Application(id, version)), ..Edit::of("applications") };
        edit.set("id", &id.to_string().into())
    }

    /// Of a user that there is, as they were seen.
    pub fn user(id: UserId, version: i64) -> Edit {
        let edit = Edit { seen: Some(Seen::User(id, version)), ..Edit::of("users") };
        edit.set("id", &id.to_string().into())
    }

    /// Of what the pool has, as it was seen.
    pub fn pool(table: &str, version: i64) -> Edit {
        Edit { seen: Some(Seen::Pool(version)), ..Edit::of(table) }
    }

    /// One table of the pool's own, as it was seen where that is said.
    pub fn section(table: &str, version: Option<i64>) -> Edit {
        let seen = version.map(Seen::Pool);
        Edit { text: format!("[{table}]\n"), keys: Vec::new(), seen }
    }

    /// A list of the pool's own, of the entries that are said.
    pub fn list(key: &str, entries: &Value) -> Edit {
        // An empty first line stands in the place of a table's.
        let edit = Edit { text: "\n".to_owned(), keys: Vec::new(), seen: None };
        edit.set(key, entries)
    }

    /// Says what the value of a key shall be; nothing of one that is null.
    #[must_use]
    pub fn set(mut self, key: &str, value: &Value) -> Edit {
        if let Some(value) = toml::inline(value) {
            self.text.push_str(&format!("{} = {value}\n", toml::key(key)));
            self.keys.push(key.to_owned());
        }
        self
    }

    /// The description.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it would do, by whoever may do it.
    pub async fn preview(&self, signet: &Signet, origin: &Origin) -> Result<Plan, EditError> {
        self.allowed(signet, origin).await?;
        let description = self.parse()?;
        let plan = plan(signet, &description).await.map_err(|error| self.told(error))?;
        self.unless_stale(&plan).map_err(EditError::Plan)?;
        authority::check(signet, origin, plan.changes()).await.map_err(EditError::Plan)?;
        Ok(plan)
    }

    /// Does it, as a whole or not at all, unless what it changes is not any more as it was seen.
    pub async fn save(&self, signet: &Signet, origin: &Origin) -> Result<Plan, EditError> {
        self.allowed(signet, origin).await?;
        let description = self.parse()?;
        let saved = carry_out(signet, &description, origin, |plan| self.unless_stale(plan)).await;
        saved.map_err(|error| self.told(error))
    }

    /// Does it, if `allow` has nothing against the plan.
    pub async fn save_if(
        &self,
        signet: &Signet,
        origin: &Origin,
        allow: impl Fn(&Plan) -> Result<(), PlanError>,
    ) -> Result<Plan, EditError> {
        let description = self.parse()?;
        let allow = |plan: &Plan| self.unless_stale(plan).and_then(|()| allow(plan));
        let saved = carry_out(signet, &description, origin, allow).await;
        saved.map_err(|error| self.told(error))
    }

    /// Does it, unless the entry is there already.
    pub async fn create(&self, signet: &Signet, origin: &Origin) -> Result<Plan, EditError> {
        let description = self.parse()?;
        super::apply::create(signet, &description, origin).await.map_err(|error| self.told(error))
    }

    /// Who may not change somebody is told that before what else is wrong.
    async fn allowed(&self, signet: &Signet, origin: &Origin) -> Result<(), EditError> {
        match self.seen {
            Some(Seen::User(id, _)) => authority::person(signet, origin, id).await.map_err(EditError::Plan),
            _ => Ok(()),
        }
    }

    /// What it says, if it can be read; else what cannot. Rules between keys are not asked.
    pub fn described(&self) -> Result<Description, Vec<FieldProblem>> {
        Description::parse(&self.text).map_err(|problems| self.told_by_key(problems))
    }

    fn parse(&self) -> Result<Description, EditError> {
        self.described().map_err(EditError::Refused)
    }

    fn unless_stale(&self, plan: &Plan) -> Result<(), PlanError> {
        let Some(seen) = self.seen else { return Ok(()) };
        let stale = plan.changes().iter().any(|change| match (seen, change) {
            (
                Seen::Application(id, version),
                Change::UpdateApplication(app) | Change::DeleteApplication(app),
            ) => app.id == id && app.version != version,
            // It was removed since.
            (Seen::Application(id, _), Change::InsertApplication(app)) => app.id == id,
            (Seen::User(id, version), Change::UpdateUser(user) | Change::DeleteUser(user)) => {
                user.id == id && user.version != version
            }
            (Seen::User(id, _), Change::InsertUser(user)) => user.id == id,
            (Seen::Pool(version), Change::UpdatePool(settings)) => settings.version != version,
            _ => false,
        });
        if stale { Err(PlanError::Stale) } else { Ok(()) }
    }

    fn told(&self, error: PlanError) -> EditError {
        match error {
            PlanError::Refused(problems) => self.refused(problems),
            error => EditError::Plan(error),
        }
    }

    fn refused(&self, problems: Vec<Problem>) -> EditError {
        EditError::Refused(self.told_by_key(problems))
    }

    fn told_by_key(&self, problems: Vec<Problem>) -> Vec<FieldProblem> {
        // The first line is that of the table.
        let key = |line: usize| line.checked_sub(2).and_then(|place| self.keys.get(place)).cloned();
        let told = |problem: Problem| FieldProblem { key: key(problem.line), message: problem.message };
        problems.into_iter().map(told).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wrong_is_told_under_its_key() {
        let edit = Edit::of("applications")
            .set("identifier", &json!("Not A Label"))
            .set("name", &Value::Null)
            .set("redirect_uris", &json!(["https://a.example/cb", "javascript:alert(1)"]))
            .set("sso", &json!("yes"));
        let Err(EditError::Refused(problems)) = edit.parse() else { panic!("{}", edit.text()) };
        let keys: Vec<&str> = problems.iter().filter_map(|problem| problem.key.as_deref()).collect();
        assert_eq!(keys, ["identifier", "redirect_uris", "sso"], "{problems:?}");
    }
}
