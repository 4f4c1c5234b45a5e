//! What `hitl dev` prints: how to sign in, and lines to paste. Does not know how any of it was made.

use super::credentials::{Credentials, Origin};
use anyhow::Context;
use std::path::Path;

const LOOP: &str = r#"{"name": "Deployments", "description": "Who decides what ships"}"#;
const APPROVAL: &str = r#"{"processing_type": "time-sensitive", "timeout_seconds": 3600, "type": "markdown", "priority": "high", "request_text": "Ship **version 2.4**?", "response_type": "boolean", "response_config": {"true_label": "Ship it", "false_label": "Wait"}, "default_response": false, "platform": "api"}"#;
const CHOICE: &str = r#"{"processing_type": "deferred", "type": "markdown", "priority": "medium", "request_text": "The parcel arrived broken. What shall we do?", "response_type": "single_select", "response_config": {"options": ["Refund", "Replace", "Refuse"]}, "platform": "api"}"#;
const APPROVED: &str = "true";
const CHOSEN: &str = r#"{"response_data": "Refund"}"#;

/// The whole block. `base_url` is where the server listens, `database_url` what it works on.
pub(super) fn text(
    base_url: &str,
    folder: &Path,
    database_url: &str,
    credentials: &Credentials,
    origin: Origin,
) -> anyhow::Result<String> {
    let program = std::env::current_exe().context("where this program is cannot be told")?;
    let hitl = format!("{} --database-url {}", quoted(&program.to_string_lossy()), quoted(database_url));
    Ok(format!("{}\n{}", summary(base_url, folder, credentials, origin), lines(base_url, &hitl, credentials)))
}

fn summary(base_url: &str, folder: &Path, credentials: &Credentials, origin: Origin) -> String {
    let Credentials { email, password, key, loop_id, .. } = credentials;
    let note = match origin {
        Origin::Made => "This is the first start: an owner, a loop and an API key were made.\n\n",
        Origin::Remembered => "",
        Origin::Renewed => {
            "credentials.json was missing or did not work any more: the first owner has a new API key.\n\n"
        }
    };
    let forgotten = format!("not known any more; set one: hitl users set-password {email} --password-stdin");
    format!(
        "
hitl dev: for development on this machine only, NOT for production (that is hitl serve).

{note}  address   {base_url}
  docs      {base_url}/docs
  e-mail    {email}
  password  {}
  API key   {key}
  loop      {loop_id}
  data      {}
",
        password.as_deref().unwrap_or(&forgotten),
        folder.display(),
    )
}

fn lines(base_url: &str, hitl: &str, credentials: &Credentials) -> String {
    let Credentials { email, password, key, .. } = credentials;
    let password = password.as_deref().unwrap_or("YOUR PASSWORD");
    let sign_in = serde_json::json!({"email": email, "password": password});
    let (base_url, key, email) = (quoted(base_url), quoted(key), quoted(email));
    let (sign_in, json) = (quoted(&sign_in.to_string()), "-H 'Content-Type: application/json'");
    let (auth, person) = (r#"-H "Authorization: Bearer $KEY""#, r#"-H "Authorization: Bearer $TOKEN""#);
    let id = |name: &str| format!(r#"sed -n 's/.*"{name}": *"\([0-9a-z_]*\)".*/\1/p'"#);
    let (loop_id, request_id, token) = (id("id"), id("request_id"), id("token"));
    format!(
        r#"Paste these lines, one after another, into another bash:

URL={base_url}; KEY={key}; hitl() {{ {hitl} "$@"; }}

# Is the key good?
curl -sS "$URL/v1/test" {auth}; echo

# Make a loop: a group of people who answer.
LOOP=$(curl -sS "$URL/v1/api/loops" {auth} {json} -d '{LOOP}' | {loop_id}); echo "loop $LOOP"

# Put a request to it.
REQUEST=$(curl -sS "$URL/v1/api/loops/$LOOP/requests" {auth} {json} -d '{APPROVAL}' | {request_id}); echo "request $REQUEST"

# Read it, as a program does that waits for the answer.
curl -sS "$URL/v1/api/requests/$REQUEST" {auth}; echo

# Answer it, as a person, and read it again.
hitl requests respond "$REQUEST" --as {email} {APPROVED}
curl -sS "$URL/v1/api/requests/$REQUEST" {auth}; echo

# The same with a person who signs in over HTTP.
REQUEST=$(curl -sS "$URL/v1/api/loops/$LOOP/requests" {auth} {json} -d '{CHOICE}' | {request_id}); echo "request $REQUEST"
TOKEN=$(curl -sS "$URL/v1/reviewer/session" {json} -d {sign_in} | {token})
curl -sS "$URL/v1/reviewer/requests/$REQUEST/respond" {person} {json} -d '{CHOSEN}'; echo
hitl requests show "$REQUEST"
"#
    )
}

/// A word that a shell takes as it is.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Content, Object,
        loops::NewLoop,
        new_requests::{Form, Rules},
    };
    use serde_json::Value;

    fn object(text: &str) -> Object {
        Object::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_pasted_is_accepted() {
        NewLoop::parse(&object(LOOP)).unwrap();
        let answered = |body: &str, answer: &Value| {
            let content = Content::parse(&object(body), Form::Current, Rules { allow_http: false }).unwrap();
            content.spec().unwrap().answer(answer).unwrap();
        };
        answered(APPROVAL, &serde_json::from_str(APPROVED).unwrap());
        answered(CHOICE, object(CHOSEN).value("response_data").unwrap());
    }

    #[test]
    fn what_stands_in_single_quotes_has_none() {
        for body in [LOOP, APPROVAL, CHOICE, CHOSEN] {
            assert!(!body.contains('\''), "{body}");
        }
        assert_eq!(quoted("/it's here/hitl"), r"'/it'\''s here/hitl'");
    }
}
