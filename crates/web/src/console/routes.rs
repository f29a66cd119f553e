//! Every page of the console.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::{FromRequest, RawPathParams, Request, State},
    routing::any,
};
use http::Uri;
use signet_protocol::operator::Permission;

use super::{
    Route, applications, audit,
    gate::{self, At, Sent},
    history, home, overview, settings, setup, sign_in, traces, users,
};
use crate::{
    Signet,
    edge::{Edge, Form},
    upload::{DESCRIPTION_BYTES, UPLOAD_BYTES},
};

/// A row: how it is asked, its path, what it takes, and who answers.
macro_rules! row {
    ($posts:expr, $path:literal, $permission:ident, $fresh:expr, $handler:path) => {
        row!($posts, $path, $permission, $fresh, $handler, None)
    };
    ($posts:expr, $path:literal, $permission:ident, $fresh:expr, $handler:path, $file:expr) => {
        Route {
            path: $path,
            posts: $posts,
            permission: Permission::$permission,
            fresh: $fresh,
            file: $file,
            handler: |ask| Box::pin($handler(ask)),
        }
    };
}

/// A page.
macro_rules! page {
    ($path:literal, $permission:ident, $handler:path) => {
        row!(false, $path, $permission, false, $handler)
    };
}

/// What takes a form.
macro_rules! form {
    ($path:literal, $permission:ident, $handler:path) => {
        row!(true, $path, $permission, false, $handler)
    };
    (fresh $path:literal, $permission:ident, $handler:path) => {
        row!(true, $path, $permission, true, $handler)
    };
    (file $path:literal, $permission:ident, $handler:path) => {
        row!(true, $path, $permission, false, $handler, Some(UPLOAD_BYTES))
    };
    (fresh description $path:literal, $permission:ident, $handler:path) => {
        row!(true, $path, $permission, true, $handler, Some(DESCRIPTION_BYTES))
    };
}

/// Everything behind the gate. The test of the rows says what each role gets of it.
pub static ROWS: &[Route] = &[
    page!("/console", ApplicationsRead, home::show),
    form!("/console/sign-out", ApplicationsRead, sign_in::sign_out),
    form!("/console/language", ApplicationsRead, home::language),
    page!("/console/overview", OverviewRead, overview::show),
    page!("/console/applications", ApplicationsRead, applications::list::show),
    page!("/console/applications/new", ApplicationsCreate, applications::create::show),
    form!("/console/applications/new", ApplicationsCreate, applications::create::submit),
    page!("/console/applications/identifier", ApplicationsCreate, applications::create::check_identifier),
    page!("/console/applications/{app}", ApplicationsRead, applications::quick_start::show),
    page!(
        "/console/applications/{app}/configuration",
        ApplicationsRead,
        applications::settings::configuration
    ),
    form!(
        "/console/applications/{app}/configuration",
        ApplicationsWrite,
        applications::settings::save_configuration
    ),
    page!("/console/applications/{app}/branding", ApplicationsRead, applications::branding::show),
    form!("/console/applications/{app}/branding", ApplicationsWrite, applications::branding::save),
    page!("/console/applications/{app}/branding/preview", ApplicationsRead, applications::branding::stored),
    form!("/console/applications/{app}/branding/preview", ApplicationsWrite, applications::branding::typed),
    page!("/console/applications/{app}/protocol", ApplicationsRead, applications::settings::protocol),
    form!("/console/applications/{app}/protocol", ApplicationsWrite, applications::settings::save_protocol),
    page!("/console/applications/{app}/claims", ApplicationsRead, applications::settings::claims),
    form!("/console/applications/{app}/claims", ApplicationsWrite, applications::settings::save_claims),
    page!("/console/applications/{app}/access", ApplicationsRead, applications::settings::access),
    form!("/console/applications/{app}/access", ApplicationsWrite, applications::settings::save_access),
    form!("/console/applications/{app}/preset", ApplicationsWrite, applications::settings::preset),
    form!(fresh "/console/applications/{app}/secret", SecretsRead, applications::secret::show),
    page!("/console/applications/{app}/try", ApplicationsWrite, applications::try_it::show),
    form!("/console/applications/{app}/try", ApplicationsWrite, applications::try_it::start),
    page!("/console/applications/{app}/try/request", ApplicationsWrite, applications::try_it::request),
    form!("/console/applications/{app}/try/link", ApplicationsWrite, applications::try_it::link),
    form!("/console/applications/{app}/try/revoke", ApplicationsWrite, applications::try_it::revoke),
    page!("/console/applications/{app}/failures", ApplicationsRead, applications::failures::show),
    form!("/console/applications/{app}/failures", ApplicationsWrite, applications::failures::mend),
    page!("/console/applications/{app}/danger", ApplicationsWrite, applications::danger::show),
    form!(fresh "/console/applications/{app}/danger", ApplicationsWrite, applications::danger::submit),
    page!("/console/traces", ApplicationsRead, traces::show),
    page!("/console/audit", AuditRead, audit::show),
    page!("/console/audit/export", AuditRead, audit::download::export),
    page!("/console/audit/verify", AuditRead, audit::verify),
    form!(fresh "/console/applications/{app}/secret/refresh", SecretsRead, applications::danger::refresh_secret),
    form!(fresh "/console/applications/{app}/delete", ApplicationsCreate, applications::danger::delete),
    page!("/console/applications/{app}/callers", ApplicationsRead, applications::callers::show),
    form!(
        fresh "/console/applications/{app}/callers/accounts",
        SecretsRead,
        applications::callers::accounts::create
    ),
    page!(
        "/console/applications/{app}/callers/accounts/{account}",
        ApplicationsRead,
        applications::callers::accounts::show
    ),
    form!(
        "/console/applications/{app}/callers/accounts/{account}",
        ApplicationsWrite,
        applications::callers::accounts::save
    ),
    form!(
        fresh "/console/applications/{app}/callers/accounts/{account}/key",
        SecretsRead,
        applications::callers::accounts::refresh
    ),
    form!(
        fresh "/console/applications/{app}/callers/accounts/{account}/delete",
        ApplicationsWrite,
        applications::callers::accounts::delete
    ),
    page!(
        "/console/applications/{app}/callers/resource",
        ApplicationsWrite,
        applications::callers::resources::show
    ),
    form!(
        "/console/applications/{app}/callers/resource",
        ApplicationsWrite,
        applications::callers::resources::save
    ),
    page!("/console/applications/{app}/callers/rule", ApplicationsWrite, applications::callers::rules::show),
    form!("/console/applications/{app}/callers/rule", ApplicationsWrite, applications::callers::rules::save),
    page!("/console/applications/{app}/code", ApplicationsRead, applications::code::show),
    page!("/console/applications/{app}/code/export", ApplicationsRead, applications::code::download),
    form!("/console/applications/{app}/code/undo", ApplicationsWrite, applications::code::undo),
    page!("/console/applications/{app}/sessions", ApplicationsRead, applications::sessions::show),
    form!("/console/applications/{app}/sessions", ApplicationsWrite, applications::sessions::submit),
    page!("/console/users", UsersRead, users::list::show),
    page!("/console/users/new", UsersWrite, users::create::show),
    form!("/console/users/new", UsersWrite, users::create::submit),
    page!("/console/users/import", UsersWrite, users::import::show),
    form!(file "/console/users/import", UsersWrite, users::import::submit),
    form!("/console/users/import/job", UsersWrite, users::import::job),
    page!("/console/users/export", UsersRead, users::export::download),
    page!("/console/users/{user}", UsersRead, users::profile::show),
    form!("/console/users/{user}", UsersWrite, users::profile::save),
    page!("/console/users/{user}/sign-in", UsersRead, users::sign_in::show),
    form!("/console/users/{user}/sign-in", UsersWrite, users::sign_in::save),
    form!("/console/users/{user}/block", UsersWrite, users::sign_in::block),
    form!(fresh "/console/users/{user}/password", UsersWrite, users::sign_in::password),
    form!(fresh "/console/users/{user}/link", UsersWrite, users::sign_in::link),
    page!("/console/users/{user}/access", UsersRead, users::profile::access),
    form!("/console/users/{user}/access", UsersWrite, users::profile::save_access),
    page!("/console/users/{user}/sessions", UsersRead, users::sessions::show),
    form!("/console/users/{user}/sessions", UsersWrite, users::sessions::submit),
    page!("/console/users/{user}/grants", UsersRead, users::grants::show),
    form!("/console/users/{user}/grants", UsersWrite, users::grants::submit),
    page!("/console/users/{user}/history", AuditRead, users::history::show),
    form!("/console/users/{user}/history/undo", UsersWrite, users::history::undo),
    page!("/console/users/{user}/code", UsersRead, users::code::show),
    page!("/console/users/{user}/delete", UsersWrite, users::delete::show),
    form!(fresh "/console/users/{user}/delete", UsersWrite, users::delete::submit),
    page!("/console/settings", SettingsRead, settings::show),
    page!("/console/settings/general", SettingsRead, settings::pool::general),
    form!("/console/settings/general", SettingsWrite, settings::pool::save_general),
    page!("/console/settings/login", SettingsRead, settings::pool::login),
    form!("/console/settings/login", SettingsWrite, settings::pool::save_login),
    page!("/console/settings/security", SettingsRead, settings::pool::security),
    form!("/console/settings/security", SettingsWrite, settings::pool::save_security),
    page!("/console/settings/mail", SettingsRead, settings::pool::mail),
    form!(fresh "/console/settings/mail", SettingsWrite, settings::pool::save_mail),
    form!("/console/settings/mail/test", SettingsWrite, settings::pool::test_mail),
    page!("/console/settings/claims", SettingsRead, settings::claims::show),
    form!("/console/settings/claims", SettingsWrite, settings::claims::save),
    page!("/console/settings/keys", SettingsRead, settings::keys::show),
    form!(fresh "/console/settings/keys", SettingsWrite, settings::keys::rotate),
    page!("/console/settings/administrators", AdministratorsRead, settings::administrators::show),
    form!(fresh "/console/settings/administrators", AdministratorsWrite, settings::administrators::save),
    page!("/console/settings/code", SettingsWrite, settings::code::show),
    form!(fresh description "/console/settings/code", SettingsWrite, settings::code::submit),
    page!("/console/settings/code/export", SettingsWrite, settings::code::download),
    page!("/console/settings/pools", PoolsRead, settings::pools::show),
    form!(fresh "/console/settings/pools", PoolsWrite, settings::pools::create),
    page!("/console/settings/pools/{pool}", PoolsRead, settings::user_pool::show),
    form!("/console/settings/pools/{pool}", PoolsWrite, settings::user_pool::save),
    form!(fresh "/console/settings/pools/{pool}/link", PoolsWrite, settings::user_pool::link),
    form!(fresh "/console/settings/pools/{pool}/delete", PoolsWrite, settings::user_pool::delete),
    page!("/console/settings/history", SettingsRead, history::show),
    form!("/console/settings/history/undo", SettingsWrite, history::submit),
];

/// The console as routes.
pub fn routes() -> Router<Arc<Signet>> {
    let mut router = Router::new()
        .route("/console/setup", any(setup::handle))
        .route("/console/sign-in", any(sign_in::handle))
        .route("/console/try/callback", any(applications::try_it::callback::handle))
        .route("/console/", any(home::without_slash));
    let mut paths: Vec<&'static str> = ROWS.iter().map(|row| row.path).collect();
    paths.sort_unstable();
    paths.dedup();
    for path in paths {
        let file = ROWS.iter().filter(|row| row.path == path).find_map(|row| row.file);
        let answer = async move |State(signet): State<Arc<Signet>>,
                                 edge: Edge,
                                 parts: RawPathParams,
                                 uri: Uri,
                                 request: Request| {
            let parts: BTreeMap<String, String> =
                parts.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let target = uri.path_and_query().map_or(path, |asked| asked.as_str());
            let sent = match file {
                Some(most) => Sent::File(request, most),
                None => {
                    let Ok(form) = Form::from_request(request, &()).await;
                    Sent::Form(form)
                }
            };
            gate::pass(signet, edge, parts, sent, At { rows: ROWS, pattern: path, target }).await
        };
        router = router.route(path, any(answer));
    }
    router
}
