//! Who asks: a programmatic account, or an administrator by a program they signed in to.

use signet_protocol::{
    access_token::Audience,
    id::AppId,
    operator::{Administrator, Permission},
    resource::{self, ScopeCase},
};
use signet_store::audit::Named;

use super::{
    problem::{Problem, UNAUTHORIZED},
    reply::NO_TOKEN,
};
use crate::{
    Signet, audit,
    edge::Edge,
    oidc::{live, me::bearer},
};

/// Somebody with a token of the pool's own issuer that is alive. Only [`Caller::of`] makes one.
pub struct Caller {
    /// As records have them.
    named: Named,
    /// By which requests are counted.
    id: [u8; 12],
    permitted: Vec<Permission>,
    /// The role, if it is a user.
    role: Option<Administrator>,
}

impl Caller {
    /// Whom the token of a request shows.
    ///
    /// An account has what the token's scope says, as far as rules still allow it: a rule that is taken back counts at
    /// once. A user has what the token says, as far as their role does.
    pub async fn of(signet: &Signet, edge: &Edge) -> Result<Caller, Problem> {
        let header =
            edge.authorization().map_err(|refusal| Problem::new(UNAUTHORIZED, refusal.description))?;
        let Some(text) = header.and_then(bearer) else { return Err(Problem::new(UNAUTHORIZED, NO_TOKEN)) };
        let live = live::access_token(signet, &edge.issuer, text).await?;
        let Some(live) = live.filter(|live| matches!(live.token.aud, Audience::Client(_))) else {
            let detail = "the access token is malformed, expired, revoked, for another API, or of another issuer than \
                          the pool's own; get a new one there";
            return Err(Problem::new(UNAUTHORIZED, detail));
        };
        let token = &live.token;
        match &live.user {
            Some(user) => {
                let role = signet.store().administrator(user.id).await?;
                let Some(role) = role else { return Err(Problem::lacks(&[])) };
                Ok(Caller {
                    named: audit::user(user),
                    id: user.id.bytes(),
                    permitted: resource::permitted(&token.scope),
                    role: Some(role),
                })
            }
            None => {
                let account = token.client_id.as_account();
                let (settings, permissions) = (
                    signet.store().pool_settings().await?,
                    signet.store().permissions(live.application.id).await?,
                );
                let case = ScopeCase {
                    scope: &token.scope,
                    api: None,
                    caller: resource::Caller::Account(account),
                    settings: &settings,
                    ip: Some(edge.peer),
                    now: signet.now().timestamp(),
                    mfa: None,
                };
                let allowed = permissions.decide(&case).granted;
                Ok(Caller {
                    named: Named::new(account, format!("account of {}", live.application.name)),
                    id: account.bytes(),
                    permitted: resource::permitted(&allowed),
                    role: None,
                })
            }
        }
    }

    /// Whether they may do it, to `application` if it is done to one.
    pub fn may(&self, permission: Permission, application: Option<AppId>) -> bool {
        self.permitted.contains(&permission)
            && self.role.as_ref().is_none_or(|role| role.may(permission, application))
    }

    /// Whether they may give it to others.
    pub fn may_give(&self, permission: Permission) -> bool {
        self.permitted.contains(&permission)
            && self.role.as_ref().is_none_or(|role| role.may_give(permission))
    }

    /// All that they may give to others.
    pub fn gives(&self) -> Vec<Permission> {
        Permission::ALL.iter().copied().filter(|permission| self.may_give(*permission)).collect()
    }

    /// Whether a list shows them this application.
    pub fn sees(&self, application: AppId) -> bool {
        self.role.as_ref().is_none_or(|role| role.sees(application))
    }

    /// As records have them.
    pub fn named(&self) -> &Named {
        &self.named
    }

    /// By which requests are counted.
    pub fn id(&self) -> [u8; 12] {
        self.id
    }
}
