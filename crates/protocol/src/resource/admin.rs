//! The built-in resource `admin`: what programs may do with a pool through the admin API.
//!
//! It is the pool's and never stored: no resource of an application or of the pool can have its code. A rule gives of it only
//! what names it: `resource = "*"` does not, so that no rule that was written for an application's own resources opens the
//! pool. A rule that denies `*` denies it, too.

use std::sync::LazyLock;

use super::{Action, ActionName, Namespace, Part, Resource, ResourceCode, ResourceType, Rule, ScopeItem};
use crate::{operator::Permission, said::Pair, scope::Scope};

/// Its code, in the pool's namespace.
pub const ADMIN: &str = "admin";

/// What whoever declares a resource of that code is told.
pub const RESERVED: Pair = Pair(
    "is the built-in resource of the admin API; take another code",
    "是管理 API 的内置资源，请另选一个编码",
);

static RESOURCE: LazyLock<Option<Resource>> = LazyLock::new(|| {
    let mut actions: Vec<Action> = Vec::new();
    for permission in Permission::ALL {
        let name = ActionName::parse(permission.parts().1).ok()?;
        if !actions.iter().any(|action| action.name == name) {
            actions.push(Action { name, description: None });
        }
    }
    Some(Resource {
        code: ResourceCode::parse(ADMIN).ok()?,
        name: Some("Signet".to_owned()),
        kind: ResourceType::Api,
        description: None,
        actions,
        api_identifier: None,
    })
});

/// It, in a token for `api`: it belongs to none, so that a token for another API never has it.
pub(super) fn resource(api: Option<&str>) -> Option<&'static Resource> {
    RESOURCE.as_ref().filter(|resource| resource.is_of(api))
}

/// Whether a resource of the pool, or an item, of this code is it.
pub(super) fn is_admin(code: &str) -> bool {
    code == ADMIN
}

/// What a scope permits at the admin API. Only items that name the resource, and say what of it: `admin` alone could be a
/// scope of users.
pub fn permitted(scope: &Scope) -> Vec<Permission> {
    let items = || scope.customs().filter(|text| text.contains(':')).filter_map(ScopeItem::parse);
    let named = |item: &ScopeItem| item.resource == Part::One(ADMIN);
    let covers = |item: &ScopeItem, permission: Permission| {
        let (area, action) = permission.parts();
        item.id.covers(&Part::One(area)) && item.action.covers(&Part::One(action))
    };
    let gives = |permission: &Permission| items().filter(named).any(|item| covers(&item, *permission));
    Permission::ALL.iter().copied().filter(gives).collect()
}

/// What a rule is about of the admin API, whether it allows or denies that.
pub fn concerned(rule: &Rule) -> Vec<Permission> {
    let about = |permission: &Permission| {
        let (area, action) = permission.parts();
        rule.identifier.as_deref().covers(&Part::One(area)) && rule.actions.cover(Part::One(action))
    };
    match rule.named() {
        Part::One((Namespace::Pool, code)) if is_admin(code) => {
            Permission::ALL.iter().copied().filter(about).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
#[path = "admin_tests.rs"]
mod tests;
