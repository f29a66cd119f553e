//! `/users`.

use serde_json::{Map, Value, json};
use signet_store::Listed;

use super::{
    Answer, Ask, PREFIX, Reply,
    body::check_members,
    pages::{CURSOR, not_ours, page},
    problem::Problem,
    schemas::user_members,
};
use crate::{
    mail,
    manage::{
        edit::Edit,
        users::{
            edit, export,
            fields::Fields,
            import::{self, Mode, Record},
            link,
            list::{Cursor, Filter, list as people},
        },
    },
};

/// GET `/users`: the newest first, or with `q` by the word at which they are found.
pub async fn list(ask: Ask) -> Answer {
    let filter = Filter {
        text: ask.param("q").unwrap_or_default().to_owned(),
        role: ask.param("role").map(str::to_owned),
        group: ask.param("group").map(str::to_owned),
        blocked: ask.param("blocked").map(|text| text == "true"),
    };
    let turn = cursor(&ask)?.into();
    let users = people(&ask.signet, &filter, turn, ask.limit()).await?;
    let next = users.next.map(|next| next.encode());
    Ok(Reply::ok(page(users.rows.iter().map(shown).collect(), next)))
}

fn cursor(ask: &Ask) -> Result<Option<Cursor>, Problem> {
    ask.param(CURSOR.name).map(|text| Cursor::parse(text).ok_or_else(not_ours)).transpose()
}

/// POST `/users`.
pub async fn create(ask: Ask) -> Answer {
    check_members(&ask.body, user_members())?;
    let made = edit::create(&ask.signet, &Fields(ask.body.clone()), &ask.origin()).await?;
    let (location, version) = (format!("{PREFIX}/users/{}", made.id), made.version);
    let listed = ask.signet.store().person(made.id).await?.ok_or_else(|| Problem::missing("user"))?;
    Ok(Reply::created(shown(&listed), location).at(version))
}

/// GET `/users/{user}`.
pub async fn get(ask: Ask) -> Answer {
    let listed = ask.signet.store().person(ask.user()?).await?.ok_or_else(|| Problem::missing("user"))?;
    Ok(Reply::ok(shown(&listed)).at(listed.user.version))
}

/// PATCH `/users/{user}`: what is said changes, what is null goes, the rest stays (RFC 7396).
pub async fn change(ask: Ask) -> Answer {
    check_members(&ask.body, user_members())?;
    let user = ask.user()?;
    let lists = ["roles", "groups"];
    let mut members = ask.body.clone();
    for (name, value) in members.iter_mut().filter(|(_, value)| value.is_null()) {
        *value = match name.as_str() {
            name if lists.contains(&name) => json!([]),
            "blocked" | "email_verified" | "phone_verified" => false.into(),
            "address" | "extended_fields" => json!({}),
            _ => "".into(),
        };
    }
    edit::edit(&ask.signet, user, ask.version, &Fields(members), &ask.origin()).await?;
    get(ask).await
}

/// DELETE `/users/{user}`.
pub async fn remove(ask: Ask) -> Answer {
    let user = ask.user()?;
    let listed = ask.signet.store().person(user).await?.ok_or_else(|| Problem::missing("user"))?;
    let edit = match ask.version {
        Some(version) => Edit::user(user, version),
        None => Edit::user(user, listed.user.version),
    };
    edit.set("remove", &true.into()).save(&ask.signet, &ask.origin()).await?;
    Ok(Reply::nothing())
}

/// POST `/users/{user}/block`.
pub async fn block(ask: Ask) -> Answer {
    blocked(ask, true).await
}

/// POST `/users/{user}/unblock`.
pub async fn unblock(ask: Ask) -> Answer {
    blocked(ask, false).await
}

async fn blocked(ask: Ask, blocked: bool) -> Answer {
    let user = ask.user()?;
    edit::set_blocked(&ask.signet, user, blocked, &ask.origin()).await?;
    get(ask).await
}

/// POST `/users/{user}/link`: a one-time link with which they choose their password.
pub async fn make_link(ask: Ask) -> Answer {
    let user = ask.user()?;
    let made = link::create(&ask.signet, user, &ask.origin()).await?;
    Ok(Reply::ok(json!({ "url": made.url, "expires_at": made.expires_at })))
}

/// POST `/users/{user}/link/mail`: the same, sent to their address and told to nobody else.
pub async fn mail_link(ask: Ask) -> Answer {
    let user = ask.user()?;
    let sent = mail::send_link(&ask.signet, user, &ask.origin()).await?;
    Ok(Reply::ok(json!({ "sent_to": sent.to, "expires_at": sent.expires_at })))
}

/// DELETE `/users/{user}/link`.
pub async fn withdraw_link(ask: Ask) -> Answer {
    let user = ask.user()?;
    super::ask::found(link::withdraw(&ask.signet, user, &ask.origin()).await?, "link that could be used")?;
    Ok(Reply::nothing())
}

/// POST `/users/import`: up to [`import::CHUNK_USERS`] users, those that are right together.
pub async fn import(ask: Ask) -> Answer {
    check_members(&ask.body, ["users", "update", "dry_run"].into_iter())?;
    let Some(Value::Array(users)) = ask.body.get("users") else {
        return Err(Problem::field("users", "`users` must be a list of users"));
    };
    if users.len() > import::CHUNK_USERS {
        let message = format!("`users` may be {} at once; send the others behind them", import::CHUNK_USERS);
        return Err(Problem::field("users", message));
    }
    let mode = Mode {
        dry_run: ask.truth("dry_run")?.unwrap_or_default(),
        update: ask.truth("update")?.unwrap_or_default(),
    };
    let mut records = Vec::new();
    for (place, user) in users.iter().enumerate() {
        let field = format!("users[{place}]");
        let Value::Object(fields) = user else {
            return Err(Problem::field(field.clone(), format!("`{field}` must be an object")));
        };
        let members = user_members().chain(["password_hash"]);
        check_members(fields, members).map_err(|mut problem| {
            problem.errors.iter_mut().for_each(|wrong| wrong.field = format!("{field}.{}", wrong.field));
            problem
        })?;
        records.push(Record { line: place + 1, fields: Fields(fields.clone()), texts: false });
    }
    let outcome = import::chunk::run(&ask.signet, records, mode, &ask.origin()).await?;
    let problems: Vec<Value> = outcome
        .problems
        .iter()
        .map(|told| json!({ "index": told.line.saturating_sub(1), "field": told.problem.field, "message": told.problem.message }))
        .collect();
    Ok(Reply::ok(json!({
        "created": outcome.created,
        "updated": outcome.updated,
        "unchanged": outcome.unchanged,
        "refused": outcome.refused,
        "problems": problems,
    })))
}

/// GET `/users/export`: what an import reads, page by page.
pub async fn export(ask: Ask) -> Answer {
    let users = people(&ask.signet, &Filter::default(), cursor(&ask)?.into(), ask.limit()).await?;
    let items =
        users.rows.iter().map(|listed| Value::Object(export::fields(&listed.user, false).0)).collect();
    Ok(Reply::ok(page(items, users.next.map(|next| next.encode()))))
}

/// A user as the API has them.
fn shown(listed: &Listed) -> Value {
    let user = &listed.user;
    let mut members: Map<String, Value> = export::fields(user, false).0;
    let details = &user.details;
    members.insert("id".into(), json!(user.id));
    members.insert("blocked".into(), user.blocked.into());
    members.insert("email_verified".into(), details.email_verified.into());
    members.insert("phone_verified".into(), details.phone_verified.into());
    members.insert("has_password".into(), user.password.is_some().into());
    members.insert("created_at".into(), json!(listed.created_at));
    members.insert("updated_at".into(), json!(user.updated_at));
    members.insert("version".into(), user.version.into());
    Value::Object(members)
}
