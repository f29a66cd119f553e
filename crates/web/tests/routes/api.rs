//! A program that administers the pool by the admin API. Each answer it gets is held against the OpenAPI document.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock, Mutex},
};

use axum::body::Body;
use http::{Method, header};
use serde_json::{Value, json};
use signet_web::api::{PREFIX, ROWS, Route, document};

use crate::{
    machine::Machine,
    support::{Answer, BASE, World, request},
};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| document(BASE));

/// A program with a token.
#[derive(Clone)]
pub struct Api {
    pub world: Arc<World>,
    pub machine: Machine,
    pub token: String,
    /// The routes that were answered as they should be.
    pub met: Arc<Mutex<BTreeSet<(String, &'static str)>>>,
}

impl Api {
    /// An account that may do everything, with a token for that.
    pub async fn new(world: &Arc<World>) -> Api {
        let machine = Machine::new(world, "operator", |_| {}).await;
        machine.rule(admin("*", json!("all"))).await;
        let token = machine.token("admin:*:*").await;
        Api { world: Arc::clone(world), machine, token, met: Arc::default() }
    }

    /// The same with a token for `scope`.
    pub async fn with(&self, scope: &str) -> Api {
        Api { token: self.machine.token(scope).await, ..self.clone() }
    }

    /// A request without a body.
    pub async fn ask(&self, method: Method, path: &str) -> Answer {
        self.send(method, path, None, &[]).await
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path).await
    }

    /// A request with a body.
    pub async fn say(&self, method: Method, path: &str, body: Value) -> Answer {
        self.send(method, path, Some(body), &[]).await
    }

    /// The body of an answer that must be of this status.
    pub async fn done(&self, method: Method, path: &str, body: Option<Value>, status: u16) -> Value {
        let answer = self.send(method.clone(), path, body, &[]).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    /// A request.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let body = body.map(|body| body.to_string());
        let kind = body.as_ref().map(|_| "application/json");
        self.raw(method, path, (kind, body.unwrap_or_default().into_bytes()), headers).await
    }

    /// A request with whatever as its body.
    pub async fn raw(
        &self,
        method: Method,
        path: &str,
        (kind, body): (Option<&str>, Vec<u8>),
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut builder = request(method.clone(), &format!("{BASE}{PREFIX}{path}"));
        if !self.token.is_empty() {
            builder = builder.header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        }
        for (name, value) in headers.iter().copied().chain(kind.map(|kind| ("content-type", kind))) {
            builder = builder.header(name, value);
        }
        let answer = self.world.send(builder.body(Body::from(body)).unwrap()).await;
        self.check(&method, path, &answer);
        answer
    }

    /// Holds an answer against the document.
    fn check(&self, method: &Method, path: &str, answer: &Answer) {
        let Some(route) = route(method, path) else { return };
        let name = method.as_str().to_ascii_lowercase();
        let operation = &DOCUMENT["paths"][route.path][&name];
        let status = answer.status.as_u16();
        let response = &operation["responses"][status.to_string()];
        assert!(response.is_object(), "{method} {path} is not documented to be {status}: {}", answer.body);
        let kind = answer.header("content-type");
        match response.get("content").and_then(Value::as_object) {
            None => assert_eq!((answer.body.as_str(), kind), ("", None), "{method} {path}"),
            Some(content) => {
                let (wanted, media) = content.iter().next().unwrap();
                assert_eq!(kind, Some(wanted.as_str()), "{method} {path}");
                let wrong = wrong(&media["schema"], &answer.json(), "");
                assert!(wrong.is_empty(), "{method} {path} {status}: {wrong:?} in {}", answer.body);
            }
        }
        if status == route.status {
            self.met.lock().unwrap().insert((method.to_string(), route.path));
        }
    }
}

/// The row of a request.
pub fn route(method: &Method, path: &str) -> Option<&'static Route> {
    let path = path.split('?').next().unwrap();
    let is_at = |row: &&Route| {
        let (own, asked): (Vec<_>, Vec<_>) = (row.path.split('/').collect(), path.split('/').collect());
        own.len() == asked.len()
            && own.iter().zip(&asked).all(|(own, asked)| own.starts_with('{') || own == asked)
    };
    // What is written out goes before what stands for anything.
    let mut found: Vec<&Route> = ROWS.iter().filter(|row| row.method == *method).filter(is_at).collect();
    found.sort_by_key(|row| row.path.matches('{').count());
    found.first().copied()
}

/// A rule about the built-in resource.
pub fn admin(identifier: &str, actions: Value) -> Value {
    json!({ "namespace": "pool", "resource": "admin", "identifier": identifier, "actions": actions })
}

/// What of `value` is not as `schema` says: as much of JSON Schema as the document has.
pub fn wrong(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.strip_prefix("#/components/schemas/").unwrap();
        let named = &DOCUMENT["components"]["schemas"][name];
        assert!(named.is_object(), "there is no schema {name}");
        return wrong(named, value, at);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let fits = any.iter().any(|one| wrong(one, value, at).is_empty());
        return if fits { Vec::new() } else { vec![format!("{at}: none of anyOf")] };
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let kinds = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        other => panic!("{at}: {other} is no type"),
    };
    if !kinds.contains(&kind) {
        return vec![format!("{at}: {kind} is none of {kinds:?}")];
    }
    let mut all = Vec::new();
    if let Some(values) = schema["enum"].as_array().filter(|values| !values.contains(value)) {
        all.push(format!("{at}: {value} is none of {values:?}"));
    }
    if let Some(number) = value.as_i64() {
        let (least, most) = (schema["minimum"].as_i64(), schema["maximum"].as_i64());
        if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
            all.push(format!("{at}: {number} is out of range"));
        }
    }
    for (place, item) in value.as_array().into_iter().flatten().enumerate() {
        all.extend(wrong(&schema["items"], item, &format!("{at}[{place}]")));
    }
    if let Some(members) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !members.contains_key(name) {
                all.push(format!("{at}: {name} is missing"));
            }
        }
        for (name, value) in members {
            match schema["properties"].get(name) {
                Some(schema) => all.extend(wrong(schema, value, &format!("{at}.{name}"))),
                None if schema["additionalProperties"] == true => {}
                None => all.push(format!("{at}: {name} is not documented")),
            }
        }
    }
    all
}
