//! Input that means harm, or nothing: every operation refuses it in one of the ways that its description names, and never breaks.

use crate::{
    harness::{Answer, Asker, World, on_both, question, question_with},
    rivals::patient,
};
use axum::http::HeaderValue;
use hitl_server::http::{openapi, openapi::Description, routes::Operation};
use serde_json::{Value, json};
use utoipa::OpenApi;

/// Numbers that look like chance and are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())].clone()
    }
}

fn texts() -> Vec<String> {
    let long = |text: &str, times| text.repeat(times);
    [
        "",
        " ",
        "\0",
        "a\0b",
        "'; drop table requests; --",
        "\" or 1=1 --",
        "<script>alert(1)</script>",
        "{{7*7}}",
        "${jndi:ldap://x}",
        "\u{202e}\u{200b}\u{feff}",
        "🙋🏽‍♀️",
        "\r\nSet-Cookie: a=b",
        "../../etc/passwd",
        "%00%ff",
        "null",
        "true",
        "-1",
        "1e999",
        "NaN",
        "9999-12-31T23:59:59Z",
        "0000-00-00T00:00:00Z",
        "http://127.0.0.1:1/",
        "javascript:alert(1)",
        "http://[::ffff:169.254.169.254]/",
        "a@b",
        "\u{1}\u{7f}\u{85}",
    ]
    .map(String::from)
    .into_iter()
    .chain([long("a", 100_000), long("é", 2001), long("🙂", 101), long("a@", 300)])
    .collect()
}

fn numbers() -> Vec<Value> {
    let whole = [0, -1, 1, 59, 60, 61, i64::MAX, i64::MIN, 1 << 53];
    whole
        .map(Value::from)
        .into_iter()
        .chain([json!(u64::MAX), json!(1e308), json!(-1e-308), json!(0.1), json!(-0.0)])
        .collect()
}

/// Any JSON at all.
fn value(dice: &mut Dice, depth: usize) -> Value {
    match dice.roll(if depth == 0 { 4 } else { 6 }) {
        0 => Value::Null,
        1 => json!(dice.roll(2) == 0),
        2 => dice.pick(&numbers()),
        3 => json!(dice.pick(&texts())),
        4 => (0..dice.roll(5)).map(|_| value(dice, depth - 1)).collect(),
        _ => Value::Object((0..dice.roll(5)).map(|_| (dice.pick(&texts()), value(dice, depth - 1))).collect()),
    }
}

/// A sound body with something in it replaced, on any level.
fn spoiled(dice: &mut Dice, sound: &Value) -> Value {
    let mut body = sound.clone();
    let fields = body.as_object_mut().unwrap();
    for _ in 0..=dice.roll(2) {
        let names: Vec<String> = fields.keys().cloned().collect();
        let Some(name) = (!names.is_empty()).then(|| dice.pick(&names)) else { break };
        let nested = fields[&name].is_object() && dice.roll(2) == 0;
        let new = if nested { spoiled(dice, &fields[&name].clone()) } else { value(dice, 3) };
        fields.insert(name, new);
    }
    body
}

/// Bodies that no JSON parser should take, or only just.
fn raw_bodies() -> Vec<Vec<u8>> {
    let deep = |depth: usize| format!("{{\"request_text\":{}{}}}", "[".repeat(depth), "]".repeat(depth)).into_bytes();
    let texts = [
        "",
        " ",
        "{",
        "}",
        "[]",
        "null",
        "42",
        "\"text\"",
        "{}{}",
        "{\"a\":}",
        "{'a':1}",
        "name=value&other=1",
        "{\"a\":1,}",
        "\u{feff}{}",
        "{\"name\":\"\\ud800\"}",
        "{\"name\":\"\\u0000\"}",
        "{\"name\":1e99999}",
        "{\"name\":\"a\",\"name\":null}",
    ];
    let mut bodies: Vec<Vec<u8>> = texts.map(|text| text.as_bytes().to_vec()).to_vec();
    bodies.extend([
        deep(100),
        deep(127),
        deep(200),
        deep(100_000),
        vec![0; 64],
        vec![0xff; 64],
        b"{\"name\":\"\xff\"}".to_vec(),
    ]);
    bodies
}

/// What an operation may answer.
fn documented(document: &Value, operation: &Operation) -> Vec<u16> {
    let responses = &document["paths"][&operation.path][operation.method.as_str().to_lowercase()]["responses"];
    responses.as_object().unwrap().keys().map(|status| status.parse().unwrap()).collect()
}

/// A body that the operation would take, as far as it takes one.
fn sound(document: &Value, operation: &Operation) -> Value {
    let described = &document["paths"][&operation.path][operation.method.as_str().to_lowercase()];
    let reference = described["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
    let schema = reference.map_or(&Value::Null, |reference| document.pointer(&reference[1..]).unwrap());
    if schema["example"].is_object() { schema["example"].clone() } else { question() }
}

/// An answer is JSON in its envelope, and one that is named in the description.
fn check(answer: &Answer, statuses: &[u16], of: &str) {
    assert!(
        answer.status != 500 && statuses.contains(&answer.status),
        "{of}: {} {} is not one of {statuses:?}",
        answer.status,
        answer.body
    );
    if answer.status == 204
        || answer.header("content-type").starts_with("image/")
        || answer.header("content-type").starts_with("text/event-stream")
        || of.contains("/openapi.json")
        || of.contains("/health")
        || of.contains("/ready")
    {
        return;
    }
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8", "{of}");
    assert_eq!(answer.at("error"), &json!(answer.status >= 400), "{of}: {}", answer.body);
    assert!(
        answer.at("msg").as_str().is_some_and(|msg| !msg.is_empty() && msg != "Internal server error"),
        "{of}: {}",
        answer.body
    );
}

/// Names to fill a path with.
struct Target {
    asker: Asker,
    jane: String,
    jane_session: String,
    request: String,
}

impl Target {
    /// A loop, a member and a request of their own for each operation: some delete what they get.
    async fn new(world: &World, number: usize) -> Self {
        let owner = world.person(&format!("owner{number}@example.com")).await;
        let key = world.key(&owner).await;
        let made = world.post("/v1/api/loops").key(&key).json(&json!({"name": "Loop"})).await;
        let session = world.sign_in(&owner).await;
        let asker = Asker { owner, key, loop_id: made.text("data.id"), code: made.text("data.invite_code"), session };
        let (jane, jane_session) = world.reviewer(&format!("jane{number}@example.com"), &asker.code).await;
        let request = world.ask(&asker, &question()).await;
        Self { asker, jane: jane.id.to_string(), jane_session, request }
    }

    fn fill(&self, path: &str) -> String {
        let path = path.replace("{loop_id}", &self.asker.loop_id).replace("{request_id}", &self.request);
        path.replace("{user_id}", &self.jane).replace("{file}", &format!("{}.png", self.asker.code))
    }

    fn token(&self, operation: &Operation) -> &str {
        if operation.path.starts_with("/v1/reviewer") { &self.jane_session } else { &self.asker.key }
    }
}

on_both! {
    async fn no_body_breaks_an_operation(world: World) {
        let world = patient(&world);
        let document = serde_json::to_value(Description::openapi()).unwrap();
        let mut dice = Dice(0x5eed);
        for (number, operation) in openapi::described().into_iter().enumerate() {
            let target = Target::new(&world, number).await;
            let (statuses, sound) = (documented(&document, &operation), sound(&document, &operation));
            let mut bodies = raw_bodies();
            bodies.extend((0..20).map(|_| spoiled(&mut dice, &sound).to_string().into_bytes()));
            bodies.extend((0..5).map(|_| value(&mut dice, 6).to_string().into_bytes()));
            let paths: Vec<String> = std::iter::once(&operation.path).chain(&operation.aliases).map(|path| target.fill(path)).collect();
            for body in bodies {
                let shown = String::from_utf8_lossy(&body).chars().take(300).collect::<String>();
                let path = dice.pick(&paths);
                let answer = world.call(operation.method.clone(), &path).key(target.token(&operation)).raw(body).await;
                check(&answer, &statuses, &format!("{} {path} {shown}", operation.method));
            }
        }
    }

    async fn no_body_above_a_mebibyte_is_read(world: World) {
        let asker = world.asker().await;
        let body = question_with(&json!({"request_text": "a".repeat(1024 * 1024)}));
        let path = format!("/v1/api/loops/{}/requests", asker.loop_id);
        world.post(&path).key(&asker.key).json(&body).await.refused(413, "Request body too large", &Value::Null);
        let text = question_with(&json!({"metadata": {"text": "a".repeat(900 * 1024)}}));
        assert!([201, 400].contains(&world.post(&path).key(&asker.key).json(&text).await.status));
    }

    async fn no_query_breaks_an_operation(world: World) {
        let world = patient(&world);
        let target = Target::new(&world, 0).await;
        let document = serde_json::to_value(Description::openapi()).unwrap();
        let values = [
            "", "%00", "%ff", "%", "%zz", "99999999999999999999", "-1", "0", "101", "1.5", "1e3", "';--", "%F0%9F%99%82", "null", "[]",
            "2024-13-45T99:99:99Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "-9999-01-01T00:00:00Z", "pending,,bogus", "+",
        ];
        let names = ["status", "priority", "loop_id", "limit", "offset", "sort", "created_before", "created_after", "tab", "include", "api_key_id", "wait", "timeout", "since", "format", "event"];
        let mut dice = Dice(0x0dd5);
        // A final request is not waited for, and the stream of all events never ends.
        let answer = json!({"response_data": "approve"});
        let respond = format!("/v1/reviewer/requests/{}/respond", target.request);
        assert_eq!(world.post(&respond).key(&target.jane_session).json(&answer).await.status, 200);
        for operation in openapi::described().into_iter().filter(|it| it.method == "GET" && it.path != "/v1/api/events") {
            let statuses = documented(&document, &operation);
            let mut queries: Vec<String> = (0..60).map(|_| format!("{}={}", dice.pick(&names), dice.pick(&values))).collect();
            queries.extend(["&&&=", "=&=", "?", "limit=1&limit=2", "limit", "limit[]=1", "status[$ne]=x"].map(String::from));
            queries.push(format!("status={}", "a".repeat(20_000)));
            for query in queries {
                let path = format!("{}?{query}", target.fill(&operation.path));
                let answer = world.get(&path).key(target.token(&operation)).await;
                check(&answer, &statuses, &format!("GET {path}"));
            }
        }
    }

    async fn no_path_breaks_the_server(world: World) {
        let world = patient(&world);
        let target = Target::new(&world, 0).await;
        let names = [
            "%00", "%ff", "%", "%zz", "%2e%2e", "..", ".", "%2f", "a", "65F1234567890ABCDEF12345", "65f1234567890abcdef1234g", "%20",
            "%F0%9F%99%82", "'", "*", "{loop_id}", "null", "-1", "%0d%0aSet-Cookie:a=b",
        ];
        let long = "a".repeat(10_000);
        let documented = openapi::described();
        let pages = hitl_server::http::pages().operations;
        for operation in documented.iter().chain(&pages) {
            let Some((start, rest)) = operation.path.split_once('{') else { continue };
            let (_, rest) = rest.split_once('}').unwrap();
            for name in names.iter().copied().chain([long.as_str()]) {
                let path = format!("{start}{name}{}", target.fill(rest));
                let answer = world.call(operation.method.clone(), &path).key(target.token(operation)).json(&question()).await;
                let shown: String = path.chars().take(100).collect();
                // A page that is posted to without a session asks to sign in with what was posted.
                assert!([303, 400, 401, 403, 404, 405].contains(&answer.status), "{} {shown}: {} {}", operation.method, answer.status, answer.body);
                if operation.path.starts_with("/v1") {
                    check(&answer, &[400, 403, 404, 405], &shown);
                }
            }
        }
    }

    async fn no_form_breaks_a_page(world: World) {
        let link = hitl_server::service::setup::link(&world.app).await.unwrap().unwrap();
        let world = patient(&world);
        let setup = link.strip_prefix(crate::harness::BASE).unwrap().to_owned();
        let target = Target::new(&world, 0).await;
        let join = format!("/join/{}", target.asker.code);
        let values = ["", "%00", "a%00b", "%ff", "%", "a%40b.c%00", "%3Cscript%3Ealert(1)%3C%2Fscript%3E", "%0d%0aSet-Cookie:a=b"];
        for path in [&setup, &join] {
            for mode in ["mode=sign_up&", "mode=sign_in&"] {
                for value in values {
                    let form = format!("{mode}email={value}&name={value}&password={value}{value}{value}{value}");
                    let page = world.post(path).header("content-type", "application/x-www-form-urlencoded").raw(form.clone()).await;
                    assert!([400, 401, 403, 404, 409].contains(&page.status), "{path} {form}: {}", page.status);
                    assert!(!String::from_utf8(page.bytes).unwrap().contains("<script>alert"), "{path} {form}");
                }
                let form = format!("{mode}email=x%40example.com&name=a%00b&password=correct+horse+battery");
                let page = world.post(path).raw(form).await;
                assert!([400, 401, 404].contains(&page.status), "{path}: {}", page.status);
            }
        }
    }

    async fn no_header_breaks_the_server(world: World) {
        let world = patient(&world);
        let target = Target::new(&world, 0).await;
        let names = [
            "authorization", "content-type", "content-length", "cookie", "origin", "host", "user-agent", "x-request-id", "x-forwarded-for",
            "x-forwarded-proto", "accept", "accept-encoding", "idempotency-key", "if-none-match", "sec-fetch-site", "x-api-key",
            "access-control-request-method", "transfer-encoding", "expect", "range",
        ];
        let long = "a".repeat(50_000);
        let values: [&[u8]; 8] = [b"", b" ", b"\xff\xfe", b"\t", b"Bearer ", b"hitl_session=\xff; ;;=", b"-1", long.as_bytes()];
        let path = format!("/v1/api/loops/{}/requests", target.asker.loop_id);
        for name in names {
            for value in values {
                for token in [&target.asker.key, &target.jane_session] {
                    let mut request = axum::http::Request::post(&path);
                    if name != "authorization" {
                        request = request.header("authorization", format!("Bearer {token}"));
                    }
                    let header = HeaderValue::from_bytes(value).unwrap();
                    let request = request.header(name, header).body(axum::body::Body::from(question().to_string())).unwrap();
                    let response = tower::ServiceExt::oneshot(world.router.clone(), request).await.unwrap();
                    let shown = String::from_utf8_lossy(value).chars().take(30).collect::<String>();
                    assert!([201, 400, 401, 413].contains(&response.status().as_u16()), "{name}: {shown}: {}", response.status());
                    let id = response.headers()["x-request-id"].to_str().unwrap();
                    assert!(!id.is_empty() && id.len() <= 128, "{id}");
                }
            }
        }
    }

    async fn what_was_sent_comes_back_as_it_was_and_does_nothing_on_a_page(world: World) {
        let world = patient(&world);
        let owner = world.person("owner@example.com").await;
        let key = world.key(&owner).await;
        for (number, text) in texts().into_iter().enumerate() {
            let name: String = text.chars().take(100).collect();
            let sent = json!({"name": name, "description": name, "icon": name});
            let made = world.post("/v1/api/loops").key(&key).json(&sent).await;
            if name.contains('\0') || name.trim().is_empty() {
                assert_eq!(made.status, 400, "{number} {name:?}");
                continue;
            }
            assert_eq!((made.status, made.at("data.loop.name")), (201, &json!(name.trim())), "{number} {name:?}");
            let page = world.get(&format!("/join/{}", made.text("data.invite_code"))).await;
            let html = String::from_utf8(page.bytes).unwrap();
            assert_eq!(page.status, 200);
            assert!(!html.contains("<script>alert"), "{html}");
            assert!(page.headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
        }
        for path in ["/join/%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/setup/%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/%3Cscript%3Ealert(1)"] {
            let page = world.get(path).await;
            assert_eq!(page.status, 404);
            assert!(!String::from_utf8(page.bytes).unwrap().contains("<script>alert"), "{path}");
        }
    }
}
