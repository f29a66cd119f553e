//! A message as text (RFC 5322), with a plain part and one of HTML (RFC 2046 §5.1.4).

use askama::Template;
use base64::{Engine, engine::general_purpose::STANDARD};
use signet_protocol::{
    entropy::{Entropy, random},
    jose::b64,
    mail::MailServer,
    time::Timestamp,
};

use crate::pages::Lang;

/// Bytes of a name in one encoded word, of which 75 characters may be (RFC 2047 §2).
const WORD_BYTES: usize = 42;
/// Characters of a line of a coded body (RFC 2045 §6.8).
const LINE: usize = 76;

/// What somebody is told.
pub struct Letter {
    /// In which language.
    pub lang: Lang,
    /// What it is about.
    pub subject: String,
    /// What it says before the link.
    pub paragraphs: Vec<String>,
    /// Where it leads, with what the link is called.
    pub link: Option<(String, &'static str)>,
    /// What it says after the link.
    pub closing: Vec<String>,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct Html<'a> {
    letter: &'a Letter,
}

impl Letter {
    fn plain(&self) -> String {
        let link = self.link.iter().map(|(address, _)| address);
        self.paragraphs
            .iter()
            .chain(link)
            .chain(&self.closing)
            .map(|text| format!("{text}\r\n\r\n"))
            .collect()
    }

    /// The message, from the sender of `server` to `to`. Both addresses have to be such as can be written to.
    pub fn written(
        &self,
        server: &MailServer,
        pool: &str,
        to: &str,
        (now, entropy): (Timestamp, &mut impl Entropy),
    ) -> String {
        let (id, boundary) = (b64(&random::<16>(entropy)), b64(&random::<16>(entropy)));
        let host = server.from.rsplit_once('@').map_or("localhost", |(_, host)| host);
        let name = server.from_name.as_deref().unwrap_or(pool);
        // A template of ours with values fails only if memory does; the plain part says the same.
        let html = Html { letter: self }.render().unwrap_or_default();
        let part = |kind: &str, text: &str| {
            format!(
                "--={boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n",
                coded(text)
            )
        };
        format!(
            "Date: {}\r\nFrom: {} <{}>\r\nTo: <{to}>\r\nSubject: {}\r\nMessage-ID: <{id}@{host}>\r\n\
             Auto-Submitted: auto-generated\r\nContent-Language: {}\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/alternative; boundary=\"={boundary}\"\r\n\r\n{}{}--={boundary}--\r\n",
            date(now),
            words(name),
            server.from,
            words(&self.subject),
            self.lang.tag(),
            part("plain", &self.plain()),
            part("html", &html),
        )
    }
}

/// A text of a header: as it is if it is of letters, digits and spaces, otherwise as encoded words (RFC 2047), so that no
/// sign in it means anything.
fn words(text: &str) -> String {
    if text.len() <= WORD_BYTES && text.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ') {
        return text.to_owned();
    }
    let mut parts: Vec<String> = Vec::new();
    for c in text.chars() {
        match parts.last_mut().filter(|part| part.len() + c.len_utf8() <= WORD_BYTES) {
            Some(part) => part.push(c),
            None => parts.push(c.to_string()),
        }
    }
    let coded = parts.iter().map(|part| format!("=?UTF-8?B?{}?=", STANDARD.encode(part)));
    coded.collect::<Vec<_>>().join("\r\n ")
}

/// A body as lines of base64.
fn coded(text: &str) -> String {
    let coded = STANDARD.encode(text);
    let mut lines = String::with_capacity(coded.len() + coded.len() / 32);
    for (place, c) in coded.chars().enumerate() {
        if place > 0 && place % LINE == 0 {
            lines.push_str("\r\n");
        }
        lines.push(c);
    }
    lines
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A moment as RFC 5322 §3.3 writes it.
fn date(at: Timestamp) -> String {
    let text = at.to_text();
    let field = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let month = field(5, 7).parse::<usize>().ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
    format!("{} {} {} {} +0000", field(8, 10), month.unwrap_or(&"Jan"), field(0, 4), field(11, 19))
}

#[cfg(test)]
mod tests {
    use signet_protocol::mail::MailSecurity;

    use super::*;
    use crate::clock::SystemEntropy;

    fn letter(subject: &str) -> Letter {
        Letter {
            lang: Lang::Zh,
            subject: subject.to_owned(),
            paragraphs: vec!["Hello <b>& 王小明".to_owned()],
            link: Some(("https://id.example/login/reset?link=a&b".to_owned(), "Choose")),
            closing: vec!["Bye".to_owned()],
        }
    }

    fn server() -> MailServer {
        MailServer {
            from: "no-reply@b.example".to_owned(),
            ..MailServer::at("mail.example".to_owned(), MailSecurity::Tls)
        }
    }

    /// The decoded parts of a message.
    fn parts(message: &str) -> Vec<String> {
        let parts = message.split("\r\n--=").skip(1);
        parts
            .filter_map(|part| part.split_once("\r\n\r\n"))
            .map(|(_, body)| {
                let body: String = body.split_whitespace().collect();
                String::from_utf8(STANDARD.decode(body).unwrap()).unwrap()
            })
            .collect()
    }

    #[test]
    fn both_parts_say_the_same_and_nothing_in_them_is_markup() {
        let now = (Timestamp(1_800_000_000), &mut SystemEntropy);
        let message = letter("Hello").written(&server(), "Notes", "alice@example.com", now);
        let [plain, html] = parts(&message).try_into().unwrap();
        assert_eq!(
            plain,
            "Hello <b>& 王小明\r\n\r\nhttps://id.example/login/reset?link=a&b\r\n\r\nBye\r\n\r\n"
        );
        assert!(html.contains("Hello &#60;b&#62;&#38; 王小明"), "{html}");
        assert!(html.contains("href=\"https://id.example/login/reset?link=a&#38;b\""), "{html}");
        assert!(!html.contains("src="), "nothing is loaded: {html}");
        assert!(
            message.starts_with("Date: 15 Jan 2027 08:00:00 +0000\r\nFrom: Notes <no-reply@b.example>\r\n")
        );
        assert!(message.lines().all(|line| line.len() < 100), "{message}");
        assert!(message.contains("\r\nContent-Language: zh-CN\r\n"));
    }

    #[test]
    fn attack_02_names_and_subjects_add_no_header() {
        let bad = "x\r\nBcc: eve@evil.example\r\n\r\nbody";
        let mut server = server();
        server.from_name = Some(format!("\"{bad}\" <eve@evil.example>"));
        let now = (Timestamp(1_800_000_000), &mut SystemEntropy);
        let message = letter(bad).written(&server, bad, "alice@example.com", now);
        let head = message.split("\r\n\r\n").next().unwrap();
        let names: Vec<&str> = head
            .split("\r\n")
            .filter(|line| !line.starts_with(' '))
            .map(|line| line.split(':').next().unwrap())
            .collect();
        let expected = [
            "Date",
            "From",
            "To",
            "Subject",
            "Message-ID",
            "Auto-Submitted",
            "Content-Language",
            "MIME-Version",
            "Content-Type",
        ];
        assert_eq!(names, expected, "{head}");
        assert!(!head.contains("evil"), "{head}");
    }

    #[test]
    fn long_names_are_several_words_of_whole_characters() {
        let name = "王小明".repeat(20);
        let text = words(&name);
        let decoded: String = text
            .split("\r\n ")
            .map(|word| {
                assert!(word.len() <= 75, "{word}");
                let coded = word.strip_prefix("=?UTF-8?B?").unwrap().strip_suffix("?=").unwrap();
                String::from_utf8(STANDARD.decode(coded).unwrap()).unwrap()
            })
            .collect();
        assert_eq!(decoded, name);
        assert_eq!(words("Network Notes 2"), "Network Notes 2");
    }
}
