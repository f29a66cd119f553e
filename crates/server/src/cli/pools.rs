//! Commands about user pools.

use clap::{ArgGroup, Args, Subcommand};

use super::Base;

/// `signet pool`.
#[derive(Subcommand)]
pub enum Pool {
    /// Show the built-in scopes and claims, and the pool's own as signet apply reads them
    Show,
    /// List the user pools and where they live
    List,
    /// Make a user pool with keys of its own; prints the link that sets up its console
    Create(CreatePool),
    /// Give a user pool another name, or another address with --address
    Rename(RenamePool),
    /// Delete a user pool with everybody and everything in it
    Delete(DeletePool),
}

/// `signet pool create`.
#[derive(Args)]
pub struct CreatePool {
    /// What commands call it, and the first label of its address: lower-case letters, digits and hyphens
    #[arg(value_name = "IDENTIFIER")]
    pub identifier: String,
    /// Name people see
    #[arg(long)]
    pub name: String,
    /// An address of its own, `https://login.example.org` [default: its identifier below the default pool's host]
    #[arg(long, value_name = "URL")]
    pub address: Option<String>,
    #[command(flatten)]
    pub base: Base,
}

/// `signet pool rename`.
#[derive(Args)]
#[command(group = ArgGroup::new("what").args(["name", "address"]).required(true).multiple(true))]
pub struct RenamePool {
    /// Identifier or id; default: the default pool
    #[arg(value_name = "IDENTIFIER|ID")]
    pub which: String,
    /// Its new name
    #[arg(long)]
    pub name: Option<String>,
    /// Its new address: issuers change with it, so applications have to be told
    #[arg(long, value_name = "URL")]
    pub address: Option<String>,
    #[command(flatten)]
    pub base: Base,
}

/// `signet pool delete`.
#[derive(Args)]
pub struct DeletePool {
    /// Identifier or id
    #[arg(value_name = "IDENTIFIER|ID")]
    pub which: String,
    /// Its name once more: nothing that is in it comes back
    #[arg(long, value_name = "NAME")]
    pub yes: Option<String>,
}
