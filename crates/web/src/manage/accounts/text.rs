//! Accounts as a terminal shows them.

use std::fmt;

use signet_protocol::time::Timestamp;

use super::{AccountView, Accounts, Deleted, NewKey};
use crate::manage::keys::Utc;

impl fmt::Display for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        row(f, "AccessKey", &self.account.id.to_string())?;
        row(f, "SecretKey", &self.secret_key())?;
        row(f, "Application", self.account.identifier.as_str())?;
        row(f, "Token lifetime", &format!("{} s", self.account.token_lifetime.0))?;
        if let Some(until) = self.account.overlap_until {
            row(f, "Secret before", &format!("valid until {}", Utc(until)))?;
        }
        writeln!(f, "The SecretKey is shown this once: keep it where its program reads it.")
    }
}

impl fmt::Display for AccountView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        row(f, "AccessKey", &self.id.to_string())?;
        row(f, "Application", self.identifier.as_str())?;
        row(
            f,
            "Enabled",
            if self.enabled { "yes" } else { "no: it gets no tokens, and none it has counts" },
        )?;
        row(f, "Token lifetime", &format!("{} s", self.token_lifetime.0))?;
        row(f, "Remarks", self.remarks.as_deref().unwrap_or("none"))?;
        row(f, "Last used", &moment(self.last_used, "never"))?;
        row(f, "Secret before", &moment(self.overlap_until, "not valid"))?;
        row(f, "Created", &moment(Some(self.created_at), ""))
    }
}

impl fmt::Display for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return writeln!(f, "No accounts yet: signet account create makes one.");
        }
        writeln!(
            f,
            "{:24}  {:7}  {:>8}  {:20}  {:20}  REMARKS",
            "ACCESS KEY", "ENABLED", "LIFETIME", "LAST USED", "OLD SECRET UNTIL"
        )?;
        for account in &self.0 {
            let enabled = if account.enabled { "yes" } else { "no" };
            let (used, until) = (moment(account.last_used, "never"), moment(account.overlap_until, "-"));
            let lifetime = format!("{} s", account.token_lifetime.0);
            let remarks = account.remarks.as_deref().unwrap_or("-");
            writeln!(f, "{}  {enabled:7}  {lifetime:>8}  {used:20}  {until:20}  {remarks}", account.id)?;
        }
        Ok(())
    }
}

impl fmt::Display for Deleted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = match self.rules {
            0 => "No rule was about it.".to_owned(),
            1 => "The rule about it went as well.".to_owned(),
            rules => format!("The {rules} rules about it went as well."),
        };
        let AccountView { id, identifier, .. } = &self.account;
        writeln!(f, "Deleted account {id} of {identifier}: its tokens are worth nothing any more. {rules}")
    }
}

fn moment(at: Option<Timestamp>, otherwise: &str) -> String {
    at.map_or(otherwise.to_owned(), |at| Utc(at).to_string())
}

fn row(f: &mut fmt::Formatter<'_>, label: &str, value: &str) -> fmt::Result {
    writeln!(f, "{label:<14} {value}")
}
