//! The pool itself: its name, how people sign in, its throttles and its mail server.

use serde_json::{Map, Value, json};
use signet_protocol::{mail::MailServer, pool::PoolSettings};

use super::{Answer, Ask, Reply, ask::found, body::check_members};
use crate::{mail, manage::edit::Edit, pages::Lang};

/// The members of `[pool]`.
pub const POOL: [&str; 7] = [
    "name",
    "languages",
    "login_methods",
    "session_lifetime",
    "browser_session",
    "console_session_lifetime",
    "password_recovery",
];
/// The members of `[pool.throttle]`.
pub const THROTTLE: [&str; 6] = [
    "name_and_network_failures",
    "name_and_network_period",
    "name_failures",
    "name_period",
    "network_failures",
    "network_period",
];
/// The members of `[pool.mail]`.
pub const MAIL: [&str; 7] = ["host", "port", "security", "username", "password", "from", "from_name"];

/// GET `/pool`.
pub async fn pool(ask: Ask) -> Answer {
    let settings = ask.signet.store().stored_pool_settings().await?;
    Ok(Reply::ok(general(&settings)).at(settings.version))
}

/// PATCH `/pool`.
pub async fn change_pool(ask: Ask) -> Answer {
    change(&ask, "pool", &POOL).await?;
    pool(ask).await
}

/// GET `/pool/throttle`.
pub async fn throttle(ask: Ask) -> Answer {
    let settings = ask.signet.store().stored_pool_settings().await?;
    Ok(Reply::ok(json!(settings.throttle)).at(settings.version))
}

/// PATCH `/pool/throttle`.
pub async fn change_throttle(ask: Ask) -> Answer {
    change(&ask, "pool.throttle", &THROTTLE).await?;
    throttle(ask).await
}

/// GET `/pool/mail`.
pub async fn mail(ask: Ask) -> Answer {
    let settings = ask.signet.store().stored_pool_settings().await?;
    found(settings.mail.is_some(), "mail server")?;
    Ok(Reply::ok(settings.mail.as_ref().map(server).unwrap_or_default()).at(settings.version))
}

/// PATCH `/pool/mail`: changes the server, or sets one up.
pub async fn change_mail(ask: Ask) -> Answer {
    change(&ask, "pool.mail", &MAIL).await?;
    mail(ask).await
}

/// DELETE `/pool/mail`.
pub async fn remove_mail(ask: Ask) -> Answer {
    let settings = ask.signet.store().stored_pool_settings().await?;
    found(settings.mail.is_some(), "mail server")?;
    let edit = Edit::section("pool.mail", ask.version).set("host", &"".into());
    edit.save(&ask.signet, &ask.origin()).await?;
    Ok(Reply::nothing())
}

/// POST `/pool/mail/test`: a message, whose fate is told.
pub async fn test_mail(ask: Ask) -> Answer {
    check_members(&ask.body, ["to"].into_iter())?;
    let to = ask.body.get("to").and_then(Value::as_str).unwrap_or_default();
    mail::send_test(&ask.signet, to, Lang::En, &ask.origin()).await?;
    Ok(Reply::nothing())
}

async fn change(ask: &Ask, table: &str, members: &[&'static str]) -> Result<(), super::problem::Problem> {
    check_members(&ask.body, members.iter().copied())?;
    let set = |edit: Edit, (name, value): (&String, &Value)| match value {
        // Nothing is what takes a value away.
        Value::Null => edit.set(name, &"".into()),
        value => edit.set(name, value),
    };
    let edit = ask.body.iter().fold(Edit::section(table, ask.version), set);
    edit.save(&ask.signet, &ask.origin()).await?;
    Ok(())
}

fn general(settings: &PoolSettings) -> Value {
    let mut members = members(json!(settings.sign_in));
    members.insert("name".to_owned(), settings.name.as_str().into());
    Value::Object(members)
}

/// A server as it is told: of its password only that there is one.
fn server(server: &MailServer) -> Value {
    let mut members = members(json!(server));
    members.remove("password");
    members.insert("has_password".to_owned(), server.password.is_some().into());
    Value::Object(members)
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
