//! Pools made at random that keep to every rule: the same seed makes the same.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use signet_protocol::{
    account::Account,
    application::{Application, ApplicationSettings, ApplicationType, AuthMethod},
    id::{AccountId, AppId, PoolId, UserId},
    issuer::Identifier,
    mail::SealedPassword,
    password::PasswordHash,
    pool::PoolSettings,
    resource::{Resource, Rule},
    secret::Secret,
    time::{Seconds, Timestamp},
    user::{User, UserDetails},
};
use signet_store::{Change, SecretOf, Store};
use signet_testkit::seed::Seeded;

use crate::manage::rules::check_application;

const NOON: Timestamp = Timestamp(1_800_000_000);
pub const HASH: &str =
    "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// Texts that could end a string, a line or a table.
const TEXTS: &[&str] =
    &["plain", "a \"b\" \\ c'd", "王小明 ]] [[x]]", "# no comment = 1", "\u{202e}x\u{a0}é"];

/// Everything in a pool.
pub struct Pool {
    pub settings: PoolSettings,
    pub resources: Vec<Resource>,
    pub users: Vec<User>,
    pub applications: Vec<Parts>,
}

pub struct Parts {
    pub application: Application,
    pub resources: Vec<Resource>,
    pub accounts: Vec<Account>,
    pub rules: Vec<Rule>,
}

/// The dice of one pool.
pub struct Dice(Seeded);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(Seeded(seed))
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.0.next_u64() % most as u64).unwrap()
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn some<T: Clone>(&mut self, of: &[T]) -> Vec<T> {
        of.iter().filter(|_| self.coin()).cloned().collect()
    }

    fn maybe<T>(&mut self, value: T) -> Option<T> {
        self.coin().then_some(value)
    }

    fn text(&mut self) -> Value {
        let text = self.one(TEXTS);
        self.maybe(text).into()
    }

    fn bytes(&mut self) -> [u8; 12] {
        std::array::from_fn(|_| self.0.next_u64().to_le_bytes()[0])
    }

    fn fields(&mut self, deep: usize) -> Value {
        match self.below(if deep == 0 { 4 } else { 6 }) {
            0 => self.coin().into(),
            1 => (i64::try_from(self.0.next_u64() >> 12).unwrap() - (1 << 51)).into(),
            2 => json!(f64::from(u32::try_from(self.below(1 << 30)).unwrap()) / 7.0),
            3 => self.one(TEXTS).into(),
            4 => (0..self.below(4)).map(|_| self.fields(deep - 1)).collect(),
            _ => ["a", "b c", "ü"].iter().map(|key| (*key, self.fields(deep - 1))).collect(),
        }
    }

    /// A pool with all of everything.
    pub fn pool(&mut self, id: PoolId) -> Pool {
        let settings = self.settings();
        let resources = vec![self.resource("shelf"), self.resource("book.Z"), self.resource("book-a")];
        let users: Vec<User> = (0..4).map(|number| self.user(id, number, &settings)).collect();
        let applications =
            (0..4).map(|number| self.application(id, number, (&resources, &users, &settings))).collect();
        Pool { settings, resources, users, applications }
    }

    fn settings(&mut self) -> PoolSettings {
        let text = self.text();
        let declared = self.coin();
        serde_json::from_value(json!({
            "extended_fields": if declared { json!({ "level": "number", "tags": "list", "x-1": "any" }) } else { json!({}) },
            "claims": if declared { json!({ "level": "extended_fields.level", "tel": "phone" }) } else { json!({ "tel": "phone" }) },
            "scopes": {
                "work": { "claims": ["tel", "name"], "description": text, "description_zh": self.text() },
                "bare": { "claims": [] },
            },
            "password_policy": {
                "min_length": if self.coin() { 12 } else { 8 },
                "max_length": if self.coin() { 64 } else { 1024 },
                "refuse_common": self.coin(),
                "refuse_names": self.coin(),
            },
            "sign_in": {
                "languages": if self.coin() { json!(["zh"]) } else { json!(["zh", "en"]) },
                "login_methods": if self.coin() { json!(["email"]) } else { json!(["phone", "username"]) },
                "session_lifetime": if self.coin() { 300 } else { 31_536_000 },
                "browser_session": self.coin(),
                "console_session_lifetime": if self.coin() { 900 } else { 43_200 },
                "password_recovery": self.coin(),
            },
            "throttle": {
                "name_and_network_failures": if self.coin() { 3 } else { 10 },
                "network_period": if self.coin() { 900 } else { 86_400 },
            },
            "mail": self.mail(),
        }))
        .unwrap()
    }

    fn mail(&mut self) -> Value {
        let from_name = if self.coin() { json!("Notes \"of\" 王小明") } else { Value::Null };
        match (self.coin(), self.coin()) {
            (true, _) => Value::Null,
            (false, true) => json!({
                "host": "127.0.0.1", "port": 2525, "security": "none", "from": "a@b.example", "from_name": from_name,
            }),
            (false, false) => json!({
                "host": "mail.example", "port": 587, "security": "starttls", "username": "signet",
                "password": "of at least 32 characters", "from": "a@b.example", "from_name": from_name,
            }),
        }
    }

    fn resource(&mut self, code: &str) -> Resource {
        let kind = self.one(&["API", "DATA", "UI", "MENU", "BUTTON"]);
        let mut resource = json!({
            "code": code,
            "type": kind,
            "name": self.text(),
            "description": self.text(),
            "actions": ["read", { "name": "write.all", "description": self.one(TEXTS) }],
        });
        if kind == "API" {
            let api = format!("https://{code}.example/{}", self.0.next_u64());
            resource["api_identifier"] = self.maybe(api).into();
        }
        serde_json::from_value(resource).unwrap()
    }

    fn user(&mut self, pool: PoolId, number: usize, settings: &PoolSettings) -> User {
        let extended = match settings.extended_fields.is_empty() {
            true => json!({ "any thing": self.fields(2), "level": self.fields(1) }),
            false => json!({ "level": 7, "tags": ["a"], "x-1": self.fields(2) }),
        };
        let profile: BTreeMap<&str, Value> = [
            "name",
            "given_name",
            "family_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "gender",
            "zoneinfo",
            "locale",
        ]
        .into_iter()
        .map(|key| (key, self.text()))
        .collect();
        let mut profile = json!(profile);
        profile["birthdate"] = self.maybe("1999-12-31").into();
        for key in ["profile", "picture", "website"] {
            profile[key] = self.maybe(format!("https://a.example/{key}")).into();
        }
        if self.coin() {
            profile["address"] = json!({ "formatted": "1 Road\nTown", "locality": self.one(TEXTS) });
        }
        let details: UserDetails = serde_json::from_value(json!({
            "email_verified": self.coin(),
            "phone_verified": self.coin(),
            "external_id": self.text(),
            "profile": profile,
            "roles": self.some(&["admin", "reader \"x\""]),
            "groups": self.some(&["g1", "g2"]),
            "extended_fields": if self.coin() { extended } else { json!({}) },
            "imported": self.maybe("a hash that was replaced"),
        }))
        .unwrap();
        let (email, phone) = (format!("User{number}@Example.com"), format!("+86138001380{number:02}"));
        User {
            id: UserId::from_bytes(self.bytes()),
            pool,
            username: Some(format!("user \"{number}\"")),
            email: self.maybe(email),
            phone: self.maybe(phone),
            password: (number == 0 || self.coin()).then(|| PasswordHash::parse(HASH).unwrap()),
            blocked: self.coin(),
            details,
            updated_at: NOON,
            version: 1,
        }
    }

    fn application(
        &mut self,
        pool: PoolId,
        number: usize,
        (shared, users, settings): (&[Resource], &[User], &PoolSettings),
    ) -> Parts {
        let application = loop {
            let made = self.any_application(pool, number);
            if check_application(&made).is_empty() {
                break made;
            }
        };
        let resources = vec![self.resource("book"), self.resource("Note")];
        let accounts: Vec<Account> = (0..2).map(|_| self.account(&application)).collect();
        let mut rules = Vec::new();
        for number in 0..6 {
            let (namespace, resource) = match number % 3 {
                0 => (None, "*".to_owned()),
                1 => (Some("pool"), self.one(shared).code.as_str().to_owned()),
                _ => (None, self.one(&resources).code.as_str().to_owned()),
            };
            let account = accounts.get(number);
            let of_account = account.is_some();
            let subject = match number {
                _ if of_account => json!({ "account": account.map(|account| account.id) }),
                2 => json!({ "user": self.one(users).id }),
                3 => json!({ "role": self.one(TEXTS) }),
                _ => json!({ "group": self.one(TEXTS) }),
            };
            let mut rule = json!({
                "subject": subject,
                "effect": self.one(&["allow", "deny"]),
                "resource": resource,
                "identifier": self.one(&["*", "42", "a@b/c~d"]),
                "actions": self.one(&[json!("all"), json!(["read"]), json!(["write.all", "read"])]),
            });
            if let Some(namespace) = namespace {
                rule["namespace"] = namespace.into();
            }
            if self.coin() {
                rule["restrictions"] = self.restrictions(of_account, settings);
            }
            let rule: Rule = serde_json::from_value(rule).unwrap();
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
        Parts { application, resources, accounts, rules }
    }

    fn restrictions(&mut self, of_account: bool, settings: &PoolSettings) -> Value {
        let mut all = json!({
            "ip": ["10.0.0.0/8", "2001:db8::/32"],
            "time": { "from": "22:00", "to": "06:30", "offset": self.one(&["+08:00", "-03:30", "+00:00"]) },
        });
        if !of_account {
            all["mfa"] = self.coin().into();
            all["attributes"] = json!([{ "field": "locale", "equals": self.one(TEXTS) }]);
            if !settings.extended_fields.is_empty() {
                all["attributes"]
                    .as_array_mut()
                    .unwrap()
                    .push(json!({ "field": "extended_fields.level", "equals": 7 }));
            }
        }
        let keep: Vec<String> = all.as_object().unwrap().keys().cloned().collect();
        let first = self.one(&keep);
        for key in keep.iter().filter(|key| **key != first) {
            if self.coin() {
                all.as_object_mut().unwrap().remove(key);
            }
        }
        all
    }

    fn account(&mut self, application: &Application) -> Account {
        Account {
            id: AccountId::from_bytes(self.bytes()),
            pool: application.pool,
            application: application.id,
            secret: Account::new_secret(&mut self.0),
            previous: None,
            token_lifetime: Seconds(self.one(&[600, 60, 86_400])),
            remarks: self.text().as_str().map(str::to_owned),
            enabled: self.coin(),
            created_at: NOON,
            updated_at: NOON,
            version: 1,
        }
    }

    fn any_application(&mut self, pool: PoolId, number: usize) -> Application {
        let kind = self.one(ApplicationType::ALL);
        let public = kind.is_public();
        let mut all = serde_json::to_value(ApplicationSettings::default()).unwrap();
        let fields = all.as_object_mut().unwrap();
        for (_, value) in fields.iter_mut().filter(|(_, value)| value.is_boolean()) {
            if self.below(3) == 0 {
                *value = (!value.as_bool().unwrap()).into();
            }
        }
        let mut put = |key: &str, value: Value| {
            assert!(fields.insert(key.to_owned(), value).is_some(), "{key}");
        };
        put("type", kind.as_str().into());
        let uris: Vec<String> = ["cb", "cb?x=%20", "cb/\u{7e}a"]
            .iter()
            .map(|path| format!("https://rp.example/{path}"))
            .collect();
        let (some, other) = (self.some(&uris), self.some(&uris));
        put("redirect_uris", some.into());
        put("logout_redirect_uris", other.into());
        put("frontchannel_logout_uri", self.maybe("https://rp.example/front").into());
        put("backchannel_logout_uri", self.maybe("https://rp.example/back").into());
        let grants = ["authorization_code", "refresh_token", "password", "implicit", "client_credentials"];
        put("grant_types", self.some(&grants).into());
        put(
            "response_types",
            self.some(&["code", "id_token", "id_token token", "code id_token", "none"]).into(),
        );
        let methods =
            ["client_secret_post", "client_secret_basic", "client_secret_jwt", "private_key_jwt", "none"];
        for endpoint in ["token", "introspection", "revocation"] {
            let method = if public { "none" } else { self.one(&methods) };
            put(&format!("{endpoint}_endpoint_auth_method"), method.into());
        }
        let algs = [json!("RS256"), json!("ES256"), json!("EdDSA"), json!("PS256")];
        put("id_token_signed_response_alg", self.one(&algs));
        put("access_token_signed_response_alg", self.one(&algs));
        let optional: Vec<Value> = algs.iter().cloned().chain([Value::Null, Value::Null]).collect();
        for key in
            ["token_endpoint_auth_signing_alg", "userinfo_signed_response_alg", "request_object_signing_alg"]
        {
            put(key, self.one(&optional));
        }
        put("subject_type", self.one(&["public", "pairwise"]).into());
        let keys = self.below(3);
        put("jwks", if keys == 0 { json!(super::super::rules::keys()) } else { Value::Null });
        put("jwks_uri", if keys == 1 { json!("https://rp.example/jwks") } else { Value::Null });
        put("id_token_encrypted_response_alg", if keys == 1 { json!("ECDH-ES") } else { Value::Null });
        put("id_token_encrypted_response_enc", if keys == 1 { json!("A256GCM") } else { Value::Null });
        put("request_uris", self.some(&["https://rp.example/request.jwt"]).into());
        put("web_origins", self.some(&["https://rp.example", "http://localhost:3000"]).into());
        put("authorization_code_expire", self.one(&[600, 10]).into());
        put("id_token_expire", self.one(&[3600, 61]).into());
        put("access_token_expire", self.one(&[3600, 61]).into());
        put("refresh_token_expire", self.one(&[2_592_000, 61]).into());
        put("default_max_age", self.one(&[Value::Null, json!(0), json!(600)]));
        put("default_acr_values", self.some(&["urn:signet:acr:password"]).into());
        put("access_default", self.one(&["allow", "deny"]).into());
        let rules = [
            json!({ "user": UserId::from_bytes(self.bytes()), "effect": "deny", "enabled": self.coin() }),
            json!({ "role": self.one(TEXTS), "effect": "allow", "enabled": true }),
            json!({ "group": self.one(TEXTS), "effect": "deny", "enabled": false }),
        ];
        put("access_rules", self.some(&rules).into());
        put(
            "constant_claims",
            if self.coin() { json!({ "KEY": self.fields(2), "k/2": "v" }) } else { json!({}) },
        );
        put("logo_uri", self.maybe("https://rp.example/logo.png").into());
        put("brand_color", self.maybe("#ffd400").into());
        put("login_title", self.maybe("Sign in to \"Notes\"").into());
        put("login_text_zh", self.maybe("使用工号登录").into());
        put("policy_uri", self.maybe("https://rp.example/legal#privacy").into());
        put("description", self.maybe("Two\nlines").into());
        let settings: ApplicationSettings = serde_json::from_value(all).unwrap();
        let secret =
            (!public).then(|| Secret::new(format!("secret \"{}\" of at least 32 characters", number)));
        assert!(!public || settings.token_endpoint_auth_method == AuthMethod::None);

        Application {
            id: AppId::from_bytes(self.bytes()),
            pool,
            identifier: Identifier::parse(&format!("app-{}", ["z", "a", "m", "b"][number])).unwrap(),
            name: self.one(TEXTS).to_owned(),
            enabled: self.coin(),
            secret,
            settings,
            version: 1,
        }
    }
}

impl Pool {
    /// What has to be written, so that it is what is stored.
    pub async fn changes(self, store: &Store) -> Vec<Change> {
        let version = store.stored_pool_settings().await.unwrap().version;
        let name = "Notes of 王小明".to_owned();
        let mut settings = PoolSettings { version, name, ..self.settings };
        if let Some(mail) = &mut settings.mail {
            let password = mail.password.as_ref().map(|password| Secret::new(password.as_str()));
            let (place, seal) = (mail.place(), |of, secret| store.seal_exported(of, &secret).unwrap());
            mail.password = password.map(|own| SealedPassword::new(seal(SecretOf::Mail(&place), own)));
        }
        let mut changes = vec![Change::UpdatePool(settings)];
        changes.extend(self.users.into_iter().map(Change::InsertUser));
        changes.push(Change::Resources { of: None, put: self.resources, removed: vec![] });
        for Parts { application, resources, accounts, rules } in self.applications {
            let of = application.id;
            changes.push(Change::InsertApplication(application));
            changes.extend(accounts.into_iter().map(Change::InsertAccount));
            changes.push(Change::Resources { of: Some(of), put: resources, removed: vec![] });
            changes.push(Change::Rules { of, added: rules, removed: vec![] });
        }
        changes
    }
}
