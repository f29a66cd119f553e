//! Commands about people.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

use super::Base;

/// `signet user`.
#[derive(Subcommand)]
pub enum User {
    /// Create a user; asks for the password unless it is told where to take it from
    Create(CreateUser),
    /// Sign users out on every device: their sessions end, what they gave is revoked, and applications are told
    SignOut(SignOut),
    /// Make a link by which a user sets their password, once, within a day; for an invitation, too
    Link(UserLink),
    /// Create or update users from a file of comma-separated values or JSON lines
    Import(Import),
    /// Write all users to a file that signet user import reads
    Export(ExportUsers),
}

/// `signet user link`.
#[derive(Args)]
pub struct UserLink {
    /// User name, e-mail, phone or user id
    #[arg(value_name = "USER")]
    pub user: String,
    /// Send it to their e-mail address by the pool's mail server, and do not show it
    #[arg(long)]
    pub mail: bool,
    #[command(flatten)]
    pub base: Base,
}

/// `signet user import`.
#[derive(Args)]
pub struct Import {
    /// The file; - reads standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// csv or jsonl [default: by the end of the file's name]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Look at every line and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Change users that exist; without it each of them is an error
    #[arg(long)]
    pub update: bool,
    /// Begin at this line, where an import that was stopped says to go on
    #[arg(long, value_name = "LINE", default_value_t = 0, hide_default_value = true)]
    pub from: usize,
}

/// `signet user export`.
#[derive(Args)]
pub struct ExportUsers {
    /// Where to: a new file, for its owner alone; - writes to standard output
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// csv or jsonl [default: by the end of the file's name]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Include the hashes of passwords
    #[arg(long)]
    pub with_password_hashes: bool,
}

/// `signet user sign-out`.
#[derive(Args)]
pub struct SignOut {
    /// User name, e-mail, phone or user id
    #[arg(value_name = "USER", required = true)]
    pub users: Vec<String>,
    /// Of this application only, by its App ID or identifier; a login that others share goes on
    #[arg(long, value_name = "ID|IDENTIFIER")]
    pub application: Option<String>,
}

/// `signet user create`.
#[derive(Args)]
#[command(group = ArgGroup::new("login").args(["username", "email", "phone"]).required(true).multiple(true))]
pub struct CreateUser {
    /// User name to sign in by
    #[arg(long)]
    pub username: Option<String>,
    /// E-mail address to sign in by
    #[arg(long)]
    pub email: Option<String>,
    /// Phone number to sign in by: +8613800138000
    #[arg(long)]
    pub phone: Option<String>,
    /// Full name
    #[arg(long)]
    pub name: Option<String>,
    /// Read the password from standard input
    #[arg(long, conflicts_with = "generate_password")]
    pub password_stdin: bool,
    /// Make a password and print it once
    #[arg(long)]
    pub generate_password: bool,
}
