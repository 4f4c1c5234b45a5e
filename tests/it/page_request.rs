//! One request in a browser: reading, claiming, releasing and answering it by forms (contract 9, 15.2, 16.1, 16.4).

use crate::{
    browsing::{location, page},
    cast::PASSWORD,
    harness::{Answer, Asker, World, on_both, question_with},
};
use serde_json::{Value, json};

async fn ask(world: &World, asker: &Asker, kind: &str, config: Value) -> String {
    world.clock.advance(1);
    world
        .ask(
            asker,
            &question_with(&json!({"response_type": kind, "response_config": config, "default_response": null})),
        )
        .await
}

async fn shown(world: &World, session: &str, id: &str) -> String {
    let answer = world.get(&format!("/inbox/{id}")).cookie(session).await;
    assert_eq!(answer.status, 200);
    answer.page()
}

async fn act(world: &World, session: &str, id: &str, act: &str, fields: &[(&str, &str)]) -> Answer {
    world.post(&format!("/inbox/{id}/{act}")).cookie(session).form(fields).await
}

async fn answer(world: &World, session: &str, id: &str, value: &str) -> Answer {
    act(world, session, id, "answer", &[("response", value)]).await
}

async fn stored(world: &World, asker: &Asker, id: &str) -> Value {
    world.request(&asker.key, id).await.at("data.request.response_data").clone()
}

on_both! {
    async fn what_was_typed_is_kept_when_something_else_is_done(world: World) {
        let world = world.beside(|settings| settings.reviews.claims_per_reviewer = 1).await;
        let asker = world.asker().await;
        let me = &asker.session;
        let (id, other) = (ask(&world, &asker, "text", json!({"min_length": 20})).await, ask(&world, &asker, "text", json!({})).await);
        let claimed = act(&world, me, &id, "claim", &[("response", "half a thought")]).await;
        assert_eq!(location(&claimed), format!("/inbox/{id}?notice=claimed"));
        assert!(shown(&world, me, &id).await.contains("half a thought"));
        assert_eq!(answer(&world, me, &id, "too short").await.status, 400);
        assert!(shown(&world, me, &id).await.contains("too short"));
        let lost = act(&world, me, &other, "claim", &[("response", "the other thought")]).await;
        assert_eq!(lost.status, 409);
        assert!(lost.page().contains("the other thought"));
        act(&world, me, &id, "release", &[("response", "a whole thought")]).await;
        assert!(shown(&world, me, &id).await.contains("a whole thought"));
        // Nothing typed takes nothing away.
        act(&world, me, &id, "claim", &[]).await;
        assert!(shown(&world, me, &id).await.contains("a whole thought"));
        for act in ["claim", "release", "answer"] {
            let back = world.get(&format!("/inbox/{id}/{act}")).cookie(me).await;
            assert_eq!((back.status, location(&back)), (303, format!("/inbox/{id}").as_str()));
        }
        world.app.store.close().await;
    }

    async fn contract_9_every_type_is_answered_by_its_form(world: World) {
        let asker = world.asker().await;
        let options = json!(["yes", {"value": "b", "label": "Label B", "description": "what b means", "color": "#16a34a"}, {"value": "c", "label": "C", "color": "url(//evil.test)"}]);
        for (kind, config, fields, expected, parts) in [
            ("text", json!({"prompt": "Why?", "max_length": 20, "placeholder": "because"}), vec![("response", " a\r\nb ")], json!(" a\nb "), vec!["Why?", "data-most=\"20\"", "At most 20 characters", "placeholder=\"because\""]),
            ("single_select", json!({"options": options}), vec![("response", "b")], json!("b"), vec!["type=\"radio\" name=\"response\" value=\"b\"", "Label B", "what b means", "fill=\"#16a34a\""]),
            ("single_select", json!({"options": options, "allow_other": true}), vec![("response", ""), ("other", "my own")], json!("my own"), vec!["name=\"other\""]),
            ("multi_select", json!({"options": options, "min_selections": 1, "max_selections": 2}), vec![("response", "c"), ("response", "yes")], json!(["c", "yes"]), vec!["type=\"checkbox\"", "Choose 1 to 2"]),
            ("rating", json!({"min": 0, "max": 1, "step": 0.5, "labels": {"1": "Great"}}), vec![("response", "0.5")], json!(0.5), vec!["value=\"0.5\" required", "Great"]),
            ("rating", json!({"scale_min": 1, "scale_max": 100, "labels": {"100": "Perfect"}}), vec![("response", "77")], json!(77), vec!["type=\"number\"", "max=\"100\"", "Perfect"]),
            ("number", json!({"min_value": 1, "max_value": 500, "prefix": "$", "suffix": " USD", "decimal_places": 1}), vec![("response", "12.5")], json!(12.5), vec![">$</span>", ">USD</span>", "Between 1 and 500, with at most 1 decimal"]),
            ("boolean", json!({"true_label": "Ship it", "false_label": "Hold"}), vec![("response", "false")], json!(false), vec!["name=\"response\" value=\"true\"", "Ship it", "Hold", "fill=\"#dc2626\""]),
        ] {
            let id = ask(&world, &asker, kind, config).await;
            let page = shown(&world, &asker.session, &id).await;
            for part in parts {
                assert!(page.contains(part), "{kind}: {part} in {page}");
            }
            assert!(!page.contains("evil.test"), "a colour is a colour");
            let sent = act(&world, &asker.session, &id, "answer", &fields).await;
            assert_eq!(location(&sent), "/inbox?notice=answered", "{kind}");
            assert_eq!(stored(&world, &asker, &id).await, expected, "{kind}");
            assert!(shown(&world, &asker.session, &id).await.contains("Answered"), "{kind}");
        }
    }

    async fn a_refused_answer_is_told_beside_its_field_and_kept(world: World) {
        let asker = world.asker().await;
        for (kind, config, fields, problem, kept) in [
            ("text", json!({"max_length": 5}), vec![("response", "too long <b>")], "Response must be at most 5 characters", "\ntoo long &#60;b&#62;</textarea>"),
            ("text", json!({"required": true}), vec![("response", " ")], "Response is required", "<textarea"),
            ("single_select", json!({"options": ["a", "b"]}), vec![], "Response must match one of the configured options", "value=\"a\""),
            ("multi_select", json!({"options": ["a", "b", "c"], "max_selections": 1}), vec![("response", "a"), ("response", "c")], "Response must select between 0 and 1 options", "value=\"c\" checked"),
            ("rating", json!({"max": 5}), vec![("response", "9")], "Response must be between 1 and 5", "value=\"5\""),
            ("number", json!({"max": 5, "validation_message": "Count again"}), vec![("response", "5,5")], "Count again", "value=\"5,5\""),
            ("boolean", json!({}), vec![("response", "maybe")], "Response must be a boolean", "value=\"false\""),
        ] {
            let id = ask(&world, &asker, kind, config).await;
            let refused = act(&world, &asker.session, &id, "answer", &fields).await;
            assert_eq!(refused.status, 400, "{kind}");
            let page = refused.page();
            assert!(page.contains("id=\"response-error\"") && page.contains(problem) && page.contains(kept), "{kind}: {page}");
            assert_eq!(world.request(&asker.key, &id).await.text("data.request.status"), "pending", "{kind}");
        }
    }

    async fn contract_15_2_hostile_requests_are_shown_and_do_nothing(world: World) {
        let asker = world.asker().await;
        let text = "# Look\n\nSee <script>alert(1)</script> [x](javascript:alert(2)) <img src=x onerror=alert(3)> **bold**";
        let body = question_with(&json!({"request_text": text, "type": "image", "image_url": "https://images.test/a.png?b=1&c=2", "context": {"note_of": "<script>alert(4)</script>", "nested": {"list": [1, true]}}}));
        let id = world.ask(&asker, &body).await;
        let answer = world.get(&format!("/inbox/{id}")).cookie(&asker.session).await;
        let page = answer.page();
        assert!(page.contains("<h2>Look</h2>") && page.contains("<strong>bold</strong>") && page.contains("&lt;script&gt;alert(1)"), "{page}");
        assert!(!page.contains("<script>") && !page.contains("javascript:") && !page.contains("<img src=x"), "{page}");
        assert!(page.contains("src=\"https://images.test/a.png?b=1&#38;c=2\"") && page.contains("referrerpolicy=\"no-referrer\""), "{page}");
        assert!(page.contains("<dt>note of</dt>") && page.contains("&#60;script&#62;alert(4)"), "{page}");
        assert!(answer.header("content-security-policy").contains("img-src 'self' data: http: https:;"));
        let embedder = |answer: &Answer| answer.headers.get("cross-origin-embedder-policy").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(embedder(&answer).as_deref(), Some("credentialless"), "no cookies go to other hosts");
        let plain = world.ask(&asker, &question_with(&json!({}))).await;
        let answer = world.get(&format!("/inbox/{plain}")).cookie(&asker.session).await;
        assert_eq!(embedder(&answer), None);
        let policy = answer.header("content-security-policy").to_owned();
        assert!(policy.contains("img-src 'self' data:;"), "only where there is an image: {policy}");
    }

    async fn design_7_who_is_not_in_the_loop_finds_nothing(world: World) {
        let asker = world.asker().await;
        let id = ask(&world, &asker, "boolean", json!({})).await;
        let bob = world.sign_in(&world.person("bob@example.com").await).await;
        for path in [format!("/inbox/{id}"), "/inbox/65f1234567890abcdef12345".into(), "/inbox/nonsense".into(), format!("/loops/{}/leave", asker.loop_id)] {
            let answer = world.get(&path).cookie(&bob).await;
            assert!(answer.status == 404 && !answer.page().contains("Please review"), "{path}");
        }
        for what in ["claim", "release", "answer"] {
            assert_eq!(act(&world, &bob, &id, what, &[("response", "true")]).await.status, 404, "{what}");
        }
        assert_eq!(world.request(&asker.key, &id).await.text("data.request.status"), "pending");
    }

    async fn contract_16_4_one_claims_and_the_other_is_told_who_was_first(world: World) {
        let asker = world.asker().await;
        let (_, ann) = world.reviewer("ann@example.com", &asker.code).await;
        let (_, bob) = world.reviewer("bob@example.com", &asker.code).await;
        let id = ask(&world, &asker, "text", json!({})).await;
        for _ in 0..2 {
            assert_eq!(location(&act(&world, &ann, &id, "claim", &[]).await), format!("/inbox/{id}?notice=claimed"), "a double click");
        }
        assert!(shown(&world, &ann, &id).await.contains("You have claimed this."));
        let late = act(&world, &bob, &id, "claim", &[]).await;
        assert_eq!(late.status, 409);
        assert!(late.page().contains("ann was first and has claimed this request."), "{}", late.page());
        let typed = answer(&world, &bob, &id, "bob's <words>").await;
        assert_eq!(typed.status, 409);
        assert!(typed.page().contains("ann was first") && typed.page().contains("bob&#39;s &#60;words&#62;</blockquote>"), "{}", typed.page());
        for _ in 0..2 {
            assert_eq!(location(&act(&world, &ann, &id, "release", &[]).await), "/inbox?notice=released", "a double click");
        }
        assert!(shown(&world, &bob, &id).await.contains("bob&#39;s &#60;words&#62;</textarea>"), "the draft is back with the request");
    }

    async fn contract_16_4_of_two_claims_at_once_the_second_is_told_who_was_first(world: World) {
        let asker = world.asker().await;
        let (_, ann) = world.reviewer("ann@example.com", &asker.code).await;
        let (_, bob) = world.reviewer("bob@example.com", &asker.code).await;
        let id = ask(&world, &asker, "text", json!({})).await;
        let (one, two) = tokio::join!(act(&world, &ann, &id, "claim", &[]), act(&world, &bob, &id, "claim", &[]));
        let (winner, page) = if one.status == 303 { ("ann", two.page()) } else { ("bob", one.page()) };
        assert_eq!((one.status + two.status, page.contains(&format!("{winner} was first"))), (303 + 409, true), "{page}");
    }

    async fn contract_16_4_of_two_answers_the_second_is_told_who_was_first(world: World) {
        let asker = world.asker().await;
        let (_, ann) = world.reviewer("ann@example.com", &asker.code).await;
        let (_, bob) = world.reviewer("bob@example.com", &asker.code).await;
        let id = ask(&world, &asker, "text", json!({})).await;
        let (one, two) = tokio::join!(answer(&world, &ann, &id, "from ann"), answer(&world, &bob, &id, "from bob"));
        let (winner, loser, page) = match (one.status, two.status) {
            (303, 409) => ("ann", "bob", two.page()),
            (409, 303) => ("bob", "ann", one.page()),
            statuses => panic!("{statuses:?}"),
        };
        assert!(page.contains(&format!("{winner} answered first.")) && page.contains(&format!("from {loser}</blockquote>")), "{page}");
        assert_eq!(stored(&world, &asker, &id).await, json!(format!("from {winner}")));
    }

    async fn an_answer_sent_twice_is_sent_and_another_is_not(world: World) {
        let asker = world.asker().await;
        let id = ask(&world, &asker, "number", json!({"max": 10})).await;
        for same in ["3", "3", "3.0"] {
            assert_eq!(location(&answer(&world, &asker.session, &id, same).await), "/inbox?notice=answered", "{same}");
        }
        let other = answer(&world, &asker.session, &id, "4").await;
        assert!(other.status == 409 && other.page().contains("You have answered this already"), "{}", other.page());
        assert_eq!(stored(&world, &asker, &id).await, json!(3));
        let events = world.events(&id).await;
        assert_eq!(events.iter().filter(|name| *name == "request.completed").count(), 1);
    }

    async fn what_was_filled_in_survives_the_end_of_the_session(world: World) {
        let asker = world.asker().await;
        let ann = world.signed_up("ann@example.com").await;
        let session = world.sign_in(&ann).await;
        world.join(&session, &asker.code).await;
        let id = ask(&world, &asker, "multi_select", json!({"options": ["a", "b"], "allow_other": true})).await;
        world.post("/sign-out").cookie(&session).await;
        let sent = act(&world, &session, &id, "answer", &[("response", "b"), ("other", "my <own> & more")]).await;
        assert_eq!(sent.status, 401);
        let page = sent.page();
        let kept = page.split("name=\"kept\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().replace("&#38;", "&");
        let next = format!("/inbox/{id}");
        let fields = |password| [("email", "ann@example.com"), ("password", password), ("next", next.as_str()), ("kept", kept.as_str())];
        let wrong = world.post("/sign-in").form(&fields("wrong horse battery")).await;
        assert!(wrong.status == 401 && wrong.page().contains("name=\"kept\""), "a wrong password loses nothing");
        let signed_in = world.post("/sign-in").form(&fields(PASSWORD)).await;
        assert_eq!(location(&signed_in), format!("/inbox/{id}?notice=kept"));
        let cookie = signed_in.header("set-cookie").split_once(';').unwrap().0.strip_prefix("hitl_session=").unwrap();
        let page = shown(&world, cookie, &id).await;
        assert!(page.contains("value=\"b\" checked") && page.contains("value=\"my &#60;own&#62; &#38; more\""), "{page}");
        assert_eq!(world.request(&asker.key, &id).await.text("data.request.status"), "pending", "nothing is sent by signing in");

        world.respond(&asker.session, &id, json!(["a"])).await.accepted(200, "Response submitted");
        let late = world.post("/sign-in").form(&fields(PASSWORD)).await;
        assert!(late.status == 409 && late.header("set-cookie").contains("hitl_session=") && late.page().contains("owner answered first."), "{}", late.page());
        assert!(late.page().contains("b, my &#60;own&#62; &#38; more</blockquote>"), "{}", late.page());
    }

    async fn what_was_typed_is_given_back_to_whoever_is_in_the_loop_no_more(world: World) {
        let asker = world.asker().await;
        let (ann, anns) = world.reviewer("ann@example.com", &asker.code).await;
        let (_, bobs) = world.reviewer("bob@example.com", &asker.code).await;
        let id = ask(&world, &asker, "text", json!({})).await;
        let removal = format!("/v1/api/loops/{}/members/{}", asker.loop_id, ann.id);
        world.delete(&removal).key(&asker.key).await.accepted(200, "Member removed from loop successfully");
        let removed = answer(&world, &anns, &id, "long <words> of ann").await;
        world.delete(&format!("/v1/api/loops/{}", asker.loop_id)).key(&asker.key).await.accepted(200, "Loop deleted successfully");
        let deleted = answer(&world, &bobs, &id, "long <words> of bob").await;
        for (sent, name) in [(removed, "ann"), (deleted, "bob")] {
            let page = sent.page();
            assert!(sent.status == 404 && page.contains(&format!("long &#60;words&#62; of {name}</blockquote>")), "{page}");
            assert!(!page.contains("Please review"), "nothing of the request: {page}");
        }
    }

    async fn claiming_and_releasing_lose_nothing_that_was_typed_either(world: World) {
        let asker = world.asker().await;
        let (ann, session) = world.reviewer("ann@example.com", &asker.code).await;
        let id = ask(&world, &asker, "text", json!({})).await;
        let next = format!("/inbox/{id}");
        for step in ["claim", "release"] {
            let nobody = act(&world, "none", &id, step, &[("response", "long <words>")]).await;
            assert!(nobody.status == 401 && nobody.page().contains("name=\"kept\" value=\"response=long+%3Cwords%3E\""), "{}", nobody.page());
            assert!(nobody.page().contains(&format!("name=\"next\" value=\"{next}\"")), "{}", nobody.page());
            let empty = act(&world, "none", &id, step, &[("response", "")]).await;
            assert_eq!(location(&empty), format!("/sign-in?next={}", next.replace('/', "%2F")), "there is nothing to keep");
        }
        let removal = format!("/v1/api/loops/{}/members/{}", asker.loop_id, ann.id);
        world.delete(&removal).key(&asker.key).await.accepted(200, "Member removed from loop successfully");
        for step in ["claim", "release"] {
            let removed = act(&world, &session, &id, step, &[("response", "long <words>")]).await;
            assert!(removed.status == 404 && removed.page().contains("long &#60;words&#62;</blockquote>"), "{}", removed.page());
        }
    }

    async fn what_one_had_typed_is_shown_after_the_request_has_ended(world: World) {
        let asker = world.asker().await;
        let (_, ann) = world.reviewer("ann@example.com", &asker.code).await;
        let id = ask(&world, &asker, "text", json!({})).await;
        let draft = json!({"response_data": "half a <thought>"});
        world.put(&format!("/v1/reviewer/requests/{id}/draft")).key(&ann).json(&draft).await.accepted(200, "Draft saved");
        let words = "half a &#60;thought&#62;</blockquote>";
        assert!(!shown(&world, &ann, &id).await.contains(words), "it is in the form");
        world.act(&asker.session, &id, "claim").await.accepted(200, "Request claimed");
        assert!(shown(&world, &ann, &id).await.contains(words));
        world.respond(&asker.session, &id, json!("whole")).await.accepted(200, "Response submitted");
        assert!(shown(&world, &ann, &id).await.contains(words));
        assert!(!shown(&world, &asker.session, &id).await.contains("half a"), "it is hers alone");
    }

    async fn what_was_typed_is_given_back_where_the_server_fails(world: World) {
        let asker = world.asker().await;
        let id = ask(&world, &asker, "text", json!({})).await;
        for (table, step) in [("requests", "answer"), ("sessions", "answer"), ("requests", "claim"), ("sessions", "release")] {
            crate::accidents::run(&world, &format!("alter table {table} rename to {table}_gone")).await;
            let sent = act(&world, &asker.session, &id, step, &[("response", "long <words>")]).await;
            let page = sent.page();
            assert!(sent.status == 500 && page.contains("long &#60;words&#62;</blockquote>"), "{table}: {page}");
            crate::accidents::run(&world, &format!("alter table {table}_gone rename to {table}")).await;
        }
    }

    async fn an_option_and_something_else_are_not_sent_together(world: World) {
        let asker = world.asker().await;
        let id = ask(&world, &asker, "single_select", json!({"options": ["a", "b"], "allow_other": true})).await;
        let torn = act(&world, &asker.session, &id, "answer", &[("response", "a"), ("other", "mine")]).await;
        let page = torn.page();
        assert!(torn.status == 400 && page.contains("id=\"response-error\"") && page.contains("not both"), "{page}");
        assert!(page.contains("value=\"a\" checked") && page.contains("value=\"mine\""), "{page}");
        assert_eq!(stored(&world, &asker, &id).await, Value::Null);
    }

    async fn the_keypad_without_a_minus_is_for_numbers_without_one(world: World) {
        let asker = world.asker().await;
        for (kind, config, has_keypad) in [
            ("number", json!({"min_value": 0}), true),
            ("number", json!({"min_value": -5}), false),
            ("rating", json!({"scale_min": 1, "scale_max": 100}), true),
            ("rating", json!({"scale_min": -50, "scale_max": 50}), false),
        ] {
            let id = ask(&world, &asker, kind, config.clone()).await;
            let page = shown(&world, &asker.session, &id).await;
            assert_eq!(page.contains("inputmode=\"decimal\""), has_keypad, "{kind} {config}");
        }
    }

    async fn what_ticks_is_not_read_out(world: World) {
        let asker = world.asker().await;
        let id = ask(&world, &asker, "text", json!({})).await;
        act(&world, &asker.session, &id, "claim", &[]).await;
        let page = shown(&world, &asker.session, &id).await;
        let standing = page.split("<section id=\"standing\"").nth(1).unwrap();
        assert!(!standing.split_once('>').unwrap().0.contains("aria-live") && standing.contains("data-tick=\"left\""), "{page}");
        assert!(page.contains("id=\"stands\" role=\"status\" data-live>You have claimed this.</p>"), "{page}");
    }

    async fn a_loop_that_one_made_and_left_stays_on_the_list(world: World) {
        let asker = world.asker().await;
        let mine = page(&world, "/loops", &asker.session).await;
        assert!(mine.contains("loop-icons") && mine.contains(&format!("<a href=\"/loops/{}\">Moderation</a>", asker.loop_id)), "{mine}");
        let leave = format!("/loops/{}/leave", asker.loop_id);
        assert_eq!(location(&world.post(&leave).cookie(&asker.session).await), "/loops?notice=left");
        let left = page(&world, "/loops", &asker.session).await;
        assert!(left.contains(">yours</span>") && left.contains(">you left</span>") && left.contains(&format!("/join/{}", asker.code)), "{left}");
        assert!(!left.contains(&leave), "nobody leaves twice: {left}");
        assert_eq!(world.get(&leave).cookie(&asker.session).await.status, 404);
    }

    async fn after_an_answer_comes_the_next_request(world: World) {
        let asker = world.asker().await;
        let first = ask(&world, &asker, "boolean", json!({})).await;
        let second = ask(&world, &asker, "boolean", json!({})).await;
        let third = ask(&world, &asker, "boolean", json!({})).await;
        act(&world, &asker.session, &third, "claim", &[]).await;
        assert_eq!(location(&answer(&world, &asker.session, &first, "true").await), format!("/inbox/{third}?notice=answered-next"), "what one has claimed is first");
        assert_eq!(location(&answer(&world, &asker.session, &third, "true").await), format!("/inbox/{second}?notice=answered-next"));
        assert_eq!(location(&answer(&world, &asker.session, &second, "true").await), "/inbox?notice=answered");
    }

    async fn what_has_ended_says_how(world: World) {
        let asker = world.asker().await;
        let late = world.ask(&asker, &question_with(&json!({"timeout_seconds": 60}))).await;
        let bare = world.ask(&asker, &question_with(&json!({"timeout_seconds": 60, "default_response": null}))).await;
        let back = world.ask(&asker, &question_with(&json!({}))).await;
        world.delete(&format!("/v1/api/requests/{back}")).key(&asker.key).json(&json!({"reason": "not <needed>"})).await.accepted(200, "Request cancelled successfully");
        world.clock.advance(61);
        let page = shown(&world, &asker.session, &late).await;
        assert!(page.contains("Time ran out") && page.contains("the default stands") && page.contains(">Reject</p>") && !page.contains("Send the answer"), "{page}");
        assert!(shown(&world, &asker.session, &bare).await.contains("there was no default"));
        assert!(shown(&world, &asker.session, &back).await.contains("taken the request back: not &#60;needed&#62;"));
        let refused = answer(&world, &asker.session, &late, "approve").await;
        assert!(refused.status == 409 && refused.page().contains("Time ran out before that.") && refused.page().contains("Approve</blockquote>"), "{}", refused.page());
    }

    async fn contract_16_1_history_shows_answers_and_feedback(world: World) {
        let asker = world.asker().await;
        assert!(world.get("/history").cookie(&asker.session).await.page().contains("Nothing here yet"));
        for number in 0..3 {
            let id = ask(&world, &asker, "text", json!({})).await;
            answer(&world, &asker.session, &id, &format!("words {number}")).await;
            let feedback = json!({"feedback": {"rating": 4, "comment": format!("fine {number}")}});
            world.post(&format!("/v1/api/requests/{id}/feedback")).key(&asker.key).json(&feedback).await;
            let page = shown(&world, &asker.session, &id).await;
            assert!(page.contains("Feedback on the answer") && page.contains(&format!("fine {number}")), "{page}");
        }
        let first = world.get("/history?limit=2").cookie(&asker.session).await.page();
        assert!(first.contains("words 2") && first.contains("4 of 5 · fine 1") && !first.contains("words 0"), "{first}");
        assert!(first.contains("href=\"/history?limit=2&#38;offset=2\"") && !first.contains("rel=\"prev\""), "{first}");
        let last = world.get("/history?limit=2&offset=2").cookie(&asker.session).await.page();
        assert!(last.contains("words 0") && !last.contains("rel=\"next\"") && last.contains("rel=\"prev\""), "{last}");
    }

    async fn contract_11_7_nobody_leaves_a_loop_they_are_not_in(world: World) {
        let asker = world.asker().await;
        let stranger = world.sign_in(&world.person("stranger@example.com").await).await;
        for id in [asker.loop_id.as_str(), "65f1234567890abcdef12345"] {
            let refused = world.post(&format!("/loops/{id}/leave")).cookie(&stranger).form(&[]).await;
            assert_eq!(refused.status, 404, "{id}");
        }
    }

    async fn contract_11_7_a_member_leaves_after_saying_so_twice(world: World) {
        let asker = world.asker().await;
        let (_, ann) = world.reviewer("ann@example.com", &asker.code).await;
        let id = ask(&world, &asker, "boolean", json!({})).await;
        act(&world, &ann, &id, "claim", &[]).await;
        let list = world.get("/loops").cookie(&ann).await.page();
        let path = format!("/loops/{}/leave", asker.loop_id);
        assert!(list.contains("Moderation") && list.contains("2 people") && list.contains(&format!("href=\"{path}\"")) && !list.contains("Manage"), "{list}");
        assert!(world.get("/loops").cookie(&asker.session).await.page().contains("Manage"));
        assert!(world.get(&path).cookie(&ann).await.page().contains("Leave Moderation?"));
        assert_eq!(world.get(&format!("/inbox/{id}")).cookie(&ann).await.status, 200, "looking at the question leaves nothing");
        assert_eq!(location(&world.post(&path).cookie(&ann).await), "/loops?notice=left");
        assert_eq!(world.post(&path).cookie(&ann).await.status, 404, "they are not in it any more");
        assert!(world.get("/loops").cookie(&ann).await.page().contains("You are in no loop yet"));
        assert_eq!(world.get(&format!("/inbox/{id}")).cookie(&ann).await.status, 404);
        assert_eq!(world.request(&asker.key, &id).await.text("data.request.status"), "pending");
    }
}
