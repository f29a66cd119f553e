//! The specification of what an operator applies: one version of an application's name and callback and of a person's
//! password, all of it changed together.

use std::collections::BTreeMap;

use crate::model::Spec;

/// What is applied, and the logins with its password.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Description {
    version: u32,
    /// The version whose password each session began with.
    sessions: BTreeMap<u32, u32>,
}

/// What the operator and the person ask.
#[derive(Clone, Debug)]
pub enum Op {
    /// `signet apply` of a version.
    Apply { version: u32 },
    /// Whether `signet app show` shows the name of a version.
    Named { version: u32 },
    /// Whether the callback of a version is accepted.
    Accepts { version: u32 },
    /// A login with the password of a version.
    SignIn { version: u32, session: u32 },
    /// Whether a session is alive; another password ends it.
    Look { session: u32 },
}

impl Spec for Description {
    type Op = Op;

    fn step(&self, op: &Op) -> (bool, Description) {
        let mut next = self.clone();
        let succeeds = match *op {
            Op::Apply { version } => {
                next.version = version;
                true
            }
            Op::Named { version } | Op::Accepts { version } => version == self.version,
            Op::SignIn { version, session } => {
                let fits = version == self.version;
                next.sessions.extend(fits.then_some((session, version)));
                fits
            }
            Op::Look { session } => self.sessions.get(&session) == Some(&self.version),
        };
        (succeeds, next)
    }

    fn kind(op: &Op) -> &'static str {
        match op {
            Op::Apply { .. } => "apply",
            Op::Named { .. } => "look at an applied name",
            Op::Accepts { .. } => "look at an applied callback",
            Op::SignIn { .. } => "login with an applied password",
            Op::Look { .. } => "look at a session",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Model, Seen, Seen::*};

    const APPLY: Op = Op::Apply { version: 1 };
    const SIGN_IN: Op = Op::SignIn { version: 0, session: 0 };
    const LOOK: Op = Op::Look { session: 0 };

    fn wrong(history: &[(Op, Seen)]) -> Option<usize> {
        let mut model = Model::new(Description::default());
        history.iter().position(|seen| model.observe(std::slice::from_ref(seen)).is_err())
    }

    #[test]
    fn what_was_applied_is_there_as_a_whole() {
        let (named, accepts) = (|version| Op::Named { version }, |version| Op::Accepts { version });
        assert_eq!(wrong(&[(SIGN_IN, Done), (APPLY, Done), (named(1), Done), (LOOK, Refused)]), None);
        assert_eq!(wrong(&[(APPLY, Done), (named(0), Done)]), Some(1));
        assert_eq!(wrong(&[(APPLY, Done), (accepts(0), Done)]), Some(1));
        assert_eq!(wrong(&[(APPLY, Lost), (named(1), Done), (accepts(0), Done)]), Some(2));
        assert_eq!(wrong(&[(APPLY, Lost), (named(0), Done), (SIGN_IN, Refused)]), Some(2));
    }

    #[test]
    fn another_password_ends_the_sessions_of_the_old_one() {
        assert_eq!(wrong(&[(SIGN_IN, Done), (APPLY, Done), (LOOK, Done)]), Some(2));
        assert_eq!(wrong(&[(SIGN_IN, Done), (APPLY, Lost), (LOOK, Refused), (SIGN_IN, Done)]), Some(3));
        assert_eq!(wrong(&[(SIGN_IN, Done), (LOOK, Refused)]), Some(1));
    }
}
