//! What a notification says: the loop, how urgent, the first words, the deadline; never the context (contract 10.6, 15.3). It
//! decides nothing: it leads to the request.

use super::{
    EventName, Loop, Member, Request, Role, Timestamp,
    clocks::offset_name,
    notifications::{Occasion, Preferences},
};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, macros::format_description};

/// One notification, the same by every way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// A line.
    pub title: String,
    /// A few lines.
    pub text: String,
    /// Where it leads, below the server's own address.
    pub path: String,
    /// What it is about: a later one about the same takes its place.
    pub tag: String,
    /// Whether it is to be noticed at once.
    pub urgent: bool,
    /// Whether it is to make no sound.
    #[serde(default)]
    pub silent: bool,
    /// Whether the app's icon is to show how many requests wait.
    #[serde(default)]
    pub badge: bool,
    /// The second since 1970 from which on it is of no use.
    pub expires_at: Option<i64>,
}

impl Message {
    /// What somebody is told of a request.
    pub fn of(occasion: Occasion, it: &Request, preferences: &Preferences) -> Self {
        let (name, priority) = (one_line(&it.loop_name), it.content.priority);
        let title = match occasion {
            Occasion::NewRequest | Occasion::UrgentRequest => format!("{name}: {priority} priority"),
            Occasion::DeadlineNear => format!("{name}: 15 minutes left for what you have claimed"),
            Occasion::ClaimCancelled => format!("{name}: taken back, nothing left to do"),
            Occasion::FeedbackReceived => format!("{name}: feedback on your answer"),
            Occasion::LoopActivity => name, // it is of no request
        };
        let deadline =
            (!it.status.is_final()).then(|| deadline(it.timeout_at, preferences.clock.minutes_ahead(it.timeout_at)));
        Self {
            title,
            text: [it.preview()].into_iter().chain(deadline).collect::<Vec<_>>().join("\n"),
            path: format!("/inbox/{}", it.id),
            tag: it.id.to_string(),
            urgent: matches!(occasion, Occasion::UrgentRequest | Occasion::DeadlineNear),
            silent: preferences.silent,
            badge: !preferences.unbadged,
            expires_at: (!it.status.is_final()).then(|| it.timeout_at.seconds()),
        }
    }

    /// What somebody is told who is invited to the server. Where the letter leads is known when it is sent.
    pub fn of_account_invitation(base_url: &str, by: &str, role: Role) -> Self {
        let role = role.in_words();
        let by = one_line(by);
        let text = format!(
            "{by} has invited you to {base_url},\nas {role}. There people decide what a program should not decide alone.\n\n\
             Open this link and choose a password. It works once, within 7 days."
        );
        Self::invitation(format!("{by} has invited you to hitl"), text, String::new())
    }

    /// What somebody is told who is invited to a loop.
    pub fn of_loop_invitation(to: &Loop) -> Self {
        let name = one_line(&to.name);
        let text = format!(
            "You are invited to join {name}.\nPeople in it are asked to decide what a program should not decide alone.\n\n\
             Open this link to join, within 7 days. You sign in or sign up on the way."
        );
        Self::invitation(format!("You are invited to join {name}"), text, format!("/join/{}", to.invite_code))
    }

    fn invitation(title: String, text: String, path: String) -> Self {
        Self {
            title,
            text,
            path,
            tag: "invitation".to_owned(),
            urgent: false,
            silent: false,
            badge: false,
            expires_at: None,
        }
    }

    /// What somebody is told who tries whether it arrives.
    pub fn test() -> Self {
        Self {
            title: "hitl: this is a test".to_owned(),
            text: "Notifications reach you here.".to_owned(),
            path: "/account/notifications".to_owned(),
            tag: "test".to_owned(),
            urgent: false,
            silent: false,
            badge: false,
            expires_at: None,
        }
    }

    /// What the maker of a loop is told when somebody joins or leaves it.
    pub fn of_loop_activity(it: &Loop, who: &Member, event: EventName, preferences: &Preferences) -> Self {
        let did = if event == EventName::LoopMemberJoined { "has joined" } else { "is no longer in it" };
        Self {
            title: format!("{}: {} {did}", one_line(&it.name), one_line(&who.name)),
            text: who.email.to_string(),
            path: format!("/loops/{}", it.id),
            tag: it.id.to_string(),
            urgent: false,
            silent: preferences.silent,
            badge: !preferences.unbadged,
            expires_at: None,
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The deadline by the person's clock.
fn deadline(at: Timestamp, offset_minutes: i64) -> String {
    let form = format_description!("[day padding:none] [month repr:short] [hour]:[minute]");
    let local = OffsetDateTime::from_unix_timestamp(at.seconds() + offset_minutes * 60).ok();
    let local = local.and_then(|local| local.format(form).ok()).unwrap_or_else(|| at.to_string());
    format!("Deadline: {local} ({})", offset_name(offset_minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deadline_is_by_the_persons_clock() {
        let at: Timestamp = "2024-03-05T23:30:00Z".parse().unwrap();
        assert_eq!(deadline(at, 0), "Deadline: 5 Mar 23:30 (UTC)");
        assert_eq!(deadline(at, 60), "Deadline: 6 Mar 00:30 (UTC+01:00)");
        assert_eq!(deadline(at, -570), "Deadline: 5 Mar 14:00 (UTC-09:30)");
    }
}
