//! A person with a browser, and the application that sends them: enough to sign in and to refresh.

use std::path::Path;

use signet_testkit::forms::HtmlForm;

use crate::support::{Server, signet};

const CLIENT: &str =
    "client_id=5f17a529f64fb009b794a2ff&client_secret=a-secret-of-more-than-thirty-two-letters";
/// Where the server is for others, wherever it listens: tokens name their issuer, and a restored server is the same.
const AUTHORITY: &str = "localhost:7000";
const CALLBACK: &str = "http%3A%2F%2Flocalhost%3A3000%2Fcallback";

/// An answer's status, location and body.
struct Answer {
    status: String,
    location: String,
    body: String,
}

/// A server at the address that the person knows.
pub fn serve(data: &Path, arguments: &[&str]) -> Server {
    let mut command = signet(data, arguments);
    command.env("SIGNET_BASE_URL", format!("http://{AUTHORITY}"));
    // Applications of tests live on this machine.
    command.env("SIGNET_OUTBOUND_ALLOW", "loopback");
    Server::spawn_until(&mut command, data, |_| data.join("signet.sock").exists())
}

/// Signs alice in and returns her refresh token.
pub fn sign_in(server: &Server) -> String {
    let mut cookies = Vec::new();
    let asked = format!(
        "/oidc/auth?client_id=5f17a529f64fb009b794a2ff&redirect_uri={CALLBACK}&response_type=code\
         &scope=openid%20offline_access&prompt=consent&state=s&nonce=n"
    );
    let mut answer = send(server, &mut cookies, &asked, None);
    for _ in 0..10 {
        if let Some((_, code)) = answer.location.split_once("code=") {
            let code = code.split('&').next().unwrap();
            return token(
                server,
                &format!("grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}"),
            )
            .unwrap_or_else(|body| panic!("{body}"));
        }
        answer = match answer.status.as_str() {
            "303" => send(server, &mut cookies, &answer.location, None),
            _ => {
                let form = HtmlForm::find(&answer.body).unwrap_or_else(|| panic!("{}", answer.body));
                let button = if answer.body.contains("id=\"allow\"") { "allow" } else { "sign-in" };
                let values = [("username", "alice"), ("password", "the password of alice")];
                let filled = form.fill(&values, button);
                let body: Vec<String> = filled
                    .iter()
                    .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
                    .collect();
                send(server, &mut cookies, &form.action, Some(&body.join("&")))
            }
        };
    }
    panic!("no code: {} {}", answer.status, answer.body)
}

/// The keys of the server.
pub fn jwks(server: &Server) -> serde_json::Value {
    let answer = send(server, &mut Vec::new(), "/oidc/.well-known/jwks.json", None);
    serde_json::from_str(&answer.body).unwrap()
}

/// Spends a refresh token and returns its successor, or what was said instead.
pub fn refresh(server: &Server, refresh_token: &str) -> Result<String, String> {
    token(server, &format!("grant_type=refresh_token&refresh_token={refresh_token}"))
}

fn token(server: &Server, form: &str) -> Result<String, String> {
    let body = tokens(server, form);
    let found = body.split_once("\"refresh_token\":\"").and_then(|(_, rest)| rest.split('"').next());
    found.map(str::to_owned).ok_or(body.clone())
}

/// What the token endpoint answers to `form` of the application.
pub fn tokens(server: &Server, form: &str) -> String {
    send(server, &mut Vec::new(), "/oidc/token", Some(&format!("{form}&{CLIENT}"))).body
}

/// The body of what is at `path`.
pub fn read(server: &Server, path: &str) -> String {
    send(server, &mut Vec::new(), path, None).body
}

/// What user info says of an access token.
pub fn user_info(server: &Server, access_token: &str) -> String {
    send(server, &mut Vec::new(), "/oidc/me", Some(&format!("access_token={access_token}"))).body
}

fn send(server: &Server, cookies: &mut Vec<(String, String)>, path: &str, form: Option<&str>) -> Answer {
    let path =
        path.split_once("://").map_or(path, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let path = format!("/{}", path.trim_start_matches('/').replace("&amp;", "&"));
    let method = if form.is_some() { "POST" } else { "GET" };
    let sent: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let body = form.unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {AUTHORITY}\r\nConnection: close\r\nCookie: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        sent.join("; "),
        body.len()
    );
    let answer = server.exchange(request.as_bytes());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer}"));
    let header = |name: &str| {
        let name = format!("{name}: ");
        head.lines().filter_map(move |line| {
            line.get(..name.len()).filter(|own| own.eq_ignore_ascii_case(&name))?;
            line.get(name.len()..)
        })
    };
    for cookie in header("set-cookie") {
        let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
        cookies.retain(|(own, _)| own != name);
        cookies.push((name.to_owned(), value.to_owned()));
    }
    Answer {
        status: head.split(' ').nth(1).unwrap_or_default().to_owned(),
        location: header("location").next().unwrap_or_default().to_owned(),
        body: body.to_owned(),
    }
}

fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
