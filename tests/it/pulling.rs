//! What an account has on another server comes here through that server's API: all of it, once, however often it is interrupted.

use crate::{
    asking::{has, respond},
    copying::other,
    harness::{Asker, Database, World, on_both, question, question_with},
    process::{PASSWORD, Said, run, run_where, run_with},
    program::{Process, present_time, with_processes_on_both},
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use hitl_server::{
    domain::{Scope, Timestamp},
    settings::Settings,
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// A database with Ann's account.
pub(crate) async fn anns(database: &Database) {
    let create = ["users", "create", "--email", "ann@example.com", "--name", "Ann", "--password-stdin"];
    assert_eq!(run_with(&database.url, &create, PASSWORD).await.code, Some(0));
}

async fn pull(to: &str, from: &str, key: &str, more: &[&str]) -> Said {
    let arguments = ["pull", "--from", from, "--user", "ann@example.com"];
    run_where(to, &[&arguments[..], more].concat(), &[("HITL_PULL_KEY", key)]).await
}

/// Everything that has come so far in the other server's order, as a client sees it.
async fn seen(world: &World, key: &str, path: &str, list: &str) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let answer = world.get(&format!("{path}?limit=100&sort=created_at_asc&offset={}", all.len())).key(key).await;
        let page = answer.at(&format!("data.{list}")).as_array().unwrap().clone();
        if page.is_empty() || list == "loops" {
            all.extend(page);
            return all;
        }
        all.extend(page);
    }
}

/// Requests in every state, and more than fill two pages.
async fn busy(world: &World, asker: &Asker) {
    let (_, bob) = world.reviewer("bob@example.com", &asker.code).await;
    let (_, gone) = world.reviewer("gone@example.com", &asker.code).await;
    let odd = json!({"big": 12_345_678_901_234_567_u64, "float": 1.0, "z": [null, "é\u{2028}"]});
    let changes = json!({"context": odd, "metadata": odd, "tags": ["a"], "callback_url": "https://example.com/done", "timeout_seconds": 7200});
    let answered = world.ask(asker, &question_with(&changes)).await;
    respond(world, &bob, &answered, &json!("approve")).await.accepted(200, "Response submitted");
    let feedback = world
        .post(&format!("/v1/api/requests/{answered}/feedback"))
        .key(&asker.key)
        .json(&json!({"feedback": {"rating": 5}}))
        .await;
    assert_eq!(feedback.status, 200);
    let by_gone = world.ask(asker, &question()).await;
    respond(world, &gone, &by_gone, &json!("reject")).await.accepted(200, "Response submitted");
    let cancelled = world.ask(asker, &question()).await;
    world
        .delete(&format!("/v1/api/requests/{cancelled}"))
        .key(&asker.key)
        .await
        .accepted(200, "Request cancelled successfully");
    let claimed = world.ask(asker, &question()).await;
    assert_eq!(world.post(&format!("/v1/reviewer/requests/{claimed}/claim")).key(&bob).await.status, 200);
    let left = world.post(&format!("/v1/reviewer/loops/{}/leave", asker.loop_id)).key(&gone).await;
    assert_eq!(left.status, 200, "{}", left.body);
    for _ in 0..210 {
        world.ask(asker, &question()).await;
    }
}

with_processes_on_both! {
    async fn an_account_comes_from_another_server_and_what_came_since(world: World) {
        world.clock.set(Timestamp::from_seconds(world.now().seconds())); // the API says no fractions
        let asker = world.asker().await;
        busy(&world, &asker).await;
        let invited = world.post(&format!("/v1/api/loops/{}/members", asker.loop_id)).key(&asker.key).json(&json!({"email": "zoe@example.com"})).await;
        assert_eq!(invited.status, 201, "{}", invited.body);
        let source = Process::start(&world).await;
        let target = Database::create(other(&world)).await;
        anns(&target).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key.txt");
        std::fs::write(&file, format!("{}\n", asker.key)).unwrap();
        let from = format!("{}/v1/api/", source.url);
        let file = ["--key-file", file.to_str().unwrap(), "--json"];
        let first = pull(&target.url, &from, "", &file).await;
        assert!(first.err.contains("214 of 214 requests"), "{first:?}");
        let said = first.json();
        has(&said, &json!({"user": "ann@example.com", "from": source.url, "open_requests": 211, "left_out": 0}));
        has(&said["new"], &json!({"loop": 1, "member": 3, "request": 214, "feedback": 1}));
        assert_eq!(said["new"], said["read"]);

        // Clients see there what they saw here, but for whose it is, and who holds a claim elsewhere.
        let there = World::at(&target.url, Settings::default(), world.clock.clone()).await;
        let made = run(&target.url, &["keys", "create", "--user", "ann@example.com", "--name", "new", "--json"]).await.json();
        let key = made["key"].as_str().unwrap();
        let mut before = seen(&world, &asker.key, "/v1/api/requests", "requests").await;
        let after = seen(&there, key, "/v1/api/requests", "requests").await;
        assert_eq!((before.len(), after.len()), (214, 214));
        for (before, after) in before.iter_mut().zip(&after) {
            before["creator_id"] = after["creator_id"].clone();
            if before["status"] == "claimed" {
                (before["status"], before["claimed_by"], before["claimed_at"]) = (json!("pending"), Value::Null, Value::Null);
            }
            assert_eq!(before, after);
        }
        let [before, after] = [(&world, asker.key.as_str()), (&there, key)].map(async |(world, key)| seen(world, key, "/v1/api/loops", "loops").await);
        let (before, after) = (before.await, after.await);
        for field in ["id", "name", "description", "invite_code", "member_count", "pending_count", "active_count"] {
            assert_eq!(before[0][field], after[0][field], "{field}");
        }

        // Again: nothing. Then one more.
        let again = pull(&target.url, &source.url, &asker.key, &["--json"]).await;
        assert!(again.err.contains("214 requests are here from before"), "{again:?}");
        assert!(again.json()["new"].as_object().unwrap().values().all(|new| new == 0), "{again:?}");
        world.clock.advance(1);
        let late = world.ask(&asker, &question()).await;
        let later = pull(&target.url, &source.url, &asker.key, &["--json"]).await.json();
        assert_eq!((&later["read"]["request"], &later["new"]["request"]), (&json!(101), &json!(1)), "one page is read again: {later}");
        let shown = there.get(&format!("/v1/api/requests/{late}")).key(key).await;
        assert_eq!(shown.text("data.status"), "pending");
        there.app.store.close().await;
        target.drop().await;
    }

    async fn what_cannot_be_pulled_is_said_before_anything_is_done(world: World) {
        let asker = world.asker().await;
        let (_, blind) = world.key_with(&asker.owner, |new| new.scopes = vec![Scope::LoopsRead]).await;
        let source = Process::start(&world).await;
        let target = Database::create(other(&world)).await;
        anns(&target).await;
        let from = source.url.as_str();
        for (from, key, more, code, said) in [
            (from, "hitl_live_wrong", &[][..], 4, "Invalid authorization token (401)"),
            (from, blind.as_str(), &[], 4, "requests:read"),
            (from, "", &[], 2, "HITL_PULL_KEY"),
            (from, "two words", &[], 2, "this is no key"),
            (from, asker.key.as_str(), &["--key-file", "/nowhere/key.txt"], 1, "/nowhere/key.txt"),
            ("example.com", asker.key.as_str(), &[], 2, "URL"),
            ("http://127.0.0.1:9", asker.key.as_str(), &["--tries", "1"], 1, "could not be read"),
        ] {
            let refused = pull(&target.url, from, key, more).await;
            assert!(refused.code == Some(code) && refused.err.contains(said), "{said}: {refused:?}");
            assert!(key.is_empty() || !refused.err.contains(key), "no key is told");
        }
        let nobody = ["pull", "--from", from, "--user", "nobody@example.com"];
        assert_eq!(run_where(&target.url, &nobody, &[("HITL_PULL_KEY", &asker.key)]).await.code, Some(3));
        let listed = run(&target.url, &["loops", "list", "--json"]).await.json();
        assert_eq!(listed, json!([]));
        target.drop().await;
    }
}

/// A server that speaks the API badly.
#[derive(Clone, Default)]
struct Fake(Arc<Mutex<Moods>>);

#[derive(Default)]
struct Moods {
    /// What was asked for requests: offset and limit.
    asked: Vec<(usize, usize)>,
    /// From this request on answers are cut off in the middle.
    cut_from: Option<usize>,
    /// When the window ends, after the first page.
    reset: i64,
    /// How often it refused or failed: first the one, then the other, then no more.
    troubles: usize,
    /// How many of the oldest go away after the first page was read.
    go_away: usize,
    /// How many it says there are.
    total: Option<usize>,
    ignores_offset: bool,
    /// The loop that went away is there again.
    is_back: bool,
    /// The most that it lists on a page; without it, all loops are on one.
    cap: Option<usize>,
    /// The one that comes last on the first page is listed without its id.
    nameless: bool,
}

/// How a source behaves, and how many requests come of it.
type Way = (fn(&mut Moods), Option<i64>);

const ASKER: &str = "65f1234567890abcdef12300";
const LOOP: &str = "65f1234567890abcdef12301";
/// It goes away while it is read.
const GONE: &str = "65f1234567890abcdef12302";
const COUNT: usize = 250;

fn entry(number: usize) -> Value {
    let mut entry = json!({
        "id": format!("65f1234567890abcde0{number:05}"), "loop_id": LOOP, "status": "completed", "response_type": "boolean",
        "response_config": {}, "request_text": format!("Number {number}?"), "priority": "high", "platform": "api",
        "created_at": "2024-03-15T10:00:00Z", "timeout_at": "2024-03-15T11:00:00Z", "response_data": {"boolean": true},
        "response_at": "2024-03-15T10:10:00Z", "response_by": "65f1234567890abcdef12309",
        "response_by_user": {"id": "65f1234567890abcdef12309", "name": "Bob", "email": "bob@example.com"}
    });
    match number {
        7 => entry["response_type"] = json!("editable_text"),
        8 => entry["loop_id"] = json!("65f1234567890abcdef123ff"),
        9 => drop(entry.as_object_mut().unwrap().remove("response_config")),
        _ => {}
    }
    entry
}

impl Fake {
    async fn start() -> (Self, String) {
        let fake = Self::default();
        let router = Router::new().fallback(answer).with_state(fake.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (fake, url)
    }

    fn moods<T>(&self, with: impl FnOnce(&mut Moods) -> T) -> T {
        with(&mut self.0.lock().unwrap())
    }

    fn loops(&self, query: &HashMap<String, String>) -> Value {
        let shown = |id| json!({"id": id, "name": "There", "creator_id": ASKER, "created_at": "2024-03-15T09:00:00Z"});
        let all = [json!({"id": "nonsense"}), shown(GONE), shown(LOOP)];
        let cap = self.moods(|moods| moods.cap.filter(|_| !moods.ignores_offset));
        let page: Vec<_> = match cap {
            Some(cap) => all.into_iter().skip(number(query, "offset")).take(cap).collect(),
            None => all.into(),
        };
        json!({"count": page.len(), "loops": page})
    }

    fn requests(&self, query: &HashMap<String, String>) -> Response {
        let (offset, limit) = (number(query, "offset"), number(query, "limit"));
        self.moods(|moods| {
            moods.troubles += 1;
            if moods.troubles == 1 {
                return (status(429), [("retry-after", "1")], r#"{"error":true,"msg":"API rate limit exceeded"}"#)
                    .into_response();
            }
            if moods.troubles == 2 {
                return (status(500), r#"{"error":true,"msg":"Failed to retrieve requests"}"#).into_response();
            }
            let gone = if moods.asked.is_empty() { 0 } else { moods.go_away };
            moods.asked.push((offset, limit));
            let offset = if moods.ignores_offset { 0 } else { offset };
            let end = (gone + offset + limit.min(moods.cap.unwrap_or(limit))).min(COUNT);
            let mut page: Vec<Value> = ((gone + offset).min(end)..end).map(entry).collect();
            if moods.nameless && (offset..end).contains(&99) {
                page[99 - offset].as_object_mut().unwrap().remove("id");
            }
            let data = json!({"requests": page, "count": page.len(), "total": moods.total});
            let whole = json!({"error": false, "msg": "ok", "data": data}).to_string();
            if moods.cut_from.is_some_and(|from| end > from) {
                let half = Bytes::from(whole[..whole.len() / 2].to_owned());
                let torn = futures_util::stream::iter([Ok(half), Err(std::io::Error::other("cut off"))]);
                return Body::from_stream(torn).into_response();
            }
            let (left, reset) = (if offset == 0 && limit > 1 { "0" } else { "9" }, moods.reset.to_string());
            ([("x-ratelimit-remaining", left.to_owned()), ("x-ratelimit-reset", reset)], whole).into_response()
        })
    }
}

fn number(query: &HashMap<String, String>, name: &str) -> usize {
    query[name].parse().unwrap()
}

fn status(code: u16) -> axum::http::StatusCode {
    axum::http::StatusCode::from_u16(code).unwrap()
}

async fn answer(State(fake): State<Fake>, request: Request) -> Response {
    assert_eq!(request.headers()["authorization"], "Bearer secret");
    let query: HashMap<String, String> =
        url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect();
    let data = match request.uri().path() {
        "/v1/test" => json!({"user_id": ASKER, "email": "asker@example.com"}),
        "/v1/api/loops" => fake.loops(&query),
        path if path.contains(GONE) && fake.moods(|moods| moods.is_back) => json!({"members": []}),
        path if path.contains(GONE) => {
            return (status(404), r#"{"error":true,"msg":"Loop not found"}"#).into_response();
        }
        path if path.ends_with("/members") => json!({"members": [
            {"user_id": ASKER, "email": "asker@example.com", "status": "active"},
            {"user_id": "65f1234567890abcdef12308", "email": "cat", "status": "active"}]}),
        "/v1/api/requests" => return fake.requests(&query),
        path => {
            let mut whole = entry(9);
            assert_eq!(path, format!("/v1/api/requests/{}", whole["id"].as_str().unwrap()));
            whole["response_config"] = json!({"true_label": "Yes"});
            json!({"request": whole})
        }
    };
    json!({"error": false, "msg": "ok", "data": data}).to_string().into_response()
}

on_both! {
    async fn a_source_that_refuses_fails_and_breaks_off_is_pulled_to_the_end(world: World) {
        let (fake, url) = Fake::start().await;
        fake.moods(|moods| (moods.cut_from, moods.reset) = (Some(200), present_time(&world).seconds() + 8));
        let ann = world.person("ann@example.com").await;
        let key = world.key(&ann).await;
        let first = pull(&world.url, &url, "secret", &["--tries", "2"]).await;
        assert_eq!(first.code, Some(1), "{first:?}");
        for said in [
            "the source allows no more calls for now: waiting 1 s",
            "try 1 of 2 failed (500 Failed to retrieve requests): waiting 1 s",
            "the calls that the source allows are used up: waiting",
            "after 2 tries",
            "the request 65f1234567890abcde000007 is left out: its response_type \"editable_text\" is not known here",
            "the request 65f1234567890abcde000008 is left out: its loop is not here",
            "a member of the loop 65f1234567890abcdef12301 is left out: no e-mail address",
            "the loop nonsense is left out",
            "the loop 65f1234567890abcdef12302 is left out",
            "Loop not found",
        ] {
            assert!(first.err.contains(said), "{said}: {first:?}");
        }
        assert_eq!(fake.moods(|moods| std::mem::take(&mut moods.asked)), [(0, 100), (99, 100), (198, 100), (198, 100)]);
        let listed = world.get("/v1/api/requests?limit=1").key(&key).await;
        assert_eq!(listed.at("data.total"), 197, "what came before stays");

        fake.moods(|moods| (moods.cut_from, moods.reset) = (None, 0));
        let said = pull(&world.url, &url, "secret", &["--json"]).await.json();
        has(&said["new"], &json!({"request": 51}));
        has(&said, &json!({"left_out": 5, "open_requests": 0})); // two loops again, and what the first run said
        assert_eq!(fake.moods(|moods| std::mem::take(&mut moods.asked)), [(0, 100), (196, 10), (99, 100), (198, 100), (249, 100), (250, 100)]);
        let listed = world.get("/v1/api/requests?limit=100").key(&key).await;
        assert_eq!(listed.at("data.total"), 248);
        has(listed.at("data.requests.0"), &json!({"response_data": true, "response_by_user": {"id": "65f1234567890abcdef12309", "name": "Bob", "email": "bob@example.com"}}));

        // Once more, from the end on.
        let third = pull(&world.url, &url, "secret", &["--json"]).await.json();
        assert!(third["new"].as_object().unwrap().values().all(|new| new == 0), "{third}");
        assert_eq!(third["left_out"], 5);
        assert_eq!(fake.moods(|moods| std::mem::take(&mut moods.asked)), [(0, 100), (247, 10), (150, 100), (249, 100), (250, 100)]);

        // What comes after all is no longer left out.
        fake.moods(|moods| moods.is_back = true);
        let fourth = pull(&world.url, &url, "secret", &[]).await;
        assert!(fourth.out.contains("4 were left out over all runs, 1 of them as said above"), "{fourth:?}");
    }

    async fn what_moves_up_because_others_went_away_is_not_passed_over(world: World) {
        let (fake, url) = Fake::start().await;
        fake.moods(|moods| (moods.troubles, moods.go_away) = (2, 30));
        world.person("ann@example.com").await;
        let said = pull(&world.url, &url, "secret", &["--json"]).await.json();
        has(&said["new"], &json!({"request": 248}));
        let asked = fake.moods(|moods| std::mem::take(&mut moods.asked));
        assert_eq!(asked, [(0, 100), (99, 100), (0, 100), (99, 100), (198, 100), (219, 100), (220, 100)]);
    }

    async fn however_a_source_makes_its_pages_all_is_read_or_it_is_said(world: World) {
        let ways: [Way; 10] = [
            (|it| it.nameless = true, Some(247)),
            (|it| it.cap = Some(30), Some(248)),
            (|it| it.cap = Some(1), Some(248)),
            (|it| (it.cap, it.ignores_offset) = (Some(30), true), Some(28)),
            (|it| it.ignores_offset = true, None),
            (|it| it.total = Some(COUNT + 10), Some(248)),
            (|it| (it.total, it.cap) = (Some(COUNT), Some(30)), Some(248)),
            (|it| (it.total, it.cap) = (Some(12), Some(1)), Some(10)),
            (|it| (it.total, it.ignores_offset) = (Some(150), true), None),
            (|it| (it.total, it.ignores_offset, it.cap) = (Some(150), true, Some(1)), None),
        ];
        for (way, kept) in ways {
            let (fake, url) = Fake::start().await;
            fake.moods(|moods| {
                moods.troubles = 2;
                way(moods);
            });
            let target = Database::create(other(&world)).await;
            anns(&target).await;
            let said = pull(&target.url, &url, "secret", &["--json"]).await;
            match kept {
                Some(kept) => {
                    has(&said.json()["new"], &json!({"request": kept}));
                    let told = said.err.contains("taken for all that there are");
                    assert_eq!(told, fake.moods(|it| it.ignores_offset), "{said:?}");
                }
                None => assert!(said.code == Some(1) && said.err.contains("the same page"), "{said:?}"),
            }
            target.drop().await;
        }
    }
}
