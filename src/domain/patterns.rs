//! Which events a webhook wants (contract 12.8): `*`, `request.*`, exact names, `loop.<id>.*`, and `!` before any of them.

use super::{Event, EventName, Id, Invalid, Loop, words::Word};

/// Names that filters may say although nothing fires them (contract 12.2).
const RESERVED: [&str; 9] = [
    "request.assigned",
    "request.escalated",
    "loop.archived",
    "user.invited",
    "user.joined",
    "system.performance",
    "system.error",
    "webhook.test",
    "user.*",
];

/// The groups of events.
const GROUPS: [&str; 6] = ["request", "loop", "api_key", "webhook", "user", "system"];

/// Checks the patterns that an owner sent; the first unknown one is named.
pub fn check(patterns: &[String]) -> Result<(), Invalid> {
    match patterns.iter().find(|pattern| !is_known(pattern)) {
        Some(unknown) => Err(Invalid::failed(format!("events contains an unknown event: {unknown}"))),
        None => Ok(()),
    }
}

/// Whether it is one.
pub(super) fn is_known(pattern: &str) -> bool {
    let pattern = pattern.strip_prefix('!').unwrap_or(pattern);
    let group = pattern.strip_suffix(".*");
    pattern == "*"
        || RESERVED.contains(&pattern)
        || group.is_some_and(|group| GROUPS.contains(&group) || of_loop(pattern).is_some())
        || EventName::named(pattern).is_some_and(EventName::is_public)
}

fn of_loop(pattern: &str) -> Option<Id<Loop>> {
    pattern.strip_prefix("loop.")?.strip_suffix(".*")?.parse().ok()
}

/// Whether any positive pattern matches and no `!` pattern does.
pub fn wants(patterns: &[String], event: &Event) -> bool {
    let (unwanted, wanted): (Vec<&str>, Vec<&str>) =
        patterns.iter().map(String::as_str).partition(|text| text.starts_with('!'));
    wanted.iter().any(|pattern| matches(pattern, event))
        && !unwanted.iter().any(|pattern| matches(&pattern[1..], event))
}

fn matches(pattern: &str, event: &Event) -> bool {
    if let Some(id) = of_loop(pattern) {
        return event.loop_id == Some(id);
    }
    let name = event.name.as_str();
    pattern == "*"
        || pattern == name
        || pattern.strip_suffix('*').is_some_and(|group| group.ends_with('.') && name.starts_with(group))
}
