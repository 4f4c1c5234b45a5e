//! All pages, each with something on it: what a walk through them looks at. Routes are found from the router; here stands
//! what their parameters are filled with, and which further states of a page are worth a look.

use crate::{
    cast::PASSWORD,
    harness::{Asker, BASE, World, question_with},
};
use axum::http::Method;
use hitl_server::{
    domain::{Account, Actor},
    http,
    service::{resets, setup},
    store::Db,
};
use serde_json::{Value, json};

/// A page as somebody sees it.
pub(crate) struct Place {
    /// What to call it.
    pub(crate) name: String,
    pub(crate) path: String,
    /// Who looks; nobody who is known, where it is none.
    pub(crate) session: Option<String>,
    /// What is sent there by a form, where the page follows one.
    pub(crate) fields: Option<Fields>,
    pub(crate) status: u16,
}

/// Names and values of a form.
type Fields = Vec<(&'static str, String)>;

/// What needs nobody to be signed in, or shows something else to who is.
const OUTSIDE: [&str; 6] = ["/", "/docs", "/sign-in", "/join", "/join/{code}", "/reset/{token}"];
/// What is no page.
const FILES: [&str; 5] =
    ["/manifest.webmanifest", "/service-worker.js", "/assets/{file}", "/assets/{print}/{file}", "/audit/export"];

/// The page that is there only as long as nobody has an account.
pub(crate) async fn first_place(world: &World) -> Place {
    let link = setup::link(&world.app).await.unwrap().unwrap();
    Place {
        name: "setup".into(),
        path: link.strip_prefix(BASE).unwrap().to_owned(),
        session: None,
        fields: None,
        status: 200,
    }
}

/// All others.
pub(crate) async fn places(world: &World) -> Vec<Place> {
    let scene = Scene::set(world).await;
    let routes = http::pages().operations.into_iter().filter(|it| it.method == Method::GET).map(|it| it.path);
    let routes = routes.filter(|path| path != "/setup/{token}" && !FILES.contains(&path.as_str()));
    let mut places: Vec<Place> = routes.map(|route| scene.place(&route)).collect();
    assert!(places.len() > 25, "the router's pages are walked");
    places.extend(scene.further(world).await);
    places.extend(scene.elsewhere());
    world.clock.advance(61); // whoever guesses may go on
    places.extend(scene.refused());
    places.extend(scene.done());
    places
}

/// A world with something of everything.
struct Scene {
    asker: Asker,
    ann: Account,
    newcomer: String,
    /// What to call a request, and which it is.
    requests: Vec<(&'static str, String)>,
    /// What stands for a parameter.
    parameters: Vec<(&'static str, String)>,
}

impl Scene {
    async fn set(world: &World) -> Self {
        let asker = world.asker().await;
        // Whoever owns the server sees all its pages.
        let owns = "update accounts set role = 'owner', name = 'Olga Okonkwo' where id = $1";
        (&world.app.store).sql(owns).bind(asker.owner.id).run().await.unwrap();
        let about = json!({"name": "Content moderation", "description": "Posts that a program is not sure about.", "icon": "🛡️"});
        let path = format!("/v1/api/loops/{}", asker.loop_id);
        world.put(&path).key(&asker.key).json(&about).await.accepted(200, "Loop updated successfully");
        let (other, _) =
            world.loop_named(&asker.key, "Refunds of more than a hundred euros and their exceptions").await;
        let (ann, session) = world.reviewer("ann@example.com", &asker.code).await;
        world.invite(&asker.key, &other, "somebody-with-a-long-name@department.example.com").await;
        let requests = requests(world, &asker, &session).await;
        let (key, _) = world.key_with(&asker.owner, |new| new.name = "n8n".into()).await;
        let reset = resets::link(&world.app, Actor::Operator, ann.id).await.unwrap();
        let newcomer = world.sign_in(&world.person("new@example.com").await).await;
        let (webhook, delivery) = deliveries(world, &asker).await;
        let completed = &requests.iter().find(|(name, _)| *name == "completed").unwrap().1;
        let log = world.get(&format!("/v1/api/requests/{completed}/deliveries")).key(&asker.key).await;
        let parameters = vec![
            (
                "{request_id}/deliveries/{delivery_id}",
                format!("{completed}/deliveries/{}", log.text("data.deliveries.0.id")),
            ),
            ("{request_id}", requests[0].1.clone()),
            ("{loop_id}", asker.loop_id.clone()),
            ("{key_id}", key.id.to_string()),
            ("{user_id}", ann.id.to_string()),
            ("{code}", asker.code.clone()),
            ("{token}", reset.rsplit_once('/').unwrap().1.to_owned()),
            ("{webhook_id}", webhook),
            ("{delivery_id}", delivery),
            ("{seq}", "1".into()),
        ];
        Self { asker, ann, newcomer, requests, parameters }
    }

    /// A route with something in the place of each parameter.
    fn place(&self, route: &str) -> Place {
        let mut path = route.to_owned();
        for (parameter, value) in &self.parameters {
            path = path.replace(parameter, value);
        }
        assert!(!path.contains('{'), "say in browser_places.rs what stands for the parameters of {route}");
        let name = if route == "/" { "home".into() } else { route[1..].replace('/', "-").replace(['{', '}'], "") };
        let session = (!OUTSIDE.contains(&route)).then(|| self.asker.session.clone());
        Place { name, path, session, fields: None, status: 200 }
    }

    /// The same of a page that follows a form.
    fn sent(&self, name: &str, route: &str, fields: &[(&'static str, &str)], status: u16) -> Place {
        let fields = fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Place { name: name.into(), fields: Some(fields), status, ..self.place(route) }
    }

    fn request(&self, wanted: &str) -> String {
        let (_, id) = self.requests.iter().find(|(name, _)| *name == wanted).unwrap();
        format!("/inbox/{id}/answer")
    }

    /// Pages that say why there is nothing.
    fn elsewhere(&self) -> Vec<Place> {
        let page = |name: &str, path: &str, status| Place { name: name.into(), status, ..self.place(path) };
        vec![page("nowhere", "/no/such/page", 404), page("audit-refused", "/audit?from=never", 400)]
    }

    /// Forms that were not taken, with what is wrong beside their fields.
    fn refused(&self) -> Vec<Place> {
        let nobody = [
            ("name", "Eve"),
            ("email", "nobody"),
            ("role", "member"),
            ("mode", "sign_up"),
            ("password", "long enough"),
        ];
        let stranger =
            |name, route, fields: &[_], status| Place { session: None, ..self.sent(name, route, fields, status) };
        vec![
            self.sent("refused-key", "/keys/new", &[("name", "n8n"), ("scopes", "loops:read"), ("limit", "many")], 400),
            self.sent(
                "refused-reach",
                "/keys/new",
                &[("name", "n8n"), ("scopes", "loops:read"), ("reach", "chosen")],
                400,
            ),
            self.sent("refused-person", "/people/new", &nobody, 400),
            self.sent(
                "refused-last-owner",
                &format!("/people/{}/role", self.asker.owner.id),
                &[("role", "member")],
                409,
            ),
            self.sent(
                "refused-webhook",
                "/webhooks/new",
                &[("url", "ftp://example.com"), ("events", "request.completed")],
                400,
            ),
            self.sent("refused-recovery", "/webhooks/{webhook_id}/recover", &[("hours", "many")], 400),
            self.sent("refused-request", "/requests/new", &self.asking("single_select", &[("options", "")]), 400),
            self.sent("refused-request-text", "/requests/new", &self.asking("boolean", &[("request_text", " ")]), 400),
            self.sent("refused-loop", "/loops/new", &[("name", " "), ("icon", "key")], 400),
            self.sent("refused-invitation", "/loops/{loop_id}/invite", &[("email", "nobody")], 400),
            self.sent("refused-name", "/account/name", &[("name", " ")], 400),
            self.sent(
                "refused-password",
                "/account/password",
                &[("current_password", "wrong"), ("password", "short")],
                400,
            ),
            self.sent("refused-notifications", "/account/notifications", &[("ntfy_url", "nowhere")], 400),
            self.sent("refused-answer-text", &self.request("text"), &[("response", "")], 400),
            self.sent("refused-answer-number", &self.request("number"), &[("response", "9999")], 400),
            self.sent("refused-answer-choice", &self.request("multi-select"), &[], 400),
            self.sent("refused-answer-late", &self.request("completed"), &[("response", "ok")], 409),
            stranger(
                "refused-sign-in",
                "/sign-in",
                &[("email", "nobody@example.com"), ("password", "wrong password")],
                401,
            ),
            stranger("refused-session", &self.request("text"), &[("response", "Dear customer")], 401),
            stranger("refused-code", "/join", &[("code", "AAAAAAAAA")], 404),
            stranger("refused-sign-up", "/join/{code}", &nobody, 400),
            stranger("refused-reset", "/reset/{token}", &[("password", "short")], 400),
        ]
    }

    /// What is shown once, or first.
    fn done(&self) -> Vec<Place> {
        let scopes = [("name", "n8n"), ("scopes", "requests:read"), ("scopes", "requests:write"), ("reach", "all")];
        let zoe = [
            ("name", "Zoe"),
            ("email", "zoe@example.com"),
            ("role", "member"),
            ("mode", "sign_up"),
            ("password", PASSWORD),
        ];
        let preview =
            |kind, more: &[(&'static str, &'static str)]| self.asking(kind, &[more, &[("act", "preview")]].concat());
        vec![
            self.sent("done-key", "/keys/new", &scopes, 201),
            self.sent("done-key-rotated", "/keys/{key_id}/rotate", &[("overlap", "86400")], 201),
            self.sent(
                "done-webhook",
                "/webhooks/new",
                &[("url", "https://hooks.example.com/new"), ("events", "request.completed")],
                201,
            ),
            self.sent("done-webhook-rotated", "/webhooks/{webhook_id}/rotate", &[], 201),
            self.sent("done-signing-secret", "/webhooks/signing-secret", &[], 200),
            self.sent("done-signing-secret-rotated", "/webhooks/signing-secret/rotate", &[], 201),
            self.sent(
                "done-preview-choice",
                "/requests/new",
                &preview("single_select", &[("options", "Publish\nReject"), ("prompt", "Shall we?")]),
                200,
            ),
            self.sent(
                "done-preview-number",
                "/requests/new",
                &preview("number", &[("min", "1"), ("max", "500"), ("prefix", "€")]),
                200,
            ),
            self.sent("done-preview-boolean", "/requests/new", &preview("boolean", &[("default_response", "no")]), 200),
            self.sent(
                "done-person",
                "/people/new",
                &[("name", "Yan"), ("email", "yan@example.com"), ("role", "owner")],
                201,
            ),
            self.sent("done-link", "/people/{user_id}/link", &[], 201),
            Place { session: None, ..self.sent("done-joined", "/join/{code}", &zoe, 200) },
        ]
    }

    /// A request by hand.
    fn asking<'a>(&'a self, kind: &'a str, more: &[(&'static str, &'a str)]) -> Vec<(&'static str, &'a str)> {
        let usual = [
            ("loop_id", self.asker.loop_id.as_str()),
            ("request_text", "# Refund\n\nShall we **refund** order 7?"),
            ("context", "{\"order\": {\"id\": 7, \"total\": 129.9}}"),
            ("response_type", kind),
            ("priority", "high"),
            ("timeout", "1"),
            ("unit", "3600"),
        ];
        let usual = usual.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
        usual.chain(more.iter().copied()).collect()
    }

    /// Other states of those pages.
    async fn further(&self, world: &World) -> Vec<Place> {
        let ann = world.sign_in(&self.ann).await;
        let mut places = Vec::new();
        let mut add = |name: &str, path: &str, session: &str| {
            let session = Some(session.into());
            places.push(Place { name: name.into(), path: path.into(), session, fields: None, status: 200 });
        };
        for (name, id) in &self.requests {
            add(&format!("inbox-request-{name}"), &format!("/inbox/{id}"), &self.asker.session);
            if ["claimed", "completed", "cancelled", "timeout"].contains(name) {
                add(&format!("requests-request-{name}"), &format!("/requests/{id}"), &self.asker.session);
            }
        }
        for tab in ["mine", "completed"] {
            add(&format!("inbox-{tab}"), &format!("/inbox?tab={tab}"), &ann);
        }
        add("inbox-nothing-matches", "/inbox?priority=low&tab=mine", &self.asker.session);
        add("requests-nothing-matches", "/requests?search=nowhere", &self.asker.session);
        add("join-code-signed-in", &format!("/join/{}", self.asker.code), &self.newcomer);
        for (name, path) in [("inbox", "/inbox"), ("loops", "/loops"), ("history", "/history"), ("menu", "/menu")] {
            add(&format!("{name}-newcomer"), path, &self.newcomer);
        }
        places
    }
}

/// A webhook to which something was sent in vain, and that delivery.
async fn deliveries(world: &World, asker: &Asker) -> (String, String) {
    let webhook =
        json!({"url": "https://hooks.example.com/a/rather/long/path/of/somebody", "events": ["request.created"]});
    let made = world.post("/v1/api/webhooks").key(&asker.key).json(&webhook).await;
    let webhook = made.text("data.webhook.id");
    world.ask(asker, &question_with(&json!({"request_text": "Something to be told of"}))).await;
    let log = world.get(&format!("/v1/api/webhooks/{webhook}/deliveries")).key(&asker.key).await;
    (webhook, log.text("data.deliveries.0.id"))
}

/// Requests of every type and in every state.
async fn requests(world: &World, asker: &Asker, ann: &str) -> Vec<(&'static str, String)> {
    let options = json!([
        {"value": "ok", "label": "Publish", "description": "As it is, under the author's name", "color": "#16a34a"},
        {"value": "edit", "label": "Back to the author", "description": "With your remarks", "color": "#d97706"},
        {"value": "no", "label": "Reject", "color": "#dc2626"},
    ]);
    let long = json!({"options": ["Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft", "short"], "allow_other": true});
    let labels = json!({"1": "Poor", "5": "Excellent"});
    let mut made = Vec::new();
    for (name, kind, priority, text, config) in [
        ("single-select", "single_select", "high", POST, json!({"prompt": "Shall we publish it?", "options": options})),
        (
            "multi-select",
            "multi_select",
            "medium",
            "# Which labels fit?\n\nChoose **all** that do.",
            json!({"options": options, "min_selections": 1, "max_selections": 2}),
        ),
        ("own-option", "single_select", "low", "Which unit is meant?", long),
        (
            "text",
            "text",
            "critical",
            "Write an answer to this *customer*.",
            json!({"prompt": "What do we say?", "placeholder": "Dear …", "max_length": 500, "required": true}),
        ),
        ("rating", "rating", "medium", "How good is this translation?", json!({"min": 1, "max": 5, "labels": labels})),
        (
            "slider",
            "rating",
            "low",
            "How sure are you?",
            json!({"min": 0, "max": 100, "labels": {"0": "Not at all", "100": "Entirely"}}),
        ),
        (
            "number",
            "number",
            "high",
            "What do we pay back?",
            json!({"prompt": "Amount", "min_value": 1, "max_value": 500, "prefix": "€", "suffix": "EUR", "decimal_places": 2}),
        ),
        (
            "boolean",
            "boolean",
            "critical",
            "Deploy **2.4.1** to production?",
            json!({"true_label": "Deploy", "false_label": "Hold", "true_color": "#16a34a", "false_color": "#dc2626"}),
        ),
        ("claimed", "boolean", "medium", "Is this a duplicate?", json!({})),
        ("completed", "single_select", "medium", "Is this comment friendly?", json!({"options": options})),
        ("cancelled", "boolean", "low", "No longer needed?", json!({})),
        ("timeout", "single_select", "high", "Too late?", json!({"options": options})),
    ] {
        world.clock.advance(61);
        let context = json!({"author": {"name": "Kim", "posts": 214}, "score": 0.82, "flags": ["link", "new account"], "url": "https://example.com/posts/2024/03/15/a-very-long-address-that-does-not-end"});
        let body = question_with(&json!({
            "request_text": text, "response_type": kind, "response_config": config, "priority": priority, "context": context,
            "timeout_seconds": if name == "timeout" { 60 } else { 7200 }, "default_response": if name == "timeout" { json!("no") } else { Value::Null },
            "callback_url": if name == "completed" { json!("https://hooks.example.com/answers") } else { Value::Null },
        }));
        made.push((name, world.ask(asker, &body).await));
    }
    world.clock.advance(60);
    let id = |wanted: &str| &made.iter().find(|(name, _)| *name == wanted).unwrap().1;
    world.act(ann, id("claimed"), "claim").await.accepted(200, "Request claimed");
    world.respond(ann, id("completed"), json!("edit")).await.accepted(200, "Response submitted");
    let feedback = json!({"feedback": {"rating": 5, "comment": "Just what we needed."}});
    world.post(&format!("/v1/api/requests/{}/feedback", id("completed"))).key(&asker.key).json(&feedback).await;
    let reason = json!({"reason": "Somebody has decided it elsewhere."});
    world.post(&format!("/v1/api/requests/{}/cancel", id("cancelled"))).key(&asker.key).json(&reason).await;
    made
}

/// A post with all that markdown has.
const POST: &str = "# A post by a new account\n\nIt was flagged for **links** and needs a look:\n\n> Buy cheap at \
    https://shop.example.com/an/address/that/is/far/too/long/for/a/phone?and=has&a=query\n\n* first reported 20 minutes ago\n* \
    by 3 people\n\n| field | value |\n|---|---|\n| account age | 2 days |\n| followers | 12 |\n\n```\nlet line = \"of code that is \
    wider than the screen of a phone, and then some\";\n```\n";
