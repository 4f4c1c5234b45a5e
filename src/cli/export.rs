//! `hitl export`: all that an account owns, as lines of JSON.

use super::{arguments, failure::Failure, output::Format, users};
use crate::{
    app::App,
    domain::{Account, Email, export_files},
    service::exporting::{self, Export},
    version,
};
use anyhow::Context;
use serde_json::json;
use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf, absolute},
};
use tempfile::NamedTempFile;

const EXAMPLES: &str = "\
Examples:
  hitl export --user ann@example.com --output ann.jsonl
  hitl export --user ann@example.com | gzip > ann.jsonl.gz
  hitl export --user ann@example.com | jq -c 'select(.kind == \"request\" and .status == \"completed\")'

One JSON object a line: the account, the people of its loops, loops with members and invite codes, keys,
webhooks, requests with answers and feedback, events. The last line counts the others. There is no
secret in it: no password, key or signing secret. A server may be running: all is of one moment.";

/// Exports an account.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ExportAccount {
    /// Whose
    #[arg(long, value_parser = arguments::email, value_name = "EMAIL")]
    user: Email,
    /// Where it goes; - is stdout
    #[arg(long, short, default_value = "-", value_name = "FILE")]
    output: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    format: Format,
}

impl ExportAccount {
    pub(super) async fn run(self, app: &App) -> anyhow::Result<()> {
        let account = users::of(app, &self.user).await?;
        if self.output == Path::new("-") {
            let mut out = BufWriter::new(io::stdout().lock());
            return write(app, account, &mut out, closed).await.map(drop);
        }
        let file = absolute(&self.output)?;
        if file.is_dir() {
            return Err(Failure::Usage(format!("{} is a folder: name a file in it", file.display())).into());
        }
        if file.exists() && !self.force {
            return Err(Failure::Refused(format!("{} is there already: --force replaces it", file.display())).into());
        }
        let export = self.put(app, account, &file).await?;
        let counts = export_files::as_json(export.counts());
        let json = json!({"user": self.user, "file": file.display().to_string(), "counts": counts});
        self.format.print(&json, || {
            let counts = export.counts().iter().map(|(kind, count)| format!("{kind} {count}")).collect::<Vec<_>>();
            format!("Exported {} to {}: {}.", self.user, file.display(), counts.join(", "))
        })
    }

    /// Under its name once it is whole and on disk. Nobody but its owner may read it.
    async fn put(&self, app: &App, account: Account, file: &Path) -> anyhow::Result<Export> {
        let folder = file.parent().context("the file has no folder")?;
        let place = || format!("{} cannot be written", file.display());
        let mut made = NamedTempFile::with_prefix_in(".hitl-export-", folder).with_context(place)?;
        let cannot = |error: io::Error| anyhow::Error::new(error).context(place());
        let export = write(app, account, &mut BufWriter::new(&mut made), cannot).await?;
        made.as_file().sync_all().with_context(place)?;
        let put = if self.force { made.persist(file) } else { made.persist_noclobber(file) };
        put.map_err(|failed| failed.error).with_context(place)?;
        Ok(export)
    }
}

async fn write(
    app: &App,
    account: Account,
    to: &mut impl Write,
    failed: impl Fn(io::Error) -> anyhow::Error,
) -> anyhow::Result<Export> {
    let head = export_files::head(version::VERSION, account.email.as_str(), app.now());
    writeln!(to, "{head}").map_err(&failed)?;
    let mut export = exporting::begin(app, account).await?;
    while let Some(page) = export.next().await? {
        for record in page {
            writeln!(to, "{}", record.line()).map_err(&failed)?;
        }
    }
    writeln!(to, "{}", export_files::end(export.counts())).and_then(|()| to.flush()).map_err(&failed)?;
    Ok(export)
}

fn closed(error: io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::OutputClosed.into(),
        _ => anyhow::Error::new(error).context("the output cannot be written"),
    }
}
