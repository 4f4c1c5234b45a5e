//! `hitl import`: what `hitl export` made, into this database.

use super::{
    arguments,
    failure::Failure,
    output::{Format, table},
    users,
};
use crate::{
    app::App,
    domain::{Email, export_files::Reading, records::Record},
    service::importing::{self, Imported, Importer, Taken},
};
use anyhow::Context;
use serde_json::{Value, json};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek},
    path::{Path, PathBuf},
};

const EXAMPLES: &str = "\
Examples:
  hitl import ann.jsonl
  zcat ann.jsonl.gz | hitl import -
  hitl import ann.jsonl --user boss@example.com      all of it becomes boss@example.com's

The whole file is read and checked first: one that was cut off, that a newer hitl made, or in which
a line is wrong changes nothing. Then it is taken in, a piece at a time, beside a running server. What
is here already stays as it is: after an interruption, give the same command again.
Keys, passwords and signing secrets are not in such a file; what has to be made anew is said at the end.";

/// More than any line is, in bytes.
const LONGEST_LINE: u64 = 64 * 1024 * 1024;

/// Imports an account.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Import {
    /// What `hitl export` made; - is stdin
    file: PathBuf,
    /// Whose it becomes [default: the account with the address in the file, made if there is none]
    #[arg(long, value_parser = arguments::email, value_name = "EMAIL")]
    user: Option<Email>,
    #[command(flatten)]
    format: Format,
}

impl Import {
    pub(super) async fn run(self, app: &App) -> anyhow::Result<()> {
        let to = match &self.user {
            Some(email) => Some(users::of(app, email).await?),
            None => None,
        };
        let mut file = opened(&self.file)?;
        each(&mut file, async |_, _| Ok(())).await?;
        let mut importer = Importer::new(app, to);
        each(&mut file, async |line, record| {
            importer.take(format!("line {line}"), record).await.map_err(anyhow::Error::from)
        })
        .await?;
        let imported = importer.finish().await?;
        self.format.print(&as_json(&imported), || in_words(&imported))
    }
}

/// The file, which can be read more than once.
fn opened(path: &Path) -> anyhow::Result<File> {
    let unreadable = || format!("{} cannot be read", path.display());
    let mut from: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Failure::Missing(format!("there is no file {}", path.display())).into(),
            _ => anyhow::Error::new(error).context(unreadable()),
        })?;
        let about = file.metadata()?;
        if about.is_dir() {
            return Err(Failure::Usage(format!("{} is a folder", path.display())).into());
        }
        if about.is_file() {
            return Ok(file);
        }
        Box::new(file)
    };
    let mut kept = tempfile::tempfile().context("no temporary file can be made")?;
    io::copy(&mut from, &mut kept).with_context(unreadable)?;
    Ok(kept)
}

/// Checks the file from its beginning to its end, and does something with each thing in it and the number of its line.
async fn each(file: &mut File, mut act: impl AsyncFnMut(u64, Record) -> anyhow::Result<()>) -> anyhow::Result<()> {
    file.rewind()?;
    let (mut from, mut reading, mut number) = (BufReader::new(file), Reading::default(), 0);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut from).take(LONGEST_LINE).read_until(b'\n', &mut line).context("the file cannot be read")?;
        if read == 0 {
            break;
        }
        number += 1;
        let text = std::str::from_utf8(&line).map_err(|_| refused(number, "it is not UTF-8"))?;
        if let Some(record) = reading.take(text.trim_end()).map_err(|fault| refused(number, &fault))? {
            act(number, record).await?;
        }
    }
    reading.finish().map_err(|fault| refused(number, fault))?;
    Ok(())
}

fn refused(line: u64, what: &str) -> anyhow::Error {
    importing::refused(&format!("line {line}"), what).into()
}

pub(super) fn as_json(it: &Imported) -> Value {
    let count = |read: fn(&Taken) -> u64| -> Value {
        it.taken
            .iter()
            .map(|(kind, taken)| ((*kind).to_owned(), Value::from(read(taken))))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    json!({
        "user": it.account.email,
        "read": count(|taken| taken.read),
        "new": count(|taken| taken.new),
        "invited": it.invited,
        "open_requests": it.open,
        "to_do": to_do(it),
    })
}

pub(super) fn in_words(it: &Imported) -> String {
    let rows = it.taken.iter().map(|(kind, taken)| [(*kind).to_owned(), taken.read.to_string(), taken.new.to_string()]);
    let mut text = format!(
        "{}\n\nImported for {}. What was here already stayed as it was.",
        table(["KIND", "READ", "NEW"], rows),
        it.account.email
    );
    for what in to_do(it) {
        text.push_str("\n* ");
        text.push_str(&what);
    }
    text
}

/// What was not in the file, and has to be done by somebody.
fn to_do(it: &Imported) -> Vec<String> {
    let new = |kind: &str| it.taken.get(kind).map_or(0, |taken| taken.new);
    let email = &it.account.email;
    let mut all = Vec::new();
    if it.account.password_hash.is_none() {
        all.push(format!("{email} has no password here: hitl users reset-link {email}"));
    }
    let others = it.invited.iter().filter(|invited| *invited != email).count();
    if others > 0 {
        all.push(format!(
            "{others} people of the loops are new here and have no password: they sign up by a loop's link, or by hitl users reset-link EMAIL"
        ));
    }
    if new("key") > 0 {
        all.push(format!(
            "{} keys came without what programs say: for each that is still needed, hitl keys rotate ID --overlap 0s, and give the program the new one",
            new("key")
        ));
    }
    if new("webhook") > 0 {
        all.push(format!(
            "{} webhooks sign with secrets that nobody knows: for each, hitl webhooks rotate ID, and give its receiver the new one",
            new("webhook")
        ));
    }
    if new("request") > 0 {
        all.push(format!("callbacks are signed with a secret of this server: hitl webhooks secret --user {email}"));
    }
    if it.open > 0 {
        all.push(format!(
            "{} requests are open, and wait here for an answer: see that nobody answers them elsewhere too",
            it.open
        ));
    }
    all
}
