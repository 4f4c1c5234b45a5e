//! `/metrics`: what is counted, by which labels, and that the dashboard and the page name what there is.

use crate::{
    asking::{path, respond},
    harness::{World, on_both, question, question_with},
    hooking::deliver,
    listening::Events,
    process::{Server, in_repository, run, run_where},
    receiver::{Receiver, reaching_loopback, status},
};
use hitl_server::{http, metrics::Metrics};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The same world, counting.
fn counting(world: &World) -> World {
    let app = world.app.changed(|parts| parts.metrics = Some(Arc::new(Metrics::default())));
    World { router: http::outside(app.clone()), app, ..world.clone() }
}

/// Where its metrics are scraped.
struct Scraped {
    url: String,
    stop: CancellationToken,
}

impl Scraped {
    async fn of(world: &World) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/metrics", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(http::metrics::serve(world.app.clone(), listener, stop.clone()));
        Self { url, stop }
    }

    async fn text(&self) -> String {
        let answer = reqwest::get(&self.url).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
        let text = answer.text().await.unwrap();
        assert!(text.ends_with("# EOF\n"), "{text}");
        text
    }

    /// The value of one series.
    async fn value(&self, series: &str) -> Option<f64> {
        value(&self.text().await, series)
    }

    /// Waits until a series has that value.
    async fn becomes(&self, series: &str, wanted: f64) {
        let becomes = async {
            while self.value(series).await != Some(wanted) {
                tokio::task::yield_now().await;
            }
        };
        let outcome = tokio::time::timeout(Duration::from_secs(20), becomes).await;
        assert!(outcome.is_ok(), "{series} is {:?}, not {wanted}", self.value(series).await);
    }
}

impl Drop for Scraped {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn value(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

/// The names of all that can be asked for, as Prometheus keeps them.
fn names(text: &str) -> BTreeSet<String> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples.filter_map(|line| Some(line.split([' ', '{']).next()?.to_owned())).collect()
}

/// The names in a text that begin as ours do.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
    let ours = |word: &&str| word.starts_with("hitl_") || word.starts_with("process_");
    words.filter(ours).map(str::to_owned).collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(in_repository(path)).unwrap()
}

/// Whether the other engine exports it and this one does not.
fn is_of_the_other_engine(world: &World, name: &str) -> bool {
    match world.app.store.engine() {
        "sqlite" => ["hitl_database_wait", "hitl_database_together"].iter().any(|other| name.starts_with(other)),
        _ => name.starts_with("hitl_sqlite_"),
    }
}

on_both! {
    async fn requests_are_counted_by_the_template_of_their_route(world: World) {
        let world = counting(&world);
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        for _ in 0..3 {
            assert_eq!(world.get(&path(&id)).key(&asker.key).await.status, 200);
        }
        for nowhere in ["/nowhere-1", "/nowhere-2"] {
            assert_eq!(world.get(nowhere).await.status, 404);
        }
        assert_eq!(world.call("ANYTHING".parse().unwrap(), "/health").await.status, 405);
        assert_eq!(world.get("/v1/api/loops").await.status, 401);
        let scraped = Scraped::of(&world).await;
        let text = scraped.text().await;
        for (series, wanted) in [
            (r#"hitl_http_requests_total{method="GET",route="/v1/api/requests/{request_id}",status="200"}"#, 3.0),
            (r#"hitl_http_requests_total{method="POST",route="/v1/api/loops/{loop_id}/requests",status="201"}"#, 1.0),
            (r#"hitl_http_requests_total{method="GET",route="-",status="404"}"#, 2.0),
            (r#"hitl_http_requests_total{method="other",route="/health",status="405"}"#, 1.0),
            (r#"hitl_http_requests_total{method="GET",route="/v1/api/loops",status="401"}"#, 1.0),
            (r#"hitl_http_request_duration_seconds_count{method="GET",route="/v1/api/requests/{request_id}"}"#, 3.0),
            (r#"hitl_http_request_duration_seconds_bucket{le="+Inf",method="GET",route="/v1/api/requests/{request_id}"}"#, 3.0),
            ("hitl_http_requests_in_flight", 0.0),
            ("hitl_limit_windows_open", 1.0),
            ("hitl_database_up", 1.0),
        ] {
            assert_eq!(value(&text, series), Some(wanted), "{series}\n{text}");
        }
        for raw in [&*id, &asker.loop_id, "nowhere", "ANYTHING", &asker.key] {
            assert!(!text.contains(raw), "{raw} is in {text}");
        }
        assert!(value(&text, "process_resident_memory_bytes").is_some_and(|bytes| bytes > 1e6), "{text}");
    }

    async fn who_waits_and_who_listens_is_counted_until_they_leave(world: World) {
        let world = counting(&world);
        let asker = world.asker().await;
        let id = world.ask(&asker, &question()).await;
        let scraped = Scraped::of(&world).await;
        let stream = Events::open(&world, &format!("{}/events", path(&id)), &asker.key, None).await;
        let all = Events::open(&world, "/v1/api/events", &asker.key, None).await;
        let waits = {
            let (world, asker, path) = (world.clone(), asker.clone(), format!("{}?wait=60", path(&id)));
            tokio::spawn(async move { world.get(&path).key(&asker.key).await.status })
        };
        scraped.becomes("hitl_waiting_calls", 1.0).await;
        scraped.becomes("hitl_http_requests_in_flight", 1.0).await;
        scraped.becomes(r#"hitl_streams_open{of="request"}"#, 1.0).await;
        scraped.becomes(r#"hitl_streams_open{of="account"}"#, 1.0).await;
        drop((stream, all));
        respond(&world, &asker.session, &id, &json!("approve")).await.accepted(200, "Response submitted");
        assert_eq!(waits.await.unwrap(), 200);
        for series in [r#"hitl_streams_open{of="request"}"#, r#"hitl_streams_open{of="account"}"#, "hitl_waiting_calls", "hitl_http_requests_in_flight"] {
            scraped.becomes(series, 0.0).await;
        }
    }

    async fn all_that_the_dashboard_and_the_page_name_is_exported(world: World) {
        let world = counting(&reaching_loopback(&world));
        let (asker, receiver) = (world.asker().await, Receiver::start().await);
        let scraped = Scraped::of(&world).await;
        let id = world.ask(&asker, &question_with(&json!({"callback_url": receiver.url("/callback")}))).await;
        drop(Events::open(&world, &format!("{}/events", path(&id)), &asker.key, None).await);
        respond(&world, &asker.session, &id, &json!("approve")).await.accepted(200, "Response submitted");
        assert_eq!(scraped.value("hitl_deliveries_due").await, Some(1.0));
        receiver.answers_next([status(404)]);
        deliver(&world).await;
        assert_eq!(scraped.value(r#"hitl_deliveries_total{kind="callback",outcome="failed"}"#).await, Some(1.0));
        assert_eq!(scraped.value(r#"hitl_delivery_duration_seconds_count{kind="callback"}"#).await, Some(1.0));
        assert_eq!(scraped.value("hitl_deliveries_due").await, Some(0.0));
        let (_, narrow) = world.key_with(&asker.owner, |new| new.hourly_limit = Some(1)).await;
        for status in [200, 429] {
            assert_eq!(world.get("/v1/test").key(&narrow).await.status, status);
        }
        assert_eq!(scraped.value(r#"hitl_limit_refusals_total{limit="hourly"}"#).await, Some(1.0));

        let text = scraped.text().await;
        let exported = names(&text);
        let dashboard: Value = serde_json::from_str(&read("deploy/grafana.json")).unwrap();
        let panels = dashboard["panels"].as_array().unwrap();
        let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
        let asked = targets.map(|target| target["expr"].as_str().unwrap()).collect::<Vec<_>>().join("\n");
        let page = read("docs/operations.md");
        assert!(named(&asked).len() > 15, "{asked}");
        for name in named(&asked) {
            assert!(exported.contains(&name) || is_of_the_other_engine(&world, &name), "the dashboard asks for {name}");
        }
        for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
            let name = line.split(' ').next().unwrap();
            assert!(page.contains(&format!("`{name}")), "docs/operations.md does not tell of {name}");
        }
        let told = page.lines().filter_map(|line| line.strip_prefix("| `")?.split(['`', '{']).next());
        for name in told.filter(|name| !named(name).is_empty()) {
            assert!(exported.iter().any(|it| it.starts_with(name)) || is_of_the_other_engine(&world, name), "docs/operations.md tells of {name}");
        }
    }

    async fn metrics_are_served_where_the_settings_say_and_nowhere_else(world: World) {
        assert!(world.app.metrics.is_none(), "nothing is counted unless it is asked for");
        assert_eq!(world.get("/metrics").await.status, 404);
        let server = Server::start_with(&world.url, &[("HITL_METRICS_LISTEN", "127.0.0.1:0")]).await;
        assert_eq!(reqwest::get(format!("{}/metrics", server.url)).await.unwrap().status(), 404);
        assert_eq!(reqwest::get(server.metrics().replace("/metrics", "/health")).await.unwrap().status(), 404);
        let text = server.scrape().await;
        assert!(text.contains(&format!("hitl_build_info{{version=\"{}\"", hitl_server::version::VERSION)), "{text}");
        assert!(value(&text, "process_start_time_seconds").is_some_and(|at| at > 1.7e9), "{text}");

        let taken = server.url.strip_prefix("http://").unwrap();
        let refused = run_where(&world.url, &["serve", "--listen", "127.0.0.1:0"], &[("HITL_METRICS_LISTEN", taken)]).await;
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.err.contains(&format!("cannot listen on {taken} for metrics (metrics.listen)")), "{refused:?}");
        server.stop().await;
    }

    async fn checks_of_health_fill_no_log(world: World) {
        for (level, logged) in [("info", false), ("debug", true)] {
            let server = Server::start_with(&world.url, &[("HITL_LOG_LEVEL", level)]).await;
            for path in ["/health", "/v1/health", "/ready"] {
                assert_eq!(reqwest::get(format!("{}{path}", server.url)).await.unwrap().status(), 200);
            }
            assert_eq!(run(&world.url, &["health", "--url", &server.url]).await.code, Some(0));
            let log = server.stop().await;
            for path in ["/health", "/v1/health", "/ready"] {
                let line = log.lines().find(|line| line.contains(&format!("\"route\":{path:?}")));
                assert_eq!(line.is_some(), logged, "{level} {path}: {log}");
            }
        }
    }
}
