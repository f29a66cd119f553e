//! What is told of a trial.

use super::{Exchange, Refused, TokenView};

/// Something said in both languages, and the clause it comes from.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    /// In English.
    pub en: &'static str,
    /// In Chinese.
    pub zh: &'static str,
    /// Where it is said; nothing if it is our own.
    pub clause: &'static str,
}

/// Something that a client has to check, and how that came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What has to be so.
    pub rule: &'static Said,
    /// Whether it is.
    pub passed: bool,
    /// What there is.
    pub found: String,
    /// What there should be, if something else is there.
    pub wanted: String,
}

impl Check {
    /// Whether it is so, with what there is.
    pub fn that(rule: &'static Said, passed: bool, found: impl Into<String>) -> Check {
        Check { rule, passed, found: found.into(), wanted: String::new() }
    }

    /// Whether what there is is exactly what there should be.
    pub fn equal(rule: &'static Said, found: &str, wanted: &str) -> Check {
        let passed = found == wanted;
        let told = if passed { String::new() } else { wanted.to_owned() };
        Check { rule, passed, found: found.to_owned(), wanted: told }
    }
}

/// One step: a request with its answer, and what came of it.
#[derive(Debug)]
pub struct Step {
    /// What it is.
    pub title: &'static Said,
    /// What there is to know of it.
    pub note: Option<&'static Said>,
    /// The request and its answer, if there is one.
    pub exchange: Option<Exchange>,
    /// What was checked of the answer.
    pub checks: Vec<Check>,
    /// The tokens in it.
    pub tokens: Vec<TokenView>,
    /// The error it tells.
    pub refused: Option<Refused>,
}

impl Step {
    /// A step of which there is nothing else to tell yet.
    pub fn new(title: &'static Said) -> Step {
        Step { title, note: None, exchange: None, checks: Vec::new(), tokens: Vec::new(), refused: None }
    }

    /// Every check of it, of its tokens too.
    pub fn all_checks(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().chain(self.tokens.iter().flat_map(|token| &token.checks))
    }

    /// Whether everything in it is as it should be.
    pub fn passed(&self) -> bool {
        self.refused.is_none() && self.all_checks().all(|check| check.passed)
    }
}
