//! How one's loops stand and went, at a glance, and how the API does.

use super::{
    page_chart::Chart,
    page_shell::{Section, Shell},
    page_signed_in::{Asker, SignedIn},
    page_times::{Moment, lasted},
    pages::{PageError, shown},
};
use crate::{
    app::App,
    domain::{Loop, Timestamp, overview::Standing},
    service::{Result, keys, overview, webhooks},
};
use askama::Template;
use axum::{extract::State, response::Response};

/// Numbers to look at: those of a loop, or of all together.
struct Numbers {
    open: i64,
    oldest: Option<Moment>,
    today: i64,
    median: String,
    p95: String,
    timed_out: i64,
    chart: Chart,
}

impl Numbers {
    fn new(it: &Standing, now: Timestamp, chart: Chart) -> Self {
        Self {
            open: it.open,
            oldest: it.oldest.map(|at| Moment::age(at, now)),
            today: it.today(),
            median: it.median().map_or_else(none, lasted),
            p95: it.p95().map_or_else(none, lasted),
            timed_out: it.timed_out(),
            chart,
        }
    }
}

fn none() -> String {
    "none".to_owned()
}

/// One loop.
struct Row {
    it: Loop,
    is_own: bool,
    numbers: Numbers,
}

/// A key that was used in its present window.
struct KeyUse {
    name: String,
    path: String,
    used: i64,
    /// `None` is no limit.
    limit: Option<i64>,
}

/// How the API does.
struct Api {
    version: &'static str,
    engine: &'static str,
    up_since: Moment,
    /// As `/ready` says it.
    is_ready: bool,
    base_url: String,
    keys: Vec<KeyUse>,
    has_key: bool,
    webhooks: usize,
    ill_webhooks: usize,
}

/// How many loops have a row: a server may have thousands.
const MOST_ROWS: usize = 100;
/// How many of the most used keys are shown.
const MOST_USED: usize = 3;

async fn api(app: &App, who: &SignedIn) -> Result<Api> {
    let mut keys = keys::with_use(app, who.id()).await?;
    keys.sort_by_key(|it| std::cmp::Reverse(it.count()));
    let used = keys.iter().take(MOST_USED).filter(|it| it.count() > 0).map(|it| KeyUse {
        name: it.key.name.clone(),
        path: format!("/keys/{}", it.key.id),
        used: it.count(),
        limit: it.limit(),
    });
    let webhooks = webhooks::list(app, &who.who).await?;
    let engine = if app.store.engine() == "sqlite" { "SQLite" } else { "Postgres" };
    Ok(Api {
        version: env!("CARGO_PKG_VERSION"),
        engine,
        up_since: Moment::age(app.started_at, app.now()),
        is_ready: app.store.check().await.is_ok(),
        base_url: app.base_url.to_string(),
        keys: used.collect(),
        has_key: keys.iter().any(|it| it.key.is_usable(app.now())),
        webhooks: webhooks.len(),
        ill_webhooks: webhooks.iter().filter(|it| it.is_ill()).count(),
    })
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    shell: Shell,
    total: Numbers,
    count: usize,
    rows: Vec<Row>,
    is_idle: bool,
    own_loop: Option<Loop>,
    line: String,
    api: Api,
}

/// How one's loops stand.
pub async fn show(Asker(who): Asker, State(app): State<App>) -> std::result::Result<Response, PageError> {
    let found = overview::show(&app, &who.who).await?;
    let now = app.now();
    let own_loop = found.loops.iter().map(|(it, _)| it).find(|it| it.creator_id == who.id()).cloned();
    let row = |(it, standing): (Loop, Standing)| Row {
        is_own: it.creator_id == who.id(),
        numbers: Numbers::new(&standing, now, Chart::small(&standing.days, now)),
        it,
    };
    Ok(shown(&OverviewPage {
        shell: who.shell(Section::Overview),
        total: Numbers::new(&found.total, now, Chart::new(&found.total.days, now)),
        is_idle: found.total.is_idle(),
        line: line(&app.base_url, own_loop.as_ref()),
        count: found.loops.len(),
        rows: found.loops.into_iter().take(MOST_ROWS).map(row).collect(),
        own_loop,
        api: api(&app, &who).await?,
    }))
}

/// What to paste to put a first request to a loop.
fn line(base_url: &str, to: Option<&Loop>) -> String {
    const REQUEST: &str = r#"{"processing_type": "deferred", "type": "markdown", "priority": "medium", "request_text": "Ship **version 2.4**?", "response_type": "boolean", "response_config": {"true_label": "Ship it", "false_label": "Wait"}, "platform": "api"}"#;
    let id = to.map_or_else(|| "LOOP_ID".to_owned(), |it| it.id.to_string());
    format!(
        "curl -sS '{base_url}/v1/api/loops/{id}/requests' -H 'Authorization: Bearer YOUR_KEY' -H 'Content-Type: application/json' -d '{REQUEST}'"
    )
}
