//! What every page of one application has: its name, and the tabs.

use std::sync::Arc;

use signet_protocol::{
    application::Application,
    issuer::{Issuer, IssuerId, Site},
    operator::Permission,
};

use super::words::AppWords;
use crate::{
    Signet,
    console::{Ask, missing, words::Words},
    error::Failure,
    pages::Lang,
};

/// A page of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// What a developer needs.
    Start,
    /// Names and addresses.
    Configuration,
    /// Modes, methods and lifetimes.
    Protocol,
    /// What is said of its users.
    Claims,
    /// Who gets in.
    Access,
    /// Its login, tried out.
    Try,
    /// Requests that were refused.
    Failures,
    /// Accounts, resources and rules.
    Callers,
    /// Its description, and what was changed of it.
    Code,
    /// How its pages look.
    Branding,
    /// Who is in.
    Sessions,
    /// What cannot be taken back.
    Danger,
}

impl Tab {
    const ALL: &[Tab] = &[
        Tab::Start,
        Tab::Configuration,
        Tab::Branding,
        Tab::Protocol,
        Tab::Claims,
        Tab::Access,
        Tab::Callers,
        Tab::Sessions,
        Tab::Try,
        Tab::Failures,
        Tab::Code,
        Tab::Danger,
    ];

    /// The end of its path.
    pub fn path(self) -> &'static str {
        match self {
            Tab::Start => "",
            Tab::Configuration => "/configuration",
            Tab::Protocol => "/protocol",
            Tab::Claims => "/claims",
            Tab::Access => "/access",
            Tab::Try => "/try",
            Tab::Failures => "/failures",
            Tab::Callers => "/callers",
            Tab::Code => "/code",
            Tab::Branding => "/branding",
            Tab::Sessions => "/sessions",
            Tab::Danger => "/danger",
        }
    }

    fn name(self, t: &'static AppWords) -> &'static str {
        match self {
            Tab::Start => t.tab_start,
            Tab::Configuration => t.tab_configuration,
            Tab::Protocol => t.tab_protocol,
            Tab::Claims => t.tab_claims,
            Tab::Access => t.tab_access,
            Tab::Try => t.tab_try,
            Tab::Failures => t.tab_failures,
            Tab::Callers => t.tab_callers,
            Tab::Code => t.tab_code,
            Tab::Branding => t.tab_branding,
            Tab::Sessions => t.tab_sessions,
            Tab::Danger => t.tab_danger,
        }
    }

    fn needs(self) -> Permission {
        match self {
            Tab::Try | Tab::Danger => Permission::ApplicationsWrite,
            _ => Permission::ApplicationsRead,
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

/// The frame of a page of one application.
pub struct Frame {
    /// The language of the page.
    pub lang: Lang,
    /// The application.
    pub application: Arc<Application>,
    /// Its pages.
    pub tabs: Vec<TabLink>,
    /// Its authentication address.
    pub address: String,
    /// Whether whoever looks may change it.
    pub may_write: bool,
}

impl Frame {
    /// The frame of `tab` of the application that the path names.
    pub async fn of(ask: &Ask, tab: Tab) -> Result<Frame, Failure> {
        let id = ask.app_id().ok_or_else(missing)?;
        let application = ask.signet.store().application(id).await?.ok_or_else(missing)?;
        let t: &'static AppWords = ask.words();
        let link = |one: Tab| TabLink {
            href: format!("/console/applications/{id}{}", one.path()),
            name: one.name(t),
            here: one == tab,
        };
        let tabs = Tab::ALL.iter().copied().filter(|one| ask.may(one.needs())).map(link).collect();
        Ok(Frame {
            lang: ask.lang,
            address: address(&ask.signet, &application),
            tabs,
            may_write: ask.may(Permission::ApplicationsWrite),
            application,
        })
    }

    /// The texts of the page.
    pub fn t(&self) -> &'static AppWords {
        AppWords::of(self.lang)
    }
}

/// Where people sign in to an application.
pub fn address(signet: &Signet, application: &Application) -> String {
    own_issuer(signet, application).url().trim_end_matches("/oidc").to_owned()
}

/// The issuer at an application's own address.
pub fn own_issuer(signet: &Signet, application: &Application) -> Issuer {
    let site = Site::Application(application.identifier.clone());
    let id = IssuerId::Application(application.id);
    Issuer::at(&signet.settings().base_url, &site, application.pool, id)
}
