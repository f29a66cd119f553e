//! An operator who applies one version after the other, and the person whose password it is.

use std::sync::Arc;

use signet_testkit::{http::Browser, installation::Installation, seed::Seeded};

use crate::{
    client::{self, Heard, hear},
    description::{Description, Op},
    model::{Contradiction, Model, Seen},
    one_in,
};

/// The operator and the person.
pub struct Operator {
    /// What may be applied.
    pub model: Model<Description>,
    installation: Arc<Installation>,
    browser: Browser,
    version: u32,
    /// The session of the newest login, with its cookies.
    session: Option<(u32, String)>,
    sessions: u32,
}

type Step = Result<Seen, Contradiction>;

impl Operator {
    /// After version 0 was applied.
    pub fn new(installation: Arc<Installation>) -> Operator {
        let browser = Browser::new(installation.port());
        let model = Model::new(Description::default());
        Operator { model, installation, browser, version: 0, session: None, sessions: 0 }
    }

    /// Connects anew to a server that was started again.
    pub fn hang_up(&mut self) {
        self.browser.hang_up();
    }

    /// Something at random.
    pub async fn act(&mut self, random: &mut Seeded) -> Step {
        match random.next_u64() % 5 {
            0..=1 => self.apply().await,
            2 => self.sign_in(self.version).await,
            3 => self.accepts(self.version).await,
            _ => self.look().await,
        }
    }

    /// Looks whether what was applied is there, all of it.
    pub async fn check(&mut self, random: &mut Seeded) -> Result<(), Contradiction> {
        self.model.note("— the server was started again —");
        let before = self.version.saturating_sub(1);
        for version in [self.version, before] {
            let seen = self.accepts(version).await?;
            self.must(seen)?;
            let seen = self.named(version).await?;
            self.must(seen)?;
            if seen == Seen::Done {
                self.version = version;
                break;
            }
        }
        self.look().await?;
        if one_in(random, 4) && self.version > 0 {
            self.sign_in(self.version - 1).await?;
        }
        self.sign_in(self.version).await?;
        self.model.settle();
        Ok(())
    }

    fn must(&self, seen: Seen) -> Result<(), Contradiction> {
        match seen {
            Seen::Lost => Err(self.model.contradiction("no answer although nothing is broken any more")),
            _ => Ok(()),
        }
    }

    async fn apply(&mut self) -> Step {
        let version = self.version + 1;
        let applied = self.installation.apply(&client::version(version)).await;
        // What a command that fails has done is not known.
        let heard = applied.map_or(Heard::Lost, Heard::Done);
        self.version = version;
        self.observe(Op::Apply { version }, &heard)
    }

    async fn named(&mut self, version: u32) -> Step {
        let shown = self.installation.run(&["app", "show", client::CHANGING]).await;
        let heard = match shown {
            Ok(card) if card.starts_with(&client::version_name(version)) => Heard::Done(()),
            Ok(_) => Heard::Refused,
            Err(error) => {
                self.model.note(error.to_string());
                Heard::Lost
            }
        };
        self.observe(Op::Named { version }, &heard)
    }

    async fn accepts(&mut self, version: u32) -> Step {
        self.browser.cookies = String::new();
        let answer = self.browser.get(&client::version_request(version, "&prompt=none")).await;
        let heard = hear(answer, |answer| match answer.status {
            303 => Some(Heard::Done(())),
            400 => Some(Heard::Refused),
            _ => None,
        });
        self.observe(Op::Accepts { version }, &heard)
    }

    async fn look(&mut self) -> Step {
        let Some((session, cookies)) = self.session.clone() else { return Ok(Seen::Refused) };
        self.browser.cookies = cookies;
        let answer = self.browser.get(&client::version_request(self.version, "&prompt=none")).await;
        // A callback of a version that is not there tells nothing about the session.
        let heard = match hear(answer, client::code) {
            Heard::Odd(_) => Heard::Lost,
            heard => heard,
        };
        match heard {
            Heard::Lost => Ok(Seen::Lost),
            heard => self.observe(Op::Look { session }, &heard),
        }
    }

    /// Signs in with the password of a version, in a browser that keeps nothing but what it is known by.
    async fn sign_in(&mut self, version: u32) -> Step {
        let device = |cookie: &&str| cookie.contains("device");
        let known = self.session.as_ref().map_or("", |(_, cookies)| cookies);
        self.browser.cookies = known.split("; ").filter(device).collect::<Vec<_>>().join("; ");
        self.sessions += 1;
        let (session, path) = (self.sessions, client::version_request(self.version, ""));
        let password = client::version_password(version);
        let heard = client::sign_in(&mut self.browser, &path, "changing", &password).await;
        let op = Op::SignIn { version, session };
        if let Heard::Lost | Heard::Odd(_) = heard {
            self.model.lose(&op);
            return Ok(Seen::Lost);
        }
        let seen = self.observe(op, &heard)?;
        if seen == Seen::Done {
            self.session = Some((session, self.browser.cookies.clone()));
        }
        Ok(seen)
    }

    fn observe<T>(&mut self, op: Op, heard: &Heard<T>) -> Step {
        let seen = heard.seen().map_err(|what| self.model.contradiction(&format!("{op:?}: {what}")))?;
        self.model.observe(&[(op, seen)])?;
        Ok(seen)
    }
}
