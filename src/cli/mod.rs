//! The command line: what can be typed, and which file does it. Everything but `serve`, `dev` and `health` works on the
//! database through the services, as the operator, so beside a running server. Does not know SQL or the wire.

mod arguments;
mod backup;
mod check;
mod copy;
mod credentials;
mod deliveries;
mod dev;
mod events;
mod export;
mod failure;
mod first_steps;
mod health;
mod import;
mod keys;
mod loops;
mod output;
mod place;
mod progress;
mod pull;
mod requests;
mod serve;
mod users;
mod webhooks;

use crate::version;
use clap::{CommandFactory, Parser, Subcommand};
use place::{Opening, Place};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  hitl dev                               try it on this machine
  hitl serve --listen 0.0.0.0:8080       run it in production
  hitl users create --email ann@example.com --name Ann --password-stdin < password.txt
  hitl keys create --user ann@example.com --name n8n
  hitl requests list --status pending

Settings come from the file of --config or HITL_CONFIG, from HITL_* variables, DATABASE_URL and
DATABASE_URL_FILE, and from flags: `hitl check` shows those in force.

Exit codes:
  0  done
  1  failed: the database, the network, a file
  2  wrong usage or wrong settings
  3  what was named does not exist
  4  refused: the state of things or a rule does not allow it";

/// A human's decision in an automated process: a server for loops, requests and people's answers.
#[derive(Parser)]
#[command(name = "hitl", version, long_version = version::described(), after_help = EXAMPLES, arg_required_else_help = true, max_term_width = 100)]
struct CommandLine {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve(serve::Serve),
    /// Try it on this machine: makes an owner, a loop and a key, and prints lines to paste
    Dev(dev::Dev),
    /// API keys: create, list, show, suspend, activate, revoke, rotate
    #[command(subcommand)]
    Keys(keys::Keys),
    /// People's accounts: create, list, suspend, activate, set-password, reset-link
    #[command(subcommand)]
    Users(users::Users),
    /// Loops: list, create, invite
    #[command(subcommand)]
    Loops(loops::Loops),
    /// Requests: list, show, respond, callbacks, redeliver
    #[command(subcommand)]
    Requests(requests::Requests),
    /// Webhooks: list, create, show, update, enable, disable, delete, rotate, test, log, delivery, redeliver, recover, secret
    #[command(subcommand)]
    Webhooks(webhooks::Webhooks),
    /// The record of what happened: tail
    #[command(subcommand)]
    Events(events::Events),
    /// Copy an SQLite database into a file, also while a server works with it
    Backup(backup::Backup),
    /// Move everything into another database, from SQLite to Postgres or back
    Copy(copy::Copy),
    /// Give out all that an account owns, as lines of JSON
    Export(export::ExportAccount),
    /// Take in what `hitl export` made
    Import(import::Import),
    /// Take in what an account has on another server, through its public API
    Pull(pull::Pull),
    /// Bring the database's schema up to date (`serve` does so too)
    Migrate,
    /// Check the settings and the database, and show the settings in force
    Check(check::Check),
    /// Ask a running server whether it is ready
    Health(health::Health),
}

/// What can be typed, for whoever checks what is written of it.
pub fn typed() -> clap::Command {
    CommandLine::command()
}

/// Does what the process's arguments say; the exit code is one of those that `--help` lists.
pub async fn run() -> ExitCode {
    let CommandLine { place, command } = CommandLine::parse();
    match command.run(&place).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}

impl Command {
    async fn run(self, place: &Place) -> anyhow::Result<()> {
        match self {
            Self::Serve(serve) => serve.run(place).await,
            Self::Dev(dev) => dev.run(place).await,
            Self::Keys(keys) => place.with_app(Opening::AsItIs, async |app| keys.run(app).await).await,
            Self::Users(users) => place.with_app(users.opening(), async |app| users.run(app).await).await,
            Self::Loops(loops) => place.with_app(Opening::AsItIs, async |app| loops.run(app).await).await,
            Self::Requests(requests) => place.with_app(Opening::AsItIs, async |app| requests.run(app).await).await,
            Self::Webhooks(webhooks) => place.with_app(Opening::AsItIs, async |app| webhooks.run(app).await).await,
            Self::Events(events) => place.with_app(Opening::AsItIs, async |app| events.run(app).await).await,
            Self::Backup(backup) => backup.run(place).await,
            Self::Copy(copy) => copy.run(place).await,
            Self::Export(export) => place.with_app(Opening::AsItIs, async |app| export.run(app).await).await,
            Self::Import(import) => place.with_app(Opening::Prepared, async |app| import.run(app).await).await,
            Self::Pull(pull) => place.with_app(Opening::AsItIs, async |app| pull.run(app).await).await,
            Self::Migrate => check::migrate(place).await,
            Self::Check(check) => check.run(place).await,
            Self::Health(health) => health.run(place).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_hold_together() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn the_flags_of_the_settings_go_anywhere() {
        for line in ["hitl --database-url sqlite:x keys list", "hitl keys list --database-url sqlite:x"] {
            let parsed = CommandLine::try_parse_from(line.split(' ')).unwrap();
            assert_eq!(parsed.place.database_url.as_deref(), Some("sqlite:x"), "{line}");
        }
    }
}
