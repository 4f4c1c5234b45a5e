//! Spans of requests and deliveries, sent to an OpenTelemetry collector by OTLP over HTTP, where the settings name one.

use crate::settings::Traces;
use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::{HeaderMap, Request, Response};
use opentelemetry::{
    KeyValue,
    propagation::{Extractor, TextMapPropagator},
    trace::TracerProvider as _,
};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider, Tracer},
};
use std::time::Duration;
use tokio::runtime::Handle;
use tracing::Span;
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt};
use url::Url;

/// How long the collector may take for a batch; what it does not take is lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// What makes spans of what is going on, and sends them.
pub struct Exporting(SdkTracerProvider);

/// Begins to send spans there, from inside the runtime that does it.
pub fn start(settings: &Traces) -> anyhow::Result<Option<Exporting>> {
    let Some(collector) = &settings.collector else { return Ok(None) };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE).build()?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Sender { client, runtime: Handle::current() })
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(place(collector))
        .with_timeout(PATIENCE)
        .build()?;
    let version = KeyValue::new("service.version", crate::version::VERSION);
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        // Whoever calls us may have decided already.
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(1.0 / f64::from(settings.one_in)))))
        .with_resource(Resource::builder().with_service_name("hitl").with_attribute(version).build())
        .build();
    Ok(Some(Exporting(provider)))
}

fn place(collector: &Url) -> String {
    format!("{}/v1/traces", collector.as_str().trim_end_matches('/'))
}

impl Exporting {
    /// The layer that makes spans of `tracing`'s.
    pub fn layer<S>(&self) -> OpenTelemetryLayer<S, Tracer>
    where
        S: tracing::Subscriber + for<'s> tracing_subscriber::registry::LookupSpan<'s>,
    {
        tracing_opentelemetry::layer().with_tracer(self.0.tracer("hitl")).with_location(false).with_threads(false)
    }

    /// Sends what is left.
    pub async fn end(self) {
        let ended = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(PATIENCE)).await;
        if let Ok(Err(error)) = ended {
            tracing::warn!(%error, "the last spans could not be sent");
        }
    }
}

/// Makes a span part of the trace that the headers of a request name.
pub fn join(span: &Span, headers: &HeaderMap) {
    let context = TraceContextPropagator::new().extract(&Headers(headers));
    let _ = span.set_parent(context); // where nothing listens there is nothing to join
}

/// Says how a request was answered; from 500 on that is an error.
pub fn answered(span: &Span, status: u16) {
    span.set_attribute("http.response.status_code", i64::from(status));
    if status >= 500 {
        span.set_status(opentelemetry::trace::Status::error(""));
    }
}

struct Headers<'h>(&'h HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}

/// Batches are made in a thread of their own, which has no runtime: they are sent from ours.
#[derive(Debug)]
struct Sender {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (client, request) = (self.client.clone(), request.try_into()?);
        self.runtime
            .spawn(async move {
                let answer = client.execute(request).await?;
                let status = answer.status();
                let mut response = Response::new(answer.bytes().await?);
                *response.status_mut() = status;
                Ok(response)
            })
            .await?
    }
}
