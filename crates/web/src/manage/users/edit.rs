//! Creating and changing one user.

use std::fmt;

use signet_protocol::{
    id::UserId,
    said,
    said::{SEMICOLON, Said},
    user::User,
};
use signet_store::{
    Applied, Change, StoreError,
    audit::{Act, Origin},
};

use super::fields::{FieldProblem, Fields};
use crate::{
    Signet,
    clock::SystemEntropy,
    manage::{
        authority::{self, Forbidden},
        history,
        plan::{Draft, Plan, PlanError, users as plan},
    },
};

/// How often a change is made again because somebody else was quicker.
const ATTEMPTS: usize = 3;

/// Why a user is not as was asked. Nothing was changed.
#[derive(Debug)]
pub enum EditError {
    /// There is no such user.
    NoUser,
    /// The user was changed since the version that was named.
    Stale,
    /// What is wrong, field by field.
    Refused(Vec<FieldProblem>),
    /// Whoever acts may not do it.
    Forbidden(Forbidden),
    /// The hashing threads are at capacity.
    Busy,
    /// Others changed the same user, each time.
    Contended,
    /// The store failed.
    Store(StoreError),
}

impl From<&EditError> for Said {
    fn from(error: &EditError) -> Said {
        match error {
            EditError::NoUser => said!("there is no such user", "没有此用户"),
            EditError::Stale => said!(
                "somebody else has changed this user since; look at them again",
                "其他人此后修改了该用户；请重新查看"
            ),
            EditError::Refused(problems) => {
                Said::join(problems.iter().map(|problem| &problem.message), SEMICOLON)
            }
            EditError::Forbidden(reason) => reason.into(),
            EditError::Busy => said!(
                "the server is hashing as many passwords as it can; try again in a moment",
                "服务器正忙于计算密码哈希；请稍后重试"
            ),
            EditError::Contended => said!(
                "somebody else keeps changing the same user; try again in a moment",
                "其他人正在不断修改同一用户；请稍后重试"
            ),
            EditError::Store(error) => said!("{error}", "数据库出错（{error}）"),
        }
    }
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Said::from(self))
    }
}

impl std::error::Error for EditError {}

impl From<StoreError> for EditError {
    fn from(error: StoreError) -> EditError {
        EditError::Store(error)
    }
}

impl From<PlanError> for EditError {
    fn from(error: PlanError) -> EditError {
        match error {
            PlanError::Refused(problems) => EditError::Refused(
                problems.into_iter().map(|problem| FieldProblem::new("", problem.message)).collect(),
            ),
            PlanError::Stale => EditError::Stale,
            PlanError::Forbidden(reason) => EditError::Forbidden(reason),
            PlanError::Busy => EditError::Busy,
            PlanError::Contended => EditError::Contended,
            PlanError::Store(error) => EditError::Store(error),
        }
    }
}

/// Creates a user.
pub async fn create(signet: &Signet, fields: &Fields, origin: &Origin) -> Result<User, EditError> {
    let read = fields.read().map_err(EditError::Refused)?;
    for _ in 0..ATTEMPTS {
        match plan::find(signet, &read.entry).await? {
            Ok(None) => {}
            Ok(Some(other)) => return Err(EditError::Refused(vec![exists(fields, &other)])),
            Err((key, reason)) => return Err(EditError::Refused(vec![FieldProblem::new(key, reason)])),
        }
        let pool = signet.store().stored_pool_settings().await?;
        let mut draft = Draft::default();
        plan::create(signet, &read.entry, &pool, &mut draft).await?;
        let plan = draft.outcome().map_err(|problems| EditError::Refused(read.by_field(problems)))?;
        let created = plan.changes().iter().find_map(|change| match change {
            Change::InsertUser(user) => Some(user.clone()),
            _ => None,
        });
        let Some(user) = created else { break };
        if write(signet, plan, origin).await? {
            tracing::info!(sub = %user.id, "an operator created a user");
            return Ok(user);
        }
    }
    Err(EditError::Contended)
}

/// That `other` has a key of the user who is to be created already.
pub(super) fn exists(fields: &Fields, other: &User) -> FieldProblem {
    let named = |key: &&str| {
        fields.0.get(*key).and_then(serde_json::Value::as_str).is_some_and(|text| !text.is_empty())
    };
    let key = ["username", "email", "phone"].into_iter().find(named).unwrap_or_default();
    let other = other.account_name();
    FieldProblem::new(key, said!("the user {other} exists already", "用户 {other} 已存在"))
}

/// Changes what `fields` say of a user; the rest stays. With a `version`, only if they are still at that one. Blocking them, or
/// another password, ends their sessions and revokes what they gave.
pub async fn edit(
    signet: &Signet,
    id: UserId,
    version: Option<i64>,
    fields: &Fields,
    origin: &Origin,
) -> Result<User, EditError> {
    authority::person(signet, origin, id).await?;
    for _ in 0..ATTEMPTS {
        let old = signet.store().person(id).await?.ok_or(EditError::NoUser)?.user;
        if version.is_some_and(|version| version != old.version) {
            return Err(EditError::Stale);
        }
        if let Some(user) = edit_once(signet, &old, fields, origin).await? {
            return Ok(user);
        }
    }
    Err(EditError::Contended)
}

/// `None` when somebody else was quicker.
async fn edit_once(
    signet: &Signet,
    old: &User,
    fields: &Fields,
    origin: &Origin,
) -> Result<Option<User>, EditError> {
    let read = with_a_key(old, fields).read().map_err(EditError::Refused)?;
    let pool = signet.store().stored_pool_settings().await?;
    let mut draft = Draft::default();
    plan::update(signet, &read.entry, (old, &pool), &mut draft).await?;
    let plan = draft.outcome().map_err(|problems| EditError::Refused(read.by_field(problems)))?;
    let changed = plan.changes().iter().find_map(|change| match change {
        Change::UpdateUser(user) => Some(user.clone()),
        _ => None,
    });
    let Some(user) = changed else { return Ok(Some(old.clone())) };
    if let Some((key, reason)) = plan::taken(signet, &user).await? {
        return Err(EditError::Refused(vec![FieldProblem::new(key, reason)]));
    }
    let written = write(signet, plan, origin).await?;
    tracing::info!(sub = %user.id, written, "an operator changed a user");
    Ok(written.then(|| User { version: old.version + 1, ..user }))
}

/// An entry of a description says whom it is about.
fn with_a_key(old: &User, fields: &Fields) -> Fields {
    let keys = [("username", &old.username), ("email", &old.email), ("phone", &old.phone)];
    let own = keys.into_iter().find_map(|(key, value)| Some((key, value.clone()?)));
    match own {
        Some((key, value)) if keys.iter().all(|(key, _)| !fields.0.contains_key(*key)) => {
            fields.clone().with(key, value)
        }
        _ => fields.clone(),
    }
}

/// Blocks a user, which ends their sessions and revokes what they gave, or lets them in again.
pub async fn set_blocked(
    signet: &Signet,
    id: UserId,
    blocked: bool,
    origin: &Origin,
) -> Result<User, EditError> {
    edit(signet, id, None, &Fields::default().with("blocked", blocked), origin).await
}

/// Writes what is planned, and its records; `false` when somebody else was quicker.
async fn write(signet: &Signet, mut plan: Plan, origin: &Origin) -> Result<bool, EditError> {
    let act = Act { now: signet.now(), entries: plan.entries(origin) };
    let mut changes = plan.take_changes();
    authority::check(signet, origin, &changes).await?;
    history::keep(signet, &plan, &mut changes, (origin, None)).await?;
    match signet.store().apply(changes, act, &mut SystemEntropy).await {
        Ok(applied) => Ok(applied == Applied::Done),
        Err(StoreError::Conflict { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
