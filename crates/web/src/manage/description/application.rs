//! `[[applications]]`.

use std::collections::BTreeMap;

use serde_json::Value;
use signet_protocol::{
    access::{AccessRule, Effect, Whom},
    amr::Acr,
    application::{
        Application, ApplicationSettings, ApplicationType, AuthMethod, GrantType, RequestObjectAlg,
        ResponseType, SubjectType,
    },
    id::{AppId, UserId},
    issuer::Identifier,
    jose::{ClientKeys, ContentEncryption, KeyManagementAlg, SigningAlg},
    limits::{
        ACCESS_RULES_PER_APPLICATION, ACCESS_TOKEN_EXPIRE_MAX, EXTENDED_FIELDS_DEPTH, URIS_PER_APPLICATION,
    },
    pool::check_claim_name,
    redirect_uri::RedirectUri,
    request_uri::RequestUri,
    said,
    said::Pair,
    time::Seconds,
};

use super::{
    AccountEntry, BrandingEntry, HEX, ResourceEntry, RuleEntries, SecretEntry, check, nothing_besides,
    permission, put,
};
use crate::manage::{
    problem::shown,
    reader::{Lines, Table, choose},
};

/// The longest lifetime of anything: a year.
const YEAR: i64 = 31_536_000;
/// Access tokens are verified by others, who need an asymmetric algorithm.
const ACCESS_TOKEN_ALGS: &[SigningAlg] =
    &[SigningAlg::Rs256, SigningAlg::Ps256, SigningAlg::Es256, SigningAlg::EdDsa];

/// What a file says about one application.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the name is the key, whose meaning is in signet_protocol::application")]
pub struct ApplicationEntry {
    /// Where its keys stand.
    pub lines: Lines,
    pub id: Option<AppId>,
    pub identifier: Option<Identifier>,
    pub name: Option<String>,
    pub enabled: Option<bool>,
    pub secret: Option<SecretEntry>,
    pub kind: Option<ApplicationType>,
    pub redirect_uris: Option<Vec<RedirectUri>>,
    pub logout_redirect_uris: Option<Vec<RedirectUri>>,
    pub frontchannel_logout_uri: Option<Option<RedirectUri>>,
    pub frontchannel_logout_session_required: Option<bool>,
    pub backchannel_logout_uri: Option<Option<RedirectUri>>,
    pub backchannel_logout_session_required: Option<bool>,
    pub session_management: Option<bool>,
    pub grant_types: Option<Vec<GrantType>>,
    pub response_types: Option<Vec<ResponseType>>,
    pub allow_http_implicit_callbacks: Option<bool>,
    pub token_endpoint_auth_method: Option<AuthMethod>,
    pub introspection_endpoint_auth_method: Option<AuthMethod>,
    pub revocation_endpoint_auth_method: Option<AuthMethod>,
    pub subject_type: Option<SubjectType>,
    pub sector_identifier_uri: Option<Option<String>>,
    pub token_endpoint_auth_signing_alg: Option<Option<SigningAlg>>,
    pub id_token_signed_response_alg: Option<SigningAlg>,
    pub access_token_signed_response_alg: Option<SigningAlg>,
    pub access_default: Option<Effect>,
    pub access_rules: Option<Vec<AccessRule>>,
    pub userinfo_signed_response_alg: Option<Option<SigningAlg>>,
    pub id_token_encrypted_response_alg: Option<Option<KeyManagementAlg>>,
    pub id_token_encrypted_response_enc: Option<Option<ContentEncryption>>,
    pub jwks: Option<Option<ClientKeys>>,
    pub jwks_uri: Option<Option<String>>,
    pub request_object_signing_alg: Option<Option<RequestObjectAlg>>,
    pub require_signed_request_object: Option<bool>,
    pub request_uris: Option<Vec<RequestUri>>,
    pub web_origins: Option<Vec<String>>,
    pub authorization_code_expire: Option<Seconds>,
    pub id_token_expire: Option<Seconds>,
    pub access_token_expire: Option<Seconds>,
    pub refresh_token_expire: Option<Seconds>,
    pub sso: Option<bool>,
    pub default_max_age: Option<Option<Seconds>>,
    pub default_acr_values: Option<Vec<Acr>>,
    pub skip_consent: Option<bool>,
    pub offline_access_without_consent: Option<bool>,
    pub allow_plain_pkce: Option<bool>,
    pub access_token_in_query: Option<bool>,
    pub empty_claims_as_null: Option<bool>,
    pub updated_at_as_text: Option<bool>,
    pub reuse_refresh_tokens: Option<bool>,
    pub token_request_in_url: Option<bool>,
    pub password_in_url: Option<bool>,
    pub refresh_without_client_id: Option<bool>,
    pub validate_token: Option<bool>,
    pub constant_claims: Option<BTreeMap<String, Value>>,
    pub logo_uri: Option<Option<String>>,
    /// How its pages look, and what they say.
    pub branding: BrandingEntry,
    pub description: Option<Option<String>>,
    /// Resources of its own.
    pub resources: Vec<ResourceEntry>,
    /// Its programmatic access accounts.
    pub accounts: Vec<AccountEntry>,
    /// All its rules; `None`: they stay as they are.
    pub rules: Option<RuleEntries>,
    pub remove: bool,
}

impl ApplicationEntry {
    pub(super) fn read(table: &mut Table) -> ApplicationEntry {
        let entry = ApplicationEntry {
            lines: Lines::default(),
            id: table.parsed("id", |text| AppId::parse(text).ok_or(HEX)),
            identifier: table.parsed("identifier", Identifier::parse),
            name: table.parsed("name", check::name),
            enabled: table.boolean("enabled"),
            secret: table.parsed("secret", SecretEntry::parse),
            kind: table.choice("type", ApplicationType::ALL, ApplicationType::as_str),
            redirect_uris: uris(table, "redirect_uris"),
            logout_redirect_uris: uris(table, "logout_redirect_uris"),
            frontchannel_logout_uri: uri(table, "frontchannel_logout_uri"),
            frontchannel_logout_session_required: table.boolean("frontchannel_logout_session_required"),
            backchannel_logout_uri: uri(table, "backchannel_logout_uri"),
            backchannel_logout_session_required: table.boolean("backchannel_logout_session_required"),
            session_management: table.boolean("session_management"),
            grant_types: table.choices("grant_types", GrantType::ALL, GrantType::as_str),
            response_types: table.choices("response_types", ResponseType::ALL, ResponseType::as_str),
            allow_http_implicit_callbacks: table.boolean("allow_http_implicit_callbacks"),
            token_endpoint_auth_method: method(table, "token_endpoint_auth_method"),
            introspection_endpoint_auth_method: method(table, "introspection_endpoint_auth_method"),
            revocation_endpoint_auth_method: method(table, "revocation_endpoint_auth_method"),
            subject_type: table.choice("subject_type", SubjectType::ALL, SubjectType::as_str),
            sector_identifier_uri: table.text("sector_identifier_uri", check::https),
            token_endpoint_auth_signing_alg: table.optional("token_endpoint_auth_signing_alg", |text| {
                choose(text, SigningAlg::ALL, SigningAlg::as_str)
            }),
            id_token_signed_response_alg: alg(table, "id_token_signed_response_alg", SigningAlg::ALL),
            access_token_signed_response_alg: alg(
                table,
                "access_token_signed_response_alg",
                ACCESS_TOKEN_ALGS,
            ),
            access_default: table.choice("access_default", Effect::ALL, Effect::as_str),
            access_rules: access_rules(table),
            userinfo_signed_response_alg: table.optional_choice(
                "userinfo_signed_response_alg",
                SigningAlg::ALL,
                SigningAlg::as_str,
            ),
            id_token_encrypted_response_alg: table.optional_choice(
                "id_token_encrypted_response_alg",
                KeyManagementAlg::ALL,
                KeyManagementAlg::as_str,
            ),
            id_token_encrypted_response_enc: table.optional_choice(
                "id_token_encrypted_response_enc",
                ContentEncryption::ALL,
                ContentEncryption::as_str,
            ),
            jwks: table.optional("jwks", ClientKeys::parse),
            jwks_uri: table.text("jwks_uri", check::fetched),
            request_object_signing_alg: table.optional("request_object_signing_alg", |text| {
                choose(text, RequestObjectAlg::ALL, RequestObjectAlg::as_str)
            }),
            require_signed_request_object: table.boolean("require_signed_request_object"),
            request_uris: table.list("request_uris", URIS_PER_APPLICATION, RequestUri::parse),
            web_origins: table.list("web_origins", URIS_PER_APPLICATION, check::origin),
            authorization_code_expire: seconds(table, "authorization_code_expire", 10, 3600),
            id_token_expire: seconds(table, "id_token_expire", 60, YEAR),
            access_token_expire: seconds(table, "access_token_expire", 60, ACCESS_TOKEN_EXPIRE_MAX),
            refresh_token_expire: seconds(table, "refresh_token_expire", 60, YEAR),
            sso: table.boolean("sso"),
            default_max_age: max_age(table, "default_max_age"),
            default_acr_values: table.choices("default_acr_values", Acr::ALL, Acr::as_str),
            skip_consent: table.boolean("skip_consent"),
            offline_access_without_consent: table.boolean("offline_access_without_consent"),
            allow_plain_pkce: table.boolean("allow_plain_pkce"),
            access_token_in_query: table.boolean("access_token_in_query"),
            empty_claims_as_null: table.boolean("empty_claims_as_null"),
            updated_at_as_text: table.boolean("updated_at_as_text"),
            reuse_refresh_tokens: table.boolean("reuse_refresh_tokens"),
            token_request_in_url: table.boolean("token_request_in_url"),
            password_in_url: table.boolean("password_in_url"),
            refresh_without_client_id: table.boolean("refresh_without_client_id"),
            validate_token: table.boolean("validate_token"),
            constant_claims: constant_claims(table),
            logo_uri: table.text("logo_uri", check::https),
            branding: BrandingEntry::read(table),
            description: table.text("description", check::lines),
            resources: table.tables("resources", ResourceEntry::read),
            accounts: table.tables("accounts", AccountEntry::read),
            rules: permission::rules(table),
            remove: table.boolean("remove").unwrap_or(false),
        };
        let lines = table.lines();
        if !lines.has("id") && !lines.has("identifier") {
            table.problem(lines.table, Pair("an application needs an `identifier`", "应用须有 `identifier`"));
        }
        if entry.remove {
            nothing_besides(table, &lines, &["id", "identifier", "remove"]);
        }
        ApplicationEntry { lines, ..entry }
    }

    /// Whether it says anything about resources, accounts or rules of the application.
    pub fn is_about_permissions(&self) -> bool {
        !self.resources.is_empty() || !self.accounts.is_empty() || self.rules.is_some()
    }

    /// Lays what the entry says over `application`, but for the secret, which may be sealed, and what follows from it: a public client has no secret and
    /// authenticates by `none`, and a server without users or callbacks has no grants ticked, unless the entry says
    /// otherwise (which the rules may refuse).
    pub fn lay_over(&self, application: &mut Application) {
        self.follow_type(application);
        put(&mut application.identifier, &self.identifier);
        put(&mut application.name, &self.name);
        put(&mut application.enabled, &self.enabled);
        let settings = &mut application.settings;
        put(&mut settings.redirect_uris, &self.redirect_uris);
        put(&mut settings.logout_redirect_uris, &self.logout_redirect_uris);
        put(&mut settings.frontchannel_logout_uri, &self.frontchannel_logout_uri);
        put(&mut settings.frontchannel_logout_session_required, &self.frontchannel_logout_session_required);
        put(&mut settings.backchannel_logout_uri, &self.backchannel_logout_uri);
        put(&mut settings.backchannel_logout_session_required, &self.backchannel_logout_session_required);
        put(&mut settings.session_management, &self.session_management);
        put(&mut settings.grant_types, &self.grant_types);
        put(&mut settings.response_types, &self.response_types);
        put(&mut settings.allow_http_implicit_callbacks, &self.allow_http_implicit_callbacks);
        put(&mut settings.token_endpoint_auth_method, &self.token_endpoint_auth_method);
        put(&mut settings.introspection_endpoint_auth_method, &self.introspection_endpoint_auth_method);
        put(&mut settings.revocation_endpoint_auth_method, &self.revocation_endpoint_auth_method);
        put(&mut settings.subject_type, &self.subject_type);
        put(&mut settings.sector_identifier_uri, &self.sector_identifier_uri);
        put(&mut settings.token_endpoint_auth_signing_alg, &self.token_endpoint_auth_signing_alg);
        put(&mut settings.id_token_signed_response_alg, &self.id_token_signed_response_alg);
        put(&mut settings.access_token_signed_response_alg, &self.access_token_signed_response_alg);
        put(&mut settings.access_default, &self.access_default);
        put(&mut settings.access_rules, &self.access_rules);
        put(&mut settings.userinfo_signed_response_alg, &self.userinfo_signed_response_alg);
        put(&mut settings.id_token_encrypted_response_alg, &self.id_token_encrypted_response_alg);
        put(&mut settings.id_token_encrypted_response_enc, &self.id_token_encrypted_response_enc);
        put(&mut settings.jwks, &self.jwks);
        put(&mut settings.jwks_uri, &self.jwks_uri);
        put(&mut settings.request_object_signing_alg, &self.request_object_signing_alg);
        put(&mut settings.require_signed_request_object, &self.require_signed_request_object);
        put(&mut settings.request_uris, &self.request_uris);
        put(&mut settings.web_origins, &self.web_origins);
        put(&mut settings.authorization_code_expire, &self.authorization_code_expire);
        put(&mut settings.id_token_expire, &self.id_token_expire);
        put(&mut settings.access_token_expire, &self.access_token_expire);
        put(&mut settings.refresh_token_expire, &self.refresh_token_expire);
        put(&mut settings.sso, &self.sso);
        put(&mut settings.default_max_age, &self.default_max_age);
        put(&mut settings.default_acr_values, &self.default_acr_values);
        put(&mut settings.skip_consent, &self.skip_consent);
        put(&mut settings.offline_access_without_consent, &self.offline_access_without_consent);
        put(&mut settings.allow_plain_pkce, &self.allow_plain_pkce);
        put(&mut settings.access_token_in_query, &self.access_token_in_query);
        put(&mut settings.empty_claims_as_null, &self.empty_claims_as_null);
        put(&mut settings.updated_at_as_text, &self.updated_at_as_text);
        put(&mut settings.reuse_refresh_tokens, &self.reuse_refresh_tokens);
        put(&mut settings.token_request_in_url, &self.token_request_in_url);
        put(&mut settings.password_in_url, &self.password_in_url);
        put(&mut settings.refresh_without_client_id, &self.refresh_without_client_id);
        put(&mut settings.validate_token, &self.validate_token);
        put(&mut settings.constant_claims, &self.constant_claims);
        put(&mut settings.logo_uri, &self.logo_uri);
        self.branding.lay_over(&mut settings.branding);
        put(&mut settings.description, &self.description);
    }

    fn follow_type(&self, application: &mut Application) {
        let settings = &mut application.settings;
        let kind = self.kind.unwrap_or(settings.kind);
        let was_public = settings.kind.is_public();
        settings.kind = kind;
        if kind.is_public() != was_public {
            let method = match kind.is_public() {
                true => AuthMethod::None,
                false => ApplicationSettings::default().token_endpoint_auth_method,
            };
            settings.token_endpoint_auth_method = method;
            settings.introspection_endpoint_auth_method = method;
            settings.revocation_endpoint_auth_method = method;
        }
        if kind.is_public() {
            application.secret = None;
        }
    }

    /// What an application is before the entry is laid over it.
    pub fn defaults(&self) -> ApplicationSettings {
        let mut settings = ApplicationSettings::default();
        if self.kind == Some(ApplicationType::Api) && self.redirect_uris.is_none() {
            settings.grant_types.clear();
            settings.response_types.clear();
        }
        settings
    }
}

/// `[[applications.access_rules]]`: entries that name one of user, role and group, each at most once.
fn access_rules(table: &mut Table) -> Option<Vec<AccessRule>> {
    let entries = table.tables("access_rules", |entry| (entry.lines().table, access_rule(entry)));
    let lines = table.lines();
    if entries.len() > ACCESS_RULES_PER_APPLICATION {
        let most = said!(
            "`access_rules` may have at most {ACCESS_RULES_PER_APPLICATION} entries",
            "`access_rules` 最多有 {ACCESS_RULES_PER_APPLICATION} 项"
        );
        table.problem(lines.of("access_rules"), most);
        return None;
    }
    let mut rules: Vec<AccessRule> = Vec::new();
    for (line, rule) in entries {
        match rule {
            Some(rule) if rules.iter().any(|earlier| earlier.whom == rule.whom) => {
                let twice = Pair(
                    "`access_rules` has two entries about the same; keep one",
                    "`access_rules` 中有两项针对同一对象；请只保留一项",
                );
                table.problem(line, twice);
            }
            rule => rules.extend(rule),
        }
    }
    lines.has("access_rules").then_some(rules)
}

pub(super) fn access_rule(table: &mut Table) -> Option<AccessRule> {
    let user = table.parsed("user", |text| {
        let wanted = Pair(
            "must be the id of a user: 24 lower-case hexadecimal digits",
            "须为用户的 ID：24 位小写十六进制数字",
        );
        UserId::parse(text).ok_or(wanted)
    });
    let role = table.parsed("role", check::role);
    let group = table.parsed("group", check::role);
    let effect = table.choice("effect", Effect::ALL, Effect::as_str);
    let enabled = table.boolean("enabled");
    let lines = table.lines();
    if ["user", "role", "group"].iter().filter(|key| lines.has(key)).count() != 1 {
        let one = Pair(
            "an entry of `access_rules` needs one of `user`, `role` and `group`",
            "`access_rules` 的每一项须有 `user`、`role`、`group` 之一",
        );
        table.problem(lines.table, one);
    }
    if !lines.has("effect") {
        let effect = Pair(
            "an entry of `access_rules` needs an `effect`: allow or deny",
            "`access_rules` 的每一项须有 `effect`：allow 或 deny",
        );
        table.problem(lines.table, effect);
    }
    let whom = user.map(Whom::User).or(role.map(Whom::Role)).or(group.map(Whom::Group))?;
    Some(AccessRule { whom, effect: effect?, enabled: enabled.unwrap_or(true) })
}

fn uris(table: &mut Table, key: &'static str) -> Option<Vec<RedirectUri>> {
    table.list(key, URIS_PER_APPLICATION, RedirectUri::parse)
}

/// One that `""` takes away.
fn uri(table: &mut Table, key: &'static str) -> Option<Option<RedirectUri>> {
    table.parsed(key, |text| if text.is_empty() { Ok(None) } else { RedirectUri::parse(text).map(Some) })
}

fn method(table: &mut Table, key: &'static str) -> Option<AuthMethod> {
    table.choice(key, AuthMethod::ALL, AuthMethod::as_str)
}

fn alg(table: &mut Table, key: &'static str, choices: &[SigningAlg]) -> Option<SigningAlg> {
    table.choice(key, choices, SigningAlg::as_str)
}

/// A number of seconds; -1 takes it away, since 0 means something.
fn max_age(table: &mut Table, key: &'static str) -> Option<Option<Seconds>> {
    table.seconds(key, -1..=YEAR).map(|seconds| (seconds >= 0).then_some(Seconds(seconds)))
}

fn seconds(table: &mut Table, key: &'static str, from: i64, to: i64) -> Option<Seconds> {
    table.seconds(key, from..=to).map(Seconds)
}

/// Every wrong name is told at its own line; what the rules say of the whole is left to them.
fn constant_claims(table: &mut Table) -> Option<BTreeMap<String, Value>> {
    let claims = table.json("constant_claims", EXTENDED_FIELDS_DEPTH)?;
    let lines = table.lines_in("constant_claims");
    for name in claims.keys() {
        if let Err(reason) = check_claim_name(name) {
            let line = lines.get(name).copied().unwrap_or_else(|| table.lines().of("constant_claims"));
            let name = shown(name);
            table.problem(
                line,
                said!(
                    "{name:?} in `constant_claims` {reason}",
                    "`constant_claims` 中的 {name:?} {reason}",
                    reason
                ),
            );
        }
    }
    Some(claims.into_iter().collect())
}
