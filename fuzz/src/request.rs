//! Whole requests to the routes of a whole Signet.

use axum::{Router, body::Body};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use signet_protocol::issuer::BaseUrl;
use signet_store::{Clock, Database, MasterKey, Options, Store, audit::Origin};
use signet_testkit::seed::Seeded;
use signet_web::{
    Settings, Signet,
    clock::{Clock as _, SystemClock},
    hashing::Hasher,
    manage::{apply::apply, description::Description},
    outbound::Outbound,
    proxies::Proxies,
    router,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::utf8;

const SECRET: &str = "a-secret-of-more-than-thirty-two-letters";
const NOTES: &str = "[[applications]]
name = \"Notes\"
identifier = \"notes\"
id = \"5f17a529f64fb009b794a2ff\"
secret = \"a-secret-of-more-than-thirty-two-letters\"
redirect_uris = [\"https://rp.example/cb\"]
logout_redirect_uris = [\"https://rp.example/bye\"]
access_token_in_query = true

[[users]]
username = \"alice\"
password_hash = \"$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"
";

struct World {
    router: Router,
    runtime: Runtime,
    _directory: TempDir,
}

thread_local! {
    // Of this thread, so that it ends with it and takes its directory away.
    static WORLD: World = World::new();
}

impl World {
    fn new() -> World {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let options = Options {
            database: Database::Sqlite(directory.path().join("signet.db")),
            master_key: MasterKey::generate(&mut Seeded(7)),
            clock: Clock::new(|| SystemClock.now()),
        };
        let router = runtime.block_on(async {
            let store = Store::open(options, SystemClock.now(), &mut Seeded(7)).await.unwrap();
            let settings = Settings {
                base_url: BaseUrl::parse("http://localhost:8080").unwrap(),
                proxies: Proxies::default(),
                outbound: Outbound::default(),
                key_rotation: signet_protocol::time::Seconds(0),
            };
            let signet =
                Signet::new(settings, store, std::sync::Arc::new(SystemClock), Hasher::start().unwrap());
            apply(&signet, &Description::parse(NOTES).unwrap(), &Origin::command_line()).await.unwrap();
            router(signet)
        });
        World { router, runtime, _directory: directory }
    }
}

/// The first line is method and target, the lines up to an empty one are headers, and the rest is the body. Whatever is
/// asked, the answer is no failure of ours, leads to nobody who is not registered, and shows neither secrets nor markup.
pub fn answer(data: &[u8]) {
    let Some((request, credentials)) = request(data) else { return };
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    WORLD.with(|world| {
        let (head, body) = world.runtime.block_on(async {
            let (head, body) = world.router.clone().oneshot(request).await.unwrap().into_parts();
            (head, axum::body::to_bytes(body, 1 << 20).await.unwrap())
        });
        let body = String::from_utf8(body.to_vec()).unwrap();
        let header = |name: header::HeaderName| head.headers.get(name).map(|v| v.to_str().unwrap());
        assert!(head.status.as_u16() < 500, "{} {body}", head.status);
        assert!(head.headers.contains_key("x-request-id"));
        assert!(body.len() <= 64 * 1024, "{}", body.len());
        assert!(!body.contains(SECRET) && !body.contains("argon2") && !body.contains("<fuzz"));
        for secret in &credentials {
            assert!(
                !body.contains(secret)
                    && head.headers.values().all(|v| !v.to_str().unwrap_or("").contains(secret))
            );
        }
        if let Some(location) = header(header::LOCATION) {
            assert!(leads_home(location), "{location}");
        }
        for cookie in head.headers.get_all(header::SET_COOKIE) {
            assert!(cookie.to_str().unwrap().contains("; Path=/; HttpOnly; SameSite=Lax"));
        }
        let kind = header(header::CONTENT_TYPE).unwrap_or_default();
        if kind.starts_with("application/json") {
            serde_json::from_str::<serde_json::Value>(&body).unwrap_or_else(|error| {
                assert!(method == Method::HEAD && body.is_empty(), "{error}: {body}");
                serde_json::Value::Null
            });
        }
        if kind.starts_with("text/html") {
            assert!(head.headers.contains_key(header::CONTENT_SECURITY_POLICY));
        }
        if path == "/oidc/token" && head.status != StatusCode::OK && method == Method::POST {
            assert!(kind.starts_with("application/json"), "{kind}");
        }
    });
}

fn leads_home(location: &str) -> bool {
    let ours = ["http://localhost:8080/", "http://notes.localhost:8080/"];
    let registered = ["https://rp.example/cb", "https://rp.example/bye"];
    location.starts_with('/') && !location.starts_with("//") && !location.starts_with("/\\")
        || ours.iter().any(|origin| location.starts_with(origin))
        || registered.iter().any(|uri| {
            location.strip_prefix(uri).is_some_and(|rest| rest.is_empty() || rest.starts_with('?'))
        })
}

/// The request, and what of its headers must not come back.
fn request(data: &[u8]) -> Option<(Request<Body>, Vec<String>)> {
    let mut lines = data.split(|byte| *byte == b'\n');
    let mut read = lines.next()?.len() + 1;
    let first = utf8(data.get(..read - 1)?)?;
    let (method, target) = first.split_once(' ')?;
    let mut builder = Request::builder().method(Method::from_bytes(method.as_bytes()).ok()?).uri(target);
    let mut secrets = Vec::new();
    for line in lines.by_ref().take(64) {
        read += line.len() + 1;
        if line.is_empty() {
            break;
        }
        let (name, value) = utf8(line)?.split_once(':')?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = value.trim();
        if name == header::AUTHORIZATION && value.len() >= 24 {
            secrets.push(value.to_owned());
        }
        builder = builder.header(name, HeaderValue::from_str(value).ok()?);
    }
    let body = data.get(read.min(data.len())..)?.to_vec();
    Some((builder.body(Body::from(body)).ok()?, secrets))
}
