//! `hitl pull`: what an account has on another server, through that server's public API.

use super::{
    arguments,
    failure::Failure,
    import::{as_json, in_words},
    output::{Format, plain},
    progress::Progress,
    users,
};
use crate::{
    app::App,
    domain::{Email, Secret},
    service::pulling::{self, Failed, Step},
    source::{self, Source},
};
use anyhow::Context;
use reqwest::Url;
use serde_json::json;
use std::{env, fs, path::PathBuf, sync::Arc};

const EXAMPLES: &str = "\
Examples:
  hitl pull --from https://api.example.com --user ann@example.com --key-file key.txt
  HITL_PULL_KEY=hitl_live_… hitl pull --from http://10.0.0.7:8080 --user ann@example.com

Reads all loops with their members and all requests, the oldest first, with a key of the account there
that may do loops:read and requests:read; nothing is changed there. It waits as long as the hourly limit
there wants. Give the same command again after an interruption, or for what has come since: it goes on
where it was, and what is here already stays as it is. Keys, webhooks and the record of events are not
in that API. To move between two servers of this program, use hitl export and hitl import.";

/// Pulls an account.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Pull {
    /// The server's address
    #[arg(long, value_name = "URL", value_parser = source::address)]
    from: Url,
    /// Whose it becomes
    #[arg(long, value_parser = arguments::email, value_name = "EMAIL")]
    user: Email,
    /// The file with the key [default: what the variable `HITL_PULL_KEY` holds]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// How often a call is made that fails, at most
    #[arg(long, default_value_t = 6, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=20))]
    tries: u32,
    #[command(flatten)]
    format: Format,
}

impl Pull {
    pub(super) async fn run(self, app: &App) -> anyhow::Result<()> {
        let key = self.key()?;
        let account = users::of(app, &self.user).await?;
        let progress = Arc::new(Progress::of("requests"));
        let waits = progress.clone();
        let tell: source::Tell = Arc::new(move |text| waits.say(text));
        let source = Source::new(self.from.clone(), key, self.tries, app.clock.clone(), tell)?;
        let from = self.from.as_str().trim_end_matches('/');
        let pulled = pulling::pull(app, account, &source, &mut |step| show(&progress, from, step)).await;
        progress.end();
        let pulled = pulled.map_err(failure)?;
        let mut json = as_json(&pulled.imported);
        json["from"] = json!(from);
        json["left_out"] = json!(pulled.left_out);
        self.format.print(&json, || {
            let words = in_words(&pulled.imported);
            match (pulled.left_out, pulled.left_out_now) {
                (0, _) => words,
                (all, now) if all == now => format!("{words}\n* {all} were left out, as said above"),
                (all, now) => format!("{words}\n* {all} were left out over all runs, {now} of them as said above"),
            }
        })
    }

    /// The key, of which nothing is known but that a header can carry it.
    fn key(&self) -> anyhow::Result<Secret> {
        let text = match &self.key_file {
            Some(file) => {
                fs::read_to_string(file).with_context(|| format!("the key cannot be read from {}", file.display()))?
            }
            None => env::var("HITL_PULL_KEY").unwrap_or_default(),
        };
        let key = text.trim();
        if key.is_empty() {
            let what = "there is no key: give the file with it by --key-file, or set HITL_PULL_KEY";
            return Err(Failure::Usage(what.to_owned()).into());
        }
        if !key.chars().all(|c| c.is_ascii_graphic()) {
            return Err(
                Failure::Usage("this is no key: it has white space or strange characters in it".to_owned()).into()
            );
        }
        Ok(Secret(key.to_owned()))
    }
}

fn show(progress: &Progress, from: &str, step: Step) {
    match step {
        Step::Known(email) => progress.say(&format!("reading what {} has at {from}", plain(&email))),
        Step::Loops(count) => progress.say(&format!("{count} loops")),
        Step::GoesOn(done) => progress.say(&format!("{done} requests are here from before")),
        Step::Requests(done, total) => progress.at(done, total),
        Step::AllAtOnce => {
            progress.say("the source gives the same requests on every page: taken for all that there are");
        }
        Step::LeftOut(what) => progress.say(&plain(&what)),
    }
}

fn failure(failed: Failed) -> anyhow::Error {
    match failed {
        Failed::Here(error) => error.into(),
        Failed::There(refused @ source::Failure::Refused { .. }) => Failure::Refused(refused.to_string()).into(),
        denied @ Failed::Denied(_) => Failure::Refused(denied.to_string()).into(),
        other => other.into(),
    }
}
