//! What every page of one user has: who they are, and the tabs.

use std::collections::HashMap;

use signet_protocol::{
    id::{AppId, UserId},
    operator::{Permission, Role},
    user::User,
};

use super::words::UserWords;
use crate::{
    console::{Ask, missing, moment, shell::role, words::Words},
    error::Failure,
    pages::Lang,
};

/// A page of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// Who they are.
    Profile,
    /// How they sign in.
    SignIn,
    /// What they are.
    Access,
    /// Where they are signed in.
    Sessions,
    /// What they gave applications.
    Grants,
    /// What happened.
    History,
    /// All of it as text.
    Code,
    /// That they go.
    Delete,
}

impl Tab {
    const ALL: [Tab; 8] = [
        Tab::Profile,
        Tab::SignIn,
        Tab::Access,
        Tab::Sessions,
        Tab::Grants,
        Tab::History,
        Tab::Code,
        Tab::Delete,
    ];

    fn end(self) -> &'static str {
        match self {
            Tab::Profile => "",
            Tab::SignIn => "/sign-in",
            Tab::Access => "/access",
            Tab::Sessions => "/sessions",
            Tab::Grants => "/grants",
            Tab::History => "/history",
            Tab::Code => "/code",
            Tab::Delete => "/delete",
        }
    }

    /// Its path.
    pub fn path(self, user: UserId) -> String {
        format!("/console/users/{user}{}", self.end())
    }

    fn name(self, t: &'static UserWords) -> &'static str {
        match self {
            Tab::Profile => t.tab_profile,
            Tab::SignIn => t.tab_sign_in,
            Tab::Access => t.tab_access,
            Tab::Sessions => t.tab_sessions,
            Tab::Grants => t.tab_grants,
            Tab::History => t.tab_history,
            Tab::Code => t.tab_code,
            Tab::Delete => t.tab_delete,
        }
    }

    fn needs(self) -> Permission {
        match self {
            Tab::History => Permission::AuditRead,
            Tab::Delete => Permission::UsersWrite,
            _ => Permission::UsersRead,
        }
    }
}

/// A tab as it is shown.
pub struct TabLink {
    /// Where it leads.
    pub href: String,
    /// What it says.
    pub name: &'static str,
    /// Whether this is it.
    pub here: bool,
}

/// The frame of a page of one user.
pub struct Frame {
    /// The language of the page.
    pub lang: Lang,
    /// The user, as stored now.
    pub user: User,
    /// When they were created.
    pub created: String,
    /// Their pages.
    pub tabs: Vec<TabLink>,
    /// Their role at this console.
    pub role: Option<&'static str>,
    /// Whether whoever looks may end what they have.
    pub may_end: bool,
    /// Whether whoever looks may change who they are.
    pub may_write: bool,
    /// Where the page is.
    pub action: String,
}

impl Frame {
    /// The frame of `tab` of the user that the path names.
    pub async fn of(ask: &Ask, tab: Tab) -> Result<Frame, Failure> {
        let id = user_id(ask)?;
        let listed = ask.signet.store().person(id).await?.ok_or_else(missing)?;
        let administrator = ask.signet.store().administrator(id).await?;
        let t: &'static UserWords = ask.words();
        let link = |one: Tab| TabLink { href: one.path(id), name: one.name(t), here: one == tab };
        let may_end = ask.may(Permission::UsersWrite);
        Ok(Frame {
            lang: ask.lang,
            created: moment(listed.created_at),
            user: listed.user,
            tabs: Tab::ALL.into_iter().filter(|one| ask.may(one.needs())).map(link).collect(),
            may_end,
            may_write: may_end && allowed(ask, administrator.as_ref().map(|one| one.role)),
            role: administrator.map(|one| role(one.role).of(ask.lang)),
            action: tab.path(id),
        })
    }

    /// The texts of the page.
    pub fn t(&self) -> &'static UserWords {
        UserWords::of(self.lang)
    }

    /// Their picture, where it is one that a page may show.
    pub fn picture(&self) -> Option<&str> {
        self.user.details.profile.picture.as_deref().filter(|address| address.starts_with("https://"))
    }

    /// Whether they may be changed by somebody else than whoever looks.
    pub fn is_guarded(&self) -> bool {
        self.may_end && !self.may_write
    }
}

/// The user that the path names.
pub fn user_id(ask: &Ask) -> Result<UserId, Failure> {
    UserId::parse(ask.part("user")).ok_or_else(missing)
}

/// Whether whoever asks is offered to change somebody of this role: who administers the pool is changed by those who say who does.
fn allowed(ask: &Ask, role: Option<Role>) -> bool {
    role.is_none() || ask.may(Permission::AdministratorsWrite)
}

/// The names of applications, each looked up once.
#[derive(Default)]
pub struct Names(HashMap<AppId, String>);

impl Names {
    /// That of one, or its id.
    pub async fn of(&mut self, ask: &Ask, id: AppId) -> Result<String, Failure> {
        if let Some(known) = self.0.get(&id) {
            return Ok(known.clone());
        }
        let found = ask.signet.store().application(id).await?;
        let name = found.map_or_else(|| id.to_string(), |found| found.name.clone());
        self.0.insert(id, name.clone());
        Ok(name)
    }
}
