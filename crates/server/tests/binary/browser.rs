//! A browser without scripts, and a program that posts forms, against a running server.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
};

use signet_protocol::params::encode_pairs;
use signet_testkit::forms::HtmlForm;

/// An answer with the address it came from.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn location(&self) -> &str {
        self.headers.iter().find(|(name, _)| name == "location").map_or("", |(_, value)| value)
    }

    /// A text of a JSON answer.
    pub fn text(&self, name: &str) -> String {
        let json: serde_json::Value =
            serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{} {}", self.status, self.body));
        json[name].as_str().unwrap_or_else(|| panic!("{name} in {}", self.body)).to_owned()
    }
}

/// Somebody with cookies.
#[derive(Default)]
pub struct Browser {
    pub port: u16,
    pub jar: BTreeMap<String, String>,
}

impl Browser {
    pub fn at(port: u16) -> Browser {
        Browser { port, ..Browser::default() }
    }

    /// One request, without following; `headers` are lines.
    pub fn step(&mut self, path: &str, form: Option<&[(&str, &str)]>, headers: &[&str]) -> Answer {
        let body = form.map(|form| encode_pairs(form.iter().copied())).unwrap_or_default();
        let method = if form.is_some() { "POST" } else { "GET" };
        let cookies: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut lines = vec![
            format!("{method} {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close", self.port),
            format!("Content-Length: {}\r\nCookie: {}", body.len(), cookies.join("; ")),
        ];
        if form.is_some() {
            lines.push("Content-Type: application/x-www-form-urlencoded".to_owned());
        }
        lines.extend(headers.iter().map(|line| (*line).to_owned()));
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(format!("{}\r\n\r\n{body}", lines.join("\r\n")).as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text}"));
        let headers: Vec<(String, String)> = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        for (_, cookie) in headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.jar.insert(name.to_owned(), value.to_owned());
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, headers, body: body.to_owned() }
    }

    /// GET, and on to where it leads here.
    pub fn open(&mut self, path: &str) -> Answer {
        let answer = self.step(path, None, &[]);
        self.follow(answer)
    }

    /// Fills in the form of a page and presses a button.
    pub fn submit(&mut self, page: &Answer, values: &[(&str, &str)], button: &str) -> Answer {
        let form = HtmlForm::find(&page.body).unwrap_or_else(|| panic!("no form: {}", page.body));
        assert!(form.buttons.iter().any(|(id, ..)| id == button), "no button {button}: {}", page.body);
        let filled = form.fill(values, button);
        let pairs: Vec<_> = filled.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = self.step(&form.action, Some(&pairs), &[]);
        self.follow(answer)
    }

    fn follow(&mut self, mut answer: Answer) -> Answer {
        while answer.status == 303 && answer.location().starts_with('/') {
            let target = answer.location().to_owned();
            answer = self.step(&target, None, &[]);
        }
        answer
    }
}
