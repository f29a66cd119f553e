//! Commands about the audit log.

use clap::{Args, Subcommand};

/// `signet audit`.
#[derive(Subcommand)]
pub enum Audit {
    /// List records, newest first
    List(ListAudit),
    /// Write all records that are asked for, oldest first, as JSON lines or comma-separated values
    Export(ExportAudit),
    /// Walk over the whole chain; the exit code is 1 if a record was changed, is missing or was inserted
    Verify(VerifyAudit),
    /// Delete old records, and write one that says so
    Prune(PruneAudit),
}

/// Which records.
#[derive(Args)]
pub struct Records {
    /// user (what people do) or admin (what administrators and operators do)
    #[arg(long)]
    pub kind: Option<String>,
    /// What was done: login, logout, consent, create, update, …
    #[arg(long)]
    pub action: Option<String>,
    /// Who did it: user name, e-mail, phone or user id, or command_line
    #[arg(long, value_name = "USER")]
    pub actor: Option<String>,
    /// At which application, by its App ID or identifier
    #[arg(long, value_name = "ID|IDENTIFIER")]
    pub application: Option<String>,
    /// To what: an id, the name of a user, or the identifier of an application
    #[arg(long)]
    pub target: Option<String>,
    /// From which address
    #[arg(long, value_name = "ADDRESS")]
    pub ip: Option<String>,
    /// By which request, by its x-request-id
    #[arg(long, value_name = "ID")]
    pub request_id: Option<String>,
    /// Only what was done (true), or was tried in vain (false)
    #[arg(long, value_name = "BOOL")]
    pub success: Option<bool>,
    /// Not before: 2026-11-30, or 2026-11-30T12:00:00Z
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Before
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
}

/// `signet audit list`.
#[derive(Args)]
pub struct ListAudit {
    #[command(flatten)]
    pub records: Records,
    /// How many, 1000 at most
    #[arg(long, default_value_t = 50)]
    pub limit: i64,
    /// Behind this record, by the cursor that the page before ended with
    #[arg(long, value_name = "CURSOR")]
    pub after: Option<String>,
}

/// `signet audit export`.
#[derive(Args)]
pub struct ExportAudit {
    #[command(flatten)]
    pub records: Records,
    /// json or csv
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    pub format: String,
}

/// `signet audit verify`.
#[derive(Args)]
pub struct VerifyAudit {
    /// What an earlier run printed: found out is then also who computed all hashes anew
    #[arg(long, value_name = "NUMBER:HASH")]
    pub expect: Option<String>,
}

/// `signet audit prune`.
#[derive(Args)]
pub struct PruneAudit {
    /// Days of which the records stay
    #[arg(long, value_name = "DAYS")]
    pub keep_days: i64,
}
