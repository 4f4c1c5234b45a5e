//! Sends one notification by its way, and records what came of it. Which are due is for the worker of all deliveries to know.

use crate::{
    app::App,
    domain::{Delivery, notification_texts::Message, notifications::Device},
    service::{
        deliveries::Sent,
        invitation_mail,
        notifications::{self, Way},
        push_keys,
    },
    web_push,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use url::Url;

/// How long a push service keeps a message for a browser that is off, in seconds: whoever comes back later finds the inbox.
const KEPT_SECONDS: i64 = 4 * 3600;

/// Sends it, or finds that there is nothing to be told any more.
pub(super) async fn send(app: &App, it: &Delivery) -> crate::service::Result<Sent> {
    if it.event.is_invitation() {
        return invite(app, it).await;
    }
    let (way, message) = match (notifications::ready(app, it).await?, serde_json::from_str::<Message>(&it.body)) {
        (Ok(way), Ok(message)) => (way, message),
        (Err(reason), _) => return Ok(hopeless(reason)),
        (_, Err(_)) => return Ok(hopeless("it cannot be read")),
    };
    let link = format!("{}{}", app.base_url, message.path);
    match way {
        Way::Push(device) => push(app, it, &device, &message).await,
        Way::Ntfy => {
            Ok(app.sender.post(&it.url, &ntfy(&message, &link), message.text.clone().into_bytes(), app.now()).await)
        }
        Way::Mail => Ok(app
            .mailer
            .send(&it.url, &message, &link, "This mail decides nothing: the link opens the request.")
            .await),
    }
}

/// Sends the letter of an invitation, if it still stands.
async fn invite(app: &App, it: &Delivery) -> crate::service::Result<Sent> {
    let Ok(message) = serde_json::from_str::<Message>(&it.body) else { return Ok(hopeless("it cannot be read")) };
    match invitation_mail::link(app, it, &message).await? {
        Ok(link) => {
            let foot = "If you do not know what this is about, leave it: then nothing happens.";
            Ok(app.mailer.send(&it.url, &message, &link, foot).await)
        }
        Err(reason) => Ok(hopeless(reason)),
    }
}

fn hopeless(reason: &str) -> Sent {
    Sent { error: Some(reason.to_owned()), hopeless: true, ..Sent::default() }
}

/// The headers that ntfy reads; the text is the body.
fn ntfy(message: &Message, link: &str) -> Vec<(&'static str, String)> {
    let priority = match message {
        Message { silent: true, .. } => "low", // there phones make no sound
        Message { urgent: true, .. } => "high",
        _ => "default",
    };
    vec![
        ("title", header(&message.title)),
        ("click", link.to_owned()),
        ("priority", priority.to_owned()),
        ("content-type", "text/plain; charset=utf-8".to_owned()),
    ]
}

/// Text in a header: as it is, or encoded as in mail (RFC 2047), which ntfy understands.
fn header(text: &str) -> String {
    if text.chars().all(|letter| letter == ' ' || letter.is_ascii_graphic()) {
        return text.to_owned();
    }
    format!("=?UTF-8?B?{}?=", BASE64_STANDARD.encode(text))
}

async fn push(app: &App, it: &Delivery, device: &Device, message: &Message) -> crate::service::Result<Sent> {
    let Some(keys) = push_keys::find(app).await? else {
        return Ok(hopeless("the server has no keys for push services"));
    };
    let sealed = web_push::seal(device, it.body.as_bytes(), app.random());
    let url = Url::parse(&it.url).ok();
    let proof = url.and_then(|url| web_push::authorization(&keys.private_key, &url, &app.base_url, app.now()));
    let (Ok(sealed), Some(proof)) = (sealed, proof) else { return Ok(hopeless("it cannot be sealed for this device")) };
    let left = message.expires_at.map_or(KEPT_SECONDS, |at| (at - app.now().seconds()).clamp(0, KEPT_SECONDS));
    let headers = [
        ("authorization", proof),
        ("content-encoding", "aes128gcm".to_owned()),
        ("content-type", "application/octet-stream".to_owned()),
        ("ttl", left.to_string()),
        ("urgency", if message.urgent { "high" } else { "normal" }.to_owned()),
        ("topic", message.tag.clone()),
    ];
    Ok(app.sender.post(&it.url, &headers, sealed, app.now()).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_of_any_script_fits_a_header() {
        assert_eq!(header("Moderation: high priority"), "Moderation: high priority");
        assert_eq!(header("Größe"), "=?UTF-8?B?R3LDtsOfZQ==?=");
    }
}
