//! An HTML reader for tests.

/// An element as written: its name and its attributes, in order.
#[derive(Debug, PartialEq)]
pub struct Tag {
    pub name: String,
    pub attributes: Vec<(String, String)>,
}

impl Tag {
    /// The value of an attribute; empty where it has none.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether this is such an element with such an attribute.
    pub fn is(&self, name: &str, attribute: &str, value: &str) -> bool {
        self.name == name && self.get(attribute) == Some(value)
    }
}

const VOID: [&str; 5] = ["meta", "link", "input", "img", "!doctype"];

/// Reads a page into its elements and its text, and fails on anything unbalanced, unquoted or repeated.
pub fn read(html: &str) -> (Vec<Tag>, String) {
    let (mut tags, mut text, mut open, mut rest) = (Vec::new(), String::new(), Vec::new(), html);
    while let Some((before, after)) = rest.split_once('<') {
        assert!(!before.contains('>'), "stray > in {before:?}");
        text.push_str(before);
        let end = end_of_tag(after);
        let inner = &after[..end];
        rest = &after[end + 1..];
        if let Some(name) = inner.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "unbalanced");
            continue;
        }
        let tag = read_tag(inner.trim_end_matches('/'));
        if !inner.ends_with('/') && !VOID.contains(&tag.name.as_str()) {
            open.push(tag.name.clone());
        }
        tags.push(tag);
    }
    assert_eq!(open, Vec::<String>::new(), "left open");
    (tags, unescape(&(text + rest)))
}

fn end_of_tag(after: &str) -> usize {
    let mut quoted = false;
    let end = after.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == '>' && !quoted
    });
    end.expect("a tag that ends").0
}

fn read_tag(inner: &str) -> Tag {
    let (name, mut rest) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
    assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '!'), "name {name:?}");
    let mut attributes: Vec<(String, String)> = Vec::new();
    while !rest.trim_start().is_empty() {
        rest = rest.trim_start();
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        assert!(key.chars().all(|c| c.is_ascii_alphabetic() || c == '-'), "attribute {key:?} in {inner:?}");
        assert!(attributes.iter().all(|(other, _)| other != key), "{key} twice in {inner:?}");
        let (value, after) = match after.strip_prefix("=\"") {
            Some(quoted) => quoted.split_once('"').expect("a closing quote"),
            None => ("", after),
        };
        attributes.push((key.to_owned(), unescape(value)));
        rest = after;
    }
    Tag { name: name.to_owned(), attributes }
}

fn unescape(text: &str) -> String {
    let escapes = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    escapes.iter().fold(text.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}
