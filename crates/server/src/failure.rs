//! Why a command did not do what it was asked, for the person who typed it.

use std::{fmt, io};

/// What happened, and what to do about it.
#[derive(Debug)]
pub struct Failure {
    what: String,
    help: Option<String>,
}

impl Failure {
    /// Something that needs no advice.
    pub fn new(what: impl Into<String>) -> Failure {
        Failure { what: what.into(), help: None }
    }

    /// Something the operating system refused.
    pub fn io(what: impl fmt::Display, error: &io::Error) -> Failure {
        Failure::new(format!("{what}: {}", reason(error)))
    }

    /// The same with what to do.
    pub fn help(self, help: impl Into<String>) -> Failure {
        Failure { help: Some(help.into()), ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.help.iter().try_for_each(|help| write!(f, "\n  {help}"))
    }
}

/// The system's words without its error number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
