//! Webhooks in a browser (contract 12.8, 12.9).

use crate::{
    browsing::{location, page},
    harness::{Asker, World, on_both},
    hooking::{deliver, rename},
    receiver::{Receiver, Reply, reaching_loopback, status},
};
use hitl_server::domain::{Secret, signatures};

const URL: &str = "https://hooks.example.com/in?a=1&b=<b>";
const ENDS: [(&str, &str); 3] =
    [("events", "request.completed"), ("events", "request.timeout"), ("events", "request.cancelled")];

/// The secret on a page; empty where there is none.
fn secret(page: &str) -> String {
    let rest = page.split_once("id=\"secret\">").map_or("", |(_, rest)| rest);
    rest.split('<').next().unwrap().to_owned()
}

/// Adds a webhook that hears of changes of loops: where its page is, and its secret.
async fn add(world: &World, asker: &Asker, url: &str) -> (String, String) {
    let fields = [("events", ""), ("url", url), ("patterns", "loop.updated"), ("loop_id", ""), ("description", "")];
    let made = world.post("/webhooks/new").cookie(&asker.session).form(&fields).await;
    let shown = made.page();
    assert_eq!(made.status, 201, "{shown}");
    let path = shown.split("href=\"").find(|rest| rest.starts_with("/webhooks/6")).unwrap().split('"').next().unwrap();
    (path.to_owned(), secret(&shown))
}

/// Where the latest delivery is on the page of a webhook.
async fn latest(world: &World, asker: &Asker, path: &str) -> String {
    let shown = page(world, path, &asker.session).await;
    let link = shown.split("<th scope=\"row\"><a href=\"").nth(1).unwrap();
    link.split('"').next().unwrap().to_owned()
}

on_both! {
    async fn contract_12_8_a_webhook_is_added_and_its_secret_shown_once(world: World) {
        let asker = world.asker().await;
        let form = page(&world, "/webhooks/new", &asker.session).await;
        assert!(form.contains("value=\"request.timeout\" checked") && form.contains("value=\"*\">") && form.contains(">Moderation</option>"), "{form}");
        let rest = [("url", URL), ("patterns", "!request.created, loop.*  user.*"), ("loop_id", &asker.loop_id), ("description", "CRM <i>")];
        let made = world.post("/webhooks/new").cookie(&asker.session).form(&[&ENDS[..], &rest].concat()).await;
        assert_eq!((made.status, made.header("cache-control")), (201, "no-store"));
        let secret = secret(&made.page());
        assert!(secret.starts_with("whsec_") && secret.len() == 38, "{secret}");

        let seen = world.get("/v1/api/webhooks").key(&asker.key).await;
        let events = ["request.completed", "request.timeout", "request.cancelled", "!request.created", "loop.*", "user.*"];
        assert_eq!(seen.at("data.webhooks.0.events"), &serde_json::json!(events));
        assert_eq!((seen.text("data.webhooks.0.loop_id"), seen.text("data.webhooks.0.url")), (asker.loop_id.clone(), URL.to_owned()));
        let path = format!("/webhooks/{}", seen.text("data.webhooks.0.id"));
        for path in ["/webhooks", &path, &format!("{path}/edit"), &format!("{path}/rotate"), &format!("{path}/delete")] {
            let later = page(&world, path, &asker.session).await;
            assert!(!later.contains(&secret) && !later.contains("<b>") && !later.contains("<i>"), "{path}: {later}");
        }
        let shown = page(&world, &path, &asker.session).await;
        assert!(shown.contains("status-active") && shown.contains("Moderation") && shown.contains(&format!("…{}", &secret[34..])), "{shown}");
        let edit = page(&world, &format!("{path}/edit"), &asker.session).await;
        assert!(edit.contains("value=\"request.timeout\" checked") && edit.contains("value=\"loop.*\" checked") && edit.contains("value=\"!request.created user.*\""), "{edit}");
        assert!(edit.contains("selected>Moderation</option>"));
    }

    async fn contract_12_8_what_does_not_do_is_said_and_changes_nothing(world: World) {
        let asker = world.asker().await;
        let (path, _) = add(&world, &asker, "https://hooks.example.com/kept").await;
        let before = page(&world, "/webhooks", &asker.session).await;
        let long = "x".repeat(501);
        for (change, problem) in [
            (("url", ""), "id=\"url-error\">Url is required"),
            (("url", "ftp://example.com"), "id=\"url-error\">Url must be a valid URL"),
            (("url", "https://a:b@example.com/"), "id=\"url-error\">Url must be a valid URL"),
            (("patterns", "request.sung"), "id=\"events-error\">Events contains an unknown event: request.sung"),
            (("description", &long), "id=\"description-error\">Description must be at most 500 characters"),
            (("loop_id", "odd"), "Invalid loop ID format"),
        ] {
            let fields = [&ENDS[..], &[("url", URL), change]].concat();
            for form in ["/webhooks/new", &format!("{path}/edit")] {
                let refused = world.post(form).cookie(&asker.session).form(&fields).await;
                let shown = refused.page();
                assert!(refused.status == 400 && shown.contains(problem) && shown.contains("Problem:"), "{form} {problem}: {shown}");
                assert!(shown.contains("value=\"request.timeout\" checked") && secret(&shown).is_empty(), "what was filled in stays");
            }
        }
        let none = world.post("/webhooks/new").cookie(&asker.session).form(&[("url", URL), ("events", "")]).await;
        assert!(none.status == 400 && none.page().contains("id=\"events-error\">Events must contain between 1 and 50 items"));
        assert_eq!(page(&world, "/webhooks", &asker.session).await, before);
    }

    async fn contract_12_8_a_webhook_is_changed_paused_resumed_and_deleted(world: World) {
        let asker = world.asker().await;
        let receiver = Receiver::start().await;
        let world = reaching_loopback(&world);
        let (path, _) = add(&world, &asker, "https://hooks.example.com/old").await;
        let url = receiver.url("/new");
        let fields = [("events", "loop.*"), ("url", url.as_str()), ("loop_id", ""), ("description", "mine")];
        let act = |act: &str| world.post(&format!("{path}/{act}")).cookie(&asker.session);
        assert_eq!(location(&act("edit").form(&fields).await), format!("{path}?notice=webhook-changed"));
        let shown = page(&world, &path, &asker.session).await;
        assert!(shown.contains(&url) && shown.contains("<span>loop.*</span>") && shown.contains("mine"), "{shown}");

        assert_eq!(location(&act("pause").await), format!("{path}?notice=webhook-paused"));
        assert!(page(&world, "/webhooks", &asker.session).await.contains("status-paused"));
        rename(&world, &asker, "Unheard").await;
        assert_eq!((deliver(&world).await, receiver.take().len()), (0, 0));
        assert_eq!(location(&act("resume").await), format!("{path}?notice=webhook-resumed"));
        rename(&world, &asker, "Heard").await;
        assert_eq!((deliver(&world).await, receiver.only().event().as_str()), (1, "loop.updated"));

        let question = page(&world, &format!("{path}/delete"), &asker.session).await;
        assert!(question.contains(&format!("action=\"{path}/delete\"")) && question.contains("cannot be undone"), "{question}");
        assert_eq!(location(&act("delete").await), "/webhooks?notice=webhook-deleted");
        assert_eq!(world.get(&path).cookie(&asker.session).await.status, 404);
        assert!(page(&world, "/webhooks", &asker.session).await.contains("No webhook yet"));
    }

    async fn contract_12_8_both_secrets_sign_for_a_day_after_rotating(world: World) {
        let asker = world.asker().await;
        let receiver = Receiver::start().await;
        let world = reaching_loopback(&world);
        let (path, old) = add(&world, &asker, &receiver.url("/in")).await;
        assert!(page(&world, &format!("{path}/rotate"), &asker.session).await.contains("For 24 hours both sign"));
        let rotated = world.post(&format!("{path}/rotate")).cookie(&asker.session).await;
        let new = secret(&rotated.page());
        assert!(rotated.status == 201 && new != old && rotated.page().contains("2024-03-16T10:30:00Z"), "{new}");
        let shown = page(&world, &path, &asker.session).await;
        assert!(shown.contains("the old one signs too until 2024-03-16T10:30:00Z") && !shown.contains(&new) && !shown.contains(&old));
        let signed = |by: &str, body: &str| format!("sha256={}", signatures::of_body(&Secret(by.to_owned()), body.as_bytes()));
        for (seconds, previous) in [(0, true), (24 * 3600, false)] {
            world.clock.advance(seconds);
            rename(&world, &asker, &format!("after {seconds}")).await;
            deliver(&world).await;
            let came = receiver.only();
            assert_eq!(came.header("x-hitl-signature-256"), signed(&new, &came.body));
            let also = if previous { signed(&old, &came.body) } else { String::new() };
            assert_eq!(came.header("x-hitl-signature-256-previous"), also);
        }
        assert!(!page(&world, &path, &asker.session).await.contains("the old one"));
    }

    async fn contract_12_9_a_test_shows_what_was_sent_and_what_came_back(world: World) {
        let asker = world.asker().await;
        let receiver = Receiver::start().await;
        let world = reaching_loopback(&world);
        let (path, _) = add(&world, &asker, &receiver.url("/in")).await;
        receiver.answers(Reply { body: "thanks <script>alert(1)</script>".into(), ..status(202) });
        let tested = world.post(&format!("{path}/test")).cookie(&asker.session).await;
        let delivery = location(&tested).strip_suffix("?notice=webhook-tested").unwrap().to_owned();
        assert_eq!(receiver.only().event(), "webhook.test");
        let shown = page(&world, &delivery, &asker.session).await;
        assert!(shown.contains("status-success") && shown.contains(">202 <span") && shown.contains("&#34;event&#34;: &#34;webhook.test&#34;"), "{shown}");
        assert!(shown.contains("thanks &#60;script&#62;") && !shown.contains("<script>alert"), "{shown}");

        world.post(&format!("{path}/pause")).cookie(&asker.session).await;
        receiver.answers(status(500));
        let again = world.post(&format!("{path}/test")).cookie(&asker.session).await;
        let shown = page(&world, location(&again), &asker.session).await;
        assert!(shown.contains("It failed:</strong> the receiver answered 500."), "a paused one is tested too: {shown}");
        let list = page(&world, "/webhooks", &asker.session).await;
        assert!(list.contains("<span class=\"tag status-failed\">500</span>"), "{list}");
    }

    async fn contract_12_9_each_attempt_is_kept_and_a_delivery_is_sent_again(world: World) {
        let asker = world.asker().await;
        let receiver = Receiver::start().await;
        let world = reaching_loopback(&world);
        let (path, _) = add(&world, &asker, &receiver.url("/in")).await;
        receiver.answers_next([Reply { body: "busy".into(), ..status(503) }, status(404)]);
        rename(&world, &asker, "Two").await;
        assert_eq!(deliver(&world).await, 2, "the first failure is followed at once by another attempt");
        let delivery = latest(&world, &asker, &path).await;
        let failed = page(&world, &delivery, &asker.session).await;
        let row = |number: i64, cause: &str, code: u16| format!("<th scope=\"row\">{number}</th>\n          <td data-label=\"Why\">{cause}</td>\n          <td data-label=\"Answer\"><span>{code}");
        assert!(failed.contains(&row(1, "event", 503)) && failed.contains(&row(2, "retry", 404)), "{failed}");
        assert!(failed.contains("the receiver answered 404."), "{failed}");
        let first = receiver.take().remove(0);

        let redelivered = world.post(&format!("{delivery}/redeliver")).cookie(&asker.session).await;
        assert_eq!(location(&redelivered), format!("{delivery}?notice=delivery-queued"));
        assert!(page(&world, &delivery, &asker.session).await.contains("Look again"));
        assert_eq!(deliver(&world).await, 1);
        assert_eq!(receiver.only().body, first.body);
        let taken = page(&world, &delivery, &asker.session).await;
        assert!(taken.contains("status-success") && taken.contains(&row(3, "manual", 200)) && taken.contains(&row(1, "event", 503)), "{taken}");
        assert!(!taken.contains("It failed"), "{taken}");
    }

    async fn contract_12_9_the_log_is_narrowed_and_in_pages_and_what_failed_is_sent_again(world: World) {
        let asker = world.asker().await;
        let receiver = Receiver::start().await;
        let (path, _) = add(&world, &asker, &receiver.url("/in")).await;
        for number in 0..21 {
            rename(&world, &asker, &format!("Name {number}")).await;
            world.clock.advance(1);
        }
        assert_eq!(deliver(&world).await, 21);
        let shown = page(&world, &latest(&world, &asker, &path).await, &asker.session).await;
        assert!(shown.contains("127.0.0.1 is not a public address; the setting webhooks.allow can open its network."), "why it was blocked: {shown}");
        let rows = |page: &str| page.matches(&format!("<th scope=\"row\"><a href=\"{path}/deliveries/")).count();
        for (query, count) in [("", 20), ("?offset=20", 1), ("?status=failed", 20), ("?status=failed&offset=20", 1), ("?status=success", 0), ("?limit=5", 5)] {
            assert_eq!(rows(&page(&world, &format!("{path}{query}"), &asker.session).await), count, "{query}");
        }
        let failed = page(&world, &format!("{path}?status=failed"), &asker.session).await;
        assert!(failed.contains(&format!("rel=\"next\" href=\"{path}?status=failed&#38;offset=20#deliveries\"")), "{failed}");
        assert_eq!(world.get(&format!("{path}?status=odd")).cookie(&asker.session).await.status, 400);

        let world = reaching_loopback(&world);
        let recover = |hours: &'static str| world.post(&format!("{path}/recover")).cookie(&asker.session).form(&[("hours", hours)]);
        for wrong in ["", "0", "-1", "721", "x", "9223372036854775807"] {
            let refused = recover(wrong).await;
            assert!(refused.status == 400 && refused.page().contains("id=\"hours-error\">Hours must be between 1 and 720"), "{wrong}");
        }
        assert_eq!(location(&recover("1").await), format!("{path}?notice=deliveries-queued"));
        assert_eq!((deliver(&world).await, receiver.take().len()), (21, 21));
        assert_eq!(location(&recover("720").await), format!("{path}?notice=nothing-failed"));
        world.post(&format!("{path}/pause")).cookie(&asker.session).await;
        let refused = recover("1").await;
        assert!(refused.status == 400 && refused.page().contains("Webhook is disabled"));
    }

    async fn contract_12_6_a_webhook_that_the_server_disabled_says_why(world: World) {
        let asker = world.asker().await;
        let receiver = Receiver::start().await;
        let world = reaching_loopback(&world);
        let (path, _) = add(&world, &asker, &receiver.url("/in")).await;
        receiver.answers(status(500));
        rename(&world, &asker, "Failing").await;
        deliver(&world).await;
        let failing = page(&world, &path, &asker.session).await;
        assert!(failing.contains("Nothing but failure") && failing.contains("2 attempts, the first "), "{failing}");
        receiver.answers(status(410));
        rename(&world, &asker, "Gone").await;
        deliver(&world).await;
        let disabled = page(&world, &path, &asker.session).await;
        assert!(disabled.contains("The server disabled it:</strong> the receiver answered 410 Gone") && disabled.contains("status-disabled"), "{disabled}");
        world.post(&format!("{path}/resume")).cookie(&asker.session).await;
        let well = page(&world, &path, &asker.session).await;
        assert!(well.contains("status-active") && !well.contains("Nothing but failure") && !well.contains("410 Gone<"), "{well}");
    }

    async fn contract_12_5_the_signing_secret_is_shown_when_asked_for(world: World) {
        let asker = world.asker().await;
        let list = page(&world, "/webhooks", &asker.session).await;
        assert!(!list.contains("whsec_test") && list.contains("action=\"/webhooks/signing-secret\""), "{list}");
        let shown = world.post("/webhooks/signing-secret").cookie(&asker.session).await;
        assert_eq!((shown.status, secret(&shown.page()).as_str(), shown.header("cache-control")), (200, "whsec_test", "no-store"));
        let (_, member) = world.reviewer("jane@example.com", &asker.code).await;
        assert_eq!(world.post("/webhooks/signing-secret").cookie(&member).await.status, 404);
    }

    async fn the_signing_secret_is_replaced_after_a_question(world: World) {
        const PLACE: &str = "/webhooks/signing-secret/rotate";
        let asker = world.asker().await;
        assert!(page(&world, "/webhooks", &asker.session).await.contains(&format!("href=\"{PLACE}\"")));
        let question = page(&world, PLACE, &asker.session).await;
        assert!(question.contains(&format!("action=\"{PLACE}\"")) && !question.contains("is gone at once"), "{question}");
        let (_, member) = world.reviewer("jane@example.com", &asker.code).await;
        for refused in [world.get(PLACE), world.post(PLACE)] {
            assert_eq!(refused.cookie(&member).await.status, 404);
        }
        let rotated = world.post(PLACE).cookie(&asker.session).await;
        let new = secret(&rotated.page());
        assert!(rotated.status == 201 && new.starts_with("whsec_") && new != "whsec_test", "{new}");
        assert!(rotated.page().contains("the old secret signs too"), "{}", rotated.page());
        let shown = world.post("/webhooks/signing-secret").cookie(&asker.session).await;
        assert_eq!(secret(&shown.page()), new);
        assert!(page(&world, PLACE, &asker.session).await.contains("is gone at once"));
    }

    async fn contract_12_8_another_s_webhooks_are_not_there(world: World) {
        let asker = world.asker().await;
        let (path, _) = add(&world, &asker, "https://hooks.example.com/in").await;
        rename(&world, &asker, "Two").await;
        let delivery = latest(&world, &asker, &path).await;
        let (_, member) = world.reviewer("jane@example.com", &asker.code).await;
        let other = world.person("other@example.com").await;
        world.key(&other).await;
        let other = world.sign_in(&other).await;
        let before = page(&world, &path, &asker.session).await;
        let fields = [&ENDS[..], &[("url", URL), ("hours", "1")]].concat();
        for session in [&member, &other] {
            for place in [path.clone(), format!("{path}/edit"), format!("{path}/rotate"), format!("{path}/delete"), delivery.clone()] {
                assert_eq!(world.get(&place).cookie(session).await.status, 404, "{place}");
            }
            for act in ["edit", "pause", "resume", "rotate", "test", "recover", "delete"] {
                assert_eq!(world.post(&format!("{path}/{act}")).cookie(session).form(&fields).await.status, 404, "{act}");
            }
            assert_eq!(world.post(&format!("{delivery}/redeliver")).cookie(session).await.status, 404);
        }
        for place in ["/webhooks", "/webhooks/new"] {
            assert_eq!(world.get(place).cookie(&member).await.status, 404, "{place}");
        }
        assert_eq!(world.post("/webhooks/new").cookie(&member).form(&fields).await.status, 404);
        let theirs = [&fields[..], &[("loop_id", asker.loop_id.as_str())]].concat();
        assert_eq!(world.post("/webhooks/new").cookie(&other).form(&theirs).await.status, 404, "a webhook for another's loop");
        assert!(page(&world, "/webhooks", &other).await.contains("No webhook yet"));

        let (foreign, _) = add(&world, &asker, "https://hooks.example.com/other").await;
        let mixed = delivery.replace(path.as_str(), &foreign);
        assert_eq!(world.get(&mixed).cookie(&asker.session).await.status, 404, "a delivery of another webhook");
        assert_eq!(page(&world, &path, &asker.session).await, before);
    }
}
