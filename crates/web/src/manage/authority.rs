//! What nobody gives away who does not have it: rights at the admin API.
//!
//! A rule about the built-in resource `admin` makes programs administrators, and so does the key of an account that has
//! such rules. Whoever adds or takes away the one, or changes the other, must have those rights themselves, whichever door
//! they come by (attack 19). Commands on the machine have them all.

use signet_protocol::{
    access::Effect,
    id::{AccountId, AppId, UserId},
    operator::Permission,
    resource::{Caller, ScopeCase, concerned, permitted},
    scope::Scope,
};
use signet_store::{
    Change, StoreError,
    audit::{Origin, Via},
};

use super::{plan::PlanError, problem::Problem};
use crate::Signet;

/// Refused, if `changes` give what whoever makes them does not have.
pub(super) async fn check(signet: &Signet, origin: &Origin, changes: &[Change]) -> Result<(), PlanError> {
    let mut needed = Vec::new();
    for change in changes {
        match change {
            Change::Rules { added, removed, .. } => {
                needed.extend(added.iter().chain(removed).flat_map(concerned));
            }
            Change::UpdateAccount(account) => {
                needed.extend(of_account(signet, account.application, account.id).await?);
            }
            _ => {}
        }
    }
    if needed.is_empty() || may_give(signet, origin, &needed).await? {
        return Ok(());
    }
    let message = "gives rights at the admin API that whoever asks does not have; ask an owner to do it";
    Err(PlanError::Refused(vec![Problem::new(1, message)]))
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

/// Whether the actor of `origin` may give all of `needed`.
pub async fn may_give(signet: &Signet, origin: &Origin, needed: &[Permission]) -> Result<bool, StoreError> {
    match origin.via {
        Via::CommandLine | Via::Apply | Via::Automatic => return Ok(true),
        Via::Console | Via::Api => {}
        Via::Page | Via::Endpoint => return Ok(false),
    }
    let Some(id) = origin.actor.id.as_deref() else { return Ok(false) };
    if let Some(user) = UserId::parse(id)
        && let Some(administrator) = signet.store().administrator(user).await?
    {
        return Ok(needed.iter().all(|permission| administrator.may_give(*permission)));
    }
    let account = match AccountId::parse(id) {
        Some(id) if origin.via == Via::Api => signet.store().account(id).await?,
        _ => None,
    };
    let Some(account) = account else { return Ok(false) };
    let items: Vec<String> = Permission::ALL.iter().map(|permission| permission.item()).collect();
    let Ok(scope) = Scope::parse(&items.join(" ")) else { return Ok(false) };
    let (store, settings) = (signet.store(), signet.store().pool_settings().await?);
    let decision = store.permissions(account.application).await?.decide(&ScopeCase {
        scope: &scope,
        api: None,
        caller: Caller::Account(account.id),
        settings: &settings,
        ip: origin.ip.as_deref().and_then(|text| text.parse().ok()),
        now: signet.now().timestamp(),
        mfa: None,
    });
    let held = permitted(&decision.granted);
    Ok(needed.iter().all(|permission| held.contains(permission)))
}
