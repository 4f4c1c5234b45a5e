//! How the database goes about what is asked often, once very much is stored: it looks up what it needs, and does not read or
//! sort all there is (issue 5). The statements are those that the server really ran.

use crate::{
    accidents,
    crowded::{Crowd, crowd, few},
    harness::{World, on_both},
};
use hitl_server::{
    domain::request_filters::{Query, RequestFilter},
    service::{deliveries, request_lists, timeline},
    store::{
        self,
        plans::{Plan, Statement, noting},
    },
    worker::{expire, sweep, warn},
};
use serde_json::{Value, json};
use std::collections::HashMap;

/// The tables that grow with use.
const BIG: [&str; 5] = ["requests", "events", "deliveries", "attempts", "feedback"];
/// Rows that a part of a plan may see: a tenth of the requests that there are.
const ROWS: f64 = 10_000.0;
/// Steps of SQLite's machine for as many rows.
const STEPS: u64 = 200_000;

/// What counts all that match reads all that match, because the wire promises exact totals; who searches for a word reads what it
/// is searched in; the owner's record, narrowed, is read back until a page is full; and a loop in an order other than time's is
/// sorted whole, as is what is narrowed by time too, because an index for that would cost each request that is made or answered
/// a tenth more, and hardly anybody asks for it.
fn reads_much(text: &str) -> bool {
    let ordered = text.contains("order by r.priority desc, r.created_at") || text.contains("order by r.status,");
    text.starts_with("select count(*)")
        || text.contains("lower(r.request_text) like")
        || text.starts_with("select * from events where true and")
        || (text.contains("where r.loop_id = $1") || text.contains("r.created_at <")) && ordered
}

/// What is wrong with a plan.
fn faults(statement: &Statement, plan: &Plan) -> Vec<String> {
    let mut faults = Vec::new();
    match serde_json::from_str::<Value>(&plan.told) {
        Ok(told) => look(&told[0]["Plan"], reads_much(&statement.text), &mut faults),
        Err(_) => {
            if reads_much(&statement.text) {
                return faults;
            }
            faults.extend(plan.told.lines().filter(|line| scans(&statement.text, line)).map(str::to_owned));
            if plan.steps > STEPS {
                faults.push(format!("{} steps", plan.steps));
            }
        }
    }
    faults
}

/// Looks at a part of Postgres' plan and at the parts below it.
fn look(part: &Value, reads_much: bool, faults: &mut Vec<String>) {
    let number = |name: &str| part[name].as_f64().unwrap_or(0.0);
    let seen = (number("Actual Rows") + number("Rows Removed by Filter")) * number("Actual Loops").max(1.0);
    let kind = part["Node Type"].as_str().unwrap();
    let big = part["Relation Name"].as_str().is_some_and(|name| BIG.contains(&name));
    if !reads_much && (kind == "Seq Scan" && big || seen > ROWS) {
        faults.push(format!("{kind} of {}: {seen} rows", part["Relation Name"]));
    }
    for below in part["Plans"].as_array().into_iter().flatten() {
        look(below, reads_much, faults);
    }
}

/// Whether a part of Postgres' plan, or a part below it, reads a whole table that grows.
fn reads_a_table(part: &Value) -> bool {
    let grows = part["Relation Name"].as_str().is_some_and(|name| BIG.contains(&name));
    let below = part["Plans"].as_array().into_iter().flatten();
    part["Node Type"] == "Seq Scan" && grows || below.into_iter().any(reads_a_table)
}

/// Whether a line of SQLite's plan reads a whole table that is big, under whichever name the statement gives it.
fn scans(text: &str, line: &str) -> bool {
    let Some(rest) = line.strip_prefix("SCAN ") else { return false };
    if text.contains("order by seq") && text.contains("limit") {
        return false; // it walks along the rows themselves until there are enough; the steps say how many that were
    }
    let (name, how) = rest.split_once(' ').unwrap_or((rest, ""));
    let words: Vec<&str> = text.split([' ', '\n', '(', ')', ',']).filter(|word| !word.is_empty()).collect();
    let called =
        |table: &str| name == table && words.contains(&table) || words.windows(2).any(|pair| pair == [table, name]);
    BIG.iter().any(|table| called(table)) && !how.contains("INDEX")
}

/// Everything that these calls ran, each text once, explained; what is wrong with them.
async fn wrong(world: &World, ran: Vec<Statement>) -> Vec<String> {
    let mut texts = HashMap::new();
    for statement in ran {
        texts.entry(statement.text.clone()).or_insert(statement);
    }
    let mut wrong = Vec::new();
    for statement in texts.into_values() {
        let plan = world.app.store.plan(&statement).await.unwrap();
        let faults = faults(&statement, &plan);
        if !faults.is_empty() {
            wrong.push(format!("{}\n  {faults:?}\n{}\n", statement.text, plan.told));
        }
    }
    wrong
}

async fn calls(world: &World, paths: &[(String, &str)]) -> Vec<Statement> {
    let mut ran = Vec::new();
    for (path, token) in paths {
        let call = world.get(path);
        let call =
            if path.starts_with("/v1") { call.key(token) } else { call.header("cookie", &format!("session={token}")) };
        let (answer, mut statements) = noting(call.into_future()).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert!(!statements.is_empty(), "{path} asks the store");
        ran.append(&mut statements);
    }
    ran
}

/// The lists of requests: each order with each filter.
fn lists(crowd: &Crowd) -> Vec<(String, &str)> {
    let key = crowd.asker.key.as_str();
    let (loop_id, of_loop) = (&crowd.asker.loop_id, format!("/v1/api/loops/{}/requests", crowd.asker.loop_id));
    let filters = [
        String::new(),
        "status=pending".into(),
        "status=pending,claimed".into(),
        "status=completed,timeout".into(),
        "priority=high".into(),
        "status=completed&priority=low".into(),
        format!("loop_id={loop_id}"),
        format!("loop_id={loop_id}&status=pending"),
        "search=review".into(),
        "created_after=2024-03-14T00:00:00Z".into(),
        "created_before=2024-03-01T00:00:00Z".into(),
        "created_before=2024-03-01T00:00:00Z&status=completed".into(),
        "offset=1000".into(),
    ];
    let orders = ["created_at_desc", "created_at_asc", "priority_desc", "status_asc"];
    let paths = ["/v1/api/requests".to_owned(), of_loop];
    let all = paths.iter().flat_map(|path| orders.iter().map(move |order| (path, order)));
    all.flat_map(|(path, order)| filters.iter().map(move |filter| (format!("{path}?sort={order}&{filter}"), key)))
        .collect()
}

/// What people and programs look at.
fn looks(crowd: &Crowd) -> Vec<(String, &str)> {
    let Crowd { asker, reviewer, operator, webhook, request, .. } = crowd;
    let mut paths: Vec<(String, &str)> = Vec::new();
    for view in ["", "&priority=high", &format!("&loop_id={}", asker.loop_id), "&offset=100"] {
        for tab in ["active", "mine", "completed"] {
            paths.push((format!("/v1/reviewer/inbox?tab={tab}{view}"), reviewer));
        }
    }
    for path in ["/v1/reviewer/history", "/v1/reviewer/history?offset=100", "/v1/reviewer/loops"] {
        paths.push((path.into(), reviewer));
    }
    for query in
        ["", "?event=request.completed", "?since=2024-03-15T00:00:00Z", "?until=2024-03-01T00:00:00Z", "?after=1000"]
    {
        paths.push((format!("/v1/reviewer/audit{query}"), operator));
    }
    for of in [
        format!("account_id={}", asker.owner.id),
        format!("request_id={request}"),
        format!("loop_id={}", asker.loop_id),
    ] {
        paths.push((format!("/v1/reviewer/audit?{of}"), operator));
    }
    for path in [
        format!("/v1/api/requests/{request}"),
        format!("/v1/api/requests/{request}/timeline"),
        format!("/v1/api/requests/{request}/deliveries"),
        format!("/v1/api/webhooks/{webhook}/deliveries"),
        format!("/v1/api/webhooks/{webhook}/deliveries?offset=1000"),
        format!("/v1/api/webhooks/{webhook}"),
        "/v1/api/webhooks".into(),
        "/v1/api/loops".into(),
        format!("/v1/api/loops/{}/members", asker.loop_id),
    ] {
        paths.push((path, &asker.key));
    }
    paths
}

/// What the workers do, and what the operator looks at.
async fn works(world: &World, crowd: &Crowd) -> Vec<Statement> {
    let app = &world.app;
    let work = async {
        deliveries::lease(app, &[], 8, 64).await.unwrap();
        deliveries::lease(app, &["busy"], 8, 64).await.unwrap();
        store::events::after(&app.store, 150_000).await.unwrap();
        store::events::last_seq(&app.store).await.unwrap();
        store::events::settled(&app.store, i64::MAX, app.now()).await.unwrap();
        store::events::time_of(&app.store, i64::MAX).await.unwrap();
        timeline::last(app, &store::events::Wanted::default(), 100).await.unwrap();
        for query in ["", "status=pending", "search=review", "sort=created_at_asc"] {
            let filter = RequestFilter::parse(&Query::parse(query), 50).unwrap();
            request_lists::list_all(app, filter).await.unwrap();
        }
        let page = hitl_server::domain::request_filters::Page { limit: 50, offset: 0 };
        store::deliveries::list(&app.store, &store::deliveries::Wanted::default(), page).await.unwrap();
        store::deliveries::recover(&app.store, crowd.webhook.parse().unwrap(), app.now(), app.now()).await.unwrap();
        store::notifications::tests(&app.store, crowd.asker.owner.id, app.now()).await.unwrap();
        warn::step(app.clone()).await.unwrap();
        expire::step(app.clone()).await.unwrap();
        world.clock.advance(3700);
        expire::step(app.clone()).await.unwrap();
        warn::step(app.clone()).await.unwrap();
        sweep::step(app.clone()).await.unwrap();
    };
    Box::pin(noting(work)).await.1
}

/// What is written: asking, claiming, giving back, answering, cancelling.
async fn writes(world: &World, crowd: &Crowd) -> Vec<Statement> {
    let Crowd { asker, reviewer, .. } = crowd;
    let work = async {
        let body = crate::harness::question_with(&json!({"callback_url": "http://127.0.0.1:9/"}));
        let (id, other) = (world.ask(asker, &body).await, world.ask(asker, &body).await);
        for (step, body) in
            [("claim", json!({})), ("release", json!({})), ("respond", json!({"response_data": "approve"}))]
        {
            let path = format!("/v1/reviewer/requests/{id}/{step}");
            let done = world.post(&path).key(reviewer).json(&body).await;
            assert!([200, 409].contains(&done.status), "{path}: {}", done.body);
        }
        assert_eq!(world.delete(&format!("/v1/api/requests/{other}")).key(&asker.key).await.status, 200);
    };
    noting(work).await.1
}

on_both! {
    async fn what_is_asked_often_reads_only_what_it_needs_of_very_much(world: World) {
        let crowd = crowd(&world).await;
        let mut ran = calls(&world, &lists(&crowd)).await;
        ran.extend(calls(&world, &looks(&crowd)).await);
        ran.extend(writes(&world, &crowd).await);
        ran.extend(Box::pin(works(&world, &crowd)).await);
        let wrong = wrong(&world, ran).await;
        assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
    }

    /// Postgres plans a statement once, and keeps to that while a table grows.
    async fn a_plan_that_is_made_when_next_to_nothing_is_stored_reads_no_table_of_those_that_grow(world: World) {
        let (crowd, ..) = few(&world).await;
        let mut ran = calls(&world, &looks(&crowd)).await;
        ran.extend(writes(&world, &crowd).await);
        let mut wrong = Vec::new();
        for statement in ran {
            let plan = world.app.store.plan(&statement).await.unwrap();
            if let Ok(told) = serde_json::from_str::<Value>(&plan.told) && !reads_much(&statement.text) && reads_a_table(&told[0]["Plan"]) {
                wrong.push(format!("{}\n{}\n", statement.text, plan.told));
            }
        }
        assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
    }

    /// On Postgres it seemed good to look for somebody's open requests among everybody's, while these were few.
    async fn a_count_of_one_s_open_requests_does_not_look_at_others(world: World) {
        let (crowd, ..) = few(&world).await;
        if world.app.store.engine() != "postgres" {
            return; // nobody plans by what there is
        }
        let copies = "insert into requests select (jsonb_populate_record(r, jsonb_build_object('id', lpad(to_hex(k), 24, '0'),
            'creator_id', case when k % 2 = 0 then r.creator_id else repeat('f', 24) end,
            'status', case when k % 20 = 0 then 'pending' else 'completed' end))).* from requests r, generate_series(1, 8000) k";
        accidents::run(&world, copies).await;
        accidents::run(&world, "analyze requests").await;
        let ran = calls(&world, &[("/v1/api/requests?status=pending&limit=10".into(), &crowd.asker.key)]).await;
        let count = ran.iter().find(|it| it.text.starts_with("select count(*) from requests")).unwrap();
        let plan = world.app.store.plan(count).await.unwrap().told;
        assert!(plan.contains("requests_by_creator_and_status"), "{plan}");
    }
}
