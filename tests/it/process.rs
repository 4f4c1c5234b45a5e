//! The binary itself: commands that run and end, and servers that run until they are stopped or killed.

use serde_json::Value;
use std::{path::Path, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    task::JoinHandle,
};

/// What a command said and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// What it printed as JSON, after having succeeded.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// `hitl` with only those settings that are given here.
fn hitl(arguments: &[&str], url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hitl"));
    command.args(arguments);
    only_set(command, url)
}

/// A command with no other settings than that.
fn only_set(mut command: Command, url: &str) -> Command {
    for (name, _) in std::env::vars() {
        if name.starts_with("HITL_") || name.starts_with("DATABASE_URL") {
            command.env_remove(name);
        }
    }
    command.env("DATABASE_URL", url).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command to its end.
pub(crate) async fn run(url: &str, arguments: &[&str]) -> Said {
    ended(hitl(arguments, url), "").await
}

/// The same with these variables.
pub(crate) async fn run_where(url: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = hitl(arguments, url);
    command.envs(variables.iter().copied());
    ended(command, "").await
}

/// The same with something to read.
pub(crate) async fn run_with(url: &str, arguments: &[&str], input: &str) -> Said {
    let mut command = hitl(arguments, url);
    command.stdin(Stdio::piped());
    ended(command, input).await
}

/// Runs a command over and over, each time a little longer before `kill -9`, until it ends by itself with one of these codes; how
/// often it was killed.
pub(crate) async fn killed_until_it_ends(
    url: &str,
    arguments: &[&str],
    variables: &[(&str, &str)],
    codes: &[i32],
) -> u32 {
    const LONGER: Duration = Duration::from_millis(20);
    for kills in 0..400 {
        let mut command = hitl(arguments, url);
        command.envs(variables.iter().copied()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        if let Ok(ended) = tokio::time::timeout(kills * LONGER, child.wait()).await {
            let code = ended.unwrap().code().unwrap();
            assert!(codes.contains(&code), "{arguments:?} ends with {code}, killed {kills} times before");
            return kills;
        }
        child.kill().await.unwrap();
    }
    panic!("{arguments:?} does not end");
}

/// Runs a command whose files may not become longer than so many times 512 bytes.
pub(crate) async fn run_confined(blocks: u32, arguments: &[&str]) -> Said {
    ended(lasting(&format!("ulimit -f {blocks};"), arguments, ""), "").await
}

/// `hitl`, after something that a shell does, told of files that may not grow instead of being ended by it.
fn lasting(before: &str, arguments: &[&str], url: &str) -> Command {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!(r#"trap "" XFSZ; {before} exec "$0" "$@""#), env!("CARGO_BIN_EXE_hitl")])
        .args(arguments);
    only_set(shell, url)
}

/// Runs any command to its end.
pub(crate) async fn ended(mut command: Command, input: &str) -> Said {
    let mut child = command.spawn().unwrap();
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(input.as_bytes()).await; // whoever refuses at once does not read
    }
    let output = tokio::time::timeout(Duration::from_mins(1), child.wait_with_output()).await.unwrap().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// A server that runs.
pub(crate) struct Server {
    child: Child,
    /// Where it listens: `http://…`, no slash at the end.
    pub(crate) url: String,
    /// What it said before it listened.
    pub(crate) started: String,
    rest: JoinHandle<String>,
    printed: JoinHandle<String>,
}

impl Server {
    pub(crate) async fn start(url: &str) -> Self {
        Self::start_with(url, &[]).await
    }

    /// With these variables beside its database.
    pub(crate) async fn start_with(url: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = hitl(&["serve", "--listen", "127.0.0.1:0"], url);
        command.envs(variables.iter().copied());
        Self::of(command).await
    }

    /// One that is not ended by the system where a file of its own may not grow any longer; it is told so, as of a full disk.
    pub(crate) async fn start_lasting(url: &str) -> Self {
        Self::of(lasting("", &["serve", "--listen", "127.0.0.1:0"], url)).await
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it was not waited for")
    }

    /// `hitl dev` with that folder for its data.
    pub(crate) async fn dev(folder: &str) -> Self {
        Self::of(hitl(&["dev", "--listen", "127.0.0.1:0", "--data-dir", folder], "")).await
    }

    async fn of(mut command: Command) -> Self {
        let mut child = command.env("HITL_LOG_FORMAT", "json").spawn().unwrap();
        // For the test's own client; another test of this process may have done it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let printed = tokio::spawn(whole(child.stdout.take().unwrap()));
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut started = String::new();
        let address = loop {
            let read = tokio::time::timeout(Duration::from_secs(30), log.read_line(&mut started));
            assert!(read.await.unwrap().unwrap() > 0, "it ended: {started}");
            let line: Value = serde_json::from_str(started.lines().last().unwrap()).unwrap_or_default();
            if line["message"] == "listening" {
                break line["address"].as_str().unwrap().to_owned();
            }
        };
        let rest = tokio::spawn(whole(log));
        Self { child, url: format!("http://{address}"), started, rest, printed }
    }

    /// Where it serves what it counts; it has to be told to.
    #[track_caller]
    pub(crate) fn metrics(&self) -> String {
        let mut lines = self.started.lines().map(|line| serde_json::from_str::<Value>(line).unwrap_or_default());
        let serving = lines.find(|line| line["message"] == "serving metrics").expect("it serves no metrics");
        format!("http://{}/metrics", serving["address"].as_str().unwrap())
    }

    /// What it counts.
    pub(crate) async fn scrape(&self) -> String {
        reqwest::get(self.metrics()).await.unwrap().text().await.unwrap()
    }

    /// `kill -9`; everything that it had said.
    pub(crate) async fn kill(mut self) -> String {
        self.child.kill().await.unwrap();
        format!("{}{}", self.started, self.rest.await.unwrap())
    }

    /// Sends it a signal.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().await.unwrap().success());
    }

    /// Stops it as an operator does; everything that it had logged.
    pub(crate) async fn stop(self) -> String {
        self.stopped().await.err
    }

    /// Stops it; all that it had printed and logged.
    pub(crate) async fn stopped(mut self) -> Said {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        let status = tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await.unwrap().unwrap();
        let err = format!("{}{}", self.started, self.rest.await.unwrap());
        Said { code: status.code(), out: self.printed.await.unwrap(), err }
    }
}

async fn whole(mut from: impl AsyncRead + Unpin) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).await.unwrap();
    text
}

/// A password that every check takes.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Makes an owner at the command line.
pub(crate) async fn make_owner(url: &str) -> Value {
    let arguments = ["users", "create", "--email", "owner@example.com", "--name", "Owner", "--role", "owner"];
    run_with(url, &[&arguments[..], &["--password-stdin", "--json"]].concat(), PASSWORD).await.json()
}

/// Makes a key of the owner's without a limit; the token.
pub(crate) async fn make_key(url: &str) -> String {
    make_key_as(url, &["--limit", "0"]).await
}

/// Makes a key of the owner's with what these arguments say; the token.
pub(crate) async fn make_key_as(url: &str, arguments: &[&str]) -> String {
    let create = ["keys", "create", "--user", "owner@example.com", "--name", "test", "--json"];
    run(url, &[&create, arguments].concat()).await.json()["key"].as_str().unwrap().to_owned()
}

/// A file of this repository.
pub(crate) fn in_repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
