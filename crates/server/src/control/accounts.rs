//! What commands want done about programmatic access accounts.

use serde::{Deserialize, Serialize};
use signet_protocol::time::Seconds;
use signet_store::audit::Origin;
use signet_web::{
    Signet,
    manage::accounts::{self, AccountError, NewAccount, Which, access_key},
};

/// What a command wants done about accounts. Accounts are named by AccessKey, applications by App ID or identifier.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountRequest {
    /// Make one.
    Create { application: String, token_lifetime: Option<i64>, remarks: Option<String> },
    /// List those of an application.
    List(String),
    /// Show one.
    Show(String),
    /// Give one another secret; the one it has stays valid for so many seconds.
    Refresh { account: String, overlap: i64 },
    /// Enable or disable one.
    Enable { account: String, enabled: bool },
    /// Delete one.
    Delete(String),
}

/// Does what is asked, here, and says what to print.
pub async fn answer(signet: &Signet, request: AccountRequest) -> Result<String, AccountError> {
    let origin = Origin::command_line();
    Ok(match request {
        AccountRequest::Create { application, token_lifetime, remarks } => {
            let new = NewAccount { token_lifetime: token_lifetime.map(Seconds), remarks };
            accounts::create(signet, &application, new, &origin).await?.to_string()
        }
        AccountRequest::List(application) => accounts::list(signet, &application).await?.to_string(),
        AccountRequest::Show(account) => accounts::one(signet, access_key(&account)?).await?.to_string(),
        AccountRequest::Refresh { account, overlap } => {
            accounts::refresh(signet, which(&account)?, Seconds(overlap), &origin).await?.to_string()
        }
        AccountRequest::Enable { account, enabled } => {
            accounts::enable(signet, access_key(&account)?, enabled, &origin).await?.to_string()
        }
        AccountRequest::Delete(account) => {
            accounts::delete(signet, which(&account)?, &origin).await?.to_string()
        }
    })
}

fn which(account: &str) -> Result<Which, AccountError> {
    Ok(Which { id: access_key(account)?, version: None })
}
