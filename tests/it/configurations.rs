//! Which configurations and defaults are taken, and the words for those that are not (contract 4.4 V18 and V19,
//! 9.4 to 9.9).

use crate::{
    asking::{create, show},
    harness::{on_both, question_with},
};
use serde_json::{Value, json};

const V18: &str = "Invalid response configuration";
const V19: &str = "Invalid default response";

fn asked(kind: &str, config: &Value, default: &Value) -> Value {
    question_with(&json!({"response_type": kind, "response_config": config, "default_response": default}))
}

fn options(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("Option {number}")).collect()
}

on_both! {
    async fn contract_4_4_v18_each_fault_of_a_configuration_has_its_words(world: World) {
        let asker = world.asker().await;
        let no_options = "options array required for select response type";
        let nameless = "each option must have a value and a label";
        let mut rows = vec![
            ("text", json!({"min_length": -1}), "min_length must be 0 or greater"),
            ("text", json!({"max_length": 0}), "max_length must be between 1 and 5000"),
            ("text", json!({"max_length": 5001}), "max_length must be between 1 and 5000"),
            (
                "text",
                json!({"min_length": 5, "max_length": 4}),
                "max_length must be greater than or equal to min_length",
            ),
            ("text", json!({"min_length": 1001}), "max_length must be greater than or equal to min_length"),
            (
                "multi_select",
                json!({"options": ["A"], "min_selections": 2, "max_selections": 1}),
                "max_selections must be greater than or equal to min_selections",
            ),
            (
                "multi_select",
                json!({"options": ["A"], "min_selections": 2}),
                "min_selections cannot exceed the number of options",
            ),
            ("rating", json!({}), "scale_max is required for rating response type"),
            ("rating", json!({"scale_min": 1}), "scale_max is required for rating response type"),
            ("rating", json!({"max": 1}), "scale_max must be greater than scale_min"),
            ("rating", json!({"scale_min": 5, "scale_max": 4}), "scale_max must be greater than scale_min"),
            ("rating", json!({"max": 5, "step": 0}), "scale_step must be greater than 0"),
            ("rating", json!({"max": 5, "scale_step": -1}), "scale_step must be greater than 0"),
            ("number", json!({"min_value": 5, "max_value": 5}), "max_value must be greater than min_value"),
            ("number", json!({"max": -1}), "max_value must be greater than min_value"),
            ("number", json!({"decimal_places": 11}), "decimal_places must be between 0 and 10"),
            ("number", json!({"decimal_places": -1}), "decimal_places must be between 0 and 10"),
        ];
        for kind in ["single_select", "multi_select"] {
            for config in [
                json!({}),
                json!({"options": []}),
                json!({"options": "Yes"}),
                json!({"options": {}}),
                json!({"options": null}),
            ] {
                rows.push((kind, config, no_options));
            }
            rows.push((kind, json!({"options": options(21)}), "options must contain between 1 and 20 items"));
            rows.push((kind, json!({"options": ["A", "B", "A"]}), "duplicate option value: A"));
            rows.push((kind, json!({"options": ["a", {"value": "a", "label": "A"}]}), "duplicate option value: a"));
            rows.push((kind, json!({"options": [{"color": "#fff"}]}), nameless));
        }
        for (kind, config, data) in rows {
            create(&world, &asker, &asked(kind, &config, &json!(null))).await.refused(400, V18, &json!(data));
        }
        for (kind, config) in [
            ("text", json!({"min_length": "3"})),
            ("text", json!({"required": "yes"})),
            ("single_select", json!({"options": [1]})),
            ("single_select", json!({"options": [" "]})),
            ("single_select", json!({"options": ["x".repeat(201)]})),
            ("single_select", json!({"options": [{"value": "x".repeat(101), "label": "X"}]})),
            ("single_select", json!({"options": [{"value": "x", "label": "x".repeat(201)}]})),
            ("single_select", json!({"options": [{"value": 1, "label": "X"}]})),
            ("multi_select", json!({"options": ["A"], "min_selections": -1})),
            ("multi_select", json!({"options": ["A"], "max_selections": 0})),
            ("rating", json!({"max": "5"})),
            ("rating", json!({"max": 5, "labels": ["Poor"]})),
            ("rating", json!({"max": 5, "labels": {"1": 1}})),
            ("number", json!({"decimal_places": 1.5})),
            ("boolean", json!({"true_label": "x".repeat(101)})),
            ("boolean", json!({"false_label": "x".repeat(101)})),
        ] {
            let refused = create(&world, &asker, &asked(kind, &config, &json!(null))).await;
            assert_eq!((refused.status, refused.at("msg")), (400, &json!(V18)), "{kind} {config}");
            assert!(refused.at("data").is_string(), "says why: {}", refused.body);
        }
    }

    async fn contract_9_1_what_is_allowed_is_taken_and_echoed(world: World) {
        let asker = world.asker().await;
        for (kind, config) in [
            ("text", json!({})),
            ("text", json!({"min_length": 0, "max_length": 5000, "required": false, "unknown": [1]})),
            ("text", json!({"min_length": null, "max_length": null, "required": null})),
            ("single_select", json!({"options": ["A"]})),
            ("single_select", json!({"options": options(20), "layout": "grid", "randomize_order": true})),
            (
                "single_select",
                json!({"options": ["é".repeat(200), {"value": "é".repeat(100), "label": "é".repeat(200)}]}),
            ),
            ("single_select", json!({"options": ["A", "a"]})),
            ("multi_select", json!({"options": ["A", "B"], "min_selections": 0, "max_selections": 99})),
            ("rating", json!({"max": 2})),
            ("rating", json!({"scale_min": -1.5, "scale_max": 0, "scale_step": 0.25, "show_numeric_labels": true})),
            ("number", json!({})),
            ("number", json!({"min_value": -5, "allow_negative": false, "decimal_places": 10, "unit": "kg"})),
            ("boolean", json!({})),
            ("boolean", json!({"true_label": "é".repeat(100), "true_color": "#000", "default_value": true})),
        ] {
            let id = world.ask(&asker, &asked(kind, &config, &json!(null))).await;
            assert_eq!(show(&world, &asker, &id).await.at("data.request.response_config"), &config, "{kind}");
        }
    }

    async fn contract_9_9_2_which_defaults_are_taken(world: World) {
        let asker = world.asker().await;
        let select = json!({"options": [{"value": "approve", "label": "Looks Good"}, "Needs Review"],
            "min_selections": 2, "required": true});
        let rows: [(&str, Value, &[Value]); 7] = [
            (
                "text",
                json!({"required": true, "min_length": 3, "max_length": 5}),
                &[json!(""), json!("x"), json!("longer than five")],
            ),
            ("text", json!({}), &[json!("é".repeat(5000))]),
            (
                "single_select",
                select.clone(),
                &[json!("approve"), json!("looks good"), json!("needs_review"), json!({"selected_value": "approve"})],
            ),
            (
                "multi_select",
                select,
                &[
                    json!([]),
                    json!(""),
                    json!("approve"),
                    json!(["Looks Good", "needs review"]),
                    json!({"selected_values": ["approve"]}),
                ],
            ),
            (
                "rating",
                json!({"min": 1, "max": 5}),
                &[json!(1), json!(5), json!(2.7), json!("3"), json!({"rating": 4})],
            ),
            (
                "number",
                json!({"min": 0, "max": 10, "decimal_places": 0}),
                &[json!(0), json!(10), json!(2.75), json!("3"), json!({"number": 4})],
            ),
            (
                "boolean",
                json!({}),
                &[
                    json!(true),
                    json!(false),
                    json!("True"),
                    json!("no"),
                    json!("1"),
                    json!("0"),
                    json!(1),
                    json!(0),
                    json!({"boolean": true}),
                ],
            ),
        ];
        for (kind, config, defaults) in rows {
            for default in defaults {
                let id = world.ask(&asker, &asked(kind, &config, default)).await;
                let shown = show(&world, &asker, &id).await;
                assert_eq!(
                    (shown.at("data.request.default_response"), shown.at("data.default_response")),
                    (default, default)
                );
            }
        }
    }

    async fn contract_4_4_v19_each_fault_of_a_default_has_its_words(world: World) {
        let asker = world.asker().await;
        let unmatched = "default_response must match one of the configured options";
        let select = json!({"options": ["Approve", "Reject"]});
        let rows: [(&str, Value, &str, &[Value]); 9] = [
            ("text", json!({}), "default_response must be a string", &[json!(5), json!(true), json!(["a"]), json!({})]),
            ("text", json!({}), "default_response exceeds max_length", &[json!("é".repeat(5001))]),
            (
                "single_select",
                select.clone(),
                unmatched,
                &[
                    json!("Maybe"),
                    json!(""),
                    json!(5),
                    json!(["Approve"]),
                    json!({"selected_value": "x"}),
                    json!("❌ Reject - Review timeout"),
                ],
            ),
            (
                "multi_select",
                select,
                unmatched,
                &[json!(["Approve", "Maybe"]), json!("Maybe"), json!(5), json!([5]), json!({"selected_values": ["x"]})],
            ),
            (
                "rating",
                json!({"min": 1, "max": 5}),
                "default_response must be between 1 and 5",
                &[json!(0), json!(5.5), json!("6"), json!({"rating": 0})],
            ),
            (
                "number",
                json!({"min": 0, "max": 10}),
                "default_response must be between 0 and 10",
                &[json!(-1), json!(10.5), json!({"number": 11})],
            ),
            (
                "number",
                json!({"min": 0, "max": 10}),
                "default_response must be a number",
                &[json!("many"), json!(true), json!([]), json!("1e1")],
            ),
            ("number", json!({"min": 0.5, "max": 1.5}), "default_response must be between 0.5 and 1.5", &[json!(0)]),
            (
                "boolean",
                json!({}),
                "default_response must be a boolean",
                &[json!("maybe"), json!(2), json!([]), json!(""), json!({"boolean": "x"})],
            ),
        ];
        for (kind, config, data, defaults) in rows {
            for default in defaults {
                create(&world, &asker, &asked(kind, &config, default)).await.refused(400, V19, &json!(data));
            }
        }
    }
}
