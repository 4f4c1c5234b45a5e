//! All pages, each with something on it: what a walk through them looks at. Routes are found from the router; here stands
//! what their parameters are filled with, and which further states of a page are worth a look.

use crate::harness::{Asker, BASE, World, question_with};
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
}

/// What needs nobody to be signed in, or shows something else to who is.
const OUTSIDE: [&str; 6] = ["/", "/docs", "/sign-in", "/join", "/join/{code}", "/reset/{token}"];
/// What is no page.
const FILES: [&str; 5] =
    ["/manifest.webmanifest", "/service-worker.js", "/assets/{file}", "/assets/{print}/{file}", "/audit/export"];

/// The page that is there only as long as nobody has an account.
pub(crate) async fn first_place(world: &World) -> Place {
    let link = setup::link(&world.app).await.unwrap().unwrap();
    Place { name: "setup".into(), path: link.strip_prefix(BASE).unwrap().to_owned(), session: None }
}

/// All others.
pub(crate) async fn places(world: &World) -> Vec<Place> {
    let scene = Scene::set(world).await;
    let routes = http::pages().operations.into_iter().filter(|it| it.method == Method::GET).map(|it| it.path);
    let routes = routes.filter(|path| path != "/setup/{token}" && !FILES.contains(&path.as_str()));
    let mut places: Vec<Place> = routes.map(|route| scene.place(&route)).collect();
    assert!(places.len() > 25, "the router's pages are walked");
    places.extend(scene.further(world).await);
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
        let parameters = vec![
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
        Place { name, path, session }
    }

    /// Other states of those pages.
    async fn further(&self, world: &World) -> Vec<Place> {
        let ann = world.sign_in(&self.ann).await;
        let mut places = Vec::new();
        let mut add = |name: &str, path: &str, session: &str| {
            places.push(Place { name: name.into(), path: path.into(), session: Some(session.into()) });
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
