//! Settings as fields of a form: which control each has, how its value is shown, and what a form says of it. The keys are
//! those of a description, so that what is filled in goes the way of `signet apply`.

use serde_json::{Map, Value, json};
use signet_protocol::params::RawParams;

use super::{
    shell::ShellWords,
    words::{Pair, Words},
};
use crate::{
    manage::{
        advice::Advice,
        edit::{Edit, FieldProblem},
    },
    pages::Lang,
};

/// How a value is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// A line of text.
    Text,
    /// Several lines of text.
    Area,
    /// A list, one entry on each line.
    Lines,
    /// On or off.
    Toggle,
    /// On or off, for a setting that says the opposite.
    Opposite,
    /// One of several; the empty one takes a value away.
    Choice(&'static [&'static str]),
    /// Any of several.
    Checks(&'static [&'static str]),
    /// A whole number of seconds.
    Seconds,
    /// A whole number of something else.
    Number(Pair),
    /// A list in one of several orders, each as its entries with spaces between them.
    Ranked(&'static [&'static str]),
    /// What is never shown; left empty, it stays as it is.
    Secret,
    /// An object as JSON.
    Json,
    /// A colour.
    Color,
}

/// A setting.
#[derive(Debug)]
pub struct Field {
    /// Its key.
    pub key: &'static str,
    /// How it is entered.
    pub control: Control,
    /// What it is called.
    pub label: Pair,
    /// What it means, in a sentence.
    pub hint: Pair,
}

const ON: Pair = Pair("on", "开启");
const OFF: Pair = Pair("off", "关闭");
const NONE: Pair = Pair("nothing", "无");

/// Short for the tables of cards.
pub const fn field(key: &'static str, control: Control, label: Pair, hint: Pair) -> Field {
    Field { key, control, label, hint }
}

/// Of a field that its name explains.
pub const NO_HINT: Pair = Pair("", "");

/// Settings that are saved together.
#[derive(Debug)]
pub struct Card {
    /// Its name in forms and addresses.
    pub id: &'static str,
    /// Its heading.
    pub title: Pair,
    /// What it is about.
    pub lead: Pair,
    /// What it has.
    pub fields: &'static [Field],
}

/// A box or a button of a field with several.
pub struct OptionView {
    /// Its value.
    pub value: &'static str,
    /// What it says.
    pub text: String,
    /// Whether it is ticked.
    pub on: bool,
}

/// A field as it is shown.
pub struct FieldView {
    /// The setting.
    pub field: &'static Field,
    /// Its value as text.
    pub text: String,
    /// Whether it is on.
    pub on: bool,
    /// Its boxes or buttons.
    pub options: Vec<OptionView>,
    /// What is stored, where a form that is shown again says something else.
    pub stored: Option<String>,
    /// What is wrong with it.
    pub problems: Vec<String>,
    /// What is better done otherwise, with the clause.
    pub advice: Vec<(&'static str, &'static str)>,
    lang: Lang,
}

impl FieldView {
    /// What it is called.
    pub fn label(&self) -> &'static str {
        self.field.label.of(self.lang)
    }

    /// What it means.
    pub fn hint(&self) -> &'static str {
        self.field.hint.of(self.lang)
    }

    /// What stands before [`FieldView::stored`].
    pub fn stored_now(&self) -> &'static str {
        ShellWords::of(self.lang).stored_now
    }

    /// It as a sentence has it: what is written, chosen or ticked.
    fn in_words(&self) -> String {
        let chosen = self.options.iter().filter(|option| option.on).map(|option| option.text.as_str());
        let text = match self.field.control {
            Control::Toggle | Control::Opposite => if self.on { ON } else { OFF }.of(self.lang).to_owned(),
            Control::Choice(_) | Control::Checks(_) => chosen.collect::<Vec<_>>().join(", "),
            _ => self.text.clone(),
        };
        if text.is_empty() { NONE.of(self.lang).to_owned() } else { text }
    }

    /// The name of its control, for the template.
    pub fn kind(&self) -> &'static str {
        match self.field.control {
            Control::Text | Control::Number(Pair("", _)) => "text",
            Control::Area | Control::Json => "area",
            Control::Lines => "lines",
            Control::Toggle | Control::Opposite => "toggle",
            Control::Choice(_) | Control::Ranked(_) => "choice",
            Control::Secret => "secret",
            Control::Checks(_) => "checks",
            Control::Seconds | Control::Number(_) => "seconds",
            Control::Color => "color",
        }
    }

    /// What its number counts, where that is not `seconds`.
    pub fn unit(&self, seconds: &'static str) -> &'static str {
        match self.field.control {
            Control::Number(unit) => unit.of(self.lang),
            _ => seconds,
        }
    }

    /// How many lines its box has.
    pub fn height(&self) -> usize {
        self.text.lines().count().clamp(2, 12) + 1
    }
}

impl Card {
    /// Its fields with the values of `stored`, or of what was filled in.
    pub fn views(
        &'static self,
        lang: Lang,
        stored: &Map<String, Value>,
        typed: Option<&RawParams>,
        problems: &[FieldProblem],
        advice: &[Advice],
    ) -> Vec<FieldView> {
        let view = |field: &'static Field| {
            let value = stored.get(field.key).unwrap_or(&Value::Null);
            let stored = field.stored(lang, value);
            let mut view = match typed {
                Some(form) if field.agrees(form, value) => field.typed(lang, form),
                Some(form) => FieldView { stored: Some(stored.in_words()), ..field.typed(lang, form) },
                None => stored,
            };
            let about = |problem: &&FieldProblem| problem.key.as_deref() == Some(field.key);
            view.problems =
                problems.iter().filter(about).map(|problem| problem.beside(lang).to_owned()).collect();
            let said = advice.iter().filter(|advice| advice.key == field.key);
            view.advice = said.map(|advice| (Pair(advice.en, advice.zh).of(lang), advice.clause)).collect();
            view
        };
        self.fields.iter().map(view).collect()
    }

    /// What a form says of its settings, added to an entry.
    pub fn read(&self, edit: Edit, form: &RawParams) -> Edit {
        self.fields.iter().fold(edit, |edit, field| edit.set(field.key, &field.read(form)))
    }

    /// What is wrong with no field of this card.
    pub fn others(&self, problems: &[FieldProblem], lang: Lang) -> Vec<String> {
        let here = |problem: &&FieldProblem| {
            problem.key.as_deref().is_some_and(|key| self.fields.iter().any(|field| field.key == key))
        };
        let others = problems.iter().filter(|problem| !here(problem));
        others.map(|problem| problem.message.of(lang).to_owned()).collect()
    }
}

impl Field {
    fn blank(&'static self, lang: Lang) -> FieldView {
        FieldView {
            field: self,
            text: String::new(),
            on: false,
            options: Vec::new(),
            stored: None,
            problems: Vec::new(),
            advice: Vec::new(),
            lang,
        }
    }

    fn options(&self, lang: Lang, on: impl Fn(&str) -> bool) -> Vec<OptionView> {
        let (Control::Choice(values) | Control::Checks(values) | Control::Ranked(values)) = self.control
        else {
            return Vec::new();
        };
        let option =
            |value: &'static &'static str| OptionView { value, text: said(value, lang), on: on(value) };
        values.iter().map(option).collect()
    }

    fn stored(&'static self, lang: Lang, value: &Value) -> FieldView {
        let text = match (self.control, value) {
            (_, Value::Null) | (Control::Secret, _) => String::new(),
            (Control::Ranked(_), Value::Array(list)) => ranked(list),
            (Control::Lines, Value::Array(list)) => {
                list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
            }
            (Control::Json, Value::Object(members)) if members.is_empty() => String::new(),
            (Control::Json, value) => serde_json::to_string_pretty(value).unwrap_or_default(),
            (_, Value::String(text)) => text.clone(),
            (_, value) => value.to_string(),
        };
        let has = |wanted: &str| match value {
            Value::Array(list) if matches!(self.control, Control::Ranked(_)) => ranked(list) == wanted,
            Value::Array(list) => list.iter().any(|entry| entry.as_str() == Some(wanted)),
            value => value.as_str().unwrap_or_default() == wanted,
        };
        let on = value.as_bool().unwrap_or(false) != (self.control == Control::Opposite);
        FieldView { on, options: self.options(lang, has), text, ..self.blank(lang) }
    }

    fn typed(&'static self, lang: Lang, form: &RawParams) -> FieldView {
        let secret = self.control == Control::Secret;
        let text = form.get(self.key).filter(|_| !secret).unwrap_or_default().to_owned();
        let has = |wanted: &str| match self.control {
            Control::Checks(_) => form.has(&box_name(self.key, wanted)),
            _ => text == wanted,
        };
        FieldView {
            on: form.has(self.key),
            options: self.options(lang, has),
            text: text.clone(),
            ..self.blank(lang)
        }
    }

    /// Whether a form says what is stored.
    fn agrees(&self, form: &RawParams, stored: &Value) -> bool {
        let typed = self.read(form);
        let empty = |value: &Value| match value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            Value::Object(members) => members.is_empty(),
            _ => false,
        };
        typed == *stored || empty(&typed) && empty(stored)
    }

    /// What a form says of it.
    pub fn read(&self, form: &RawParams) -> Value {
        let text = form.get(self.key).unwrap_or_default();
        match self.control {
            Control::Text | Control::Choice(_) | Control::Color => text.trim().into(),
            Control::Area => text.trim().replace("\r\n", "\n").into(),
            Control::Lines => lines(text).into(),
            Control::Ranked(_) => text.split_whitespace().collect(),
            Control::Secret => {
                if text.is_empty() {
                    Value::Null
                } else {
                    text.into()
                }
            }
            Control::Toggle => form.has(self.key).into(),
            Control::Opposite => (!form.has(self.key)).into(),
            Control::Checks(values) => {
                values.iter().copied().filter(|value| form.has(&box_name(self.key, value))).collect()
            }
            // What is no number is refused by the reader, who says what is.
            Control::Number(_) if text.trim().is_empty() => Value::Null,
            Control::Seconds | Control::Number(_) => {
                text.trim().parse::<i64>().map_or_else(|_| text.trim().into(), Value::from)
            }
            Control::Json if text.trim().is_empty() => json!({}),
            Control::Json => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        }
    }
}

/// A list as the value of a choice.
fn ranked(list: &[Value]) -> String {
    list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}

/// The name of a box of a field with several.
pub fn box_name(key: &str, value: &str) -> String {
    format!("{key}.{}", value.replace(' ', "+"))
}

/// The entries of a list, which stand on a line each.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(|line| line.trim().trim_end_matches(',')).filter(|line| !line.is_empty()).collect()
}

/// A value in words, where it is not a word of a standard.
fn said(value: &str, lang: Lang) -> String {
    let pair = match value {
        "" => NONE,
        "allow" => Pair("Allow everybody but the exceptions", "除例外外允许所有人"),
        "deny" => Pair("Deny everybody but the exceptions", "除例外外拒绝所有人"),
        "web" => Pair("Web application with a back end", "有后端的 Web 应用"),
        "spa" => Pair("Single-page application", "单页应用 (SPA)"),
        "native" => Pair("Mobile or desktop application", "移动或桌面应用"),
        "api" => Pair("Back end without users", "无用户的后端应用"),
        "username" => Pair("User name", "用户名"),
        "email" => Pair("E-mail", "邮箱"),
        "phone" => Pair("Phone", "手机号"),
        "en" => Pair("English only", "仅英文"),
        "zh" => Pair("Chinese only", "仅中文"),
        "en zh" => Pair("English first, and Chinese", "英文优先，兼有中文"),
        "zh en" => Pair("Chinese first, and English", "中文优先，兼有英文"),
        "public" => Pair("public: the same name everywhere", "public：各处相同的标识"),
        "pairwise" => Pair("pairwise: a name of its own", "pairwise：每个应用不同的标识"),
        other => return other.to_owned(),
    };
    pair.of(lang).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    static CARD: Card = Card {
        id: "sample",
        title: Pair("", ""),
        lead: Pair("", ""),
        fields: &[
            blank("name", Control::Text),
            blank("redirect_uris", Control::Lines),
            blank("sso", Control::Toggle),
            blank("skip_consent", Control::Opposite),
            blank("response_types", Control::Checks(&["code", "code id_token"])),
            blank("id_token_expire", Control::Seconds),
            blank("constant_claims", Control::Json),
        ],
    };

    const fn blank(key: &'static str, control: Control) -> Field {
        field(key, control, NO_HINT, NO_HINT)
    }

    fn form(pairs: &[(&str, &str)]) -> RawParams {
        let mut form = RawParams::default();
        pairs.iter().for_each(|(name, value)| form.add(name, value));
        form
    }

    #[test]
    fn a_form_becomes_an_entry() {
        let form = form(&[
            ("name", "  Notes "),
            ("redirect_uris", "https://a.example/cb,\r\n\r\n https://b.example/cb "),
            ("sso", "on"),
            ("response_types.code+id_token", "on"),
            ("id_token_expire", "3600"),
            ("constant_claims", "{\"a\": [1]}"),
        ]);
        let text = CARD.read(Edit::of("applications"), &form).text().to_owned();
        assert_eq!(
            text,
            "[[applications]]\nname = \"Notes\"\n\
             redirect_uris = [\"https://a.example/cb\", \"https://b.example/cb\"]\nsso = true\n\
             skip_consent = true\nresponse_types = [\"code id_token\"]\nid_token_expire = 3600\n\
             constant_claims = { a = [1] }\n"
        );
    }

    #[test]
    fn a_form_that_is_shown_again_has_what_was_typed_and_beside_it_what_is_stored() {
        let stored = json!({ "name": "Theirs", "redirect_uris": ["https://a.example/cb"], "sso": true, "skip_consent": true });
        let form = form(&[
            ("name", "Mine"),
            ("redirect_uris", "https://a.example/cb\r\n"),
            ("id_token_expire", "60"),
        ]);
        let views = CARD.views(Lang::En, stored.as_object().unwrap(), Some(&form), &[], &[]);
        let told: Vec<(&str, &str, Option<&str>)> =
            views.iter().map(|view| (view.field.key, view.text.as_str(), view.stored.as_deref())).collect();
        assert_eq!(
            told,
            [
                ("name", "Mine", Some("Theirs")),
                ("redirect_uris", "https://a.example/cb\r\n", None),
                ("sso", "", Some("on")),
                ("skip_consent", "", None),
                ("response_types", "", None),
                ("id_token_expire", "60", Some("nothing")),
                ("constant_claims", "", None),
            ]
        );
    }

    #[test]
    fn what_is_stored_is_shown_and_comes_back_as_it_was() {
        let stored = json!({
            "name": "Notes", "redirect_uris": ["https://a.example/cb", "https://b.example/cb"], "sso": true,
            "skip_consent": false, "response_types": ["code"], "id_token_expire": 60, "constant_claims": {"a": "b"}
        });
        let views = CARD.views(Lang::En, stored.as_object().unwrap(), None, &[], &[]);
        let mut pairs: Vec<(String, String)> = Vec::new();
        for view in &views {
            match view.kind() {
                "toggle" if view.on => pairs.push((view.field.key.to_owned(), "on".to_owned())),
                "toggle" => {}
                "checks" => pairs.extend(
                    view.options
                        .iter()
                        .filter(|option| option.on)
                        .map(|option| (box_name(view.field.key, option.value), "on".to_owned())),
                ),
                _ => pairs.push((view.field.key.to_owned(), view.text.clone())),
            }
        }
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let read = CARD.read(Edit::of("x"), &form(&pairs));
        let direct =
            CARD.fields.iter().fold(Edit::of("x"), |edit, field| edit.set(field.key, &stored[field.key]));
        assert_eq!(read.text(), direct.text());
    }
}
