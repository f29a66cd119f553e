//! What commands want done about user pools.

use serde::{Deserialize, Serialize};
use signet_protocol::issuer::{Identifier, Site};
use signet_store::{PoolContents, audit::Origin};
use signet_web::{
    Signet,
    manage::pools::{self, DEFAULT, PoolError, Wanted},
    pools::address,
};

/// What a command wants done about pools. They are named by identifier or id.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolRequest {
    /// List them.
    List,
    /// Make one.
    Create { identifier: String, name: String, address: Option<String> },
    /// Give one another name or address.
    Change { which: String, name: Option<String>, address: Option<String> },
    /// Delete one; `name` is what it has to be called.
    Delete { which: String, name: Option<String> },
}

/// Does what is asked, here, and says what to print.
pub async fn answer(signet: &Signet, request: PoolRequest) -> Result<String, String> {
    let done = match request {
        PoolRequest::List => list(signet).await,
        PoolRequest::Create { identifier, name, address } => {
            create(signet, &identifier, &name, address).await
        }
        PoolRequest::Change { which, name, address } => change(signet, &which, name, address).await,
        PoolRequest::Delete { which, name } => return delete(signet, &which, name.as_deref()).await,
    };
    done.map_err(in_flags)
}

/// The flag in the place of the key.
fn in_flags(error: PoolError) -> String {
    let keys = [("`identifier`", "IDENTIFIER"), ("`name`", "--name"), ("`base_url`", "--address")];
    keys.into_iter().fold(error.to_string(), |text, (key, flag)| text.replace(key, flag))
}

async fn list(signet: &Signet) -> Result<String, PoolError> {
    let all = pools::list(signet).await?;
    let line = |pool: &signet_store::StoredPool| {
        let identifier = pool.identifier.as_ref().map_or(DEFAULT, Identifier::as_str);
        let address = address(signet, pool).origin(&Site::Pool);
        format!("{identifier:20} {}  {address:40} {}", pool.id, pool.name)
    };
    Ok(all.iter().map(line).collect::<Vec<_>>().join("\n"))
}

async fn create(
    signet: &Signet,
    identifier: &str,
    name: &str,
    own: Option<String>,
) -> Result<String, PoolError> {
    let wanted = Wanted { identifier, name, base_url: own.as_deref() };
    let made = pools::create(signet, wanted, &Origin::command_line()).await?;
    let address = address(signet, &made.pool).origin(&Site::Pool);
    let link = made.link.as_ref().map_or("", |link| link.url());
    Ok(format!(
        "Created user pool {}, {}, at {address}\nSet up its console, once, within 24 hours, at\n{link}",
        made.pool.name, made.pool.id
    ))
}

async fn change(
    signet: &Signet,
    which: &str,
    name: Option<String>,
    base_url: Option<String>,
) -> Result<String, PoolError> {
    let from = pools::get(signet, which).await?;
    let wanted = (name.as_deref(), base_url.as_deref());
    let pool = pools::change(signet, &from, wanted, &Origin::command_line()).await?;
    Ok(format!("User pool {}, at {}", pool.name, address(signet, &pool).origin(&Site::Pool)))
}

async fn delete(signet: &Signet, which: &str, name: Option<&str>) -> Result<String, String> {
    let pool = pools::get(signet, which).await.map_err(in_flags)?;
    if name != Some(pool.name.as_str()) {
        let registry = pools::registry(signet).map_err(in_flags)?;
        let PoolContents { applications, users, accounts, .. } =
            registry.contents(pool.id).await.map_err(|error| error.to_string())?;
        return Err(format!(
            "nothing was deleted: user pool {:?} has {applications} applications, {users} users and {accounts} accounts, \
             and nothing of them comes back\n  To delete them all say so: --yes {:?}",
            pool.name, pool.name
        ));
    }
    let gone = pools::remove(signet, &pool, &Origin::command_line()).await.map_err(in_flags)?;
    Ok(format!(
        "Deleted user pool {} with {} applications and {} users. Nobody can use it any more; its rows go in the background.",
        pool.name, gone.applications, gone.users
    ))
}
