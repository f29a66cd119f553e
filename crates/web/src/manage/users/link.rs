//! One-time links by which somebody chooses their password: for who has forgotten it, and for who has none yet.

use std::fmt;

use signet_protocol::{
    id::{LinkId, UserId},
    opaque::Opaque,
    said,
    time::{Seconds, Timestamp},
    user::{LoginName, User},
};
use signet_store::{
    LinkState, StoreError, UserLink,
    audit::{Act, Action, Entry, Origin},
};

use super::edit::EditError;
use crate::{Signet, audit, clock::SystemEntropy, manage::authority};

/// How long a link can be used: a day.
pub const LINK_EXPIRE: Seconds = Seconds(86_400);

/// A link as it is shown, once. Whoever has it can set the password, so it has no `Debug`.
pub struct NewLink {
    /// The address to open.
    pub url: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whose it is.
    pub account: String,
}

/// Makes a link for a user, in the place of their last one. Refused: one for nobody, and for who is blocked.
pub async fn create(signet: &Signet, user: UserId, origin: &Origin) -> Result<NewLink, EditError> {
    let (stored, entry) = meant(signet, user, origin).await?;
    created(signet, &stored, entry).await
}

/// The same for a link that is sent to them.
pub(crate) async fn create_sent(
    signet: &Signet,
    user: UserId,
    origin: &Origin,
) -> Result<NewLink, EditError> {
    let (stored, entry) = meant(signet, user, origin).await?;
    created(signet, &stored, entry.with("by", "mail")).await
}

async fn meant(signet: &Signet, user: UserId, origin: &Origin) -> Result<(User, Entry), EditError> {
    let stored = signet.store().person(user).await?.ok_or(EditError::NoUser)?.user;
    authority::person(signet, origin, user).await?;
    let entry = Entry::of_admin(Action::MakeLink, origin.clone()).on("user", audit::user(&stored));
    Ok((stored, entry))
}

async fn created(signet: &Signet, user: &User, entry: Entry) -> Result<NewLink, EditError> {
    let made = make(signet, user, entry).await?.ok_or_else(|| {
        let who = user.account_name();
        let reason = said!("{who} is blocked; unblock them first", "{who} 已被锁定；请先解锁");
        EditError::Refused(vec![super::fields::FieldProblem::new("blocked", reason)])
    })?;
    tracing::info!(sub = %user.id, "an operator made a one-time link to set a password");
    Ok(made)
}

/// Makes a link for a user with the record `entry`; `None` when they are blocked or gone. Its address is that of the
/// configuration, whatever host was asked (attack 11).
pub(crate) async fn make(
    signet: &Signet,
    stored: &User,
    entry: Entry,
) -> Result<Option<NewLink>, StoreError> {
    let (user, now) = (stored.id, signet.now());
    let token = Opaque::<LinkId>::generate(now, &mut SystemEntropy);
    let link = UserLink {
        id: token.id,
        user,
        hash: token.hash(),
        created_at: now.timestamp(),
        expires_at: now.timestamp().plus(LINK_EXPIRE),
        used_at: None,
    };
    if !signet.store().put_link(&link, Act::new(now, entry)).await? {
        return Ok(None);
    }
    let origin = signet.pool_issuer().url().strip_suffix("/oidc").unwrap_or_default();
    Ok(Some(NewLink {
        url: format!("{origin}/login/reset?link={}", token.encode()),
        expires_at: link.expires_at,
        account: stored.account_name().to_owned(),
    }))
}

/// The same for a user by name, e-mail, phone or id, as a command names them.
pub async fn create_for(signet: &Signet, named: &str, origin: &Origin) -> Result<NewLink, EditError> {
    let found = find(signet, named).await?.ok_or(EditError::NoUser)?;
    create(signet, found, origin).await
}

/// The user of this name, e-mail, phone or id.
pub async fn find(signet: &Signet, named: &str) -> Result<Option<UserId>, StoreError> {
    let by_login = match LoginName::parse(named) {
        Some(name) => signet.store().user_by_login(&name).await?,
        None => None,
    };
    match (by_login, UserId::parse(named)) {
        (None, Some(id)) => Ok(signet.store().user(id).await?.map(|user| user.id)),
        (found, _) => Ok(found.map(|user| user.id)),
    }
}

/// Takes a user's link away; `false` when they had none that could be used.
pub async fn withdraw(signet: &Signet, user: UserId, origin: &Origin) -> Result<bool, EditError> {
    authority::person(signet, origin, user).await?;
    let who = super::named(signet, user).await?;
    let entry = Entry::of_admin(Action::MakeLink, origin.clone()).on("user", who).with("withdrawn", true);
    Ok(signet.store().withdraw_link(user, Act::new(signet.now(), entry)).await?)
}

/// What the link is worth that somebody shows.
pub(crate) enum Shown {
    /// It can be used, for this user, as stored now.
    Live(LinkId, Box<User>),
    /// It was used.
    Used,
    /// It is none of ours, another has taken its place, its time is over, or its user is gone or blocked.
    Dead,
}

/// Looks at a link.
pub(crate) async fn look(signet: &Signet, shown: &str) -> Result<Shown, StoreError> {
    let Some(token) = Opaque::<LinkId>::parse(shown) else { return Ok(Shown::Dead) };
    let Some(link) = signet.store().link(token.id).await? else { return Ok(Shown::Dead) };
    if !link.hash.matches(&token.hash()) {
        return Ok(Shown::Dead);
    }
    match link.state(signet.now().timestamp()) {
        LinkState::Used => Ok(Shown::Used),
        LinkState::Expired => Ok(Shown::Dead),
        LinkState::Live => {
            let user = signet.store().person(link.user).await?.map(|listed| listed.user);
            Ok(user
                .filter(|user| !user.blocked)
                .map_or(Shown::Dead, |user| Shown::Live(link.id, Box::new(user))))
        }
    }
}

impl fmt::Display for NewLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NewLink { url, account, .. } = self;
        write!(f, "{url}\nIt sets the password of {account}, once, within 24 hours. It is not shown again.")
    }
}
