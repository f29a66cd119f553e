//! `[[resources]]`, `[[applications.resources]]`, `[[applications.accounts]]` and `[[applications.rules]]`.

use std::collections::HashMap;

use signet_protocol::{
    access::Effect,
    account::{Account, TOKEN_LIFETIMES},
    id::{AccountId, UserId},
    ip_range::IpRange,
    limits::{ACTIONS_PER_RESOURCE, ATTRIBUTES_PER_RULE, IP_RANGES_PER_RULE},
    resource::{
        Action, ActionName, Actions, ApiIdentifier, AttributeEquals, Namespace, Part, Resource, ResourceCode,
        ResourceId, ResourceType, Restrictions, Rule, Scalar, Subject, TimeOfDay, resource_name,
    },
    said,
    said::{Pair, Said},
    time::Seconds,
    user_field::UserField,
};

use super::{HEX, SecretEntry, check, exclude_each_other, put};
use crate::manage::reader::{Lines, Table};

/// What a file says about a resource.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the name is the key, whose meaning is in signet_protocol::resource")]
pub struct ResourceEntry {
    /// Where its keys stand.
    pub lines: Lines,
    pub code: Option<ResourceCode>,
    pub kind: Option<ResourceType>,
    pub name: Option<Option<String>>,
    pub description: Option<Option<String>>,
    pub actions: Option<Vec<Action>>,
    pub api_identifier: Option<Option<ApiIdentifier>>,
    pub remove: bool,
}

/// What a file says about a programmatic access account.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the name is the key, whose meaning is in signet_protocol::account")]
pub struct AccountEntry {
    /// Where its keys stand.
    pub lines: Lines,
    pub id: Option<AccountId>,
    pub secret: Option<SecretEntry>,
    pub token_lifetime: Option<Seconds>,
    pub remarks: Option<Option<String>>,
    pub enabled: Option<bool>,
    pub remove: bool,
}

/// The rules of an application as a file has them, each with its line.
#[derive(Clone, Debug, Default)]
pub struct RuleEntries(pub Vec<(usize, Rule)>);

impl ResourceEntry {
    pub(super) fn read(table: &mut Table) -> ResourceEntry {
        let entry = ResourceEntry {
            lines: Lines::default(),
            code: table.parsed("code", ResourceCode::parse),
            kind: table.choice("type", ResourceType::ALL, ResourceType::as_str),
            name: table.text("name", check::line),
            description: table.text("description", check::line),
            actions: table.texts_or_tables("actions", ACTIONS_PER_RESOURCE, bare_action, action),
            api_identifier: table.optional("api_identifier", ApiIdentifier::parse),
            remove: table.boolean("remove").unwrap_or(false),
        };
        let lines = table.lines();
        if !lines.has("code") {
            table.problem(lines.table, Pair("a resource needs a `code`", "资源须有 `code`"));
        }
        only_remove(table, entry.remove, &["type", "name", "description", "actions", "api_identifier"]);
        ResourceEntry { lines, ..entry }
    }

    /// Lays what the entry says over `resource`.
    pub fn lay_over(&self, resource: &mut Resource) {
        put(&mut resource.kind, &self.kind);
        put(&mut resource.name, &self.name);
        put(&mut resource.description, &self.description);
        put(&mut resource.actions, &self.actions);
        put(&mut resource.api_identifier, &self.api_identifier);
    }
}

fn bare_action(text: &str) -> Result<Action, Pair> {
    Ok(Action { name: ActionName::parse(text)?, description: None })
}

pub(super) fn action(table: &mut Table) -> Option<Action> {
    let name = table.parsed("name", ActionName::parse);
    let description = table.text("description", check::line).flatten();
    needs(table, Pair("an action", "操作"), &["name"]);
    Some(Action { name: name?, description })
}

impl AccountEntry {
    pub(super) fn read(table: &mut Table) -> AccountEntry {
        let entry = AccountEntry {
            lines: Lines::default(),
            id: table.parsed("id", |text| AccountId::parse(text).ok_or(HEX)),
            secret: table.parsed("secret", SecretEntry::parse),
            token_lifetime: table.seconds("token_lifetime", TOKEN_LIFETIMES).map(Seconds),
            remarks: table.text("remarks", check::line),
            enabled: table.boolean("enabled"),
            remove: table.boolean("remove").unwrap_or(false),
        };
        let lines = table.lines();
        if !lines.has("id") {
            let reason = Pair(
                "an account needs an `id`, its AccessKey, so that applying the file again does not make another; \
                 `signet account create` makes one",
                "账户须有 `id`（即其 AccessKey），以免再次应用文件时又新建一个；可用 `signet account create` 生成",
            );
            table.problem(lines.table, reason);
        }
        only_remove(table, entry.remove, &["secret", "token_lifetime", "remarks", "enabled"]);
        AccountEntry { lines, ..entry }
    }

    /// Lays what the entry says over `account`, but for the secret, which may be sealed.
    pub fn lay_over(&self, account: &mut Account) {
        put(&mut account.token_lifetime, &self.token_lifetime);
        put(&mut account.remarks, &self.remarks);
        put(&mut account.enabled, &self.enabled);
    }
}

/// `[[applications.rules]]`, all of them; an empty list takes all away.
pub(super) fn rules(table: &mut Table) -> Option<RuleEntries> {
    let read = table.tables("rules", |entry| (entry.lines().table, rule(entry)));
    let lines = table.lines();
    let rules: Vec<(usize, Rule)> = read.into_iter().filter_map(|(line, rule)| Some((line, rule?))).collect();
    let mut first: HashMap<&Rule, usize> = HashMap::new();
    let twice: Vec<_> =
        rules.iter().filter_map(|(line, rule)| Some((*line, first.insert(rule, *line)?))).collect();
    for (line, earlier) in twice {
        let again = said!(
            "this is the rule of line {earlier} again; keep one",
            "与第 {earlier} 行的规则相同；请只保留一条"
        );
        table.problem(line, again);
    }
    lines.has("rules").then_some(RuleEntries(rules))
}

pub(super) fn rule(table: &mut Table) -> Option<Rule> {
    let subject = table.table("subject", subject).flatten();
    let effect = table.choice("effect", Effect::ALL, Effect::as_str);
    let namespace = table.choice("namespace", Namespace::ALL, Namespace::as_str);
    let resource = table.parsed("resource", |text| Part::parse(text, ResourceCode::parse));
    let identifier = table.parsed("identifier", |text| Part::parse(text, ResourceId::parse));
    let actions = actions(table);
    let restrictions = table.table("restrictions", restrictions);
    needs(table, Pair("a rule", "规则"), &["subject", "effect", "resource", "actions"]);
    let lines = table.lines();
    let good = |key, present: bool| present || !lines.has(key);
    let whole = good("namespace", namespace.is_some())
        && good("identifier", identifier.is_some())
        && good("restrictions", restrictions.as_ref().is_some_and(Option::is_some));
    let resource = match resource_name(resource?, namespace) {
        Ok(resource) => resource,
        Err(reason) => {
            table.problem(lines.of("namespace"), reason);
            return None;
        }
    };
    let rule = Rule {
        subject: subject?,
        effect: effect?,
        resource,
        identifier: identifier.unwrap_or(Part::Any),
        actions: actions?,
        restrictions: restrictions.flatten().unwrap_or_default(),
    };
    whole.then_some(rule)
}

pub(super) fn subject(table: &mut Table) -> Option<Subject> {
    let account = table.parsed("account", |text| AccountId::parse(text).ok_or(HEX)).map(Subject::Account);
    let user = table.parsed("user", |text| UserId::parse(text).ok_or(HEX)).map(Subject::User);
    let role = table.parsed("role", check::role).map(Subject::Role);
    let group = table.parsed("group", check::role).map(Subject::Group);
    let lines = table.lines();
    if ["account", "user", "role", "group"].iter().filter(|key| lines.has(key)).count() != 1 {
        let one = Pair(
            "a `subject` is one of `account`, `user`, `role` and `group`",
            "`subject` 须为 `account`、`user`、`role`、`group` 之一",
        );
        table.problem(lines.table, one);
        return None;
    }
    account.or(user).or(role).or(group)
}

fn actions(table: &mut Table) -> Option<Actions> {
    let length = table.length("actions");
    if length.is_none() {
        let otherwise = Pair("must be \"all\" or a list of actions", "须为 \"all\" 或操作的列表");
        return table.parsed("actions", |text| if text == "all" { Ok(Actions::All) } else { Err(otherwise) });
    }
    let listed = table.list("actions", ACTIONS_PER_RESOURCE, ActionName::parse)?;
    if length == Some(0) {
        let lines = table.lines();
        let otherwise = Pair(
            "`actions` must be \"all\" or a list of at least one action",
            "`actions` 须为 \"all\" 或至少含一个操作的列表",
        );
        table.problem(lines.of("actions"), otherwise);
        return None;
    }
    Some(Actions::Listed(listed))
}

/// `None`: something is wrong with them, and was noted.
pub(super) fn restrictions(table: &mut Table) -> Option<Restrictions> {
    let empty = ["ip", "attributes"].map(|key| (key, table.length(key) == Some(0)));
    let ip = table.list("ip", IP_RANGES_PER_RULE, IpRange::parse);
    let time = table.table("time", time);
    let mfa = table.boolean("mfa");
    let attributes = table.tables("attributes", attribute);
    let lines = table.lines();
    let most = attributes.len() > ATTRIBUTES_PER_RULE;
    if most {
        let reason = said!(
            "`attributes` may have at most {ATTRIBUTES_PER_RULE} entries",
            "`attributes` 最多有 {ATTRIBUTES_PER_RULE} 项"
        );
        table.problem(lines.of("attributes"), reason);
    }
    for (key, empty) in empty {
        // Nobody means by an empty list that there is no restriction.
        if empty {
            let reason = said!(
                "`{key}` restricts to nothing; name some or leave it out",
                "`{key}` 没有任何内容；请填写，或去掉该项"
            );
            table.problem(lines.of(key), reason);
            return None;
        }
    }
    let attributes: Option<Vec<AttributeEquals>> = attributes.into_iter().collect();
    let good = |key, present: bool| present || !lines.has(key);
    let whole = good("ip", ip.is_some())
        && good("time", time.is_some_and(|time| time.is_some()))
        && good("mfa", mfa.is_some())
        && !most;
    whole.then_some(Restrictions {
        ip: ip.unwrap_or_default(),
        time: time.flatten(),
        mfa,
        attributes: attributes?,
    })
}

pub(super) fn time(table: &mut Table) -> Option<TimeOfDay> {
    let mut text = |key| table.parsed(key, |text| Ok::<_, Said>(text.to_owned()));
    let (from, to, offset) = (text("from"), text("to"), text("offset"));
    needs(table, Pair("`time`", "`time` "), &["from", "to", "offset"]);
    match TimeOfDay::parse(&from?, &to?, &offset?) {
        Ok(time) => Some(time),
        Err(reason) => {
            let lines = table.lines();
            table.problem(lines.table, said!("`time`: {reason}", "`time`：{reason}", reason));
            None
        }
    }
}

pub(super) fn attribute(table: &mut Table) -> Option<AttributeEquals> {
    let field = table.parsed("field", UserField::parse);
    let equals = table.scalar("equals").and_then(|value| serde_json::from_value::<Scalar>(value).ok());
    needs(table, Pair("an attribute", "属性条件"), &["field", "equals"]);
    Some(AttributeEquals { field: field?, equals: equals? })
}

fn needs(table: &mut Table, what: Pair, keys: &[&'static str]) {
    let lines = table.lines();
    for key in keys.iter().filter(|key| !lines.has(key)) {
        table.problem(lines.table, said!("{what} needs `{key}`", "{what}须有 `{key}`", what));
    }
}

/// One that is removed has nothing else.
fn only_remove(table: &mut Table, remove: bool, others: &[&'static str]) {
    let lines = table.lines();
    for key in others.iter().filter(|key| remove && lines.has(key)) {
        table.problem(lines.of(key), exclude_each_other(key, "remove"));
    }
}
