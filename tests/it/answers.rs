//! The six response types: every dialect of a configuration and of an answer, and what comes out (contract 9.1 to 9.3).

use crate::{
    asking::{has, respond, show},
    harness::{Asker, World, on_both},
};
use serde_json::{Value, json};

/// A question of that type with nothing else of interest; its id.
pub(crate) async fn ask(world: &World, asker: &Asker, kind: &str, config: &Value) -> String {
    let body = json!({
        "type": "markdown", "timeout_seconds": 3600, "request_text": "Well?",
        "response_type": kind, "response_config": config,
    });
    world.ask(asker, &body).await
}

/// Answers a question in each of the spellings given, and asserts what the asker reads: the bare answer, its details,
/// and the mirror, which is the details where the bare answer is falsy.
async fn assert_read(
    world: &World,
    asker: &Asker,
    (kind, config): (&str, &Value),
    given: &[Value],
    bare: &Value,
    details: &Value,
) {
    let falsy = [json!(false), json!(0), json!("")].contains(bare);
    for answer in given {
        let id = ask(world, asker, kind, config).await;
        let answered = respond(world, &asker.session, &id, answer).await;
        answered.accepted(200, "Response submitted");
        let shown = show(world, asker, &id).await;
        let request = shown.at("data.request");
        has(request, &json!({"status": "completed", "response_data": bare, "response_config": config}));
        has(&request["response_details"], details);
        assert_eq!(answered.at("data.request"), request, "the reviewer reads the same");
        let mirror = if falsy { &request["response_details"] } else { bare };
        assert_eq!(shown.at("data.response_data"), mirror, "{kind}: {answer}");
        let listed = world.get("/v1/api/requests?limit=1").key(&asker.key).await;
        assert_eq!(listed.at("data.requests.0"), request, "bare in lists too");
    }
}

on_both! {
    async fn contract_9_2_text(world: World) {
        let asker = world.asker().await;
        let config =
            json!({"guidelines": "Be kind", "placeholder": "…", "min_length": 3, "max_length": 20, "required": true});
        for text in ["No issues", "日本語 🎉", "<script>"] {
            assert_read(&world, &asker, ("text", &config), &[json!(text)], &json!(text), &json!({"text": text})).await;
        }
        assert_read(&world, &asker, ("text", &json!({})), &[json!("")], &json!(""), &json!({"text": ""})).await;
        let long = json!("é".repeat(1000));
        assert_read(&world, &asker, ("text", &json!({})), std::slice::from_ref(&long), &long, &json!({"text": long}))
            .await;
    }

    async fn contract_9_2_single_select(world: World) {
        let asker = world.asker().await;
        let objects = json!({"options": [
            {"value": "approve", "label": "Looks good", "color": "#0a0", "description": "d"},
            {"value": "reject", "label": "Needs Work"},
        ], "required": true, "prompt": ""});
        let given = [
            json!("approve"),
            json!("Looks good"),
            json!("looks GOOD"),
            json!("APPROVE"),
            json!("looks_good"),
            json!({"selected_value": "approve"}),
            json!({"selected_value": "approve", "selected_label": "Needs Work"}),
        ];
        let details = json!({"selected_value": "approve", "selected_label": "Looks good"});
        assert_read(&world, &asker, ("single_select", &objects), &given, &json!("approve"), &details).await;

        let mixed = json!({"options": ["Approve", "Needs Review", {"label": "Send It Back"}, {"value": "skip"}]});
        for (given, bare, label, slug) in [
            (
                vec!["Needs Review", "needs review", "needs_review", "Needs  review"],
                "Needs Review",
                "Needs Review",
                "needs_review",
            ),
            (vec!["Approve", "approve"], "Approve", "Approve", "approve"),
            (vec!["send_it_back", "Send It Back"], "send_it_back", "Send It Back", "send_it_back"),
            (vec!["skip", "Skip"], "skip", "skip", "skip"),
        ] {
            let given: Vec<_> = given.into_iter().map(Value::from).collect();
            let details = json!({"selected_value": bare, "selected_label": label, "selected_slug": slug});
            assert_read(&world, &asker, ("single_select", &mixed), &given, &json!(bare), &details).await;
        }
        let other = json!({"options": ["Yes"], "allow_other": true});
        let details = json!({"selected_value": "Perhaps", "selected_label": "Perhaps"});
        assert_read(&world, &asker, ("single_select", &other), &[json!("Perhaps")], &json!("Perhaps"), &details).await;
    }

    async fn contract_9_5_the_nearest_meaning_wins(world: World) {
        let asker = world.asker().await;
        let config = json!({"options": [
            {"value": "b", "label": "a"}, {"value": "a", "label": "x"}, {"value": "X", "label": "y"},
        ]});
        for (given, bare) in [("a", "a"), ("A", "b"), ("x", "a"), ("X", "X"), ("y", "X")] {
            assert_read(
                &world,
                &asker,
                ("single_select", &config),
                &[json!(given)],
                &json!(bare),
                &json!({"selected_value": bare}),
            )
            .await;
        }
    }

    async fn contract_9_2_multi_select(world: World) {
        let asker = world.asker().await;
        let config = json!({"options": [
            {"value": "a", "label": "Accuracy"}, {"value": "g", "label": "Good Grammar"}, "Tone",
        ], "min_selections": 1, "max_selections": 9, "required": true});
        let both = [
            json!(["a", "g"]),
            json!(["Accuracy", "good_grammar"]),
            json!({"selected_values": ["A", "G"]}),
            json!({"selected_values": ["a", "g"], "selected_labels": ["Tone"]}),
        ];
        let details = json!({"selected_values": ["a", "g"], "selected_labels": ["Accuracy", "Good Grammar"]});
        assert_read(&world, &asker, ("multi_select", &config), &both, &json!(["a", "g"]), &details).await;
        let details = json!({"selected_values": ["Tone"], "selected_labels": ["Tone"], "selected_slugs": ["tone"]});
        assert_read(
            &world,
            &asker,
            ("multi_select", &config),
            &[json!("tone"), json!(["Tone"])],
            &json!(["Tone"]),
            &details,
        )
        .await;
        let none = [json!([]), json!({"selected_values": []})];
        let details = json!({"selected_values": [], "selected_labels": []});
        assert_read(&world, &asker, ("multi_select", &json!({"options": ["A"]})), &none, &json!([]), &details).await;
    }

    async fn contract_9_2_rating(world: World) {
        let asker = world.asker().await;
        for config in [
            json!({"min": 1, "max": 10, "step": 0.5, "labels": {"1": "Poor", "7.5": "Good Quality"}, "required": true}),
            json!({"scale_min": 1, "scale_max": 10, "scale_step": 0.5, "labels": {"1": "Poor", "7.5": "Good Quality"}}),
            json!({"min_value": 1, "max_value": 10, "step": 0.5, "labels": {"1": "Poor", "7.5": "Good Quality"}}),
        ] {
            let given =
                [json!(7.5), json!("7.5"), json!({"rating": 7.5}), json!({"rating": 7.5, "rating_label": "Poor"})];
            let details = json!({"rating": 7.5, "rating_label": "Good Quality"});
            assert_read(&world, &asker, ("rating", &config), &given, &json!(7.5), &details).await;
            let details = json!({"rating": 10, "rating_label": null});
            assert_read(&world, &asker, ("rating", &config), &[json!(10.0), json!("10")], &json!(10), &details).await;
        }
        let signed = json!({"min": -2, "max": 2});
        let details = json!({"rating": 0, "rating_label": null});
        assert_read(
            &world,
            &asker,
            ("rating", &signed),
            &[json!(0), json!(0.0), json!({"rating": 0})],
            &json!(0),
            &details,
        )
        .await;
        let ended = json!({"max": 5, "min_label": "Bad", "max_label": "Great"});
        assert_read(
            &world,
            &asker,
            ("rating", &ended),
            &[json!(5)],
            &json!(5),
            &json!({"rating": 5, "rating_label": "Great"}),
        )
        .await;
    }

    async fn contract_9_2_number(world: World) {
        let asker = world.asker().await;
        for config in [
            json!({"min_value": 0, "max_value": 1000, "decimal_places": 2, "prefix": "$", "suffix": " USD"}),
            json!({"min": 0, "max": 1000, "prefix": "$", "suffix": " USD"}),
        ] {
            let given = [json!(299.99), json!("299.99"), json!({"number": 299.99, "formatted_value": "x"})];
            let details = json!({"number": 299.99, "formatted_value": "$299.99 USD"});
            assert_read(&world, &asker, ("number", &config), &given, &json!(299.99), &details).await;
            let given = [json!(0), json!(0.0), json!("0"), json!({"number": 0})];
            let details = json!({"number": 0, "formatted_value": "$0.00 USD"});
            assert_read(&world, &asker, ("number", &config), &given, &json!(0), &details).await;
        }
        let whole = json!({"decimal_places": 0, "allow_negative": true});
        let details = json!({"number": -7, "formatted_value": "-7"});
        assert_read(&world, &asker, ("number", &whole), &[json!(-7), json!("-7.0")], &json!(-7), &details).await;
        let details = json!({"number": 105.5, "formatted_value": "105.50"});
        assert_read(&world, &asker, ("number", &json!({})), &[json!(105.5)], &json!(105.5), &details).await;
    }

    async fn contract_9_2_boolean(world: World) {
        let asker = world.asker().await;
        let labelled = json!({"true_label": "Publish", "false_label": "Hold Back", "required": true});
        for (config, yes, no) in [(json!({}), "Yes", "No"), (labelled, "Publish", "Hold Back")] {
            let given = [
                json!(true),
                json!("true"),
                json!("YES"),
                json!("1"),
                json!({"boolean": true}),
                json!(yes),
                json!(yes.to_uppercase()),
            ];
            assert_read(
                &world,
                &asker,
                ("boolean", &config),
                &given,
                &json!(true),
                &json!({"boolean": true, "boolean_label": yes}),
            )
            .await;
            let given = [
                json!(false),
                json!("False"),
                json!("no"),
                json!("0"),
                json!({"boolean": false, "boolean_label": yes}),
                json!(no),
            ];
            assert_read(
                &world,
                &asker,
                ("boolean", &config),
                &given,
                &json!(false),
                &json!({"boolean": false, "boolean_label": no}),
            )
            .await;
        }
    }

    async fn contract_9_1_of_two_spellings_the_type_s_long_form_counts(world: World) {
        let asker = world.asker().await;
        for (kind, config, inside, outside) in [
            ("rating", json!({"max": 10, "max_value": 20, "scale_max": 5}), 5, 6),
            ("rating", json!({"max_value": 20, "max": 5}), 5, 6),
            ("rating", json!({"min": 3, "scale_min": 4, "min_value": 5, "max": 9}), 4, 3),
            ("rating", json!({"max": 9, "step": 1, "scale_step": 2}), 5, 6),
            ("number", json!({"max": 10, "scale_max": 20, "max_value": 5}), 5, 6),
            ("number", json!({"scale_max": 20, "max": 5}), 5, 6),
            ("number", json!({"scale_min": 2, "min": 3, "min_value": 4}), 4, 3),
        ] {
            let id = ask(&world, &asker, kind, &config).await;
            let refused = respond(&world, &asker.session, &id, &json!(outside)).await;
            assert_eq!((refused.status, refused.at("msg")), (400, &json!("Invalid response")), "{config}");
            respond(&world, &asker.session, &id, &json!(inside)).await.accepted(200, "Response submitted");
        }
    }

    async fn contract_16_4_an_answer_that_does_not_fit_is_refused_and_changes_nothing(world: World) {
        let asker = world.asker().await;
        let options = json!({"options": ["Yes", "No", "Later"], "min_selections": 1, "max_selections": 2});
        let rows: [(&str, Value, &[Value]); 10] = [
            (
                "text",
                json!({"min_length": 3, "max_length": 5}),
                &[json!("ab"), json!("abcdef"), json!("  ab  "), json!(7), json!(null)],
            ),
            ("text", json!({"required": true}), &[json!(""), json!(" \n "), json!("x".repeat(1001))]),
            (
                "single_select",
                json!({"options": ["Yes", "No"], "required": false}),
                &[json!("Maybe"), json!(""), json!(["Yes"]), json!(true), json!(null)],
            ),
            ("single_select", json!({"options": ["Yes"], "allow_other": true}), &[json!("x".repeat(201)), json!(" ")]),
            (
                "multi_select",
                options,
                &[
                    json!([]),
                    json!(["Yes", "No", "Later"]),
                    json!(["Yes", "yes"]),
                    json!(["Maybe"]),
                    json!(7),
                    json!(null),
                ],
            ),
            (
                "multi_select",
                json!({"options": ["Yes"], "required": true}),
                &[json!([]), json!({"selected_values": []})],
            ),
            (
                "rating",
                json!({"min": 1, "max": 5, "step": 0.5}),
                &[json!(0.5), json!(5.5), json!(2.25), json!("many"), json!(true), json!(null)],
            ),
            (
                "number",
                json!({"min": 1, "max": 5, "decimal_places": 1}),
                &[json!(0.9), json!(5.1), json!(2.25), json!("1e0"), json!("NaN"), json!([]), json!(null)],
            ),
            ("number", json!({"allow_negative": false}), &[json!(-1), json!(1.234)]),
            (
                "boolean",
                json!({"required": false}),
                &[json!(null), json!("perhaps"), json!(""), json!(1), json!([true]), json!({"boolean": null})],
            ),
        ];
        for (kind, config, answers) in rows {
            let id = ask(&world, &asker, kind, &config).await;
            let before = show(&world, &asker, &id).await;
            for answer in answers {
                let refused = respond(&world, &asker.session, &id, answer).await;
                assert_eq!(
                    (refused.status, refused.at("msg")),
                    (400, &json!("Invalid response")),
                    "{kind} {config}: {answer}"
                );
                assert!(refused.at("data").is_string(), "says why: {}", refused.body);
            }
            assert_eq!(show(&world, &asker, &id).await.body, before.body);
        }
    }
}
