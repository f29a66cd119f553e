//! What becomes of resources and rules, and whether every rule can be meant then.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use signet_protocol::{
    id::{AccountId, AppId, UserId},
    issuer::Identifier,
    pool::PoolSettings,
    resource::{
        ADMIN, ApiIdentifier, RESERVED, Resource, ResourceCode, Resources, Rule, RuleError, Subject,
        check_rules,
    },
    said,
    said::{Pair, Said},
    user_field::UserField,
};
use signet_store::{Change, StoreError};

use super::{
    Action, Described, Draft, PlanError, Target, accounts,
    accounts::Accounts,
    fields,
    pool::changed,
    removal::{self, People},
    words::{self, Row, Worded},
};
use crate::{
    Signet,
    manage::description::{Description, ResourceEntry, RuleEntries},
};

const THE_POOL: Pair = Pair("the pool", "用户池");

/// New rules, and removed ones, that are told one by one.
const TOLD_RULES: usize = 20;

/// Plans every entry.
pub(super) async fn plan(
    signet: &Signet,
    described: &Described<'_>,
    targets: &[Target<'_>],
    draft: &mut Draft,
) -> Result<(), PlanError> {
    let Described { description, settings, people } = *described;
    if !description.is_about_permissions() && !description.is_about_pool() {
        return Ok(());
    }
    let before = draft.plan.changes.len();
    let pool = namespace(signet, (None, None), &description.resources, draft).await?;
    let with_accounts = targets.iter().any(|target| !target.entry.accounts.is_empty());
    let owners = if with_accounts { signet.store().account_owners().await? } else { HashMap::new() };
    let mut all = BTreeMap::new();
    for target in targets.iter().filter(|target| target.entry.is_about_permissions()) {
        let of = (Some(target.id), Some(&target.identifier));
        let own = namespace(signet, of, &target.entry.resources, draft).await?;
        let accounts = accounts::plan(signet, target, &owners, draft).await?;
        let planned = rules(signet, (target, people), accounts, own, draft).await?;
        all.insert(target.id, planned);
    }
    let ruled = |id: &AppId| all.get(id).is_some_and(|planned| planned.rules.is_some());
    removal::rules_about(signet, people, ruled, draft).await?;
    let checked = Checked { signet, description, settings, people, pool: &pool, planned: &all, targets };
    checked.rules(draft).await?;
    checked.names(draft).await?;
    checked.apis(draft).await?;
    let permissions_change = draft.plan.changes.get(before..).is_some_and(|changes| !changes.is_empty());
    if permissions_change && !draft.plan.changes.iter().any(|change| matches!(change, Change::UpdatePool(_)))
    {
        // Its version guards what all of it was compared with.
        draft.plan.changes.push(Change::UpdatePool(settings.clone()));
    }
    Ok(())
}

/// The resources of one namespace as they will be.
struct Namespace {
    resources: Resources,
    changed: bool,
}

async fn namespace(
    signet: &Signet,
    (of, whose): (Option<AppId>, Option<&Identifier>),
    entries: &[ResourceEntry],
    draft: &mut Draft,
) -> Result<Namespace, StoreError> {
    let stored = signet.store().stored_resources(of).await?;
    let mut new: BTreeMap<ResourceCode, Resource> =
        stored.into_iter().map(|resource| (resource.code.clone(), resource)).collect();
    let (mut put, mut removed, mut lines) = (Vec::new(), Vec::new(), HashMap::new());
    for entry in entries {
        let Some(code) = &entry.code else { continue };
        if code.as_str() == ADMIN && !entry.remove {
            let reason = RESERVED;
            draft.refuse(entry.lines.of("code"), said!("`code` {reason}", "`code` {reason}", reason));
            continue;
        }
        let what = match whose {
            Some(whose) => words::RESOURCE_OF.with_all([code.as_str(), whose.as_str()]),
            None => words::RESOURCE.with(code),
        };
        let old = new.get(code);
        if entry.remove {
            let absent = old.is_none();
            draft.step(
                what,
                if absent {
                    Action::Absent
                } else {
                    Action::Remove(vec![words::RESOURCE_GOES.words().into()])
                },
            );
            removed.extend((!absent).then(|| code.clone()));
            new.remove(code);
            continue;
        }
        let Some(resource) = planned(entry, code, old) else {
            let reason = Pair(
                "a new resource needs a `type`: API, DATA, UI, MENU or BUTTON",
                "新资源须有 `type`：API、DATA、UI、MENU 或 BUTTON",
            );
            draft.refuse(entry.lines.table, reason);
            continue;
        };
        let differences = old.map(|old| fields::of_resource(old, &resource));
        put.extend((old != Some(&resource)).then(|| resource.clone()));
        draft.step(what, changed(differences, || fields::of_new_resource(&resource)));
        lines.insert(code.clone(), entry.lines.table);
        new.insert(code.clone(), resource);
    }
    let changed = !put.is_empty() || !removed.is_empty();
    if changed {
        draft.plan.changes.push(Change::Resources { of, put, removed });
    }
    let codes: Vec<ResourceCode> = new.keys().cloned().collect();
    let last = entries.last().map_or(1, |entry| entry.lines.table);
    let resources = Resources::new(new.into_values().collect()).unwrap_or_else(|errors| {
        for (at, error) in errors {
            let line = codes.get(at).and_then(|code| lines.get(code)).copied();
            draft.refuse(line.unwrap_or(last), error);
        }
        Resources::default()
    });
    Ok(Namespace { resources, changed })
}

fn planned(entry: &ResourceEntry, code: &ResourceCode, old: Option<&Resource>) -> Option<Resource> {
    let blank = |kind| Resource {
        code: code.clone(),
        name: None,
        kind,
        description: None,
        actions: Vec::new(),
        api_identifier: None,
    };
    let mut resource = old.cloned().or_else(|| entry.kind.map(blank))?;
    entry.lay_over(&mut resource);
    Some(resource)
}

/// What an application will have.
struct Planned {
    own: Namespace,
    /// With the line of each; `None`: the stored ones.
    rules: Option<RuleEntries>,
    /// The accounts that go, and the stored rules about them.
    gone: HashSet<AccountId>,
}

async fn rules(
    signet: &Signet,
    (target, people): (&Target<'_>, &People),
    accounts: Accounts,
    own: Namespace,
    draft: &mut Draft,
) -> Result<Planned, PlanError> {
    if let Some(RuleEntries(entries)) = &target.entry.rules {
        let stored: HashSet<Rule> = signet.store().stored_rules(target.id).await?.into_iter().collect();
        let new: HashSet<&Rule> = entries.iter().map(|(_, rule)| rule).collect();
        subjects(signet, (entries, people), &stored, &accounts, draft).await?;
        let added: Vec<Rule> =
            entries.iter().map(|(_, rule)| rule).filter(|rule| !stored.contains(*rule)).cloned().collect();
        let removed: Vec<Rule> = stored.iter().filter(|rule| !new.contains(*rule)).cloned().collect();
        let count = |rules: &[Rule], row: Row| (!rules.is_empty()).then(|| row.with(rules.len()));
        let counts = [count(&added, words::NEW_RULES), count(&removed, words::REMOVED_RULES)];
        let told = |rules: &[Rule], row: Row| {
            rules.iter().take(TOLD_RULES).map(|rule| row.with(fields::rule(rule))).collect::<Vec<_>>()
        };
        let lines: Vec<Worded> = counts
            .into_iter()
            .flatten()
            .chain(told(&added, words::NEW_RULE))
            .chain(told(&removed, words::REMOVED_RULE))
            .collect();
        let change = Change::Rules { of: target.id, added, removed };
        draft.update(words::RULES.with(&target.identifier), lines, change);
    }
    // After the rules: those about them that are left go with them.
    let gone = accounts.gone.iter().map(|account| account.id).collect();
    draft.plan.changes.extend(accounts.gone.into_iter().map(Change::DeleteAccount));
    Ok(Planned { own, rules: target.entry.rules.clone(), gone })
}

/// Accounts and users that rules are about exist. A user whom a stored rule names did when it was stored.
async fn subjects(
    signet: &Signet,
    (entries, people): (&[(usize, Rule)], &People),
    stored: &HashSet<Rule>,
    accounts: &Accounts,
    draft: &mut Draft,
) -> Result<(), PlanError> {
    let mut users: HashMap<UserId, bool> = HashMap::new();
    for (line, rule) in entries {
        match &rule.subject {
            Subject::Account(id) if !accounts.known.contains(id) => {
                let reason = said!(
                    "the application has no account {id}; add it, or name another",
                    "应用没有账户 {id}；请添加该账户，或指定其他账户"
                );
                draft.refuse(*line, reason);
            }
            Subject::User(id) if people.leave.contains_key(id) => {
                let reason = said!(
                    "the user {id} goes by this file; take the rule away as well",
                    "用户 {id} 将被此文件移除；请一并去掉该规则"
                );
                draft.refuse(*line, reason);
            }
            Subject::User(id) if !stored.contains(rule) && !people.come.contains(id) => {
                let known = match users.get(id) {
                    Some(known) => *known,
                    None => signet.store().user(*id).await?.is_some(),
                };
                users.insert(*id, known);
                if !known {
                    let reason = said!(
                        "there is no user with the id {id}; create them first",
                        "没有 ID 为 {id} 的用户；请先创建"
                    );
                    draft.refuse(*line, reason);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The API identifier that an entry asks for.
fn claim(entry: &ResourceEntry) -> Option<&ApiIdentifier> {
    entry.api_identifier.as_ref()?.as_ref().filter(|_| !entry.remove)
}

/// What the whole is compared with once all of it is planned.
struct Checked<'c> {
    signet: &'c Signet,
    description: &'c Description,
    settings: &'c PoolSettings,
    people: &'c People,
    pool: &'c Namespace,
    planned: &'c BTreeMap<AppId, Planned>,
    targets: &'c [Target<'c>],
}

impl Checked<'_> {
    /// Every rule that the description is about, or that what it changes was meant by, can be meant.
    async fn rules(&self, draft: &mut Draft) -> Result<(), PlanError> {
        let store = self.signet.store();
        let everywhere = self.pool.changed || !self.description.extended_fields.is_empty();
        let mut applications: Vec<AppId> = self.planned.keys().copied().collect();
        if everywhere {
            let others = store.applications_with_rules().await?;
            let gone = removal::applications(draft);
            let stays = |id: &AppId| !self.planned.contains_key(id) && !gone.contains(id);
            applications.extend(others.into_iter().filter(stays));
        }
        for id in applications {
            let planned = self.planned.get(&id);
            if let Some(Planned { own, rules: Some(RuleEntries(entries)), .. }) = planned {
                let rules: Vec<Rule> = entries.iter().map(|(_, rule)| rule.clone()).collect();
                let errors = check_rules(&rules, &own.resources, &self.pool.resources, self.settings);
                for (at, error) in errors.err().into_iter().flatten() {
                    let line = entries.get(at).map_or(1, |(line, _)| *line);
                    draft.refuse(line, error);
                }
            } else if everywhere || planned.is_some_and(|planned| planned.own.changed) {
                self.stored_rules(id, planned, draft).await?;
            }
        }
        Ok(())
    }

    /// Rules that stay as they are, where something they were meant by changes.
    async fn stored_rules(
        &self,
        id: AppId,
        planned: Option<&Planned>,
        draft: &mut Draft,
    ) -> Result<(), PlanError> {
        let store = self.signet.store();
        let mut rules = store.stored_rules(id).await?;
        rules.retain(|rule| !self.people.is_about_leaving(rule));
        if let Some(planned) = planned {
            rules.retain(|rule| !matches!(rule.subject, Subject::Account(id) if planned.gone.contains(&id)));
        }
        let stored;
        let own = match planned {
            Some(planned) => &planned.own.resources,
            None => {
                let list = store.stored_resources(Some(id)).await?;
                stored = Resources::new(list).unwrap_or_default();
                &stored
            }
        };
        let errors = check_rules(&rules, own, &self.pool.resources, self.settings).err().unwrap_or_default();
        let whose = match store.application(id).await? {
            Some(application) => application.identifier.to_string(),
            None => id.to_string(),
        };
        let target = self.targets.iter().find(|target| target.id == id);
        let reason = |error: &RuleError| {
            said!("a rule of {whose} needs this: {error}", "应用 {whose} 的一条规则需要它：{error}", error)
        };
        let told: HashSet<(usize, Said)> =
            errors.iter().map(|(_, error)| (self.line(error, target), reason(error))).collect();
        told.into_iter().for_each(|(line, reason)| draft.refuse(line, reason));
        Ok(())
    }

    /// The entry that makes a rule impossible which is not in the file.
    fn line(&self, error: &RuleError, target: Option<&Target>) -> usize {
        let own = target.map_or(&[][..], |target| &target.entry.resources);
        let entries = || own.iter().chain(&self.description.resources);
        let about = |entry: &&ResourceEntry| match error {
            RuleError::NoResource(code, _) | RuleError::NoAction(code, _) => {
                entry.code.as_ref() == Some(code)
            }
            _ => false,
        };
        let resource = entries().find(about).map(|entry| entry.lines.table);
        let field = match error {
            RuleError::NoField(UserField::Extended(name))
            | RuleError::NotScalar(UserField::Extended(name))
            | RuleError::WrongType(UserField::Extended(name), _) => Some(name),
            _ => None,
        };
        let mut fields = self.description.extended_fields.iter();
        let field = field.and_then(|name| fields.find(|entry| entry.name.as_ref() == Some(name)));
        let field = field.map(|entry| entry.lines.table);
        let any = entries().next().map(|entry| entry.lines.table);
        let any = any.or_else(|| self.description.extended_fields.first().map(|entry| entry.lines.table));
        resource.or(field).or(any).unwrap_or(1)
    }

    /// An API identifier is of one namespace: whoever has it keeps it, and of those who ask for it in one file the pool is
    /// first. Else an application could hand out tokens for another's API by rules of its own.
    async fn apis(&self, draft: &mut Draft) -> Result<(), PlanError> {
        let pool = self.description.resources.iter().map(|entry| (None, entry));
        let own = self.targets.iter();
        let own = own.flat_map(|target| target.entry.resources.iter().map(|entry| (Some(target.id), entry)));
        let claims: Vec<_> =
            pool.chain(own).filter_map(|(of, entry)| Some((of, entry, claim(entry)?))).collect();
        if claims.is_empty() {
            return Ok(());
        }
        let gone = removal::applications(draft);
        let mut owners: HashMap<ApiIdentifier, BTreeSet<Option<AppId>>> = HashMap::new();
        for (of, api) in self.signet.store().resource_apis().await? {
            if self.keeps(of, &api) && !of.is_some_and(|id| gone.contains(&id)) {
                owners.entry(api).or_default().insert(of);
            }
        }
        for (of, entry, api) in claims {
            let owners = owners.entry(api.clone()).or_default();
            match owners.first().filter(|_| !owners.contains(&of)) {
                None => drop(owners.insert(of)),
                Some(owner) => {
                    let whose = self.whose(*owner).await?;
                    let api = api.as_str();
                    let reason = said!(
                        "`api_identifier` {api:?} belongs to {whose}, which alone decides who gets tokens for it; \
                         name another, or take it away there first",
                        "`api_identifier` {api:?} 属于{whose}，只有它能决定谁可获得其令牌；请使用其他值，或先在那里去掉",
                        whose
                    );
                    draft.refuse(entry.lines.of("api_identifier"), reason);
                }
            }
        }
        Ok(())
    }

    /// Whether a namespace that has an API identifier will have it still.
    fn keeps(&self, of: Option<AppId>, api: &ApiIdentifier) -> bool {
        let namespace = match of {
            None => Some(self.pool),
            Some(id) => self.planned.get(&id).map(|planned| &planned.own),
        };
        let has = |namespace: &Namespace| {
            namespace.resources.iter().any(|resource| resource.api_identifier.as_ref() == Some(api))
        };
        namespace.is_none_or(has)
    }

    async fn whose(&self, of: Option<AppId>) -> Result<Said, PlanError> {
        let Some(id) = of else { return Ok(THE_POOL.into()) };
        let planned =
            self.targets.iter().find(|target| target.id == id).map(|target| target.identifier.clone());
        let stored =
            self.signet.store().application(id).await?.map(|application| application.identifier.clone());
        let name = planned.or(stored).map_or(id.to_string(), |identifier| identifier.to_string());
        Ok(said!("the application {name}", "应用 {name}"))
    }

    /// No scope of the pool's own takes the name of a resource.
    async fn names(&self, draft: &mut Draft) -> Result<(), PlanError> {
        let resources = self.targets.iter().flat_map(|target| &target.entry.resources);
        for entry in self.description.resources.iter().chain(resources).filter(|entry| !entry.remove) {
            let hidden = entry.code.as_ref().filter(|code| self.settings.scopes.contains_key(code.as_str()));
            if let Some(code) = hidden {
                let name = code.as_str();
                let reason = said!(
                    "`code` {name:?} is the name of a scope of the pool; take another",
                    "`code` {name:?} 与用户池的一个 scope 同名；请另选一个"
                );
                draft.refuse(entry.lines.of("code"), reason);
            }
        }
        if self.description.scopes.iter().all(|entry| entry.remove) {
            return Ok(());
        }
        let gone = removal::applications(draft);
        let removed: HashSet<(Option<AppId>, ResourceCode)> = draft
            .plan
            .changes
            .iter()
            .filter_map(|change| match change {
                Change::Resources { of, removed, .. } => Some(removed.iter().map(|code| (*of, code.clone()))),
                _ => None,
            })
            .flatten()
            .collect();
        let mut stored = self.signet.store().resource_codes().await?;
        stored.retain(|resource| {
            !removed.contains(resource) && !resource.0.is_some_and(|id| gone.contains(&id))
        });
        for entry in self.description.scopes.iter().filter(|entry| !entry.remove) {
            let name = entry.name.as_deref();
            let hidden = stored.iter().find(|(_, code)| name == Some(code.as_str()));
            if let Some((of, code)) = hidden {
                let whose = of.map_or(THE_POOL.into(), |id| said!("the application {id}", "应用 {id}"));
                let name = code.as_str();
                let reason = said!(
                    "`name` {name:?} is the code of a resource of {whose}; take another",
                    "`name` {name:?} 与{whose}的一个资源编码相同；请另选一个",
                    whose
                );
                draft.refuse(entry.lines.of("name"), reason);
            }
        }
        Ok(())
    }
}
