//! What is written down of an act.

use serde_json::{Map, Value as Json};
use signet_protocol::{operator::Permission, time::Now};

/// Characters that are kept of a text that comes from outside.
const TEXT_CHARS: usize = 256;

/// Which of the two logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What people do: they sign in, consent, change their password.
    User,
    /// What administrators and operators do.
    Admin,
}

impl Kind {
    /// Both.
    pub const ALL: &[Kind] = &[Kind::User, Kind::Admin];

    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::User => "user",
            Kind::Admin => "admin",
        }
    }

    /// From its stored form.
    pub fn parse(text: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {
        /// What was done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Action { $($(#[$doc])* $name),+ }

        impl Action {
            /// All of them.
            pub const ALL: &[Action] = &[$(Action::$name),+];

            /// As it is stored.
            pub fn as_str(self) -> &'static str {
                match self { $(Action::$name => $text),+ }
            }

            /// From its stored form.
            pub fn parse(text: &str) -> Option<Action> {
                Action::ALL.iter().copied().find(|action| action.as_str() == text)
            }
        }
    };
}
actions! {
    /// Somebody signed in, or tried to.
    Login = "login",
    /// Somebody signed out.
    Logout = "logout",
    /// A consent was given or refused.
    Consent = "consent",
    /// A consent was taken back.
    ConsentWithdrawn = "consent_withdrawn",
    /// Somebody changed their password.
    ChangePassword = "change_password",
    /// Somebody set a new password by a one-time link.
    ResetPassword = "reset_password",
    /// Somebody who forgot their password asked for a link, which was sent to them.
    RecoverPassword = "recover_password",
    /// Somebody changed their own profile.
    UpdateProfile = "update_profile",
    /// An administrator signed in to the console, or tried to.
    ConsoleLogin = "console_login",
    /// An administrator signed out of the console.
    ConsoleLogout = "console_logout",
    /// Something was created.
    Create = "create",
    /// Something was changed.
    Update = "update",
    /// Something was deleted.
    Delete = "delete",
    /// A user was blocked, an application or account disabled.
    Disable = "disable",
    /// The reverse.
    Enable = "enable",
    /// A user was signed out by an administrator.
    ForceLogout = "force_logout",
    /// A one-time link was made with which a user sets a password.
    MakeLink = "make_link",
    /// A message was sent by the mail server.
    SendMail = "send_mail",
    /// A secret was shown.
    ShowSecret = "show_secret",
    /// A secret was replaced.
    RefreshSecret = "refresh_secret",
    /// Signing keys took a step.
    RotateKeys = "rotate_keys",
    /// Rows were read in from a file.
    Import = "import",
    /// Rows were written out to a file.
    Export = "export",
    /// An earlier state was brought back.
    Undo = "undo",
    /// A role was given or taken.
    AssignRole = "assign_role",
    /// Old records of this log were deleted.
    Prune = "prune",
}

/// By which door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// A page that people see.
    Page,
    /// An endpoint of the protocol.
    Endpoint,
    /// The console.
    Console,
    /// The admin API.
    Api,
    /// A command on the machine.
    CommandLine,
    /// `signet apply`.
    Apply,
    /// Nobody: it was due.
    Automatic,
}

impl Via {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Via::Page => "page",
            Via::Endpoint => "endpoint",
            Via::Console => "console",
            Via::Api => "api",
            Via::CommandLine => "command_line",
            Via::Apply => "apply",
            Via::Automatic => "automatic",
        }
    }
}

/// Somebody or something, under the name it had at the time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
}

impl Named {
    /// Both.
    pub fn new(id: impl ToString, name: impl Into<String>) -> Named {
        Named { id: Some(id.to_string()), name: Some(bounded(&name.into())) }
    }

    /// Something without an id.
    pub fn only(name: impl Into<String>) -> Named {
        Named { id: None, name: Some(bounded(&name.into())) }
    }
}

/// Where an act comes from: who does it, and by which request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// By which door.
    pub via: Via,
    /// Who.
    pub actor: Named,
    /// The address it comes from.
    pub ip: Option<String>,
    /// What the browser or program calls itself.
    pub user_agent: Option<String>,
    /// The name under which the server's log has the request.
    pub request_id: Option<String>,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// What whoever comes with a token may give away. What a person at the console may is asked of their role; commands on the machine
    /// may everything. It is not written down.
    pub granted: Vec<Permission>,
}

impl Origin {
    /// An actor at a door, without a request.
    pub fn new(via: Via, actor: Named) -> Origin {
        Origin { via, actor, ip: None, user_agent: None, request_id: None, reason: None, granted: Vec::new() }
    }

    /// An operator on the machine.
    pub fn command_line() -> Origin {
        Origin::new(Via::CommandLine, Named::new("command_line", "command line"))
    }

    /// Signet itself.
    pub fn automatic() -> Origin {
        Origin::new(Via::Automatic, Named::new("signet", "Signet"))
    }

    /// The same with the words of its actor.
    pub fn because(self, reason: impl Into<String>) -> Origin {
        Origin { reason: Some(reason.into()), ..self }
    }

    /// The same on behalf of `actor`.
    pub fn by(self, actor: Named) -> Origin {
        Origin { actor, ..self }
    }
}

/// What is to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// In which log.
    pub kind: Kind,
    /// What was done.
    pub action: Action,
    /// Whether it was done.
    pub success: bool,
    /// How often, when repeats are counted.
    pub times: i64,
    /// By whom.
    pub origin: Origin,
    /// What kind of thing it was done to, and which; nothing when the actor is all there is.
    pub target: Option<(String, Named)>,
    /// At which application.
    pub application: Option<Named>,
    /// The rest: for each field that changed, its old and new value; never a secret.
    pub detail: Map<String, Json>,
}

impl Entry {
    /// Something a person did.
    pub fn of_user(action: Action, origin: Origin) -> Entry {
        Entry::new(Kind::User, action, origin)
    }

    /// Something an administrator did.
    pub fn of_admin(action: Action, origin: Origin) -> Entry {
        Entry::new(Kind::Admin, action, origin)
    }

    fn new(kind: Kind, action: Action, origin: Origin) -> Entry {
        let mut detail = Map::new();
        detail.extend(origin.reason.as_deref().map(|why| ("reason".to_owned(), Json::from(bounded(why)))));
        Entry { kind, action, success: true, times: 1, origin, target: None, application: None, detail }
    }

    /// The same, done to something.
    pub fn on(self, kind: impl Into<String>, target: Named) -> Entry {
        Entry { target: Some((kind.into(), target)), ..self }
    }

    /// The same, at an application.
    pub fn at(self, application: Named) -> Entry {
        Entry { application: Some(application), ..self }
    }

    /// The same, tried in vain.
    pub fn failed(self) -> Entry {
        Entry { success: false, ..self }
    }

    /// The same, so many times.
    pub fn times(self, times: i64) -> Entry {
        Entry { times, ..self }
    }

    /// The same with something more to say.
    pub fn with(mut self, name: &str, value: impl Into<Json>) -> Entry {
        self.detail.insert(name.to_owned(), value.into());
        self
    }
}

/// When something is done, and what is written down of it in the same batch.
#[derive(Clone, Debug)]
pub struct Act {
    /// The time.
    pub now: Now,
    /// The records.
    pub entries: Vec<Entry>,
}

impl Act {
    /// An act with one record.
    pub fn new(now: Now, entry: Entry) -> Act {
        Act { now, entries: vec![entry] }
    }
}

/// An act that leaves no record.
impl From<Now> for Act {
    fn from(now: Now) -> Act {
        Act { now, entries: Vec::new() }
    }
}

/// `text` as far as it is kept.
pub(super) fn bounded(text: &str) -> String {
    text.chars().map(|c| if c == '\0' { '\u{fffd}' } else { c }).take(TEXT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_and_kind_has_a_name_of_its_own() {
        for action in Action::ALL {
            assert_eq!(Action::parse(action.as_str()), Some(*action));
        }
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(*kind));
        }
        assert_eq!(Action::parse("Login"), None);
    }

    #[test]
    fn what_comes_from_outside_is_bounded() {
        assert_eq!(bounded("a\0b"), "a\u{fffd}b");
        assert_eq!(bounded(&"é".repeat(1000)).chars().count(), TEXT_CHARS);
    }
}
