//! A database as it is after years: filled past the server, because asking so often would take too long.

use crate::{
    accidents,
    harness::{Asker, World, question},
    hooking::{hook, subscriber},
};
use hitl_server::domain::Role;
use serde_json::json;
use std::fmt::Write;

/// How many requests there are.
const REQUESTS: usize = 100_000;

/// Who asks, who answers, and what some of the many things are called.
pub(crate) struct Crowd {
    pub(crate) asker: Asker,
    /// The session of somebody who has answered most of what was asked.
    pub(crate) reviewer: String,
    /// The session of the server's owner.
    pub(crate) operator: String,
    pub(crate) webhook: String,
    pub(crate) request: String,
}

/// Some steps of `numbers(k)`.
fn numbers(count: usize) -> String {
    format!("with recursive numbers(k) as (select 0 union all select k + 1 from numbers where k < {})", count - 1)
}

/// So many requests of nearly one account in nine loops, half of them in one; each with its events, every other with a
/// delivery that was made. One in fifty is open.
pub(crate) async fn crowd(world: &World) -> Crowd {
    let (crowd, reviewer, others) = few(world).await;
    fill(world, &crowd.request, &reviewer, &others).await;
    crowd
}

/// The same people and loops with hardly any requests; the reviewer's account, and the other loops as a part of a statement.
pub(crate) async fn few(world: &World) -> (Crowd, String, String) {
    let asker = subscriber(world).await;
    let operator = world.person("operator@example.com").await;
    accidents::run(world, &format!("update accounts set role = '{}' where id = '{}'", Role::Owner, operator.id)).await;
    let operator = world.sign_in(&operator).await;
    let (reviewer_account, reviewer) = world.reviewer("reviewer@example.com", &asker.code).await;
    let mut others = String::new();
    for number in 0..8 {
        let made = world.post("/v1/api/loops").key(&asker.key).json(&json!({"name": format!("Loop {number}")})).await;
        write!(others, " when {number} then '{}'", made.text("data.id")).unwrap();
        let join = json!({"invite_code": made.text("data.invite_code")});
        assert_eq!(world.post("/v1/reviewer/loops/join").key(&reviewer).json(&join).await.status, 200);
    }
    let webhook =
        hook(world, &asker, &json!({"url": "http://127.0.0.1:9/", "events": ["request.created", "loop.updated"]}))
            .await;
    let request = world.ask(&asker, &question()).await;
    (Crowd { asker, reviewer, operator, webhook, request }, reviewer_account.id.to_string(), others)
}

async fn fill(world: &World, request: &str, reviewer: &str, other_loops: &str) {
    let sqlite = world.app.store.engine() == "sqlite";
    // A time so many seconds after what the column holds.
    let after = |column: &str, seconds: &str| {
        if sqlite {
            format!("{column} + ({seconds}) * 1000000")
        } else {
            format!("{column} + ({seconds}) * interval '1 second'")
        }
    };
    let columns: Vec<(&str, String)> = vec![
        ("id", "substr(r.id, 1, 16) || (10000000 + k)".into()),
        ("loop_id", format!("case when k % 2 = 0 then r.loop_id else case (k / 2) % 8{other_loops} end end")),
        ("creator_id", "case when k % 20 = 19 then substr(r.creator_id, 1, 23) || 'f' else r.creator_id end".into()),
        ("api_key_id", "r.api_key_id".into()),
        ("processing_type", "r.processing_type".into()),
        ("type", "r.type".into()),
        ("priority", "(k / 7) % 4 + (select min(priority) from requests) * 0".into()),
        ("request_text", "r.request_text || k".into()),
        ("timeout_seconds", "r.timeout_seconds".into()),
        ("response_type", "r.response_type".into()),
        ("response_config", "r.response_config".into()),
        ("default_response", "r.default_response".into()),
        ("platform", "r.platform".into()),
        ("broadcasted_to", "r.broadcasted_to".into()),
        (
            "status",
            "case when k % 100 = 0 then 'pending' when k % 100 = 1 then 'claimed' when k % 100 < 12 then 'timeout'
            when k % 100 < 20 then 'cancelled' else 'completed' end"
                .into(),
        ),
        ("created_at", after("r.created_at", "-60 * k")),
        ("updated_at", after("r.created_at", "40 - 60 * k")),
        (
            "timeout_at",
            format!(
                "case when k % 100 < 2 then {} else {} end",
                after("r.timeout_at", "k"),
                after("r.timeout_at", "-60 * k")
            ),
        ),
        ("warn_at", format!("case when k % 100 < 2 then {} end", after("r.timeout_at", "k - 300"))),
        // A tenth by the reviewer, so that nobody holds thousands.
        (
            "claimed_by",
            format!(
                "case when k % 1000 = 1 or k % 100 >= 12 then '{reviewer}' when k % 100 = 1 then substr('{reviewer}', 1, 23) || 'f' end"
            ),
        ),
        (
            "claimed_at",
            format!("case when k % 100 = 1 or k % 100 >= 12 then {} end", after("r.created_at", "20 - 60 * k")),
        ),
        ("claim_expires_at", format!("case when k % 100 = 1 then {} end", after("r.timeout_at", "k"))),
        ("response_by", format!("case when k % 100 >= 20 then '{reviewer}' end")),
        ("response_at", format!("case when k % 100 >= 20 then {} end", after("r.created_at", "40 - 60 * k"))),
        ("response_data", "case when k % 100 >= 20 then r.default_response end".into()),
    ];
    let (names, values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    let requests = format!(
        "insert into requests ({}) {} select {} from requests r cross join numbers where r.id = '{request}'",
        names.join(", "),
        numbers(REQUESTS),
        values.join(", ")
    );
    let events = "insert into events (id, at, name, actor_kind, actor_id, account_id, loop_id, request_id, from_status, to_status, data)
        select e.id, r.created_at, n.column1, e.actor_kind, e.actor_id, r.creator_id, r.loop_id, r.id, e.from_status, e.to_status, e.data
        from requests r cross join (values ('request.created'), ('request.completed')) n join events e on e.name = 'request.created'
        where e.request_id <> r.id order by r.created_at"
        .replace("where e.request_id", &format!("where e.request_id = '{request}' and e.request_id"));
    let deliveries = "insert into deliveries (id, event_id, event, kind, account_id, webhook_id, request_id, url, endpoint, body, status, attempt,
            cause, created_at, delivered_at, response_status, response_time_ms)
        select substr(d.id, 1, 16) || (10000000 + row_number() over (order by r.id)), d.event_id, d.event, d.kind, r.creator_id, d.webhook_id, r.id, d.url, d.endpoint, d.body,
            case when r.priority = 0 then 'failed' else 'success' end, 1, d.cause, r.created_at, r.created_at, 200, 5
        from requests r join deliveries d on d.webhook_id is not null and d.request_id = 'X' where r.id <> 'X' and r.status <> 'timeout'"
        .replace('X', request);
    let attempts = "insert into attempts (delivery_id, number, cause, at, response_status, response_time_ms)
        select id, 1, cause, created_at, 200, 5 from deliveries where status <> 'pending'";
    let feedback = "insert into feedback (id, request_id, account_id, body, submitted_at)
        select id, id, creator_id, default_response, updated_at from requests where status = 'completed' and priority < 2";
    for statement in [requests.as_str(), &events, &deliveries, attempts, feedback, "analyze"] {
        accidents::run(world, statement).await;
    }
}
