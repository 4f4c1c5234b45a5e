//! `hitl events`: the record of what happened, as it happens if asked to.

use super::{
    arguments,
    output::{or_dash, print},
    users,
};
use crate::{
    app::App,
    domain::{Email, EventName, Id, Request, Timestamp, words::Word},
    service::timeline::{self, Reader},
    store::events::{Line, Wanted},
};
use clap::Subcommand;
use serde_json::{Value, json};
use std::{collections::HashSet, time::Duration};

const TAIL: &str = "\
Examples:
  hitl events tail --follow
  hitl events tail --request 65f1234567890abcdef12348
  hitl events tail --event request.timeout --since 24h --lines 1000
  hitl events tail --since 2030-01-31T00:00:00Z --lines 100000 --json > audit.jsonl";

/// How often the database is looked at for more.
const LOOK: Duration = Duration::from_secs(1);

/// What can be done with the record.
#[derive(Subcommand)]
pub(super) enum Events {
    /// Show the last events, the newest at the end
    #[command(after_help = TAIL)]
    Tail(Tail),
}

#[derive(clap::Args)]
pub(super) struct Tail {
    /// Go on, and show what happens from now on
    #[arg(short, long)]
    follow: bool,
    /// How many to begin with, at most
    #[arg(short = 'n', long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(0..=1_000_000))]
    lines: i64,
    /// Only these
    #[arg(long, value_parser = arguments::word::<EventName>(), hide_possible_values = true, value_name = "NAME")]
    event: Option<EventName>,
    /// Only those of this request
    #[arg(long, value_name = "ID")]
    request: Option<Id<Request>>,
    /// Only what concerns this person: their requests, loops, keys and webhooks
    #[arg(long, value_parser = arguments::email, value_name = "EMAIL")]
    account: Option<Email>,
    /// Only since then, such as 2030-01-31T00:00:00Z, or so long ago, such as 30m, 24h, 7d
    #[arg(long, value_parser = since, value_name = "TIME")]
    since: Option<Since>,
    /// Print one JSON object a line, for programs
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Since {
    Time(Timestamp),
    SecondsAgo(i64),
}

fn since(text: &str) -> Result<Since, String> {
    let ago = || arguments::seconds(text).map(Since::SecondsAgo);
    text.parse()
        .map(Since::Time)
        .or_else(|_| ago())
        .map_err(|_| "neither an RFC 3339 time nor a span such as 30m".into())
}

impl Events {
    pub(super) async fn run(self, app: &App) -> anyhow::Result<()> {
        let Self::Tail(tail) = self;
        let account_id = match &tail.account {
            Some(email) => Some(users::of(app, email).await?.id),
            None => None,
        };
        let since = tail.since.map(|since| match since {
            Since::Time(time) => time,
            Since::SecondsAgo(seconds) => app.now().plus_seconds(-seconds),
        });
        let names = tail.event.into_iter().collect();
        let wanted = Wanted { account_id, request_id: tail.request, names, since, ..Wanted::default() };
        tail.run(app, wanted).await
    }
}

impl Tail {
    async fn run(&self, app: &App, wanted: Wanted) -> anyhow::Result<()> {
        // First from now on, then the last ones: what comes in between is in both, and shown once.
        let mut reader = if self.follow { Some(Reader::of_all(app, wanted.clone()).await?) } else { None };
        let last = timeline::last(app, &wanted, self.lines).await?;
        self.show(&last)?;
        let shown: HashSet<i64> = last.iter().map(|line| line.seq).collect();
        while let Some(reader) = &mut reader {
            let mut lines = reader.next(app).await?;
            if lines.is_empty() {
                tokio::time::sleep(LOOK).await;
            }
            lines.retain(|line| !shown.contains(&line.seq));
            self.show(&lines)?;
        }
        Ok(())
    }

    fn show(&self, lines: &[Line]) -> anyhow::Result<()> {
        for line in lines {
            print(&if self.json { properties(line).to_string() } else { in_words(line) })?;
        }
        Ok(())
    }
}

fn in_words(it: &Line) -> String {
    let of = |name: &str, id: Option<String>| id.map(|id| format!("{name} {id}"));
    let step = it.to_status.as_ref().map(|to| format!("{} -> {to}", or_dash(it.from_status.as_ref())));
    let words = [
        Some(format!("{}  {:<22}", it.at, it.name.as_str())),
        Some(format!("by {} {}", it.actor_kind, it.actor_id.as_deref().unwrap_or_default()).trim_end().to_owned()),
        of("loop", it.loop_id.map(|id| id.to_string())),
        of("request", it.request_id.map(|id| id.to_string())),
        step,
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

/// The fields of the audit log, by their names.
fn properties(it: &Line) -> Value {
    json!({
        "seq": it.seq,
        "event_id": it.id,
        "at": it.at,
        "event": it.name,
        "actor_kind": it.actor_kind,
        "actor_id": it.actor_id,
        "account_id": it.account_id,
        "loop_id": it.loop_id,
        "request_id": it.request_id,
        "from": it.from_status,
        "to": it.to_status,
        "data": it.data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_time_or_so_long_ago() {
        assert_eq!(since("24h"), Ok(Since::SecondsAgo(86_400)));
        assert_eq!(since("1970-01-01T00:00:10Z"), Ok(Since::Time(Timestamp::from_seconds(10))));
        assert!(since("yesterday").is_err() && since("2030-01-31").is_err());
    }
}
