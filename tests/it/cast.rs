//! What tests of loops and people need beside the harness: named loops, people with passwords, cookies, forms, exact keys.

use crate::harness::{Answer, Call, World};
use hitl_server::{
    domain::{Account, Actor, Email, Role},
    service::{accounts, accounts::NewAccount},
    store::Db,
};
use serde_json::{Value, json};

/// The password of everybody who has one.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// The keys of a loop as its creator sees it (contract 5.1).
pub(crate) const OWN_LOOP: &str = "id name description icon creator_id members member_count pending_count active_count \
    invite_code join_url qr_code_url created_at updated_at";
/// The keys of a loop as a member sees it: without the ways in.
pub(crate) const JOINED_LOOP: &str =
    "id name description icon creator_id members member_count pending_count active_count created_at updated_at";
/// The keys of a member in a loop.
pub(crate) const MEMBER: &str = "user_id email status joined_at";
/// The keys of a member in the list of members.
pub(crate) const MEMBER_DETAILS: &str = "user_id email status joined_at name role last_active";

impl World {
    /// A loop of that key's owner; its id and invite code.
    pub(crate) async fn loop_named(&self, key: &str, name: &str) -> (String, String) {
        let made = self.post("/v1/api/loops").key(key).json(&json!({"name": name})).await;
        made.accepted(200, "Loop created successfully with QR code");
        (made.text("data.id"), made.text("data.invite_code"))
    }

    /// Somebody who signs in with [`PASSWORD`].
    pub(crate) async fn signed_up(&self, email: &str) -> Account {
        let new = NewAccount { email: Email::parse(email).unwrap(), name: "Ann".into(), role: Role::Member };
        accounts::create(&self.app, Actor::Operator, new, PASSWORD).await.unwrap()
    }

    /// Signs in as a program does.
    pub(crate) async fn sign_in_with(&self, email: &str, password: &str) -> Answer {
        self.post("/v1/reviewer/session").json(&json!({"email": email, "password": password})).await
    }

    /// Signs up with a loop's code.
    pub(crate) async fn sign_up_with(&self, code: &str, email: &str) -> Answer {
        let body = json!({"invite_code": code, "email": email, "name": "Ann", "password": PASSWORD});
        self.post("/v1/reviewer/signup").json(&body).await
    }

    /// Joins a loop.
    pub(crate) async fn join(&self, session: &str, code: &str) -> Answer {
        self.post("/v1/reviewer/loops/join").key(session).json(&json!({"invite_code": code})).await
    }

    /// Invites somebody to a loop; their account's id.
    pub(crate) async fn invite(&self, key: &str, loop_id: &str, email: &str) -> String {
        let path = format!("/v1/api/loops/{loop_id}/members");
        let invited = self.post(&path).key(key).json(&json!({"email": email})).await;
        invited.accepted(201, "Member invited successfully");
        invited.text("data.member.user_id")
    }

    /// Claims or releases a request.
    pub(crate) async fn act(&self, session: &str, request: &str, act: &str) -> Answer {
        self.post(&format!("/v1/reviewer/requests/{request}/{act}")).key(session).await
    }

    /// Answers a request.
    pub(crate) async fn respond(&self, session: &str, request: &str, answer: Value) -> Answer {
        let path = format!("/v1/reviewer/requests/{request}/respond");
        self.post(&path).key(session).json(&json!({"response_data": answer})).await
    }

    /// A request as its creator sees it.
    pub(crate) async fn request(&self, key: &str, request: &str) -> Answer {
        self.get(&format!("/v1/api/requests/{request}")).key(key).await
    }

    /// A loop as that key's owner sees it.
    pub(crate) async fn loop_seen(&self, key: &str, loop_id: &str) -> Answer {
        self.get(&format!("/v1/api/loops/{loop_id}")).key(key).await
    }

    /// A part of somebody's inbox.
    pub(crate) async fn inbox(&self, session: &str, tab: &str) -> Answer {
        self.get(&format!("/v1/reviewer/inbox?tab={tab}")).key(session).await
    }

    /// The names of what happened to a loop itself, in order.
    pub(crate) async fn loop_events(&self, loop_id: &str) -> Vec<String> {
        let rows: Vec<(String,)> = (&self.app.store)
            .sql("select name from events where loop_id = $1 and request_id is null order by seq")
            .bind(loop_id)
            .all()
            .await
            .unwrap();
        rows.into_iter().map(|(name,)| name).collect()
    }
}

impl Call<'_> {
    /// With a session's cookie, as a browser sends it to the server itself.
    pub(crate) fn cookie(self, token: &str) -> Self {
        self.header("host", "hitl.test").header("cookie", &format!("theme=dark; hitl_session={token}"))
    }

    /// A form that a page posts.
    pub(crate) fn form(self, fields: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.header("content-type", "application/x-www-form-urlencoded").raw(body)
    }
}

impl Answer {
    /// Asserts that the object at a path has these keys and no others, separated by spaces, in any order.
    #[track_caller]
    pub(crate) fn has_keys(&self, path: &str, keys: &str) {
        let object = self.at(path).as_object().unwrap_or_else(|| panic!("no object at {path} in {}", self.body));
        let mut found: Vec<&str> = object.keys().map(String::as_str).collect();
        let mut wanted: Vec<&str> = keys.split_whitespace().collect();
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "at {path}");
    }

    /// The texts of one field of the objects in the list at a path.
    pub(crate) fn each(&self, path: &str, field: &str) -> Vec<String> {
        let list = self.at(path).as_array().unwrap_or_else(|| panic!("no list at {path} in {}", self.body));
        list.iter().map(|item| item[field].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The page that came back; empty where what came is none, such as a redirect.
    pub(crate) fn page_or_nothing(&self) -> String {
        if self.header("content-type").is_empty() { String::new() } else { self.page() }
    }

    /// The page that came back.
    pub(crate) fn page(&self) -> String {
        assert_eq!(self.header("content-type"), "text/html; charset=utf-8");
        String::from_utf8(self.bytes.clone()).unwrap()
    }
}
