//! Who asks: a programmatic account, an administrator by a program they signed in to, or one who is signed in to the console, by a
//! script of its own pages.
//!
//! A browser sends the console's cookie along whoever made it send the request. It is a credential only with the token that the
//! console's pages have, which no other site can read, and only where the browser says that the request is of this origin (attack 19).

use http::{HeaderMap, HeaderName};
use signet_protocol::{
    access_token::Audience,
    id::AppId,
    operator::{Administrator, Permission},
    resource::{self, ScopeCase},
};
use signet_store::audit::Named;

use super::{
    problem::{Problem, UNAUTHORIZED},
    reply::{NO_COOKIE_ALONE, NO_TOKEN},
};
use crate::{
    Signet, audit,
    console::Operator,
    cookies,
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
    /// Whether they sit at the console and showed their password long ago.
    stale: bool,
}

/// What a script shows beside the cookie: the token of the forms of the console's pages.
const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");
/// Where a request comes from, as browsers say (Fetch Metadata).
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

impl Caller {
    /// Whom the token of a request shows.
    ///
    /// An account has what the token's scope says, as far as rules still allow it: a rule that is taken back counts at
    /// once. A user has what the token says, as far as their role does.
    pub async fn of(signet: &Signet, edge: &Edge, headers: &HeaderMap) -> Result<Caller, Problem> {
        let header =
            edge.authorization().map_err(|refusal| Problem::new(UNAUTHORIZED, refusal.description))?;
        if header.is_none() && edge.cookies.get(cookies::CONSOLE).is_some() {
            return Caller::at_the_console(signet, edge, headers).await;
        }
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
                    stale: false,
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
                    stale: false,
                })
            }
        }
    }

    /// Who is signed in to the console, if one of its own pages sent the request. They may what their role does.
    async fn at_the_console(signet: &Signet, edge: &Edge, headers: &HeaderMap) -> Result<Caller, Problem> {
        let refused = || Problem::new(UNAUTHORIZED, NO_COOKIE_ALONE);
        if !of_this_origin(edge, headers) {
            return Err(refused());
        }
        let operator = Operator::of(signet, edge).await?.ok_or_else(refused)?;
        let token = one(headers, &CSRF).filter(|token| operator.gave(signet, Some(token)));
        token.ok_or_else(refused)?;
        Ok(Caller {
            named: audit::user(operator.user()),
            id: operator.user().id.bytes(),
            permitted: Permission::ALL.to_vec(),
            role: Some(operator.administrator().clone()),
            stale: !operator.is_fresh(signet),
        })
    }

    /// Whether they have to show their password again before something is changed or a secret shown, as at the console.
    pub fn is_stale(&self) -> bool {
        self.stale
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

/// Whether a browser says that a page of this origin sent the request. One that says nothing of it is not believed.
fn of_this_origin(edge: &Edge, headers: &HeaderMap) -> bool {
    let site = headers.contains_key(SITE).then(|| one(headers, &SITE) == Some("same-origin"));
    let origin = edge.origin.as_deref().map(|origin| origin == edge.host_origin());
    let said = [site, origin];
    said.iter().flatten().all(|same| *same) && said.iter().any(Option::is_some)
}

/// The value of a header that is there once.
fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (Some(one), None) => one.to_str().ok(),
        _ => None,
    }
}
