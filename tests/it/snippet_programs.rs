//! The snippets of a page as programs: those of one language are one program, which has a turn for each of them.
//!
//! A program waits for a line before each snippet and prints a mark after it. What a shell exports, the others have from then on.

use crate::snippets::Language;
use rustix::process::{Pid, Signal, kill_process_group};
use std::{fmt::Write, fs, path::Path, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// Begins the line that ends a snippet's output.
const MARK: char = '\u{1}';

const SHELL: &str = r#"set -euo pipefail
turn() { env -0 > .variables; printf '\n\001%s\n' "$1"; read -r _ || exit 0; }
read -r _ || exit 0
"#;
const PYTHON: &str = r#"import os, sys
def _wait():
    if not sys.stdin.readline():
        sys.exit()
    if os.path.exists(".variables"):
        with open(".variables") as file:
            os.environ.update(pair.split("=", 1) for pair in file.read().split("\0") if "=" in pair)
def _turn(block):
    print(f"\n\x01{block}", flush=True)
    _wait()
_wait()
"#;
const JAVASCRIPT: &str = r#"import * as $fs from "node:fs";
import * as $readline from "node:readline";
const $turns = $readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
async function $wait() {
  if ((await $turns.next()).done) process.exit();
  if (!$fs.existsSync(".variables")) return;
  for (const pair of $fs.readFileSync(".variables", "utf8").split("\0").filter((pair) => pair.includes("=")))
    process.env[pair.slice(0, pair.indexOf("="))] = pair.slice(pair.indexOf("=") + 1);
}
const $turn = (block) => { console.log(`\n\x01${block}`); return $wait(); };
await $wait();
"#;

impl Language {
    /// What runs it, the name of its program, and how that begins.
    fn means(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Shell => ("bash", ".page.sh", SHELL),
            Self::Python => ("python3", ".page.py", PYTHON),
            Self::JavaScript => ("node", ".page.mjs", JAVASCRIPT),
        }
    }
}

/// A program under way; what it started ends with it.
pub(crate) struct Program {
    _child: Child,
    group: Option<Pid>,
    turns: ChildStdin,
    printed: BufReader<ChildStdout>,
    errors: std::path::PathBuf,
}

impl Program {
    /// Starts what consists of these snippets, each with its number and whether it has to fail.
    pub(crate) fn start(
        language: Language,
        snippets: &[(usize, String, bool)],
        folder: &Path,
        mut command: Command,
    ) -> Self {
        let (_, name, beginning) = language.means();
        let mut text = beginning.to_owned();
        for (number, snippet, refused) in snippets {
            let turn = match (language, refused) {
                (Language::Shell, false) => format!("{snippet}\nturn {number}"),
                (Language::Shell, true) => {
                    format!(
                        "set +e\n{snippet}\n(( $? )) || {{ echo 'it was not refused' >&2; exit 9; }}\nset -e\nturn {number}"
                    )
                }
                (Language::Python, _) => format!("{snippet}\n_turn({number})"),
                (Language::JavaScript, _) => format!("{snippet}\nawait $turn({number});"),
            };
            writeln!(text, "{turn}").unwrap();
        }
        fs::write(folder.join(name), text).unwrap();
        let errors = folder.join(format!("{name}.errors"));
        let file = fs::File::create(&errors).unwrap();
        command.arg(name).current_dir(folder).process_group(0);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(file).spawn().unwrap();
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let (turns, printed) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { _child: child, group, turns, printed, errors }
    }

    /// The command that runs a language.
    pub(crate) fn command(language: Language) -> Command {
        Command::new(language.means().0)
    }

    /// Gives a snippet its turn; what it printed, or why it did not end well.
    pub(crate) async fn turn(&mut self, number: usize) -> Result<String, String> {
        let turn = async {
            let _ = self.turns.write_all(b"\n").await; // one that has ended is told of below
            let mut output = String::new();
            loop {
                let before = output.len();
                if self.printed.read_line(&mut output).await.unwrap_or_default() == 0 {
                    return Err(output);
                }
                if output[before..].strip_prefix(MARK) == Some(&format!("{number}\n")) {
                    output.truncate(before);
                    return Ok(output.trim().to_owned());
                }
            }
        };
        let failed = |output: String| format!("{output}\n{}", fs::read_to_string(&self.errors).unwrap_or_default());
        match tokio::time::timeout(Duration::from_mins(1), turn).await {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(output)) => Err(failed(output)),
            Err(_) => Err(failed("it took a minute".to_owned())),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            let _ = kill_process_group(group, Signal::KILL); // it may have ended
        }
    }
}
