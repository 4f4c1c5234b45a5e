//! The server under test: the release binary, and what a stranger does before the first request.

use crate::{
    connection::{Connection, get, post},
    database::Database,
    process::Server,
    work::{ANSWER, QUESTION, id_in},
};
use anyhow::{Context, ensure};
use serde_json::Value;
use std::{
    io::Write,
    net::SocketAddr,
    process::{Command, Stdio},
};

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Somebody who asks and answers: an account with a key, a loop and a session.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) key: String,
    pub(crate) loop_id: String,
    pub(crate) session: String,
}

/// `hitl …` on that database, with no settings but the defaults.
fn command(database: &Database, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hitl"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HITL_")) {
        command.env_remove(name);
    }
    command.env("DATABASE_URL", &database.url).args(arguments);
    command
}

/// What it says of itself: its version, the commit, the profile it was built by.
pub(crate) fn version() -> anyhow::Result<String> {
    let said = Command::new(env!("CARGO_BIN_EXE_hitl")).arg("--version").output()?;
    let said = String::from_utf8_lossy(&said.stdout);
    Ok(said.trim().lines().map(str::trim).collect::<Vec<_>>().join(", "))
}

/// Starts the server, with settings besides the defaults.
pub(crate) async fn serve(database: &Database, settings: &[(&str, &str)]) -> anyhow::Result<Server> {
    let mut command = command(database, &["serve", "--listen", "127.0.0.1:0"]);
    let server = Server::start(command.envs(settings.iter().copied()))?;
    Connection::open(server.address).await?.call(&get("/ready", ""), 200).await.context("ready, it said")?;
    Ok(server)
}

/// Makes a key of somebody's, with that limit an hour; 0 is none.
pub(crate) fn key(database: &Database, name: &str, limit: &str) -> anyhow::Result<String> {
    let email = format!("{name}@example.com");
    let create = ["keys", "create", "--user", &email, "--name", name, "--scopes", "*", "--limit", limit, "--json"];
    text(&run(command(database, &create), "")?, "/key")
}

impl Person {
    /// Makes somebody with a key without a limit.
    pub(crate) async fn sign_up(database: &Database, server: &Server, name: &str) -> anyhow::Result<Self> {
        let email = format!("{name}@example.com");
        let user =
            ["users", "create", "--email", &email, "--name", name, "--role", "owner", "--password-stdin", "--json"];
        run(command(database, &user), PASSWORD)?;
        let key = key(database, name, "0")?;

        let mut connection = Connection::open(server.address).await?;
        let it = post("/v1/api/loops", &key, r#"{"name":"Load","description":"What the benchmark asks"}"#);
        let it = serde_json::from_str(connection.call(&it, 200).await?)?;
        let sign_in = serde_json::json!({"email": email, "password": PASSWORD}).to_string();
        let session = post("/v1/reviewer/session", "", &sign_in);
        let session = serde_json::from_str(connection.call(&session, 200).await?)?;
        Ok(Self { key, loop_id: text(&it, "/data/id")?, session: text(&session, "/data/token")? })
    }

    /// The request that asks.
    pub(crate) fn question(&self) -> Vec<u8> {
        post(&format!("/v1/api/loops/{}/requests", self.loop_id), &self.key, QUESTION)
    }

    /// The request that answers.
    pub(crate) fn answer(&self, id: &str) -> Vec<u8> {
        post(&format!("/v1/reviewer/requests/{id}/respond"), &self.session, ANSWER)
    }

    /// Asks that often; the ids.
    pub(crate) async fn ask(&self, address: SocketAddr, count: usize) -> anyhow::Result<Vec<String>> {
        let mut connection = Connection::open(address).await?;
        let (question, mut ids) = (self.question(), Vec::new());
        for _ in 0..count {
            ids.push(id_in(connection.call(&question, 201).await?)?.to_owned());
        }
        Ok(ids)
    }

    /// Has one kind of event sent there.
    pub(crate) async fn hook(&self, address: SocketAddr, url: &str, event: &str) -> anyhow::Result<()> {
        let webhook = serde_json::json!({"url": url, "events": [event]}).to_string();
        let mut connection = Connection::open(address).await?;
        connection.call(&post("/v1/api/webhooks", &self.key, &webhook), 201).await.map(drop)
    }
}

/// Runs it with that on its standard input; the JSON it prints.
fn run(mut command: Command, input: &str) -> anyhow::Result<Value> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    child.stdin.take().expect("standard input is piped").write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {said}");
    serde_json::from_slice(&output.stdout).with_context(|| format!("{command:?} printed no JSON"))
}

fn text(json: &Value, path: &str) -> anyhow::Result<String> {
    let found = json.pointer(path).and_then(Value::as_str);
    found.map(str::to_owned).with_context(|| format!("no {path} in {json}"))
}
