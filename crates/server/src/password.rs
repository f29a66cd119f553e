//! Where a password or passphrase comes from: never an argument, which others on the machine can read.

use std::{
    io::{self, BufRead, IsTerminal, Read, Write},
    process::{Command, Stdio},
};

use signet_protocol::{entropy::random, jose, limits::PASSWORD_BYTES};
use signet_web::clock::SystemEntropy;

use crate::failure::Failure;

/// A password of 120 bits.
pub fn generate() -> String {
    jose::b64(&random::<15>(&mut SystemEntropy))
}

/// The first line of standard input.
pub fn from_stdin() -> Result<String, Failure> {
    let mut line = String::new();
    let limit = u64::try_from(PASSWORD_BYTES).unwrap_or(u64::MAX).saturating_add(2);
    let read = io::stdin().lock().take(limit).read_line(&mut line);
    read.map_err(|error| Failure::io("cannot read the password from standard input", &error))?;
    Ok(without_line_end(&line))
}

/// What is asked for on the terminal.
pub struct Question {
    /// What it is called.
    pub label: &'static str,
    /// Whether it is new, and typed twice.
    pub twice: bool,
    /// How to give it without a terminal.
    pub help: &'static str,
}

/// Asks for a new user's password.
pub async fn ask() -> Result<String, Failure> {
    let help = "Pipe it in with --password-stdin, or let one be made with --generate-password.";
    ask_for(&Question { label: "password", twice: true, help }).await
}

/// Asks on the terminal, without showing what is typed.
pub async fn ask_for(question: &Question) -> Result<String, Failure> {
    let Question { label, twice, help } = *question;
    if !io::stdin().is_terminal() {
        return Err(Failure::new(format!("there is no terminal to ask for the {label} on")).help(help));
    }
    let hidden = Hidden::begin(help)?;
    let typed = tokio::task::spawn_blocking(move || ask_here(label, twice));
    let outcome = tokio::select! {
        typed = typed => typed.unwrap_or_else(|_| Err(Failure::new(format!("the {label} was not read")))),
        _ = tokio::signal::ctrl_c() => Err(Failure::new("nothing was done")),
    };
    drop(hidden);
    eprintln!();
    outcome
}

fn ask_here(label: &str, twice: bool) -> Result<String, Failure> {
    let typed = ask_once(&format!("The {label}: "))?;
    if !twice || ask_once("\nThe same again: ")? == typed {
        Ok(typed)
    } else {
        Err(Failure::new(format!("the two {label}s differ; nothing was done")))
    }
}

fn ask_once(prompt: &str) -> Result<String, Failure> {
    let failed = |error| Failure::io("cannot ask on the terminal", &error);
    eprint!("{prompt}");
    io::stderr().flush().map_err(failed)?;
    let mut line = String::new();
    io::stdin().read_line(&mut line).map_err(failed)?;
    Ok(without_line_end(&line))
}

fn without_line_end(line: &str) -> String {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line).to_owned()
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden;

impl Hidden {
    fn begin(help: &str) -> Result<Hidden, Failure> {
        match stty("-echo") {
            true => Ok(Hidden),
            false => Err(Failure::new("cannot hide what is typed on this terminal").help(help)),
        }
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        stty("echo");
    }
}

fn stty(setting: &str) -> bool {
    let ran = Command::new("stty").arg(setting).stdin(Stdio::inherit()).stderr(Stdio::null()).status();
    ran.is_ok_and(|status| status.success())
}
