//! What another server's API shows, as an export has it. Fields that are missing there get what fits best (contract 5).

use super::{
    Account, Email, Id, Status, Timestamp,
    exports::{FEEDBACK, LOOP, MEMBER, PERSON, REQUEST},
    loops::DEFAULT_ICON,
    new_requests::is_url,
    records::Record,
    requests::{ContentType, Platform, Priority, ProcessingType, warn_at},
    response::{ResponseType, Spec},
    words::Word,
};
use serde_json::{Map, Value, json};

/// Seconds that a request of which nobody says how long it stands has.
const LONGEST_TIMEOUT: i64 = 30 * 24 * 3600;

/// A loop; with a code of ours where it does not show its own.
pub fn of_loop(shown: &Value, code: &str) -> Result<Record, String> {
    let text = |name: &str| shown[name].as_str().unwrap_or_default();
    let icon = Some(text("icon")).filter(|icon| !icon.is_empty()).unwrap_or(DEFAULT_ICON);
    let created = time(shown, "created_at").ok_or("created_at of this loop is no time")?;
    Record::of(
        &LOOP,
        &json!({
            "id": id(shown, "id"), "name": text("name"), "description": text("description"), "icon": icon,
            "invite_code": shown["invite_code"].as_str().filter(|code| !code.is_empty()).unwrap_or(code),
            "created_at": created, "updated_at": time(shown, "updated_at").unwrap_or(created),
        }),
    )
}

/// Somebody, by what shows them: a member, or who answered.
pub fn of_person(shown: &Value, since: Timestamp) -> Result<Record, String> {
    let email = Email::parse(shown["email"].as_str().unwrap_or_default()).map_err(|_| "no e-mail address")?;
    let name = shown["name"].as_str().map(str::trim).filter(|name| !name.is_empty()).unwrap_or(email.user());
    let name: String = name.chars().take(100).collect();
    let created_at = time(shown, "joined_at").unwrap_or(since);
    Record::of(&PERSON, &json!({"id": person(shown), "email": email, "name": name, "created_at": created_at}))
}

/// Who shows up: `user_id` of a member, `id` of who answered.
pub fn person(shown: &Value) -> Option<Id<Account>> {
    let id = shown["user_id"].as_str().or_else(|| shown["id"].as_str());
    id?.parse().ok()
}

/// A member of a loop. An invitation begins to run now.
pub fn of_member(shown: &Value, of: &Value, now: Timestamp) -> Result<Record, String> {
    let active = shown["status"] != "pending";
    let joined = time(shown, "joined_at").or_else(|| time(of, "created_at")).unwrap_or(now);
    let is_creator =
        person(shown).is_some_and(|id| of["creator_id"].as_str().and_then(|it| it.parse().ok()) == Some(id));
    Record::of(
        &MEMBER,
        &json!({
            "loop_id": id(of, "id"), "account_id": person(shown), "role": if is_creator { "admin" } else { "member" },
            "status": if active { "active" } else { "pending" },
            "invited_at": if active { joined } else { now }, "joined_at": active.then_some(joined),
            "last_active": time(shown, "last_active"), "notified": true,
        }),
    )
}

/// A request. Whoever has claimed it does so elsewhere: here it waits for anybody.
pub fn of_request(shown: &Value, asker: Id<Account>, now: Timestamp) -> Result<Record, String> {
    let status = status(shown).ok_or_else(|| format!("its status {} is not known here", shown["status"]))?;
    let kind = word::<ResponseType>(shown, "response_type")
        .ok_or_else(|| format!("its response_type {} is not known here", shown["response_type"]))?;
    let created = time(shown, "created_at").ok_or("it does not say when it was made")?;
    let seconds = shown["timeout_seconds"].as_i64().or_else(|| {
        let span = time(shown, "timeout_at")?.seconds() - created.seconds();
        (span > 0).then_some(span)
    });
    let seconds = seconds.unwrap_or(LONGEST_TIMEOUT);
    let timeout_at = time(shown, "timeout_at").unwrap_or_else(|| created.plus_seconds(seconds));
    let responded = time(shown, "response_at").or_else(|| time(shown, "completed_at"));
    let last = [responded, time(shown, "cancelled_at")].into_iter().flatten().max();
    let updated = time(shown, "updated_at").or(last).unwrap_or(created);
    let answered = status == Status::Completed;
    let warning = warn_at(seconds, timeout_at).filter(|at| !status.is_final() && *at > now);
    let default_type = if seconds > 86_400 { ProcessingType::Deferred } else { ProcessingType::TimeSensitive };
    let config = shown["response_config"].as_object().cloned().unwrap_or_default();
    let mut record = json!({
        "id": id(shown, "id"), "loop_id": id(shown, "loop_id"),
        "api_key_id": id(shown, "api_key_id").unwrap_or_else(|| asker.to_string()),
        "processing_type": word(shown, "processing_type").unwrap_or(default_type),
        "type": word(shown, "type").unwrap_or(ContentType::Markdown),
        "priority": word(shown, "priority").unwrap_or(Priority::Medium),
        "request_text": shown["request_text"].as_str().unwrap_or_default(),
        "timeout_seconds": seconds, "response_type": kind, "response_config": config,
        "platform": word(shown, "platform").unwrap_or(Platform::Api),
        "broadcasted_to": shown["broadcasted_to"].as_array().cloned().unwrap_or_default(),
        "status": status, "created_at": created, "updated_at": updated, "timeout_at": timeout_at, "warn_at": warning,
        "claimed_by": id(shown, "claimed_by").filter(|_| status.is_final()),
        "claimed_at": time(shown, "claimed_at").filter(|_| status.is_final()), "claim_expires_at": null,
        "response_by": id(shown, "response_by").filter(|_| answered),
        "response_at": if answered { responded.or(Some(updated)) } else { None },
        "response_data": if answered { answer(kind, &config, &shown["response_data"]) } else { Value::Null },
        "cancelled_at": time(shown, "cancelled_at"),
    });
    for name in ["image_url", "platform_version", "callback_url", "user_agent", "cancel_reason"] {
        let keeps = |text: &&str| !text.is_empty() && (!name.ends_with("_url") || is_url(text));
        record[name] = shown[name].as_str().filter(keeps).into();
    }
    for name in ["context", "default_response", "tags", "metadata"] {
        record[name] = shown[name].clone();
    }
    Record::of(&REQUEST, &record)
}

/// The feedback on a request, where it shows any. Its own identifier is not shown; it is the only one of its request.
pub fn of_feedback(shown: &Value, asker: Id<Account>) -> Option<Result<Record, String>> {
    let body = &shown["feedback"];
    body.as_object()?;
    let at = time(shown, "updated_at").or_else(|| time(shown, "response_at")).or_else(|| time(shown, "created_at"))?;
    let record = json!({"id": id(shown, "id"), "request_id": id(shown, "id"), "account_id": asker, "body": body, "submitted_at": at});
    Some(Record::of(&FEEDBACK, &record))
}

/// The answer in its bare form, whichever dialect it is shown in (contract 19.5).
fn answer(kind: ResponseType, config: &Map<String, Value>, shown: &Value) -> Value {
    let spec = Spec::parse(kind, config).ok();
    spec.and_then(|spec| spec.answer(shown).ok()).unwrap_or_else(|| kind.bare(shown).clone())
}

fn status(shown: &Value) -> Option<Status> {
    match shown["status"].as_str()? {
        "timed_out" => Some(Status::Timeout), // contract 19.7
        "claimed" => Some(Status::Pending),
        other => Status::named(other),
    }
}

fn word<W: Word>(shown: &Value, name: &str) -> Option<W> {
    W::named(shown[name].as_str()?)
}

fn id(shown: &Value, name: &str) -> Option<String> {
    Some(shown[name].as_str()?.parse::<Id<()>>().ok()?.to_string())
}

fn time(shown: &Value, name: &str) -> Option<Timestamp> {
    shown[name].as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "65f1234567890abcdef12345";

    #[test]
    fn what_a_list_leaves_out_is_filled_in() {
        let now: Timestamp = "2024-03-15T10:30:00Z".parse().unwrap();
        let least = json!({"id": ID, "loop_id": ID, "status": "claimed", "response_type": "rating", "created_at": "2024-03-15T10:00:00Z",
            "timeout_at": "2024-03-15T11:00:00Z", "claimed_by": ID, "type": "video"});
        let line = of_request(&least, ID.parse().unwrap(), now).unwrap().line();
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["timeout_seconds"], 3600);
        for (name, value) in [
            ("status", "pending"),
            ("type", "markdown"),
            ("processing_type", "time-sensitive"),
            ("warn_at", "2024-03-15T10:45:00Z"),
        ] {
            assert_eq!(read[name], value);
        }
        assert_eq!(read["claimed_by"], Value::Null);
        for (name, value) in [
            ("response_type", json!("editable_text")),
            ("status", json!("lost")),
            ("created_at", json!(null)),
            ("id", json!("1")),
        ] {
            let mut wrong = least.clone();
            wrong[name] = value;
            assert!(of_request(&wrong, ID.parse().unwrap(), now).is_err(), "{name}");
        }
    }

    #[test]
    fn answers_of_both_dialects_are_kept_bare() {
        let options = json!({"options": ["Approve", "Reject"]}).as_object().unwrap().clone();
        for shown in [json!("Approve"), json!({"selected_value": "Approve"})] {
            assert_eq!(answer(ResponseType::SingleSelect, &options, &shown), "Approve");
        }
        let gone = answer(ResponseType::SingleSelect, &options, &json!({"selected_value": "Gone"}));
        assert_eq!(gone, "Gone", "what was answered stays, also where its option is no longer there");
    }
}
