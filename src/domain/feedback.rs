//! What the asker thought of an answer (contract 7.7).

use super::{Account, Id, Invalid, Json, Object, Request, Timestamp, object::longer_than};
use serde_json::{Map, Value};

/// One entry of feedback on a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Feedback {
    /// Its identifier.
    pub id: Id<Feedback>,
    /// The request it is about.
    pub request_id: Id<Request>,
    /// Who gave it.
    pub account_id: Id<Account>,
    /// What was said, as sent.
    pub body: Json,
    /// When.
    pub submitted_at: Timestamp,
}

const RATINGS: [&str; 4] = ["rating", "accuracy", "timeliness", "helpfulness"];
const FLAGS: [&str; 2] = ["would_recommend", "follow_up_needed"];
const CATEGORIES: [&str; 3] = ["positive", "constructive", "issue"];
const KNOWN: [&str; 9] = [
    "rating",
    "accuracy",
    "timeliness",
    "helpfulness",
    "comment",
    "would_recommend",
    "follow_up_needed",
    "tags",
    "category",
];

impl Feedback {
    /// Reads the body: the object under `feedback`, with known keys found beside it merged in.
    pub fn parse(sent: &Object) -> Result<Json, Invalid> {
        let mut fields = match sent.value("feedback") {
            Some(Value::Object(fields)) => fields.clone(),
            Some(_) => return Err(Invalid::required("feedback")),
            None => Map::new(),
        };
        for name in KNOWN {
            if let Some(value) = sent.value(name).filter(|_| !fields.contains_key(name)) {
                fields.insert(name.to_owned(), value.clone());
            }
        }
        if fields.is_empty() {
            return Err(Invalid::required("feedback"));
        }
        let fields = Object(fields);
        check(&fields)?;
        Ok(Json::of(&fields.0))
    }
}

fn check(fields: &Object) -> Result<(), Invalid> {
    for name in RATINGS {
        if fields.number(name)?.is_some_and(|rating| !(1.0..=5.0).contains(&rating)) {
            return Err(Invalid::with("Rating values must be between 1 and 5", name));
        }
    }
    if fields.text("comment")?.is_some_and(|comment| longer_than(comment, 1000)) {
        return Err(Invalid::new("Comment exceeds maximum length of 1000 characters"));
    }
    for name in FLAGS {
        fields.boolean(name)?;
    }
    if fields.value("tags").is_some_and(|tags| !is_list_of_texts(tags)) {
        return Err(Invalid::field("tags", "must be an array of strings"));
    }
    if fields.text("category")?.is_some_and(|category| !CATEGORIES.contains(&category)) {
        return Err(Invalid::one_of("category", &CATEGORIES));
    }
    Ok(())
}

fn is_list_of_texts(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(Value::is_string))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(body: &Value) -> Result<Value, Invalid> {
        Feedback::parse(&Object::parse(body.to_string().as_bytes()).unwrap()).map(|json| json.value())
    }

    #[test]
    fn known_keys_beside_the_object_are_merged() {
        let body =
            json!({"feedback": {"rating": 4.5, "mood": "good"}, "would_recommend": true, "rating": 1, "other": 1});
        assert_eq!(parse(&body), Ok(json!({"rating": 4.5, "mood": "good", "would_recommend": true})));
    }

    #[test]
    fn each_rule_has_its_message() {
        for body in [json!({}), json!({"feedback": {}}), json!({"feedback": "good"}), json!({"feedback": null})] {
            assert_eq!(parse(&body), Err(Invalid::required("feedback")), "{body}");
        }
        assert_eq!(
            parse(&json!({"feedback": {"rating": 0}})),
            Err(Invalid::with("Rating values must be between 1 and 5", "rating"))
        );
        assert_eq!(
            parse(&json!({"feedback": {"accuracy": 5.1}})),
            Err(Invalid::with("Rating values must be between 1 and 5", "accuracy"))
        );
        assert_eq!(parse(&json!({"feedback": {"rating": "5"}})), Err(Invalid::field("rating", "must be a number")));
        assert_eq!(
            parse(&json!({"feedback": {"comment": "x".repeat(1001)}})).unwrap_err().msg,
            "Comment exceeds maximum length of 1000 characters"
        );
        assert_eq!(
            parse(&json!({"feedback": {"would_recommend": "yes"}})),
            Err(Invalid::field("would_recommend", "must be a boolean"))
        );
        assert_eq!(parse(&json!({"feedback": {"category": "bad"}})), Err(Invalid::one_of("category", &CATEGORIES)));
        assert_eq!(
            parse(&json!({"feedback": {"tags": [1]}})),
            Err(Invalid::field("tags", "must be an array of strings"))
        );
    }
}
