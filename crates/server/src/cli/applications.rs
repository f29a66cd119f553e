//! Commands about applications and their accounts.

use clap::{Args, Subcommand};

use super::Base;

/// `signet app`.
#[derive(Subcommand)]
pub enum App {
    /// Create an application; prints its App ID, secret, authentication and endpoints
    Create(CreateApp),
    /// Show an application's App ID, secret, authentication and endpoints
    Show(ShowApp),
}

/// `signet app create`.
#[derive(Args)]
pub struct CreateApp {
    /// Name people see on the login page
    #[arg(long)]
    pub name: String,
    /// First label of its own address, {identifier}.localhost:8080: lower-case letters, digits and hyphens
    #[arg(long)]
    pub identifier: String,
    /// web, spa, native or api
    #[arg(long = "type", value_name = "TYPE", default_value = "web")]
    pub kind: String,
    /// Callback link, exactly as the application sends it; required for web, spa and native; may be repeated
    #[arg(long = "redirect-uri", value_name = "URI")]
    pub redirect_uris: Vec<String>,
    /// How it authenticates at the token, introspection and revocation endpoints: client_secret_post,
    /// client_secret_basic or none [default: client_secret_post; none for spa and native]
    #[arg(long, value_name = "METHOD")]
    pub auth_method: Option<String>,
    #[command(flatten)]
    pub base: Base,
}

/// `signet app show`.
#[derive(Args)]
pub struct ShowApp {
    /// App ID or identifier
    #[arg(value_name = "ID|IDENTIFIER")]
    pub application: String,
    #[command(flatten)]
    pub base: Base,
}

/// `signet account`.
#[derive(Subcommand)]
pub enum Account {
    /// Make an account; prints its AccessKey, and once its SecretKey
    Create(CreateAccount),
    /// List the accounts of an application, and when each was used last
    List(ListAccounts),
    /// Show an account
    Show(OneAccount),
    /// Give an account another SecretKey; prints it once
    Refresh(RefreshAccount),
    /// Disable an account: it gets no tokens, and those it has are worth nothing at once
    Disable(OneAccount),
    /// Enable an account again
    Enable(OneAccount),
    /// Delete an account and the rules about it; its tokens are worth nothing at once
    Delete(OneAccount),
}

/// `signet account create`.
#[derive(Args)]
pub struct CreateAccount {
    /// App ID or identifier of its application
    #[arg(value_name = "ID|IDENTIFIER")]
    pub application: String,
    /// Seconds that its tokens live, 60 to 2592000 [default: 600]
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    pub token_lifetime: Option<i64>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub remarks: Option<String>,
}

/// `signet account list`.
#[derive(Args)]
pub struct ListAccounts {
    /// App ID or identifier of the application
    #[arg(value_name = "ID|IDENTIFIER")]
    pub application: String,
}

/// What the commands about one account take.
#[derive(Args)]
pub struct OneAccount {
    /// Its AccessKey
    #[arg(value_name = "ACCESSKEY")]
    pub account: String,
}

/// `signet account refresh`.
#[derive(Args)]
pub struct RefreshAccount {
    /// Its AccessKey
    #[arg(value_name = "ACCESSKEY")]
    pub account: String,
    /// Seconds that the SecretKey it has stays valid, at most 2592000; an earlier one ends at once
    #[arg(long, value_name = "SECONDS", default_value_t = 0, allow_hyphen_values = true)]
    pub overlap: i64,
}
