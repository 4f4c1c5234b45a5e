//! What was asked, in a browser: searching it, its story, asking by hand, taking back (contract 7, 9).

use crate::{
    browsing::{location, page},
    harness::{on_both, question_with},
};
use serde_json::{Value, json};

fn form<'a>(loop_id: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("loop_id", loop_id),
        ("request_text", "Ship **it**?"),
        ("priority", "high"),
        ("timeout", "2"),
        ("unit", "3600"),
    ];
    [&usual[..], more].concat()
}

on_both! {
    async fn contract_7_2_requests_are_searched_and_narrowed(world: World) {
        let asker = world.asker().await;
        for (text, priority) in [("Alpha 100% <b>", "low"), ("Beta", "high"), ("alphabet", "high")] {
            world.ask(&asker, &question_with(&json!({"request_text": text, "priority": priority}))).await;
        }
        let (other, _) = world.loop_named(&asker.key, "Other").await;
        let rows = |page: &str| page.matches("<th scope=\"row\"><a href=\"/requests/").count();
        for (query, count) in [
            ("", 3), ("?search=ALPHA", 2), ("?search=100%25", 1), ("?search=gamma", 0), ("?search=%00", 0), ("?priority=high", 2), ("?status=pending,claimed", 3),
            ("?status=completed", 0), ("?search=alpha&priority=high", 1), (&format!("?loop_id={other}"), 0), (&format!("?api_key_id={}", asker.owner.id), 0),
        ] {
            let found = page(&world, &format!("/requests{query}"), &asker.session).await;
            assert_eq!(rows(&found), count, "{query}: {found}");
            assert!(!found.contains("<b>"));
        }
        let made = world.ask(&asker, &question_with(&json!({"request_text": "Other", "context": {"order": "Zebra 7"}, "tags": ["Stripes"]}))).await;
        world.respond(&asker.session, &made, json!("approve")).await.accepted(200, "Response submitted");
        for query in ["zebra", "stripes", "APPROVE", &made] {
            let found = page(&world, &format!("/requests?search={query}"), &asker.session).await;
            assert!(rows(&found) == 1 && found.contains(&made), "{query}: {found}");
        }
        let first = page(&world, "/requests?search=alpha&limit=1", &asker.session).await;
        assert!(first.contains("rel=\"next\" href=\"/requests?search=alpha&#38;limit=1&#38;offset=1\""), "{first}");
        let odd = world.get("/requests?status=odd").cookie(&asker.session).await;
        assert!(odd.status == 400 && odd.page().contains("id=\"status-error\">Status must be one of"), "{}", odd.page());
    }

    async fn contract_7_2_requests_of_some_days_are_found_and_put_in_order(world: World) {
        let asker = world.asker().await;
        let today = world.now().to_string()[..10].to_owned();
        world.ask(&asker, &question_with(&json!({"request_text": "Early", "priority": "low", "timeout_seconds": 86_400}))).await;
        world.clock.advance(86_400);
        let tomorrow = world.now().to_string()[..10].to_owned();
        world.ask(&asker, &question_with(&json!({"request_text": "Late", "priority": "high"}))).await;
        for (query, found) in [
            (format!("from={today}"), "Late Early"), (format!("from={tomorrow}"), "Late"), (format!("to={today}"), "Early"),
            (format!("from={today}&to={tomorrow}"), "Late Early"), (format!("to={tomorrow}&sort=created_at_asc"), "Early Late"),
            ("sort=priority_desc".to_owned(), "Late Early"), ("from=2100-01-01".to_owned(), ""),
        ] {
            let list = page(&world, &format!("/requests?{query}"), &asker.session).await;
            let rows = list.split("<th scope=\"row\">").skip(1).map(|row| row.split_once("\">").unwrap().1.split_once('<').unwrap().0);
            assert_eq!(rows.collect::<Vec<_>>().join(" "), found, "{query}");
        }
        let wrong = world.get("/requests?from=never").cookie(&asker.session).await;
        assert!(wrong.status == 400 && wrong.page().contains("id=\"from-error\">From must be a date such as 2030-01-31"), "{}", wrong.page());
    }

    async fn the_story_names_who_claimed_it_before(world: World) {
        let asker = world.asker().await;
        let (_, ann) = world.reviewer("ann@example.com", &asker.code).await;
        let (_, bob) = world.reviewer("bob@example.com", &asker.code).await;
        let id = world.ask(&asker, &question_with(&json!({}))).await;
        for what in ["claim", "release"] {
            assert_eq!(world.act(&ann, &id, what).await.status, 200);
        }
        world.respond(&bob, &id, json!("approve")).await.accepted(200, "Response submitted");
        let story = page(&world, &format!("/requests/{id}"), &asker.session).await;
        for step in ["Claimed</strong> <span class=\"hint\">by ann", "Released</strong> <span class=\"hint\">by ann", "Completed</strong> <span class=\"hint\">by bob"] {
            assert!(story.contains(step), "{step} in {story}");
        }
    }

    async fn contract_7_1_every_type_is_asked_by_hand_as_a_program_asks(world: World) {
        let asker = world.asker().await;
        for (kind, more, config, default) in [
            ("boolean", vec![("true_label", "Ship"), ("default_response", "no")], json!({"required": true, "true_label": "Ship"}), json!(false)),
            ("single_select", vec![("options", "a\r\n\r\n b "), ("default_response", "b")], json!({"required": true, "options": ["a", "b"]}), json!("b")),
            ("single_select", vec![("options", "a | Good | #0a0\nb||#c00\nc | Bad"), ("allow_other", "on")], json!({"required": true, "options": [
                {"value": "a", "label": "a", "description": "Good", "color": "#0a0"}, {"value": "b", "label": "b", "color": "#c00"}, {"value": "c", "label": "c", "description": "Bad"},
            ], "allow_other": true}), Value::Null),
            ("multi_select", vec![("options", "a\r\nb"), ("max_selections", "2"), ("default_response", "a, b")], json!({"required": true, "max_selections": 2.0, "options": ["a", "b"]}), json!(["a", "b"])),
            ("rating", vec![("min", "0"), ("max", "10"), ("prompt", "How?"), ("default_response", "7")], json!({"required": true, "min": 0.0, "max": 10.0, "prompt": "How?"}), json!(7.0)),
            ("number", vec![("prefix", "$"), ("decimal_places", "0")], json!({"required": true, "decimal_places": 0.0, "prefix": "$"}), Value::Null),
            ("text", vec![("max_length", "50"), ("default_response", "none")], json!({"required": true, "max_length": 50.0}), json!("none")),
        ] {
            let fields = form(&asker.loop_id, &[&more[..], &[("response_type", kind)]].concat());
            let made = world.post("/requests/new").cookie(&asker.session).form(&fields).await;
            let path = location(&made).strip_suffix("?notice=request-created").unwrap().to_owned();
            let seen = world.request(&asker.key, path.rsplit_once('/').unwrap().1).await;
            let of = |name: &str| seen.at(&format!("data.request.{name}")).clone();
            assert_eq!((of("response_config"), of("default_response")), (config, default), "{kind}");
            assert_eq!((of("platform"), of("api_key_id"), of("status")), (json!("web_portal"), json!(asker.owner.id), json!("pending")));
            let story = page(&world, &path, &asker.session).await;
            assert!(story.contains("by hand") && story.contains("<strong>Created</strong> <span class=\"hint\">by you"), "{story}");
        }
        let by_hand = page(&world, &format!("/requests?api_key_id={}", asker.owner.id), &asker.session).await;
        assert!(by_hand.contains("7 requests"));
        let for_programs = [("response_type", "boolean"), ("callback_url", "https://hooks.example.com/a"), ("tags", "blue, , red")];
        let made = world.post("/requests/new").cookie(&asker.session).form(&form(&asker.loop_id, &for_programs)).await;
        let id = location(&made).strip_suffix("?notice=request-created").unwrap().rsplit_once('/').unwrap().1.to_owned();
        let seen = world.request(&asker.key, &id).await;
        assert_eq!((seen.at("data.request.callback_url"), seen.at("data.request.tags")), (&json!("https://hooks.example.com/a"), &json!(["blue", "red"])));
        assert_eq!(world.get("/v1/test").key(&asker.owner.id.to_string()).await.status, 401, "what stands for a key is none");
    }

    async fn contract_7_1_a_preview_asks_nobody_and_a_refusal_keeps_what_was_typed(world: World) {
        let asker = world.asker().await;
        let fields = form(&asker.loop_id, &[("response_type", "single_select"), ("options", "Left\nRight"), ("act", "preview")]);
        let preview = world.post("/requests/new").cookie(&asker.session).form(&fields).await;
        let shown = preview.page();
        assert!(preview.status == 200 && shown.contains("What they will see") && shown.contains(">Right</span>") && shown.contains(">Ship **it**?</textarea>"), "{shown}");
        for (wrong, problem) in [
            (("request_text", " "), "id=\"request_text-error\">Request text is required"),
            (("options", ""), "Options array required"),
            (("context", "[1]"), "Invalid request body"),
            (("context", "{"), "id=\"context-error\">Context must be a JSON object"),
            (("timeout", "soon"), "id=\"timeout-error\">Timeout must be a number"),
            (("default_response", "Up"), "Invalid default response"),
            (("loop_id", "x"), "id=\"loop_id-error\">Loop id must be one of your loops"),
        ] {
            let refused = world.post("/requests/new").cookie(&asker.session).form(&[&fields[..fields.len() - 1], &[wrong]].concat()).await;
            let page = refused.page();
            assert!(refused.status == 400 && page.contains("Problem:") && page.contains("value=\"high\" selected"), "{wrong:?}: {page}");
            assert!(page.contains(problem) || problem.starts_with("Invalid"), "{wrong:?}: {page}");
        }
        assert!(page(&world, "/requests", &asker.session).await.contains("Nothing asked yet"));
    }

    async fn contract_16_1_what_reviewers_will_see_is_shown_to_who_asks(world: World) {
        let asker = world.asker().await;
        let text = "# Ship\n\nSee **this** <script>alert(1)</script>";
        for (kind, more, control) in [
            ("boolean", vec![("true_label", "Ship")], "name=\"response\" value=\"true\""),
            ("single_select", vec![("options", "Left\nRight")], "type=\"radio\" name=\"response\" value=\"Right\""),
            ("multi_select", vec![("options", "Left\nRight")], "type=\"checkbox\" name=\"response\" value=\"Right\""),
            ("rating", vec![("max", "3")], "type=\"radio\" name=\"response\" value=\"3\""),
            ("number", vec![("prefix", "$")], "class=\"affix\">$</span>"),
            ("text", vec![("max_length", "50")], "data-most=\"50\""),
        ] {
            let usual = [("request_text", text), ("response_type", kind), ("image_url", "https://images.test/a.png"), ("context", "{\"order_id\": {\"of\": 7}}")];
            let fields = form(&asker.loop_id, &[&usual[..], &more].concat());
            let preview = world.post("/requests/new").cookie(&asker.session).form(&[&fields[..], &[("act", "preview")]].concat()).await;
            let made = world.post("/requests/new").cookie(&asker.session).form(&fields).await;
            let path = location(&made).strip_suffix("?notice=request-created").unwrap().to_owned();
            let story = world.get(&path).cookie(&asker.session).await;
            let reviewed = page(&world, &path.replace("/requests/", "/inbox/"), &asker.session).await;
            for answer in [&preview, &story] {
                let shown = answer.page();
                let asked = shown.split_once("<div class=\"markdown\">").unwrap().1.split_once("</fieldset>").unwrap().0;
                assert!(asked.contains(control) && asked.contains("<fieldset class=\"shown answer\" disabled"), "{kind}: {shown}");
                for part in ["<h2>Ship</h2>", "<strong>this</strong>", "<dt>order id</dt>", "src=\"https://images.test/a.png\""] {
                    assert!(asked.contains(part) && reviewed.contains(part), "{kind}: {part} in {shown}");
                }
                assert!(reviewed.contains(control) && !shown.contains("<script>alert"), "{kind}: {reviewed}");
                assert!(answer.header("content-security-policy").contains("img-src 'self' data: http: https:"), "{kind}");
            }
        }
    }

    async fn contract_7_6_a_request_is_taken_back_after_a_question(world: World) {
        let asker = world.asker().await;
        let id = world.ask(&asker, &crate::harness::question()).await;
        let path = format!("/requests/{id}/cancel");
        assert!(page(&world, &path, &asker.session).await.contains("name=\"reason\""));
        let cancelled = world.post(&path).cookie(&asker.session).form(&[("reason", "a <i>mistake</i>")]).await;
        assert_eq!(location(&cancelled), format!("/requests/{id}?notice=request-cancelled"));
        let story = page(&world, &format!("/requests/{id}"), &asker.session).await;
        assert!(story.contains("status-cancelled") && story.contains("<strong>Cancelled</strong>") && !story.contains("<i>") && !story.contains("/cancel\""), "{story}");
        assert_eq!(world.post(&path).cookie(&asker.session).await.status, 400);
    }

    async fn contract_7_4_the_story_shows_the_answer_and_who_gave_it(world: World) {
        let asker = world.asker().await;
        let (_, session) = world.reviewer("jane@example.com", &asker.code).await;
        let id = world.ask(&asker, &crate::harness::question()).await;
        world.act(&session, &id, "claim").await;
        assert_eq!(world.respond(&session, &id, json!("approve")).await.status, 200);
        let story = page(&world, &format!("/requests/{id}"), &asker.session).await;
        assert!(story.contains("<p class=\"answer\">Approve</p>") && story.contains("jane@example.com"), "{story}");
        assert!(story.contains("<summary>How it could be answered</summary>"), "{story}");
        let place = |step: &str| story.find(&format!("<strong>{step}</strong>")).unwrap();
        assert!(place("Created") < place("Claimed") && place("Claimed") < place("Completed"));
    }

    async fn design_7_another_s_requests_are_not_there(world: World) {
        let asker = world.asker().await;
        let (jane, member) = world.reviewer("jane@example.com", &asker.code).await;
        let id = world.ask(&asker, &crate::harness::question()).await;
        assert_eq!(world.get("/requests").cookie(&member).await.status, 404);
        world.key(&jane).await; // now her programs ask as well, in loops of their own
        assert!(page(&world, "/requests", &member).await.contains("Nothing asked yet"));
        for path in [format!("/requests/{id}"), format!("/requests/{id}/cancel")] {
            assert_eq!(world.get(&path).cookie(&member).await.status, 404, "{path}");
        }
        assert_eq!(world.post(&format!("/requests/{id}/cancel")).cookie(&member).await.status, 404);
        let fields = form(&asker.loop_id, &[("response_type", "boolean")]);
        assert_ne!(world.post("/requests/new").cookie(&member).form(&fields).await.status, 303);
        assert_eq!(world.events(&id).await, ["request.created"]);
    }
}
