//! What holds for every response type, whatever is sent (contract 9): generated configs, defaults and answers.

use super::{
    response::{ResponseType, Spec, mirror},
    words::Word,
};
use proptest::{
    collection::{btree_map, vec},
    prelude::*,
    sample::{Index, select},
};
use serde_json::{Value, json};

fn parse(kind: ResponseType, config: &Value) -> Result<Spec, String> {
    Spec::parse(kind, config.as_object().unwrap())
}

/// Any JSON, with a liking for what nearly fits.
fn json_value() -> impl Strategy<Value = Value> {
    let text = select(vec!["", "a", "A", "yes", "5", "-1.5", "nan", "inf", "1e308", " 1 2", "\u{feff}ß"]);
    let number = select(vec![0.0, -0.0, 1.0, 5.0, 0.5, -1e308, 1e308, 5e-324, 9e15]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        number.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            object("value label 1 color", inner.clone()),
            object("text selected_value selected_values", inner.clone()),
            object("rating number boolean", inner),
        ]
    })
}

/// An object with some of these keys, which are parted by spaces.
fn object(keys: &'static str, values: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let keys: Vec<_> = keys.split_whitespace().collect();
    let count = 0..=keys.len();
    let entries = btree_map(select(keys), values, count);
    entries.prop_map(|entries| entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// Every key that some type reads.
const KEYS: &str = "\
    prompt guidelines required placeholder min_length max_length options allow_other \
    min_selections max_selections scale_min scale_max scale_step min max step min_value \
    max_value labels min_label max_label decimal_places allow_negative prefix suffix unit \
    true_label false_label true_color false_color";

/// A type, a good config for it and an answer that fits it, in one of the ways a client may write it.
fn fitting() -> impl Strategy<Value = (ResponseType, Value, Value)> {
    prop_oneof![fitting_text(), fitting_selection(), fitting_rating(), fitting_number(), fitting_boolean(),]
}

fn fitting_text() -> impl Strategy<Value = (ResponseType, Value, Value)> {
    any::<String>().prop_map(|text| {
        let length = text.trim().chars().count();
        let config = json!({"min_length": length, "max_length": length.max(1)});
        (ResponseType::Text, config, json!(text))
    })
}

fn fitting_selection() -> impl Strategy<Value = (ResponseType, Value, Value)> {
    let labels = vec("[A-Za-z ]{0,8}", 1..=20);
    (labels, any::<Index>(), 0..5_usize, any::<bool>()).prop_map(|(labels, chosen, way, many)| {
        let option = |(n, label)| json!({"value": format!("v{n}"), "label": format!("L{n} {label}")});
        let options: Vec<_> = labels.iter().enumerate().map(option).collect();
        let chosen = chosen.get(&options);
        let value = chosen["value"].as_str().unwrap();
        let label = chosen["label"].as_str().unwrap();
        let ways =
            [value.to_owned(), label.to_owned(), value.to_uppercase(), label.to_lowercase(), label.replace(' ', "\t ")];
        let given = &ways[way];
        let config = json!({"options": options, "min_selections": 1});
        if many {
            (ResponseType::MultiSelect, config, json!([given]))
        } else {
            (ResponseType::SingleSelect, config, json!(given))
        }
    })
}

fn fitting_rating() -> impl Strategy<Value = (ResponseType, Value, Value)> {
    (-100..100_i32, 1..100_u32, 1..40_u32, any::<Index>(), any::<bool>()).prop_map(
        |(min, steps, quarters, chosen, as_text)| {
            let step = f64::from(quarters) / 4.0;
            let at = |n: u32| f64::from(min) + f64::from(n) * step;
            let chosen = at(u32::try_from(chosen.index(steps as usize + 1)).unwrap());
            let config = json!({"min": min, "max": at(steps), "step": step});
            let given = if as_text { json!(chosen.to_string()) } else { json!(chosen) };
            (ResponseType::Rating, config, given)
        },
    )
}

fn fitting_number() -> impl Strategy<Value = (ResponseType, Value, Value)> {
    (-1_000_000_000_000..1_000_000_000_000_i64, 0..=10_usize, any::<bool>()).prop_map(|(whole, places, as_text)| {
        let digits = format!("{:0>12}", whole.unsigned_abs());
        let (front, back) = digits.split_at(digits.len() - places);
        let sign = if whole < 0 { "-" } else { "" };
        let text = if places == 0 { format!("{sign}{front}") } else { format!("{sign}{front}.{back}") };
        let given = if as_text { json!(text) } else { json!(text.parse::<f64>().unwrap()) };
        let config = json!({"allow_negative": true, "decimal_places": places});
        (ResponseType::Number, config, given)
    })
}

fn fitting_boolean() -> impl Strategy<Value = (ResponseType, Value, Value)> {
    let words =
        vec![json!(true), json!(false), json!("Yes"), json!("0"), json!("FALSE"), json!("ship IT"), json!("Wait")];
    let config = json!({"true_label": "Ship it", "false_label": "wait"});
    select(words).prop_map(move |word| (ResponseType::Boolean, config.clone(), word))
}

/// What the store does to a value.
fn stored(value: &Value) -> Value {
    serde_json::from_str(&value.to_string()).unwrap()
}

/// All that must hold of an answer once it was accepted.
fn check_accepted(spec: &Spec, given: &Value, answer: &Value) -> Result<(), TestCaseError> {
    let key = spec.response_type().answer_key();
    let details = spec.details(answer);
    let accepted = || Ok(answer.clone());
    prop_assert_eq!(&stored(answer), answer);
    prop_assert_eq!(spec.answer(&stored(answer)), accepted());
    prop_assert_eq!(spec.answer(&stored(&details)), accepted());
    prop_assert_eq!(&details[key], answer);
    prop_assert_eq!(spec.check_default(answer), Ok(()));
    if given.get(key).is_none() {
        prop_assert_eq!(spec.answer(&json!({key: given})), accepted());
    }
    let shown = mirror(answer, &details);
    prop_assert_eq!(mirror(&shown, &Value::Null), shown, "the mirror is true in JavaScript");
    Ok(())
}

proptest! {
    #[test]
    fn every_dialect_of_a_fitting_answer_is_the_same_answer((kind, config, given) in fitting()) {
        let spec = parse(kind, &config).unwrap();
        let answer = spec.answer(&given);
        prop_assert!(answer.is_ok(), "{} refused: {:?}", given, answer);
        check_accepted(&spec, &given, &answer.unwrap())?;
    }

    #[test]
    fn a_fitting_config_meets_any_answer((kind, config, _) in fitting(), given in json_value()) {
        let spec = parse(kind, &config).unwrap();
        spec.details(&given);
        if let Ok(answer) = spec.answer(&given) {
            check_accepted(&spec, &given, &answer)?;
        }
    }

    #[test]
    fn an_accepted_default_stays_accepted((kind, config, given) in fitting(), other in json_value()) {
        let spec = parse(kind, &config).unwrap();
        let key = kind.answer_key();
        for default in [given, other] {
            let accepted = spec.check_default(&default).is_ok();
            prop_assert_eq!(spec.check_default(&stored(&default)).is_ok(), accepted);
            if default.get(key).is_none() {
                prop_assert_eq!(spec.check_default(&json!({key: default})).is_ok(), accepted);
            }
        }
    }

    #[test]
    fn nothing_panics_and_a_refusal_is_a_sentence(
        kind in select(ResponseType::ALL.to_vec()),
        config in object(KEYS, json_value()),
        given in json_value(),
    ) {
        match parse(kind, &config) {
            Err(fault) => prop_assert!(fault.contains(' ')),
            Ok(spec) => {
                spec.details(&given);
                if let Err(fault) = spec.check_default(&given) {
                    prop_assert!(fault.starts_with("default_response "));
                }
                match spec.answer(&given) {
                    Ok(answer) => check_accepted(&spec, &given, &answer)?,
                    Err(fault) => prop_assert!(fault.starts_with("response ")),
                }
            }
        }
    }
}
