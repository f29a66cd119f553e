//! Traces by OpenTelemetry: a span for each request, sent to a collector (OTLP over HTTP).
//!
//! Spans are those of the target [`SPANS`], and nothing else is sent: no line of the log, no address, no query.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Request},
};
use hyper::{client::conn::http1, header::HOST};
use hyper_util::rt::TokioIo;
use opentelemetry::{
    KeyValue,
    propagation::TextMapPropagator,
    trace::{TraceContextExt, TracerProvider},
};
use opentelemetry_http::{Bytes, HeaderExtractor, HttpClient, HttpError, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use signet_store::stats::SPANS;
use signet_web::SpanName;
use tokio::{net::TcpStream, runtime::Handle, time::timeout};
use tracing::{Instrument, Span, field::Empty, level_filters::LevelFilter};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};

use crate::{config::Collector, failure::Failure};

/// How long the collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the last spans may take when the server ends.
const LAST: Duration = Duration::from_secs(5);
/// Bytes of the collector's answer.
const ANSWER_BYTES: usize = 64 * 1024;

/// The way to a collector.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends spans to `collector`, by connections on `runtime`.
    pub fn start(collector: &Collector, runtime: &Handle) -> Result<Traces, Failure> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client { authority: collector.authority.clone(), runtime: runtime.clone() })
            .with_endpoint(collector.url())
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(PATIENCE)
            .build()
            .map_err(|error| Failure::new(format!("cannot export traces: {error}")))?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name("signet").with_attribute(version).build();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource);
        Ok(Traces(provider.build()))
    }

    /// What takes the spans, and no events.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("signet"))
            .with_location(false)
            .with_threads(false)
            .with_level(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(SPANS, LevelFilter::TRACE))
    }

    /// Sends what is left. The runtime must still run.
    pub fn finish(self) {
        if let Err(error) = self.0.shutdown_with_timeout(LAST) {
            tracing::warn!(%error, "the last spans were not exported");
        }
    }
}

/// Runs a request within a span of its own, below the one that `traceparent` names (W3C Trace Context). The routes fill
/// the span in.
pub fn traced<B, E, F>(
    request: Request<B>,
    answer: impl FnOnce(Request<B>) -> F,
) -> impl Future<Output = Result<Response<Body>, E>>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    let span = span(request.headers());
    let answer = answer(request).instrument(span.clone());
    async move {
        let answer = answer.await;
        if !span.is_disabled()
            && let Ok(answer) = &answer
            && let Some(SpanName(name)) = answer.extensions().get()
        {
            span.context().span().update_name(name.clone());
        }
        answer
    }
}

fn span(headers: &HeaderMap) -> Span {
    let span = tracing::trace_span!(
        target: SPANS,
        "request",
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = Empty,
        http.route = Empty,
        http.response.status_code = Empty,
        signet.request_id = Empty,
    );
    if !span.is_disabled() {
        let caller = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
        // It fails for a span that has begun, and this one has not.
        let _ = span.set_parent(caller);
    }
    span
}

/// A connection for each batch of spans: there is one every few seconds.
#[derive(Debug)]
struct Client {
    authority: String,
    runtime: Handle,
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // The exporter's thread is none of the runtime's.
        let authority = self.authority.clone();
        let sent = self.runtime.spawn(async { timeout(PATIENCE, send(authority, request)).await }).await;
        let answer = sent.map_err(HttpError::from).and_then(|sent| sent?);
        match &answer {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => {
                tracing::warn!(status = answer.status().as_u16(), "the collector refuses the spans")
            }
            Err(error) => tracing::warn!(%error, collector = self.authority, "spans were not exported"),
        }
        answer
    }
}

async fn send(authority: String, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let stream = TcpStream::connect(&authority).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let (mut head, body) = request.into_parts();
    head.uri = head.uri.path().parse()?;
    head.headers.insert(HOST, authority.parse()?);
    let (head, body) = sender.send_request(Request::from_parts(head, Body::from(body))).await?.into_parts();
    let body = to_bytes(Body::new(body), ANSWER_BYTES).await?;
    connection.abort();
    Ok(Response::from_parts(head, body))
}
