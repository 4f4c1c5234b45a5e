//! Spans for an OpenTelemetry collector: what they name, whose trace they are part of, and what is not in them.

use crate::{
    harness::on_both,
    process::{Server, make_key, make_owner, run},
    receiver::{Receiver, status},
};
use serde_json::{Value, json};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// All that the collector got.
fn collected(collector: &Receiver) -> Vec<u8> {
    let got = collector.take();
    assert!(
        got.iter().all(|it| it.path == "/v1/traces" && it.header("content-type") == "application/x-protobuf"),
        "{got:?}"
    );
    got.iter().flat_map(|it| it.bytes.to_vec()).collect()
}

on_both! {
    async fn requests_and_deliveries_are_spans_of_the_callers_trace(world: World) {
        let (collector, receiver) = (Receiver::start().await, Receiver::start().await);
        make_owner(&world.url).await;
        let key = make_key(&world.url).await;
        let made = run(&world.url, &["loops", "create", "--user", "owner@example.com", "--name", "Traced", "--json"]).await.json();
        let variables = [("HITL_TRACES_COLLECTOR", collector.url("")), ("HITL_WEBHOOKS_ALLOW", "127.0.0.0/8".to_owned())];
        let server = Server::start_with(&world.url, &variables.each_ref().map(|(name, value)| (*name, value.as_str()))).await;
        let client = reqwest::Client::new();
        let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let path = format!("/v1/api/loops/{}/requests", made["id"].as_str().unwrap());
        let body = json!({
            "processing_type": "time-sensitive", "type": "markdown", "priority": "high", "request_text": "A secret question?",
            "response_type": "boolean", "response_config": {}, "timeout_seconds": 3600, "callback_url": receiver.url("/callback"),
        });
        let call = client.post(format!("{}{path}", server.url)).bearer_auth(&key).header("traceparent", &parent).json(&body);
        let asked: Value = call.send().await.unwrap().json().await.unwrap();
        let id = asked["data"]["request_id"].as_str().or(asked["data"]["id"].as_str()).unwrap_or_else(|| panic!("{asked}"));
        let cancelled = client.delete(format!("{}/v1/api/requests/{id}", server.url)).bearer_auth(&key).send().await.unwrap();
        assert_eq!(cancelled.status(), 200);
        receiver.has(1).await;
        server.stop().await;

        let spans = collected(&collector);
        let trace: Vec<u8> = (0..16).map(|at| u8::from_str_radix(&TRACE[2 * at..2 * at + 2], 16).unwrap()).collect();
        assert!(holds(&spans, &trace), "it goes on with the caller's trace");
        for part in ["hitl", "service.name", "POST /v1/api/loops/{loop_id}/requests", "callback request.cancelled", "http.response.status_code"] {
            assert!(holds(&spans, part.as_bytes()), "{part} in {}", String::from_utf8_lossy(&spans));
        }
        for secret in [key.as_str(), "A secret question?", "/callback"] {
            assert!(!holds(&spans, secret.as_bytes()), "{secret} in {}", String::from_utf8_lossy(&spans));
        }
    }

    async fn a_collector_that_fails_costs_nobody_anything(world: World) {
        let collector = Receiver::start().await;
        collector.answers(status(500));
        let server = Server::start_with(&world.url, &[("HITL_TRACES_COLLECTOR", &collector.url(""))]).await;
        let answer = reqwest::get(format!("{}/health", server.url)).await.unwrap();
        assert_eq!(answer.status(), 200);
        server.stop().await;
        assert!(!collected(&collector).is_empty(), "it was tried");
    }

    async fn without_a_collector_the_callers_trace_changes_nothing(world: World) {
        let server = Server::start_with(&world.url, &[]).await;
        let call = reqwest::Client::new().get(format!("{}/health", server.url)).header("traceparent", "nonsense");
        assert_eq!(call.send().await.unwrap().status(), 200);
        let said = server.stop().await;
        assert!(!said.contains("otel"), "{said}");
    }
}
