//! Every route of the API.

use std::sync::Arc;

use axum::{
    Router,
    extract::{RawPathParams, Request, State, rejection::RawPathParamsRejection},
    routing::any,
};
use http::Method;
use signet_protocol::operator::Permission::{self, *};

use super::{
    PREFIX, Param, ParamKind, Route, accounts, administrators, applications, audit, description, gate, keys,
    openapi, overview,
    pages::{CURSOR, LIMIT},
    permissions, pool, pools, settings, user_state, users,
};
use crate::{Signet, edge::Edge};

/// A row: its method and path, what it needs, what it does, and who answers. What it takes and gives is said behind it.
macro_rules! row {
    ($method:ident $path:literal, $permission:expr, $summary:literal, $handler:path) => {
        Route::new(Method::$method, $path, $permission, $summary, |ask| Box::pin($handler(ask)))
    };
}

const fn param(name: &'static str, kind: ParamKind, about: &'static str) -> Param {
    Param { name, kind, about }
}

const SEARCH: Param =
    param("q", ParamKind::Text, "What is looked for: the beginnings of words, or a whole id.");
const PAGE: &[Param] = &[LIMIT, CURSOR];
const FIND: &[Param] = &[LIMIT, CURSOR, SEARCH];
const PEOPLE: &[Param] = &[
    LIMIT,
    CURSOR,
    SEARCH,
    param("role", ParamKind::Text, "Only who has this role."),
    param("group", ParamKind::Text, "Only who is in this group."),
    param("blocked", ParamKind::Truth, "Only who is blocked, or is not."),
];
const RECORDS: &[Param] = &[
    LIMIT,
    CURSOR,
    param("kind", ParamKind::OneOf(&["user", "admin"]), "Which of the two logs."),
    param("action", ParamKind::Text, "What was done: `login`, `update` and so on."),
    param("actor", ParamKind::Text, "Who did it: an id, or a user by name, e-mail or phone."),
    param("application", ParamKind::Text, "At which application: its App ID or identifier."),
    param("target", ParamKind::Text, "To what: an id, or the name of a user or application."),
    param("ip", ParamKind::Text, "From which address."),
    param("request_id", ParamKind::Text, "By which request."),
    param("success", ParamKind::Truth, "Whether it was done."),
    param("from", ParamKind::Text, "Not before this: `2026-11-30`, or with a time, in UTC."),
    param("to", ParamKind::Text, "Before this."),
    param("order", ParamKind::OneOf(&["newest", "oldest"]), "What comes first."),
];
const EXPORT: &[Param] = &[
    CURSOR,
    param(
        "secrets",
        ParamKind::OneOf(&["left_out", "sealed"]),
        "Whether secrets are written; sealed ones need `admin:secrets:read`.",
    ),
];
const EXPECTED: &[Param] =
    &[param("expected", ParamKind::Text, "A `head` that was kept earlier, to be found again.")];
const TRACES: &[Param] = &[
    LIMIT,
    CURSOR,
    param("application", ParamKind::Text, "Only of this application: its App ID or identifier."),
];
/// Who applies a file may do everything with it: it gives secrets, passwords and rights.
const EVERYTHING: &[Permission] =
    &[ApplicationsCreate, ApplicationsWrite, SecretsRead, SettingsWrite, UsersWrite];

/// The table.
pub static ROWS: &[Route] = &[
    row!(GET "/overview", OverviewRead, "How the pool is used, and what to look at", overview::show)
        .gives(200, "Overview"),
    row!(GET "/applications", ApplicationsRead, "List applications by name", applications::list)
        .query(FIND)
        .gives(200, "ApplicationPage"),
    row!(POST "/applications", ApplicationsCreate, "Create an application", applications::create)
        .takes("NewApplication")
        .gives(201, "Application"),
    row!(GET "/applications/{app}", ApplicationsRead, "Get an application", applications::get)
        .gives(200, "Application")
        .versioned(),
    row!(PATCH "/applications/{app}", ApplicationsWrite, "Change an application", applications::change)
        .takes("ApplicationChange")
        .gives(200, "Application")
        .versioned(),
    row!(DELETE "/applications/{app}", ApplicationsCreate, "Remove an application and all that is its own", applications::remove)
        .versioned(),
    row!(GET "/applications/{app}/secret", SecretsRead, "Show the App Secret", applications::secret)
        .gives(200, "AppSecret"),
    row!(POST "/applications/{app}/secret/rotate", SecretsRead, "Replace the App Secret", applications::rotate_secret)
        .and(&[ApplicationsWrite])
        .gives(200, "AppSecret"),
    row!(GET "/applications/{app}/accounts", ApplicationsRead, "List the programmatic accounts of an application", accounts::list)
        .query(PAGE)
        .gives(200, "AccountPage"),
    row!(POST "/applications/{app}/accounts", ApplicationsWrite, "Create an account; its SecretKey is in this answer alone", accounts::create)
        .and(&[SecretsRead])
        .takes("NewAccount")
        .gives(201, "AccountWithKey"),
    row!(GET "/applications/{app}/accounts/{account}", ApplicationsRead, "Get an account", accounts::get)
        .gives(200, "Account")
        .versioned(),
    row!(PATCH "/applications/{app}/accounts/{account}", ApplicationsWrite, "Change, enable or disable an account", accounts::change)
        .takes("AccountChange")
        .gives(200, "Account")
        .versioned(),
    row!(POST "/applications/{app}/accounts/{account}/refresh", ApplicationsWrite, "Give an account another SecretKey", accounts::refresh)
        .and(&[SecretsRead])
        .takes("AccountRefresh")
        .gives(200, "AccountWithKey")
        .versioned(),
    row!(DELETE "/applications/{app}/accounts/{account}", ApplicationsWrite, "Delete an account and the rules about it", accounts::remove)
        .versioned(),
    row!(GET "/applications/{app}/resources", ApplicationsRead, "List the resources of an application", permissions::resources)
        .query(PAGE)
        .gives(200, "ResourcePage"),
    row!(POST "/applications/{app}/resources", ApplicationsWrite, "Create a resource of an application", permissions::create_resource)
        .takes("Resource")
        .gives(201, "Resource"),
    row!(GET "/applications/{app}/resources/{code}", ApplicationsRead, "Get a resource of an application", permissions::resource)
        .gives(200, "Resource"),
    row!(PATCH "/applications/{app}/resources/{code}", ApplicationsWrite, "Change a resource of an application", permissions::change_resource)
        .takes("ResourceChange")
        .gives(200, "Resource"),
    row!(DELETE "/applications/{app}/resources/{code}", ApplicationsWrite, "Remove a resource of an application", permissions::remove_resource),
    row!(GET "/applications/{app}/rules", ApplicationsRead, "List the rules of an application", permissions::rules)
        .query(PAGE)
        .gives(200, "RulePage"),
    row!(POST "/applications/{app}/rules", ApplicationsWrite, "Add a rule to an application", permissions::add_rule)
        .takes("NewRule")
        .gives(201, "Rule"),
    row!(DELETE "/applications/{app}/rules/{rule}", ApplicationsWrite, "Take a rule from an application", permissions::remove_rule),
    row!(GET "/resources", SettingsRead, "List the pool's own resources", permissions::resources)
        .query(PAGE)
        .gives(200, "ResourcePage"),
    row!(POST "/resources", SettingsWrite, "Create a resource of the pool's own", permissions::create_resource)
        .takes("Resource")
        .gives(201, "Resource"),
    row!(GET "/resources/{code}", SettingsRead, "Get a resource of the pool's own", permissions::resource)
        .gives(200, "Resource"),
    row!(PATCH "/resources/{code}", SettingsWrite, "Change a resource of the pool's own", permissions::change_resource)
        .takes("ResourceChange")
        .gives(200, "Resource"),
    row!(DELETE "/resources/{code}", SettingsWrite, "Remove a resource of the pool's own", permissions::remove_resource),
    row!(GET "/users", UsersRead, "List users, the newest first, or search for them", users::list)
        .query(PEOPLE)
        .gives(200, "UserPage"),
    row!(POST "/users", UsersWrite, "Create a user", users::create).takes("NewUser").gives(201, "User"),
    row!(GET "/users/export", UsersRead, "List users as an import reads them", users::export)
        .query(PAGE)
        .gives(200, "UserExport"),
    row!(POST "/users/import", UsersWrite, "Take users in, up to 500 at once", users::import)
        .takes("UserImport")
        .gives(200, "UserImportOutcome")
        .large(),
    row!(GET "/users/{user}", UsersRead, "Get a user", users::get).gives(200, "User").versioned(),
    row!(PATCH "/users/{user}", UsersWrite, "Change a user", users::change)
        .takes("NewUser")
        .gives(200, "User")
        .versioned(),
    row!(DELETE "/users/{user}", UsersWrite, "Remove a user and all that is theirs", users::remove).versioned(),
    row!(POST "/users/{user}/block", UsersWrite, "Block a user: they are signed out and get nothing", users::block)
        .gives(200, "User"),
    row!(POST "/users/{user}/unblock", UsersWrite, "Let a user in again", users::unblock).gives(200, "User"),
    row!(POST "/users/{user}/link", UsersWrite, "Make a one-time link to set their password", users::make_link)
        .gives(200, "Link"),
    row!(POST "/users/{user}/link/mail", UsersWrite, "Send them a one-time link to set their password", users::mail_link)
        .gives(200, "SentLink"),
    row!(DELETE "/users/{user}/link", UsersWrite, "Take their one-time link away", users::withdraw_link),
    row!(GET "/users/{user}/sessions", UsersRead, "List their sessions, the newest first", user_state::sessions)
        .query(PAGE)
        .gives(200, "SessionPage"),
    row!(DELETE "/users/{user}/sessions", UsersWrite, "Sign them out everywhere", user_state::end_all),
    row!(DELETE "/users/{user}/sessions/{session}", UsersWrite, "End one session", user_state::end_session),
    row!(GET "/users/{user}/grants", UsersRead, "List what they gave applications, the newest first", user_state::grants)
        .query(PAGE)
        .gives(200, "GrantPage"),
    row!(DELETE "/users/{user}/grants/{grant}", UsersWrite, "Revoke one grant and every token of it", user_state::revoke_grant),
    row!(GET "/users/{user}/consents", UsersRead, "List what they allowed applications", user_state::consents)
        .query(PAGE)
        .gives(200, "ConsentPage"),
    row!(DELETE "/users/{user}/consents/{client}", UsersWrite, "Take a consent and all that was given by it back", user_state::withdraw_consent),
    row!(GET "/scopes", SettingsRead, "List the pool's own scopes", pool::scopes).query(PAGE).gives(200, "ScopePage").versioned(),
    row!(PUT "/scopes/{name}", SettingsWrite, "Make a scope of the pool's own, or another of it", pool::put_scope)
        .takes("ScopeBody")
        .gives(200, "Scope")
        .versioned(),
    row!(DELETE "/scopes/{name}", SettingsWrite, "Remove a scope of the pool's own", pool::remove_scope).versioned(),
    row!(GET "/claims", SettingsRead, "List the pool's own claims", pool::claims).query(PAGE).gives(200, "ClaimPage").versioned(),
    row!(PUT "/claims/{name}", SettingsWrite, "Make a claim of the pool's own, or another of it", pool::put_claim)
        .takes("ClaimBody")
        .gives(200, "Claim")
        .versioned(),
    row!(DELETE "/claims/{name}", SettingsWrite, "Remove a claim of the pool's own", pool::remove_claim).versioned(),
    row!(GET "/extended-fields", SettingsRead, "List the extended fields that users have", pool::fields)
        .query(PAGE)
        .gives(200, "FieldPage")
        .versioned(),
    row!(PUT "/extended-fields/{name}", SettingsWrite, "Declare an extended field, or its type", pool::put_field)
        .takes("FieldBody")
        .gives(200, "Field")
        .versioned(),
    row!(DELETE "/extended-fields/{name}", SettingsWrite, "Remove an extended field", pool::remove_field).versioned(),
    row!(GET "/pool", SettingsRead, "Get the name of the pool, and how people sign in", settings::pool)
        .gives(200, "Pool")
        .versioned(),
    row!(PATCH "/pool", SettingsWrite, "Change the name of the pool, or how people sign in", settings::change_pool)
        .takes("PoolChange")
        .gives(200, "Pool")
        .versioned(),
    row!(GET "/pool/throttle", SettingsRead, "Get when failed logins have to wait", settings::throttle)
        .gives(200, "Throttle")
        .versioned(),
    row!(PATCH "/pool/throttle", SettingsWrite, "Change when failed logins have to wait", settings::change_throttle)
        .takes("ThrottleChange")
        .gives(200, "Throttle")
        .versioned(),
    row!(GET "/pool/mail", SettingsRead, "Get the mail server", settings::mail)
        .gives(200, "MailServer")
        .versioned(),
    row!(PATCH "/pool/mail", SettingsWrite, "Change the mail server, or set one up", settings::change_mail)
        .takes("MailServerChange")
        .gives(200, "MailServer")
        .versioned(),
    row!(DELETE "/pool/mail", SettingsWrite, "Take the mail server away", settings::remove_mail).versioned(),
    row!(POST "/pool/mail/test", SettingsWrite, "Send a test message", settings::test_mail).takes("MailTest"),
    row!(GET "/password-policy", SettingsRead, "Get what new passwords must be", pool::policy)
        .gives(200, "PasswordPolicy")
        .versioned(),
    row!(PATCH "/password-policy", SettingsWrite, "Change what new passwords must be", pool::change_policy)
        .takes("PasswordPolicyChange")
        .gives(200, "PasswordPolicy")
        .versioned(),
    row!(GET "/keys", SettingsRead, "List the signing keys of all issuers", keys::list).query(PAGE).gives(200, "KeyPage"),
    row!(POST "/keys/rotate", SettingsWrite, "Take the next step of signing keys", keys::rotate)
        .takes("KeyRotation")
        .gives(200, "KeyRotated"),
    row!(GET "/administrators", AdministratorsRead, "List who may use the console", administrators::list)
        .gives(200, "AdministratorPage"),
    row!(GET "/administrators/{user}", AdministratorsRead, "Get the role of a user", administrators::get)
        .gives(200, "Administrator")
        .versioned(),
    row!(PUT "/administrators/{user}", AdministratorsWrite, "Give a user a role, or another", administrators::put)
        .takes("Role")
        .gives(200, "Administrator")
        .versioned(),
    row!(DELETE "/administrators/{user}", AdministratorsWrite, "Take the role of a user", administrators::remove).versioned(),
    row!(GET "/pools", PoolsRead, "List the user pools; in the default pool alone", pools::list).gives(200, "UserPoolPage"),
    row!(POST "/pools", PoolsWrite, "Make a user pool; the link that sets up its console is in this answer alone", pools::create)
        .takes("NewUserPool")
        .gives(201, "UserPoolWithLink"),
    row!(GET "/pools/{pool}", PoolsRead, "Get a user pool, and how much is in it", pools::get)
        .gives(200, "UserPoolContents")
        .versioned(),
    row!(PATCH "/pools/{pool}", PoolsWrite, "Give a user pool another name or address", pools::change)
        .takes("UserPoolChange")
        .gives(200, "UserPool")
        .versioned(),
    row!(DELETE "/pools/{pool}", PoolsWrite, "Remove a user pool with everybody and everything in it", pools::remove)
        .versioned(),
    row!(POST "/pools/{pool}/setup-link", PoolsWrite, "Make a link that sets up the console of a user pool nobody owns", pools::setup_link)
        .gives(200, "SetupLink"),
    row!(GET "/audit", AuditRead, "List the audit log, the newest first", audit::list)
        .query(RECORDS)
        .gives(200, "RecordPage"),
    row!(GET "/audit/verify", AuditRead, "Walk over the chain of the audit log", audit::verify)
        .query(EXPECTED)
        .gives(200, "Verified"),
    row!(GET "/traces", AuditRead, "List traces of refused requests, the newest first", overview::traces)
        .query(TRACES)
        .gives(200, "TracePage"),
    row!(GET "/traces/{reference}", AuditRead, "Get the traces of a reference or request", overview::trace)
        .gives(200, "TracePage"),
    row!(GET "/description", SettingsRead, "Get the pool as the file that signet apply reads, part by part", description::get)
        .and(&[ApplicationsRead, UsersRead])
        .query(EXPORT)
        .gives(200, "DescriptionPart"),
    row!(POST "/description/plan", SettingsRead, "Say what applying a file would do", description::plan)
        .and(&[ApplicationsRead, UsersRead])
        .takes("Description")
        .gives(200, "Plan")
        .large(),
    row!(POST "/description/apply", AdministratorsWrite, "Apply a file, as a whole or not at all", description::apply)
        .and(EVERYTHING)
        .takes("Description")
        .gives(200, "Plan")
        .large(),
];

/// The API as routes.
pub fn routes() -> Router<Arc<Signet>> {
    let mut paths: Vec<&'static str> = ROWS.iter().map(|row| row.path).collect();
    paths.sort_unstable();
    paths.dedup();
    let mut router = Router::new()
        .route("/api/v1/openapi.json", any(openapi::handle))
        .route("/api/v1/{*rest}", any(async |edge: Edge| gate::nothing(&edge)));
    for path in paths {
        let answer = async move |State(signet): State<Arc<Signet>>,
                                 edge: Edge,
                                 parts: Result<RawPathParams, RawPathParamsRejection>,
                                 request: Request| {
            // What is no UTF-8 is the name of nothing.
            let Ok(parts) = parts else { return gate::nothing(&edge) };
            let parts = parts.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            gate::pass(signet, edge, parts, request, path).await
        };
        router = router.route(&format!("{PREFIX}{path}"), any(answer));
    }
    router
}
