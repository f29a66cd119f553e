//! Every page of the console.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::{RawPathParams, State},
    routing::any,
};
use http::Uri;
use signet_protocol::operator::Permission;

use super::{
    Route, applications, audit,
    gate::{self, At},
    home, overview, settings, setup, sign_in, traces,
};
use crate::{
    Signet,
    edge::{Edge, Form},
};

/// A row: how it is asked, its path, what it takes, and who answers.
macro_rules! row {
    ($posts:expr, $path:literal, $permission:ident, $fresh:expr, $handler:path) => {
        Route {
            path: $path,
            posts: $posts,
            permission: Permission::$permission,
            fresh: $fresh,
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
    page!("/console/settings", SettingsRead, settings::show),
    page!("/console/settings/claims", SettingsRead, settings::claims::show),
    form!("/console/settings/claims", SettingsWrite, settings::claims::save),
    page!("/console/settings/keys", SettingsRead, settings::keys::show),
    form!(fresh "/console/settings/keys", SettingsWrite, settings::keys::rotate),
    page!("/console/settings/administrators", AdministratorsRead, settings::administrators::show),
    form!(fresh "/console/settings/administrators", AdministratorsWrite, settings::administrators::save),
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
        let answer = async move |State(signet): State<Arc<Signet>>,
                                 edge: Edge,
                                 parts: RawPathParams,
                                 uri: Uri,
                                 form: Form| {
            let parts: BTreeMap<String, String> =
                parts.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let target = uri.path_and_query().map_or(path, |asked| asked.as_str());
            gate::pass(signet, edge, parts, form, At { rows: ROWS, pattern: path, target }).await
        };
        router = router.route(path, any(answer));
    }
    router
}
