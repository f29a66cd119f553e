//! The schemas of what the API takes and gives, by name.

mod keys;

use serde_json::{Map, Value};
use signet_protocol::{
    access::Effect,
    account::{OVERLAPS, TOKEN_LIFETIMES},
    application::{ApplicationType, AuthMethod, GrantType, RequestObjectAlg, ResponseType, SubjectType},
    branding::Branding,
    jose::{ContentEncryption, KeyManagementAlg, SigningAlg},
    mail::MailSecurity,
    operator::Role,
    password_policy::{MAX_LENGTH, MIN_LENGTH},
    resource::{Namespace, ResourceType},
    sign_in::{CONSOLE_SESSION_LIFETIME, Language, LoginMethod, SESSION_LIFETIME},
    throttle::{NAME_AND_NETWORK_FAILURES, NAME_FAILURES, NETWORK_FAILURES, PERIOD},
    user_field::FieldType,
};

use super::schema::{
    Schemas, any_object, id, list, list_of, moment, number, number_in, object, one_of, or_null, page, text,
    text_or_null, truth, whole,
};
use crate::manage::users::import::CHUNK_USERS;

/// What an application has besides its settings, in this order.
pub const APPLICATION_NAMES: [&str; 7] =
    ["id", "identifier", "name", "enabled", "has_secret", "issuer", "version"];

/// The members by which an application is created and changed.
pub fn application_members() -> impl Iterator<Item = &'static str> + Clone {
    let names = SETTINGS.iter().map(|(name, _)| *name);
    ["identifier", "name", "enabled"].into_iter().chain(names).chain(Branding::KEYS)
}

/// What a member may be.
#[derive(Clone, Copy)]
enum Is {
    Truth,
    Seconds,
    Text,
    Texts,
    OneOf(fn() -> Vec<&'static str>),
    MaybeOneOf(fn() -> Vec<&'static str>),
    Some(fn() -> Vec<&'static str>),
    MaybeSeconds,
    Objects,
    Object,
    MaybeObject,
}

macro_rules! all {
    ($kind:ident) => {
        || $kind::ALL.iter().map(|one| one.as_str()).collect()
    };
}

/// The settings of an application.
const SETTINGS: &[(&str, Is)] = &[
    ("type", Is::OneOf(all!(ApplicationType))),
    ("redirect_uris", Is::Texts),
    ("logout_redirect_uris", Is::Texts),
    ("frontchannel_logout_uri", Is::Text),
    ("frontchannel_logout_session_required", Is::Truth),
    ("backchannel_logout_uri", Is::Text),
    ("backchannel_logout_session_required", Is::Truth),
    ("session_management", Is::Truth),
    ("grant_types", Is::Some(all!(GrantType))),
    ("response_types", Is::Some(all!(ResponseType))),
    ("allow_http_implicit_callbacks", Is::Truth),
    ("token_endpoint_auth_method", Is::OneOf(all!(AuthMethod))),
    ("introspection_endpoint_auth_method", Is::OneOf(all!(AuthMethod))),
    ("revocation_endpoint_auth_method", Is::OneOf(all!(AuthMethod))),
    ("subject_type", Is::OneOf(all!(SubjectType))),
    ("sector_identifier_uri", Is::Text),
    ("token_endpoint_auth_signing_alg", Is::MaybeOneOf(all!(SigningAlg))),
    ("id_token_signed_response_alg", Is::OneOf(all!(SigningAlg))),
    ("access_token_signed_response_alg", Is::OneOf(all!(SigningAlg))),
    ("access_default", Is::OneOf(all!(Effect))),
    ("access_rules", Is::Objects),
    ("userinfo_signed_response_alg", Is::MaybeOneOf(all!(SigningAlg))),
    ("id_token_encrypted_response_alg", Is::MaybeOneOf(all!(KeyManagementAlg))),
    ("id_token_encrypted_response_enc", Is::MaybeOneOf(all!(ContentEncryption))),
    ("jwks", Is::MaybeObject),
    ("jwks_uri", Is::Text),
    ("request_object_signing_alg", Is::MaybeOneOf(all!(RequestObjectAlg))),
    ("require_signed_request_object", Is::Truth),
    ("request_uris", Is::Texts),
    ("web_origins", Is::Texts),
    ("authorization_code_expire", Is::Seconds),
    ("id_token_expire", Is::Seconds),
    ("access_token_expire", Is::Seconds),
    ("refresh_token_expire", Is::Seconds),
    ("sso", Is::Truth),
    ("default_max_age", Is::MaybeSeconds),
    ("default_acr_values", Is::Texts),
    ("skip_consent", Is::Truth),
    ("offline_access_without_consent", Is::Truth),
    ("allow_plain_pkce", Is::Truth),
    ("access_token_in_query", Is::Truth),
    ("empty_claims_as_null", Is::Truth),
    ("updated_at_as_text", Is::Truth),
    ("reuse_refresh_tokens", Is::Truth),
    ("token_request_in_url", Is::Truth),
    ("password_in_url", Is::Truth),
    ("refresh_without_client_id", Is::Truth),
    ("validate_token", Is::Truth),
    ("constant_claims", Is::Object),
    ("logo_uri", Is::Text),
    ("description", Is::Text),
];

/// The members of a user that are said.
const USER: &[(&str, Is)] = &[
    ("username", Is::Text),
    ("email", Is::Text),
    ("email_verified", Is::Truth),
    ("phone", Is::Text),
    ("phone_verified", Is::Truth),
    ("blocked", Is::Truth),
    ("name", Is::Text),
    ("given_name", Is::Text),
    ("family_name", Is::Text),
    ("middle_name", Is::Text),
    ("nickname", Is::Text),
    ("preferred_username", Is::Text),
    ("profile", Is::Text),
    ("picture", Is::Text),
    ("website", Is::Text),
    ("gender", Is::Text),
    ("birthdate", Is::Text),
    ("zoneinfo", Is::Text),
    ("locale", Is::Text),
    ("address", Is::MaybeObject),
    ("roles", Is::Texts),
    ("groups", Is::Texts),
    ("external_id", Is::Text),
    ("extended_fields", Is::MaybeObject),
];

/// The members by which a user is created and changed.
pub fn user_members() -> impl Iterator<Item = &'static str> + Clone {
    USER.iter().map(|(name, _)| *name).chain(["password"])
}

impl Is {
    fn schema(self) -> Value {
        match self {
            Is::Truth => truth(),
            Is::Seconds => number(),
            Is::Text => text_or_null(),
            Is::Texts => list(text()),
            Is::OneOf(all) => one_of(all()),
            Is::MaybeOneOf(all) => or_null(one_of(all())),
            Is::Some(all) => list(one_of(all())),
            Is::MaybeSeconds => or_null(number()),
            Is::Objects => list(any_object()),
            Is::Object => any_object(),
            Is::MaybeObject => or_null(any_object()),
        }
    }
}

fn members(table: &[(&'static str, Is)]) -> Vec<(&'static str, Value)> {
    table.iter().map(|(name, is)| (*name, is.schema())).collect()
}

/// All of them.
pub fn schemas() -> Map<String, Value> {
    let mut all = Map::new();
    let rooms =
        [applications(), callers(), people(), of_pool(), keys::keys(), operators(), super::pools::schemas()];
    for (name, schema) in rooms.into_iter().flatten() {
        all.insert(name.to_owned(), schema);
    }
    for (name, of) in PAGES {
        all.insert((*name).to_owned(), page(of));
    }
    all
}

const PAGES: &[(&str, &str)] = &[
    ("ApplicationPage", "ApplicationLine"),
    ("AccountPage", "Account"),
    ("ResourcePage", "Resource"),
    ("RulePage", "Rule"),
    ("UserPage", "User"),
    ("UserExport", "NewUser"),
    ("SessionPage", "Session"),
    ("GrantPage", "Grant"),
    ("ConsentPage", "Consent"),
    ("ScopePage", "Scope"),
    ("ClaimPage", "Claim"),
    ("FieldPage", "Field"),
    ("KeyPage", "Key"),
    ("AdministratorPage", "Administrator"),
    ("RecordPage", "Record"),
    ("TracePage", "Trace"),
];

fn applications() -> Schemas {
    let settings = [members(SETTINGS), members(&Branding::KEYS.map(|name| (name, Is::Text)))].concat();
    let own = [
        ("id", id()),
        ("identifier", text()),
        ("name", text()),
        ("enabled", truth()),
        ("has_secret", truth()),
        ("issuer", text()),
        ("version", number()),
    ];
    let said = [("identifier", text()), ("name", text()), ("enabled", truth())];
    // Nothing that is said may be null in the answer only where it is a text, a choice or a number of its own.
    let shown: Vec<_> = own.iter().cloned().chain(settings.iter().cloned()).collect();
    let change: Vec<_> = said.iter().cloned().chain(settings.into_iter().map(nullable)).collect();
    let line = [
        ("id", id()),
        ("identifier", text()),
        ("name", text()),
        ("enabled", truth()),
        ("type", one_of(ApplicationType::ALL.iter().map(|kind| kind.as_str()))),
        ("sso", truth()),
        ("logo_uri", text_or_null()),
    ];
    vec![
        ("Application", whole(&shown)),
        ("NewApplication", object(&change, &["identifier", "name"])),
        ("ApplicationChange", object(&change, &[])),
        ("ApplicationLine", whole(&line)),
        ("AppSecret", whole(&[("secret", text())])),
    ]
}

/// A list or object that is null is an empty one.
fn nullable((name, schema): (&'static str, Value)) -> (&'static str, Value) {
    let listed = schema.get("type").is_some_and(|kind| kind == "array" || kind == "object");
    (name, if listed { or_null(schema) } else { schema })
}

fn callers() -> Schemas {
    let lifetime = number_in(*TOKEN_LIFETIMES.start(), *TOKEN_LIFETIMES.end());
    let account = vec![
        ("id", id()),
        ("application", id()),
        ("enabled", truth()),
        ("token_lifetime", lifetime.clone()),
        ("remarks", text_or_null()),
        ("overlap_until", or_null(moment())),
        ("last_used", or_null(moment())),
        ("created_at", moment()),
        ("updated_at", moment()),
        ("version", number()),
    ];
    let with_key: Vec<_> = account.iter().cloned().chain([("secret_key", text())]).collect();
    let new = vec![("token_lifetime", or_null(lifetime)), ("remarks", text_or_null())];
    let change: Vec<_> = new.iter().cloned().chain([("enabled", or_null(truth()))]).collect();
    let overlap = or_null(number_in(*OVERLAPS.start(), *OVERLAPS.end()));
    let action = object(&[("name", text()), ("description", text_or_null())], &["name"]);
    let actions = list(serde_json::json!({ "anyOf": [text(), action] }));
    let kind = one_of(ResourceType::ALL.iter().map(|kind| kind.as_str()));
    let resource = vec![
        ("code", text()),
        ("type", kind),
        ("name", text_or_null()),
        ("description", text_or_null()),
        ("actions", actions),
        ("api_identifier", text_or_null()),
    ];
    let resource_change: Vec<_> = resource.iter().skip(1).cloned().map(nullable).collect();
    let rule = vec![
        ("subject", any_object()),
        ("effect", one_of(Effect::ALL.iter().map(|effect| effect.as_str()))),
        ("namespace", or_null(one_of(Namespace::ALL.iter().map(|one| one.as_str())))),
        ("resource", text()),
        ("identifier", text()),
        ("actions", serde_json::json!({ "anyOf": [one_of(["all"]), list(text())] })),
        ("restrictions", any_object()),
    ];
    let needed = ["subject", "effect", "resource", "actions"];
    let known: Vec<_> = rule.iter().cloned().chain([("id", text())]).collect();
    vec![
        ("Account", whole(&account)),
        ("AccountWithKey", whole(&with_key)),
        ("NewAccount", object(&new, &[])),
        ("AccountChange", object(&change, &[])),
        ("AccountRefresh", object(&[("overlap", overlap)], &[])),
        ("Resource", object(&resource, &["code", "type"])),
        ("ResourceChange", object(&resource_change, &[])),
        ("NewRule", object(&rule, &needed)),
        ("Rule", object(&known, &["id", "subject", "effect", "resource", "actions"])),
    ]
}

fn people() -> Schemas {
    let said = members(USER);
    let own = [
        ("id", id()),
        ("has_password", truth()),
        ("created_at", moment()),
        ("updated_at", moment()),
        ("version", number()),
    ];
    let shown: Vec<_> = said.iter().cloned().chain(own).collect();
    let always = [
        "id",
        "blocked",
        "email_verified",
        "phone_verified",
        "has_password",
        "created_at",
        "updated_at",
        "version",
    ];
    let new: Vec<_> = said.into_iter().map(nullable).chain([("password", text_or_null())]).collect();
    let import = [
        ("users", list_of(any_object(), CHUNK_USERS)),
        ("update", or_null(truth())),
        ("dry_run", or_null(truth())),
    ];
    let problem = whole(&[("index", number()), ("field", text()), ("message", text())]);
    let outcome = [
        ("created", number()),
        ("updated", number()),
        ("unchanged", number()),
        ("refused", number()),
        ("problems", list(problem)),
    ];
    let session = [
        ("id", text()),
        ("application", or_null(id())),
        ("auth_time", moment()),
        ("amr", list(text())),
        ("created_at", moment()),
        ("expires_at", moment()),
    ];
    let grant = [
        ("id", text()),
        ("application", id()),
        ("session", text()),
        ("scope", text()),
        ("offline", truth()),
        ("auth_time", moment()),
        ("created_at", moment()),
        ("expires_at", moment()),
    ];
    let consent =
        [("application", id()), ("scope", text()), ("claims", list(text())), ("granted_at", moment())];
    vec![
        ("User", object(&shown, &always)),
        ("NewUser", object(&new, &[])),
        ("UserImport", object(&import, &["users"])),
        ("UserImportOutcome", whole(&outcome)),
        ("SentLink", whole(&[("sent_to", text()), ("expires_at", moment())])),
        ("Link", whole(&[("url", text()), ("expires_at", moment())])),
        ("Session", whole(&session)),
        ("Grant", whole(&grant)),
        ("Consent", whole(&consent)),
    ]
}

fn of_pool() -> Schemas {
    let scope =
        vec![("claims", list(text())), ("description", text_or_null()), ("description_zh", text_or_null())];
    let claim = vec![("field", text())];
    let field = vec![("type", one_of(FieldType::ALL.iter().map(|kind| kind.as_str())))];
    let with_name = |body: &Schemas| -> Schemas { body.iter().cloned().chain([("name", text())]).collect() };
    let within = |range: &std::ops::RangeInclusive<i64>| number_in(*range.start(), *range.end());
    let general = [
        ("name", text()),
        ("languages", list(one_of(Language::ALL.iter().map(|one| one.as_str())))),
        ("login_methods", list(one_of(LoginMethod::ALL.iter().map(|one| one.as_str())))),
        ("session_lifetime", within(&SESSION_LIFETIME)),
        ("browser_session", truth()),
        ("console_session_lifetime", within(&CONSOLE_SESSION_LIFETIME)),
        ("password_recovery", truth()),
    ];
    let throttle = [
        ("name_and_network_failures", within(&NAME_AND_NETWORK_FAILURES)),
        ("name_and_network_period", within(&PERIOD)),
        ("name_failures", within(&NAME_FAILURES)),
        ("name_period", within(&PERIOD)),
        ("network_failures", within(&NETWORK_FAILURES)),
        ("network_period", within(&PERIOD)),
    ];
    let server: Schemas = vec![
        ("host", text()),
        ("port", number_in(1, 65_535)),
        ("security", one_of(MailSecurity::ALL.iter().map(|one| one.as_str()))),
        ("username", text_or_null()),
        ("from", text()),
        ("from_name", text_or_null()),
    ];
    let mail: Schemas = server.iter().cloned().chain([("has_password", truth())]).collect();
    let mail_change: Schemas = server.iter().cloned().chain([("password", text_or_null())]).collect();
    let policy = vec![
        ("min_length", number_in(*MIN_LENGTH.start(), *MIN_LENGTH.end())),
        ("max_length", number_in(*MAX_LENGTH.start(), *MAX_LENGTH.end())),
        ("refuse_common", truth()),
        ("refuse_names", truth()),
    ];
    let change: Schemas = policy.iter().cloned().map(|(name, schema)| (name, or_null(schema))).collect();
    let part = [("text", text()), ("next", text_or_null())];
    let description = [("text", text()), ("prune", or_null(one_of(["nothing", "within", "all"])))];
    let kind = one_of(["create", "change", "remove", "keep", "absent"]);
    let step = whole(&[("what", text()), ("kind", kind), ("lines", list(text()))]);
    let plan = [("created", number()), ("changed", number()), ("unchanged", number()), ("steps", list(step))];
    vec![
        ("ScopeBody", object(&scope, &["claims"])),
        ("Scope", whole(&with_name(&scope))),
        ("ClaimBody", object(&claim, &["field"])),
        ("Claim", whole(&with_name(&claim))),
        ("FieldBody", object(&field, &["type"])),
        ("Field", whole(&with_name(&field))),
        ("Pool", whole(&general)),
        ("PoolChange", object(&general, &[])),
        ("Throttle", whole(&throttle)),
        ("ThrottleChange", object(&throttle, &[])),
        ("MailServer", whole(&mail)),
        ("MailServerChange", object(&mail_change, &[])),
        ("MailTest", object(&[("to", text())], &["to"])),
        ("PasswordPolicy", whole(&policy)),
        ("PasswordPolicyChange", object(&change, &[])),
        ("DescriptionPart", whole(&part)),
        ("Description", object(&description, &["text"])),
        ("Plan", whole(&plan)),
    ]
}

fn operators() -> Schemas {
    let role = one_of(Role::ALL.iter().map(|role| role.as_str()));
    let administrator = [
        ("user", id()),
        ("role", role.clone()),
        ("applications", list(id())),
        ("created_at", moment()),
        ("version", number()),
    ];
    let given = [("role", role), ("applications", or_null(list(id())))];
    let record = [
        ("seq", or_null(number())),
        ("id", text()),
        ("time", text()),
        ("at", number()),
        ("kind", one_of(["user", "admin"])),
        ("action", text()),
        ("success", truth()),
        ("times", number()),
        ("via", text()),
        ("actor_id", text_or_null()),
        ("actor_name", text_or_null()),
        ("target_kind", text_or_null()),
        ("target_id", text_or_null()),
        ("target_name", text_or_null()),
        ("app_id", text_or_null()),
        ("app_name", text_or_null()),
        ("ip", text_or_null()),
        ("user_agent", text_or_null()),
        ("request_id", text_or_null()),
        ("detail", any_object()),
        ("hash", text_or_null()),
    ];
    let verified = [
        ("walking", truth()),
        ("whole", or_null(truth())),
        ("records", number()),
        ("head", text_or_null()),
        ("broken", text_or_null()),
    ];
    let parameter = whole(&[("name", text()), ("value", text())]);
    let trace = [
        ("reference", text()),
        ("request_id", text()),
        ("at", moment()),
        ("method", text()),
        ("endpoint", text()),
        ("issuer", text()),
        ("app_id", or_null(id())),
        ("app_name", text_or_null()),
        ("check", text()),
        ("clause", text()),
        ("error", text()),
        ("description", text()),
        ("expected", text_or_null()),
        ("received", text_or_null()),
        ("fix", or_null(any_object())),
        ("parameters", list(parameter)),
    ];
    let wrong = whole(&[("field", text()), ("message", text())]);
    let problem = [
        ("type", text()),
        ("title", text()),
        ("status", number()),
        ("detail", text()),
        ("instance", text()),
        ("errors", list(wrong)),
    ];
    vec![
        ("Administrator", whole(&administrator)),
        ("Role", object(&given, &["role"])),
        ("Record", whole(&record)),
        ("Verified", whole(&verified)),
        ("Trace", whole(&trace)),
        ("Overview", overview()),
        ("Problem", object(&problem, &["type", "title", "status", "detail", "instance"])),
    ]
}

fn overview() -> Value {
    let day = whole(&[
        ("day", moment()),
        ("sign_ins", number()),
        ("failures", number()),
        ("active_users", number()),
        ("tokens", any_object()),
    ]);
    let top = whole(&[("id", id()), ("name", text()), ("sign_ins", number()), ("tokens", number())]);
    let totals = [
        "sign_ins",
        "failures",
        "tokens",
        "active_today",
        "active_week",
        "active_month",
        "applications",
        "users",
    ];
    let totals: Vec<_> = totals.into_iter().map(|name| (name, number())).collect();
    whole(&[
        ("days", list(day)),
        ("top", list(top)),
        ("totals", whole(&totals)),
        ("warnings", list(any_object())),
    ])
}
