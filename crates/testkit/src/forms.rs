//! Reading the one form of a page, as a browser without scripts would.

/// A form as it stands in HTML.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HtmlForm {
    /// Where it is sent.
    pub action: String,
    /// How: `get` or `post`.
    pub method: String,
    /// Its inputs with names, and their values.
    pub fields: Vec<(String, String)>,
    /// Its checkboxes, none of them ticked: name and value.
    pub boxes: Vec<(String, String)>,
    /// Its buttons with names, by id: (id, name, value).
    pub buttons: Vec<(String, String, String)>,
}

impl HtmlForm {
    /// The first form of `html`.
    pub fn find(html: &str) -> Option<HtmlForm> {
        HtmlForm::all(html).into_iter().next()
    }

    /// The form of `html` that has the button `id`.
    pub fn with_button(html: &str, id: &str) -> Option<HtmlForm> {
        HtmlForm::all(html).into_iter().find(|form| form.buttons.iter().any(|(own, _, _)| own == id))
    }

    /// Every form of `html`.
    pub fn all(html: &str) -> Vec<HtmlForm> {
        let inner = html.split("<form").skip(1).filter_map(|rest| rest.split_once("</form>"));
        inner.map(|(inner, _)| HtmlForm::read(&format!("<form{inner}"))).collect()
    }

    fn read(inner: &str) -> HtmlForm {
        let mut form = HtmlForm::default();
        for tag in inner.split('<').skip(1) {
            let end = tag.find('>').unwrap_or(tag.len());
            let tag = tag.get(..end).unwrap_or_default();
            let attribute = |name: &str| attribute(tag, name);
            match tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default() {
                "form" => {
                    form.action = attribute("action").unwrap_or_default();
                    form.method = attribute("method").unwrap_or_else(|| "get".to_owned());
                }
                "input" => {
                    if let Some(name) = attribute("name") {
                        let ticked = attribute("type").as_deref() == Some("checkbox");
                        let list = if ticked { &mut form.boxes } else { &mut form.fields };
                        list.push((name, attribute("value").unwrap_or_default()));
                    }
                }
                "button" => form.buttons.push((
                    attribute("id").unwrap_or_default(),
                    attribute("name").unwrap_or_default(),
                    attribute("value").unwrap_or_default(),
                )),
                _ => {}
            }
        }
        form
    }

    /// What is sent when `values` are filled in, checkboxes that `values` name are ticked, and the button `id` is pressed.
    pub fn fill(&self, values: &[(&str, &str)], id: &str) -> Vec<(String, String)> {
        let filled = self.fields.iter().map(|(name, value)| {
            let typed = values.iter().find(|(own, _)| own == name).map(|(_, value)| (*value).to_owned());
            (name.clone(), typed.unwrap_or_else(|| value.clone()))
        });
        let button = self.buttons.iter().find(|(own, name, _)| own == id && !name.is_empty());
        let ticked = self.boxes.iter().filter(|(own, _)| values.iter().any(|(name, _)| name == own));
        filled
            .chain(ticked.cloned())
            .chain(button.map(|(_, name, value)| (name.clone(), value.clone())))
            .collect()
    }
}

/// The value of an attribute of a tag, which is given from its name on.
pub fn attribute(tag: &str, name: &str) -> Option<String> {
    let at = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let rest = tag.get(at..)?;
    Some(unescape(rest.get(..rest.find('"')?)?))
}

fn unescape(text: &str) -> String {
    [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&lt;", "<"),
        ("&#60;", "<"),
        ("&gt;", ">"),
        ("&#62;", ">"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    .replace("&#38;", "&")
    .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_fills_a_form() {
        let html = r#"<p><form action="/login" method="post"><input type="hidden" name="txn" value="a&#38;b">
            <input name="username" value=""><input type="checkbox" name="all" value="1"><button id="ok" name="d" value="yes">OK</button></form>"#;
        let form = HtmlForm::find(html).unwrap();
        assert_eq!((form.action.as_str(), form.method.as_str()), ("/login", "post"));
        let sent = form.fill(&[("username", "alice")], "ok");
        let expected = [("txn", "a&b"), ("username", "alice"), ("d", "yes")];
        assert_eq!(sent, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
        assert!(form.fill(&[("all", "")], "ok").contains(&("all".to_owned(), "1".to_owned())));
    }
}
