//! Forms that mean harm, or nothing, posted by somebody who may: each is refused or done, and none breaks a page.

use crate::{
    accidents,
    harness::{World, on_both, question},
    rivals::patient,
};
use axum::http::Method;
use hitl_server::{http, service::keys};
use std::collections::BTreeSet;

/// What stands in a field that is not spoiled. A field that has no line here is left empty.
const SOUND: [(&str, &str); 17] = [
    ("name", "Somebody"),
    ("description", "About it"),
    ("icon", "eye"),
    ("email", "somebody@example.com"),
    ("scopes", "loops:read"),
    ("reach", "all"),
    ("limit", "10"),
    ("overlap", "3600"),
    ("type", "markdown"),
    ("processing_type", "time-sensitive"),
    ("priority", "high"),
    ("request_text", "Well?"),
    ("response_type", "single_select"),
    ("options", "approve\r\nreject"),
    ("timeout", "2"),
    ("unit", "3600"),
    ("response", "approve"),
];

fn spoilt() -> Vec<String> {
    let long = |text: &str, times| text.repeat(times);
    [
        "\0",
        "a\0b",
        "'; drop table requests; --",
        "<script>alert(1)</script>",
        "\r\nSet-Cookie: a=b",
        "-1",
        "1e999",
        "9999999999-13-45",
        "\u{202e}{",
    ]
    .map(String::from)
    .into_iter()
    .chain([long("[", 5000), long("é", 2001)])
    .collect()
}

/// The names of a form's fields.
fn fields(page: &[u8]) -> BTreeSet<String> {
    let page = String::from_utf8_lossy(page);
    page.split(" name=\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
}

/// Somebody who owns the server, with a loop, a member, a key and a request of their own: some forms end what they are about.
struct Place {
    session: String,
    names: [(&'static str, String); 6],
}

impl Place {
    async fn new(world: &World, number: usize) -> Self {
        let email = format!("owner{number}@example.com");
        let owner = world.person(&email).await;
        accidents::run(world, &format!("update accounts set role = 'owner' where email = '{email}'")).await;
        let (key, token) = world.key_with(&owner, |_| {}).await;
        let (loop_id, code) = world.loop_named(&token, "Loop").await;
        let (jane, _) = world.reviewer(&format!("jane{number}@example.com"), &code).await;
        let asked = world.post(&format!("/v1/api/loops/{loop_id}/requests")).key(&token).json(&question()).await;
        let session = world.sign_in(&owner).await;
        let names = [
            ("{loop_id}", loop_id),
            ("{request_id}", asked.text("data.id")),
            ("{user_id}", jane.id.to_string()),
            ("{key_id}", key.id.to_string()),
            ("{code}", code),
            ("{token}", "nonsense".to_owned()),
        ];
        Self { session, names }
    }

    fn fill(&self, path: &str) -> String {
        let path = self.names.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value));
        path.replace("{session_id}", "65f1234567890abcdef12345")
    }
}

/// The form with everything spoilt, and with one field spoilt at a time.
fn bodies(names: &BTreeSet<String>, loop_id: &str) -> Vec<Vec<(String, String)>> {
    let sound = |name: &String| {
        let known = SOUND.iter().copied().chain([("loop_id", loop_id)]).find(|(known, _)| known == name);
        known.map_or("", |(_, value)| value).to_owned()
    };
    let spoilt = spoilt();
    let all = spoilt.iter().map(|value| names.iter().map(|name| (name.clone(), value.clone())).collect::<Vec<_>>());
    let one = names.iter().enumerate().flat_map(|(place, bad)| {
        let values = [&spoilt[place % spoilt.len()], &spoilt[(place + 3) % spoilt.len()]];
        values.map(|value| {
            let field = |name: &String| (name.clone(), if name == bad { value.clone() } else { sound(name) });
            names.iter().map(field).collect::<Vec<_>>()
        })
    });
    all.chain(one).collect()
}

on_both! {
    async fn no_form_of_whoever_is_signed_in_breaks_a_page(world: World) {
        let world = patient(&world);
        let posts = http::pages().operations.into_iter().filter(|it| it.method == Method::POST);
        let (mut sent, mut done, mut refused) = (0, 0, 0);
        for (number, operation) in posts.enumerate() {
            let place = Place::new(&world, number).await;
            let path = place.fill(&operation.path);
            let form = world.get(&path).cookie(&place.session).await;
            let mut names = if form.status == 200 { fields(&form.bytes) } else { BTreeSet::new() };
            names.extend(["name", "response", "reason", "email"].map(String::from));
            for body in bodies(&names, &place.names[0].1) {
                let pairs: Vec<(&str, &str)> = body.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                let answer = world.post(&path).cookie(&place.session).form(&pairs).await;
                let page = String::from_utf8_lossy(&answer.bytes);
                assert!([200, 201, 303, 400, 401, 403, 404, 409].contains(&answer.status), "{path} {body:?}: {} {page}", answer.status);
                assert!(!page.contains("<script>alert") && !answer.header("set-cookie").contains("a=b"), "{path} {body:?}");
                sent += 1;
                done += usize::from(answer.status < 400);
                refused += usize::from(answer.status == 400);
            }
            for raw in ["", "&&=&", "name", "name=%", "name=%zz&response=%ff", "{\"name\":\"x\"}"] {
                let answer = world.post(&path).cookie(&place.session).raw(raw).await;
                assert!([200, 201, 303, 400, 401, 403, 404, 409].contains(&answer.status), "{path} {raw}: {}", answer.status);
            }
        }
        let number = keys::list(&world.app, None).await.unwrap().len();
        assert!(done > 50 && refused > 100 && number > 20, "{sent} sent, {done} done, {refused} refused, {number} keys");
    }
}
