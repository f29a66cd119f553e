//! A browser without scripts, and what it is answered.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::Value;
use signet_protocol::params::{RawParams, encode_pairs};
use signet_testkit::forms::HtmlForm;
use signet_web::Peer;
use tower::ServiceExt;

use crate::support::{PASSWORD, World};

/// Starts a request to an absolute URL, with its host in the `Host` header.
pub fn request(method: Method, url: &str) -> http::request::Builder {
    let (host, path) = split(url);
    Request::builder().method(method).uri(path).header(header::HOST, host)
}

/// Whether a URL is the pool's or an application's own.
fn is_ours(url: &str) -> bool {
    let host = split(url).0;
    let web = url.starts_with("http://") || url.starts_with("https://");
    web && (host == "localhost:8080" || host.ends_with(".localhost:8080"))
}

/// Host (with port) and path of an http or https URL.
fn split(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let at = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(at);
    (host, if path.is_empty() { "/" } else { path })
}

/// An answer with its body read.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// Reads the body of an answer.
    pub async fn of(response: axum::response::Response) -> Answer {
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.body))
    }

    /// The protocol error in the JSON body, with the status.
    pub fn error(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["error"].as_str().unwrap_or_default().to_owned())
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The `Set-Cookie` headers.
    pub fn set_cookies(&self) -> Vec<&str> {
        self.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect()
    }

    /// The target of a redirect.
    pub fn location(&self) -> &str {
        self.header("location").unwrap_or_else(|| panic!("no redirect: {} {}", self.status, self.body))
    }

    /// The query of the target of a redirect.
    pub fn callback(&self) -> RawParams {
        let (_, query) = self.location().split_once('?').unwrap_or_default();
        RawParams::parse(query.as_bytes()).unwrap()
    }

    /// The one form of a page.
    pub fn form(&self) -> HtmlForm {
        HtmlForm::find(&self.body).unwrap_or_else(|| panic!("no form: {} {}", self.status, self.body))
    }
}

/// A browser without scripts: cookies by host, redirects followed while they stay with Signet.
#[derive(Clone)]
pub struct Browser {
    pub world: Arc<World>,
    pub jar: BTreeMap<(String, String), String>,
    pub address: String,
    pub peer: Option<IpAddr>,
    /// What a proxy, or whoever wants to be taken for one, adds.
    pub forwarded_for: Option<String>,
}

impl Browser {
    /// Without cookies, nowhere yet.
    pub fn new(world: &Arc<World>) -> Browser {
        Browser {
            world: Arc::clone(world),
            jar: BTreeMap::new(),
            address: String::new(),
            peer: None,
            forwarded_for: None,
        }
    }

    /// Opens `url` and follows redirects until a page, or until one leads away from Signet.
    pub async fn open(&mut self, url: &str) -> Answer {
        let answer = self.step(Method::GET, url, None).await;
        self.follow(answer).await
    }

    /// One request, without following.
    pub async fn step(&mut self, method: Method, url: &str, form: Option<&[(String, String)]>) -> Answer {
        let url = self.absolute(url);
        let host = split(&url).0.to_owned();
        let cookies: Vec<String> = self
            .jar
            .iter()
            .filter(|((own, _), _)| *own == host)
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        let mut builder = request(method, &url);
        if !cookies.is_empty() {
            builder = builder.header(header::COOKIE, cookies.join("; "));
        }
        let body = match form {
            Some(pairs) => {
                builder = builder.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
                Body::from(encode_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))))
            }
            None => Body::empty(),
        };
        if let Some(peer) = self.peer {
            builder = builder.extension(Peer(peer));
        }
        if let Some(forwarded_for) = &self.forwarded_for {
            builder = builder.header("x-forwarded-for", forwarded_for);
        }
        let response = self.world.router().oneshot(builder.body(body).unwrap()).await.unwrap();
        self.keep(&host, response.headers());
        self.address = url;
        Answer::of(response).await
    }

    /// Fills in the form of `page`, presses the button `id`, and follows.
    pub async fn submit(&mut self, page: &Answer, values: &[(&str, &str)], id: &str) -> Answer {
        let form = HtmlForm::with_button(&page.body, id);
        let form = form.unwrap_or_else(|| panic!("no button {id}: {} {}", page.status, page.body));
        let answer = self.step(Method::POST, &form.action, Some(&form.fill(values, id))).await;
        self.follow(answer).await
    }

    /// Sends a form by POST and follows.
    pub async fn post(&mut self, url: &str, form: &[(&str, &str)]) -> Answer {
        let form: Vec<_> = form.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let answer = self.step(Method::POST, url, Some(&form)).await;
        self.follow(answer).await
    }

    /// The cookie of a host, by name.
    pub fn cookie(&self, host: &str, name: &str) -> Option<String> {
        self.jar.get(&(host.to_owned(), name.to_owned())).cloned()
    }

    /// Takes a cookie into the browser.
    pub fn plant(&mut self, host: &str, name: &str, value: &str) {
        self.jar.insert((host.to_owned(), name.to_owned()), value.to_owned());
    }

    /// Signs in on a login page with the sample password.
    pub async fn sign_in(&mut self, page: &Answer, username: &str) -> Answer {
        self.submit(page, &[("username", username), ("password", PASSWORD)], "sign-in").await
    }

    async fn follow(&mut self, mut answer: Answer) -> Answer {
        for _ in 0..10 {
            if answer.status != StatusCode::SEE_OTHER {
                return answer;
            }
            let target = answer.location().to_owned();
            if !target.starts_with('/') && !is_ours(&target) {
                return answer;
            }
            answer = self.step(Method::GET, &target, None).await;
        }
        panic!("too many redirects at {}", self.address)
    }

    fn absolute(&self, url: &str) -> String {
        if url.starts_with('/') { format!("http://{}{url}", split(&self.address).0) } else { url.to_owned() }
    }

    fn keep(&mut self, host: &str, headers: &HeaderMap) {
        for value in headers.get_all(header::SET_COOKIE) {
            let text = value.to_str().unwrap();
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            let key = (host.to_owned(), name.to_owned());
            if text.contains("Max-Age=0") {
                self.jar.remove(&key);
            } else {
                self.jar.insert(key, value.to_owned());
            }
        }
    }
}
