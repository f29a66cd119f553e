//! What nobody gives away who does not have it: rights at the admin API, and what those have who administer.
//!
//! A rule about the built-in resource `admin` makes programs administrators, and so does the key of an account that has
//! such rules. Whoever adds or takes away the one, or changes the other, must have those rights themselves, whichever door
//! they come by (attack 19). Commands on the machine have them all.

use signet_protocol::{
    access::Effect,
    id::{AccountId, AppId, UserId},
    operator::Permission,
    resource::concerned,
    says,
};
use signet_store::{
    Change, StoreError,
    audit::{Origin, Via},
};

use super::plan::PlanError;
use crate::Signet;

/// What whoever acts may not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forbidden {
    /// They give rights at the admin API which they do not have: these are needed.
    Rights(Vec<Permission>),
    /// They change somebody who administers the pool, and may not say who does.
    Administrators,
}

says!(Forbidden {
    Forbidden::Rights(_) =>
        "gives rights at the admin API that whoever asks does not have; ask an owner to do it",
        "会赋予请求者自己所没有的管理 API 权限；请由所有者来操作";
    Forbidden::Administrators =>
        "this user administers the pool; they are changed by those who say who does: an owner, or a program with \
         admin:administrators:write",
        "此用户是用户池的管理人员，只能由所有者或具有 admin:administrators:write 的程序更改";
});

impl Forbidden {
    /// What would have to be allowed.
    pub fn needs(&self) -> Vec<Permission> {
        match self {
            Forbidden::Rights(needed) => needed.clone(),
            Forbidden::Administrators => vec![Permission::AdministratorsWrite],
        }
    }
}

/// Refused, if `changes` give what whoever makes them does not have, or change who administers.
pub(super) async fn check(signet: &Signet, origin: &Origin, changes: &[Change]) -> Result<(), PlanError> {
    let mut needed = Vec::new();
    for change in changes {
        match change {
            Change::Rules { added, removed, .. } => {
                needed.extend(added.iter().chain(removed).flat_map(concerned));
            }
            Change::UpdateAccount(account) | Change::DeleteAccount(account) => {
                needed.extend(of_account(signet, account.application, account.id).await?);
            }
            Change::UpdateUser(user) | Change::DeleteUser(user) => person(signet, origin, user.id).await?,
            _ => {}
        }
    }
    if needed.is_empty() || may_give(signet, origin, &needed).await? {
        return Ok(());
    }
    Err(PlanError::Forbidden(Forbidden::Rights(needed)))
}

/// Refused, if whoever acts may not change `user`.
pub(super) async fn person(signet: &Signet, origin: &Origin, user: UserId) -> Result<(), PlanError> {
    match may_change(signet, origin, user).await? {
        true => Ok(()),
        false => Err(PlanError::Forbidden(Forbidden::Administrators)),
    }
}

/// Whether `user` does not administer the pool, or whoever acts may say who does: whoever could give an owner another password,
/// take a link of theirs, or take back what they are known by, would be one (attack 19).
pub async fn may_change(signet: &Signet, origin: &Origin, user: UserId) -> Result<bool, StoreError> {
    Ok(signet.store().administrator(user).await?.is_none()
        || may_give(signet, origin, &[Permission::AdministratorsWrite]).await?)
}

/// What the rules about an account are about of the admin API, whether they count now or not.
pub async fn of_account(
    signet: &Signet,
    application: AppId,
    account: AccountId,
) -> Result<Vec<Permission>, StoreError> {
    let permissions = signet.store().permissions(application).await?;
    let given = |rule: &&signet_protocol::resource::Rule| rule.effect == Effect::Allow;
    Ok(permissions.about_account(account).iter().filter(given).flat_map(concerned).collect())
}

/// Whether the actor of `origin` may give all of `needed`: what a program was granted with its token, and what the role of a person at
/// the console allows at this moment.
pub async fn may_give(signet: &Signet, origin: &Origin, needed: &[Permission]) -> Result<bool, StoreError> {
    match origin.via {
        Via::CommandLine | Via::Apply | Via::Automatic => Ok(true),
        Via::Api => Ok(needed.iter().all(|permission| origin.granted.contains(permission))),
        Via::Console => {
            let user = origin.actor.id.as_deref().and_then(UserId::parse);
            let Some(user) = user else { return Ok(false) };
            let role = signet.store().administrator(user).await?;
            Ok(role.is_some_and(|role| needed.iter().all(|permission| role.may_give(*permission))))
        }
        Via::Page | Via::Endpoint => Ok(false),
    }
}
