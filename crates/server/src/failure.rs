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
        Failure::new(format!("{what}: {}", plain(&error.to_string())))
    }

    /// What happened, and what to do.
    pub fn parts(&self) -> (&str, Option<&str>) {
        (&self.what, self.help.as_deref())
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

/// The system's words without its error number, which says nothing more.
pub fn plain(text: &str) -> String {
    match text.split_once(" (os error ") {
        Some((before, number)) => {
            format!("{before}{}", number.split_once(')').map_or("", |(_, after)| after))
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_an_error_is_left_out() {
        for (text, shown) in [
            ("Permission denied (os error 13)", "Permission denied"),
            ("x: Connection refused (os error 111), tried twice", "x: Connection refused, tried twice"),
            ("nothing special", "nothing special"),
        ] {
            assert_eq!(plain(text), shown);
        }
    }
}
