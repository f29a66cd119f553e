//! Who may do what with a pool: the people at the console, and the programs at the admin API.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    application::names,
    id::{AppId, ConsoleSessionId, UserId},
    resource::ADMIN,
    secret::SecretHash,
    time::{Seconds, Timestamp},
};

/// How long a login to the console lasts.
pub const CONSOLE_SESSION_EXPIRE: Seconds = Seconds(12 * 3600);
/// How long after a login secrets are shown and things removed without the password being asked for again.
pub const FRESH: Seconds = Seconds(15 * 60);
/// How long a set-up link is good.
pub const SETUP_LINK_EXPIRE: Seconds = Seconds(24 * 3600);
/// Applications that a manager of applications may be named for.
pub const APPLICATIONS_PER_MANAGER: usize = 200;

names!(
    /// What an administrator may do.
    Role {
        /// Everything.
        Owner = "owner",
        /// Everything but to say who administers, and which user pools there are.
        Administrator = "administrator",
        /// To look at everything that is no secret.
        Auditor = "auditor",
        /// Everything with the applications that are named.
        ApplicationManager = "application_manager",
    }
);

names!(
    /// One thing that may be allowed. As a scope of the admin API it is `admin:` and this.
    Permission {
        /// To look at the overview.
        OverviewRead = "overview:read",
        /// To look at applications, with their accounts, resources, rules and sessions.
        ApplicationsRead = "applications:read",
        /// To change them.
        ApplicationsWrite = "applications:write",
        /// To create and to remove them.
        ApplicationsCreate = "applications:create",
        /// To see and to replace their secrets.
        SecretsRead = "secrets:read",
        /// To look at users, with their sessions and grants.
        UsersRead = "users:read",
        /// To create, change, block and remove them.
        UsersWrite = "users:write",
        /// To look at the settings of the pool.
        SettingsRead = "settings:read",
        /// To change them.
        SettingsWrite = "settings:write",
        /// To look at the audit log.
        AuditRead = "audit:read",
        /// To see who administers.
        AdministratorsRead = "administrators:read",
        /// To say who does.
        AdministratorsWrite = "administrators:write",
        /// To see which user pools there are. Of use in the default pool alone.
        PoolsRead = "pools:read",
        /// To make, move and remove them.
        PoolsWrite = "pools:write",
    }
);

impl Permission {
    /// Whether it is about one application where a request names one.
    fn is_of_application(self) -> bool {
        matches!(self, Permission::ApplicationsRead | Permission::ApplicationsWrite | Permission::SecretsRead)
    }

    /// Whether it is the owners' alone.
    fn is_of_owners(self) -> bool {
        matches!(self, Permission::AdministratorsWrite | Permission::PoolsWrite)
    }

    /// What it is about, and what is done with that.
    pub fn parts(self) -> (&'static str, &'static str) {
        self.as_str().split_once(':').unwrap_or((self.as_str(), ""))
    }

    /// As a scope of the admin API.
    pub fn item(self) -> String {
        format!("{ADMIN}:{}", self.as_str())
    }

    /// Whether nothing is changed by it, and no secret shown.
    pub fn is_harmless(self) -> bool {
        self.as_str().ends_with(":read") && self != Permission::SecretsRead
    }
}

/// A user of the pool who may use its console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Administrator {
    /// Who it is.
    pub user: UserId,
    /// What they may do.
    pub role: Role,
    /// The applications of a manager of applications; of no importance to the other roles.
    pub applications: BTreeSet<AppId>,
    /// Since when they have a role.
    pub created_at: Timestamp,
    /// Counts the changes.
    pub version: i64,
}

impl Administrator {
    /// Whether they may do it; `application` is the one it is done to, if it is done to one.
    pub fn may(&self, permission: Permission, application: Option<AppId>) -> bool {
        match self.role {
            Role::Owner => true,
            Role::Administrator => !permission.is_of_owners(),
            Role::Auditor => permission.is_harmless(),
            Role::ApplicationManager => match application {
                Some(id) => permission.is_of_application() && self.applications.contains(&id),
                None => permission == Permission::ApplicationsRead,
            },
        }
    }

    /// Whether they may give it to a program: who may not do a thing themselves gives nobody the right to, and who manages
    /// applications gives nothing of the pool (attack 19).
    pub fn may_give(&self, permission: Permission) -> bool {
        matches!(self.role, Role::Owner | Role::Administrator) && self.may(permission, None)
    }

    /// Whether a list shows them this application.
    pub fn sees(&self, application: AppId) -> bool {
        self.may(Permission::ApplicationsRead, Some(application))
    }
}

/// A login to the console. It is none to any application, and no login to one is a login here.
#[derive(Clone, Debug)]
pub struct ConsoleSession {
    /// Finds the row.
    pub id: ConsoleSessionId,
    /// Hash of the cookie's secret.
    pub hash: SecretHash,
    /// Who signed in.
    pub user: UserId,
    /// When they last proved who they are.
    pub auth_time: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
}

impl ConsoleSession {
    /// Whether whoever shows a secret of this hash is signed in at `now`, where logins last `lifetime` by the settings of
    /// today.
    pub fn admits(&self, shown: &SecretHash, lifetime: Seconds, now: Timestamp) -> bool {
        let end = self.expires_at.min(self.auth_time.plus(lifetime));
        self.hash.matches(shown) && self.ended_at.is_none() && now < end
    }

    /// Whether they proved who they are a moment ago.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now.since(self.auth_time) < FRESH
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RowId;

    fn administrator(role: Role) -> Administrator {
        Administrator {
            user: UserId::from_bytes([1; 12]),
            role,
            applications: BTreeSet::from([AppId::from_bytes([2; 12])]),
            created_at: Timestamp(0),
            version: 1,
        }
    }

    #[test]
    fn each_role_may_what_its_line_says() {
        let (own, other) = (Some(AppId::from_bytes([2; 12])), Some(AppId::from_bytes([3; 12])));
        for permission in Permission::ALL.iter().copied() {
            for application in [None, own, other] {
                let may = |role| administrator(role).may(permission, application);
                assert!(may(Role::Owner));
                let owners = ["administrators:write", "pools:write"].contains(&permission.as_str());
                assert_eq!(may(Role::Administrator), !owners);
                let reads = permission.as_str().ends_with(":read") && permission != Permission::SecretsRead;
                assert_eq!(may(Role::Auditor), reads, "{permission:?}");
            }
            let of_one = ["applications:read", "applications:write", "secrets:read"];
            let manager = administrator(Role::ApplicationManager);
            assert_eq!(manager.may(permission, own), of_one.contains(&permission.as_str()), "{permission:?}");
            assert!(!manager.may(permission, other), "{permission:?}");
            assert_eq!(manager.may(permission, None), permission == Permission::ApplicationsRead);
            let gives = |role| administrator(role).may_give(permission);
            assert!(gives(Role::Owner) && !gives(Role::Auditor) && !gives(Role::ApplicationManager));
            let owners = ["administrators:write", "pools:write"].contains(&permission.as_str());
            assert_eq!(gives(Role::Administrator), !owners);
        }
    }

    #[test]
    fn a_session_admits_its_secret_until_its_end_and_is_fresh_for_a_quarter_of_an_hour() {
        let hash = SecretHash::of("test", b"mine");
        let session = ConsoleSession {
            id: ConsoleSessionId::from_bytes([1; 16]),
            hash,
            user: UserId::from_bytes([1; 12]),
            auth_time: Timestamp(1000),
            expires_at: Timestamp(2000),
            ended_at: None,
        };
        let day = Seconds(86_400);
        assert!(session.admits(&hash, day, Timestamp(1999)));
        assert!(!session.admits(&hash, day, Timestamp(2000)));
        assert!(session.admits(&hash, Seconds(900), Timestamp(1899)));
        assert!(!session.admits(&hash, Seconds(900), Timestamp(1900)), "shortened since it began");
        assert!(!session.admits(&SecretHash::of("test", b"other"), day, Timestamp(1000)));
        let ended = ConsoleSession { ended_at: Some(Timestamp(1001)), ..session.clone() };
        assert!(!ended.admits(&hash, day, Timestamp(1002)));
        assert!(session.is_fresh(Timestamp(1899)) && !session.is_fresh(Timestamp(1900)));
    }
}
