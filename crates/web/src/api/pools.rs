//! `/pools`: the user pools of the installation. They are there in the default pool alone.

use serde_json::{Value, json};
use signet_protocol::issuer::{Identifier, Site};
use signet_store::StoredPool;

use super::{
    Answer, Ask, PREFIX, Reply,
    body::check_members,
    pages::page,
    problem::{CONFLICT, INVALID, Problem, STALE},
    schema::{Schemas, id, moment, number, object, text, text_or_null, truth, whole},
};
use crate::{
    Signet,
    manage::pools::{self, DEFAULT, Flaw, PoolError, Wanted},
    pools::address,
};

/// GET `/pools`.
pub async fn list(ask: Ask) -> Answer {
    let all = pools::list(&ask.signet).await?;
    Ok(Reply::ok(page(all.iter().map(|pool| shown(&ask.signet, pool)).collect(), None)))
}

/// POST `/pools`: makes one. The link that sets up its console is in this answer alone.
pub async fn create(ask: Ask) -> Answer {
    check_members(&ask.body, ["identifier", "name", "base_url"].into_iter())?;
    let needed = |name: &'static str| {
        let text = ask.text(name)?;
        text.ok_or_else(|| Problem::field(name, format!("a user pool needs `{name}`")))
    };
    let (identifier, name, base_url) = (needed("identifier")?, needed("name")?, ask.text("base_url")?);
    let made = pools::create(&ask.signet, Wanted { identifier, name, base_url }, &ask.origin()).await?;
    let mut body = shown(&ask.signet, &made.pool);
    if let Some(members) = body.as_object_mut() {
        members.insert("setup_link".to_owned(), made.link.map(|link| link.url().to_owned()).into());
    }
    Ok(Reply::created(body, format!("{PREFIX}/pools/{}", made.pool.id)).at(made.pool.version))
}

/// GET `/pools/{pool}`.
pub async fn get(ask: Ask) -> Answer {
    let pool = stored(&ask).await?;
    let contents = pools::registry(&ask.signet)?.contents(pool.id).await?;
    let mut body = shown(&ask.signet, &pool);
    if let Some(members) = body.as_object_mut() {
        let counted = json!({
            "applications": contents.applications,
            "users": contents.users,
            "accounts": contents.accounts,
            "administrators": contents.administrators,
        });
        members.insert("contents".to_owned(), counted);
    }
    Ok(Reply::ok(body).at(pool.version))
}

/// PATCH `/pools/{pool}`: another name or address.
pub async fn change(ask: Ask) -> Answer {
    check_members(&ask.body, ["name", "base_url"].into_iter())?;
    let from = seen(&ask).await?;
    let wanted = (ask.text("name")?, ask.text("base_url")?);
    let pool = pools::change(&ask.signet, &from, wanted, &ask.origin()).await?;
    Ok(Reply::ok(shown(&ask.signet, &pool)).at(pool.version))
}

/// DELETE `/pools/{pool}`, with everybody and everything in it.
pub async fn remove(ask: Ask) -> Answer {
    let pool = seen(&ask).await?;
    pools::remove(&ask.signet, &pool, &ask.origin()).await?;
    Ok(Reply::nothing())
}

/// POST `/pools/{pool}/setup-link`: another link that sets up its console, in place of the one before.
pub async fn setup_link(ask: Ask) -> Answer {
    let pool = stored(&ask).await?;
    let link = pools::setup_link(&ask.signet, &pool, &ask.origin()).await?;
    Ok(Reply::ok(json!({ "setup_link": link.url() })))
}

async fn stored(ask: &Ask) -> Result<StoredPool, Problem> {
    Ok(pools::get(&ask.signet, ask.part("pool")).await?)
}

/// The same, if it is still as whoever asks has seen it.
async fn seen(ask: &Ask) -> Result<StoredPool, Problem> {
    let pool = stored(ask).await?;
    match ask.version {
        Some(version) if version != pool.version => Err(PoolError::Changed.into()),
        _ => Ok(pool),
    }
}

fn shown(signet: &Signet, pool: &StoredPool) -> Value {
    json!({
        "id": pool.id,
        "identifier": pool.identifier.as_ref().map_or(DEFAULT, Identifier::as_str),
        "name": pool.name,
        "base_url": address(signet, pool).origin(&Site::Pool),
        "default": pool.base_url.is_none(),
        "created_at": pool.created_at,
        "version": pool.version,
    })
}

impl From<PoolError> for Problem {
    fn from(error: PoolError) -> Problem {
        let text = error.to_string();
        match error {
            PoolError::Elsewhere | PoolError::Missing(_) => Problem::missing("user pool"),
            PoolError::Refused(Flaw::Full | Flaw::IdentifierTaken | Flaw::AddressTaken) => {
                Problem::new(CONFLICT, text)
            }
            PoolError::Refused(flaw) => {
                let wrong = super::problem::Wrong { field: flaw.field().to_owned(), message: text.clone() };
                Problem { errors: Box::new([wrong]), ..Problem::new(INVALID, text) }
            }
            PoolError::Changed => Problem::new(STALE, text),
            PoolError::Stays | PoolError::Owned => Problem::new(CONFLICT, text),
            PoolError::Store(error) => error.into(),
        }
    }
}

/// What is taken and given here.
pub fn schemas() -> Schemas {
    let pool = [
        ("id", id()),
        ("identifier", text()),
        ("name", text()),
        ("base_url", text()),
        ("default", truth()),
        ("created_at", moment()),
        ("version", number()),
    ];
    let contents = whole(&[
        ("applications", number()),
        ("users", number()),
        ("accounts", number()),
        ("administrators", number()),
    ]);
    let with = |name: &'static str, schema: Value| whole(&[pool.as_slice(), &[(name, schema)]].concat());
    let new = [("identifier", text()), ("name", text()), ("base_url", text_or_null())];
    vec![
        ("UserPool", whole(&pool)),
        ("UserPoolContents", with("contents", contents)),
        ("UserPoolWithLink", with("setup_link", text_or_null())),
        ("NewUserPool", object(&new, &["identifier", "name"])),
        ("UserPoolChange", object(&[("name", text_or_null()), ("base_url", text_or_null())], &[])),
        ("SetupLink", whole(&[("setup_link", text())])),
        ("UserPoolPage", super::schema::page("UserPool")),
    ]
}
