//! What was found, and how it is said.

use std::io::{self, Write};

use serde::Serialize;

use crate::failure::Failure;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, and should be otherwise.
    Warning,
    /// It does not work, or soon will not.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub struct Finding {
    pub state: State,
    pub subject: &'static str,
    pub what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    pub fn ok(subject: &'static str, what: impl Into<String>) -> Finding {
        Finding { state: State::Ok, subject, what: what.into(), remedy: None }
    }

    pub fn warning(subject: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { state: State::Warning, subject, what: what.into(), remedy: Some(remedy.into()) }
    }

    pub fn problem(subject: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { state: State::Problem, ..Finding::warning(subject, what, remedy) }
    }

    /// A problem in the words that another command would have failed with.
    pub fn failed(subject: &'static str, failure: &Failure) -> Finding {
        let (what, remedy) = failure.parts();
        Finding { state: State::Problem, subject, what: what.to_owned(), remedy: remedy.map(str::to_owned) }
    }
}

/// All that was found, in the order it was looked at.
#[derive(Default)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    pub fn add(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Prints them, as lines for people or as one JSON array, and fails if one of them is a problem.
    pub fn print(&self, json: bool) -> Result<(), Failure> {
        let text = match json {
            true => serde_json::to_string_pretty(&self.0).unwrap_or_default() + "\n",
            false => self.0.iter().map(line).collect(),
        };
        match io::stdout().write_all(text.as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                return Err(Failure::io("cannot print", &error));
            }
            _ => {}
        }
        match self.0.iter().filter(|finding| finding.state == State::Problem).count() {
            0 => Ok(()),
            1 => Err(Failure::new("one problem was found")),
            count => Err(Failure::new(format!("{count} problems were found"))),
        }
    }
}

fn line(finding: &Finding) -> String {
    let state = match finding.state {
        State::Ok => "ok",
        State::Warning => "warning",
        State::Problem => "problem",
    };
    let remedy = finding.remedy.iter().map(|remedy| format!("\n         → {remedy}")).collect::<String>();
    format!("{state:<8} {}: {}{remedy}\n", finding.subject, finding.what)
}
