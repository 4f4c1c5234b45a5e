//! Who reads a page and does what it says: with a server, a key, and a folder to work in.

use crate::{
    harness::{Database, Engine, World},
    process::{PASSWORD, Server, in_repository, make_key_as, make_owner},
    snippet_programs::Program,
    snippets::{Block, Language, blocks},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};
use tokio::process::Command;

/// Where a reader's server listens; what the pages show.
const SHOWN_URL: &str = "http://127.0.0.1:8080";
/// Where a reader's receiver of webhooks does.
const SHOWN_RECEIVER: &str = "127.0.0.1:3000";

/// The page on which an installation moves, what it calls the database there, and the folders that a server has.
const MOVING: &str = "docs/operations.md";
const SHOWN_DATABASE: &str = "postgres://hitl@db.example.com/hitl";
const SHOWN_FOLDERS: [&str; 2] = ["/etc/hitl", "/var/lib/hitl"];

/// Stands in for `sudo`: the reader is everybody, and a command is run as it is.
const SUDO: &str = r#"#!/bin/sh
while case $1 in -u) shift ;; --preserve-env=*) ;; *) false ;; esac; do shift; done
exec "$@"
"#;

/// What the reader's key may do: everything that the guide calls.
const SCOPES: &str = "loops:read,loops:write,requests:read,requests:write,webhooks:read,webhooks:write";

/// What a reader has at hand: a server, its address and key, and a folder with the files that the pages say to save.
pub(crate) struct Reader {
    folder: tempfile::TempDir,
    variables: BTreeMap<&'static str, String>,
    server: Server,
    /// Where a receiver of webhooks may listen.
    port: u16,
    /// Where an installation moves to.
    moves_to: Option<Database>,
}

impl Reader {
    /// Whoever reads this page. The quick start begins with `hitl dev`, which is of SQLite; other pages have a server already.
    pub(crate) async fn of(world: &World, page: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let starts = page == "docs/quick-start.md" && world.url.starts_with("sqlite:");
        let (server, known) =
            if starts { developing(folder.path()).await } else { serving(world, folder.path()).await };
        let path = [
            folder.path().join("bin").display().to_string(),
            in_repository("target/examples-python/bin").display().to_string(),
            std::env::var("HITL_TEST_POSTGRES_BINARIES").unwrap_or_default(),
            std::env::var("PATH").unwrap(),
        ];
        let mut variables = BTreeMap::from([("PATH", path.join(":")), ("HITL_URL", server.url.clone())]);
        variables.extend(known);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let moves_to = if page == MOVING { Some(before_moving(folder.path(), &world.url).await) } else { None };
        let reader = Self { folder, variables, server, port, moves_to };
        reader.save_files(&blocks("docs/api.md"));
        reader.save_files(&blocks(page));
        reader
    }

    /// Where the reader works.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server that the page goes against.
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Stops the server.
    pub(crate) async fn leave(self) {
        self.server.stop().await;
        if let Some(database) = self.moves_to {
            database.drop().await;
        }
    }

    /// Saves what a page says to save.
    fn save_files(&self, blocks: &[Block]) {
        for block in blocks {
            if let Some(name) = block.file() {
                fs::write(self.folder.path().join(name), self.as_run(&block.text)).unwrap();
            }
        }
    }

    /// What runs a language, with what the reader has.
    pub(crate) fn command(&self, language: Language) -> Command {
        let mut command = Program::command(language);
        for (name, _) in std::env::vars() {
            if name.starts_with("HITL_") || name == "DATABASE_URL" {
                command.env_remove(name);
            }
        }
        command.envs(&self.variables);
        command
    }

    /// What is empty or null among what the shell exports: the end of a pipe that had nothing to read.
    pub(crate) fn empty_variables(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join(".variables")).unwrap_or_default();
        let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
        let ours = |name: &str| std::env::var_os(name).is_some(); // some that runs tests sets are empty
        pairs
            .filter(|(name, value)| ["", "null"].contains(value) && !ours(name))
            .map(|(name, _)| name.to_owned())
            .collect()
    }

    /// The page's address and port in place of this server's.
    pub(crate) fn as_shown(&self, output: &str) -> String {
        output.replace(&self.server.url, SHOWN_URL).replace(&format!("127.0.0.1:{}", self.port), SHOWN_RECEIVER)
    }

    /// This server's address and port in place of the page's.
    pub(crate) fn as_run(&self, snippet: &str) -> String {
        let receiver = format!("127.0.0.1:{}", self.port);
        let text = snippet.replace(SHOWN_URL, &self.server.url).replace(SHOWN_RECEIVER, &receiver);
        let text = self.moves_to.iter().fold(text, |text, database| text.replace(SHOWN_DATABASE, &database.url));
        let text = SHOWN_FOLDERS.iter().fold(text, |text, folder| {
            text.replace(folder, &self.folder().join(folder.trim_start_matches('/')).display().to_string())
        });
        text.replace("(\"127.0.0.1\", 3000)", &format!("(\"127.0.0.1\", {})", self.port))
    }
}

type Started = (Server, BTreeMap<&'static str, String>);

/// `hitl dev`, and nothing that it has not made itself.
async fn developing(folder: &Path) -> Started {
    let data = folder.join(".hitl");
    let server = Server::dev(&data.display().to_string()).await;
    let made: Value = serde_json::from_slice(&fs::read(data.join("credentials.json")).unwrap()).unwrap();
    (server, BTreeMap::from([("HITL_API_KEY", made["key"].as_str().unwrap().to_owned())]))
}

/// `hitl serve`, an owner and a key, in the place where `hitl dev` would keep them.
async fn serving(world: &World, folder: &Path) -> Started {
    let owner = make_owner(&world.url).await;
    let key = make_key_as(&world.url, &["--limit", "1000", "--scopes", SCOPES]).await;
    let settings = [("HITL_WEBHOOKS_ALLOW", "127.0.0.1"), ("HITL_METRICS_LISTEN", "127.0.0.1:0")];
    let server = Server::start_with(&world.url, &settings).await;
    let credentials = json!({"email": owner["email"], "password": PASSWORD, "key": key});
    fs::create_dir(folder.join(".hitl")).unwrap();
    fs::write(folder.join(".hitl/credentials.json"), credentials.to_string()).unwrap();
    (server, BTreeMap::from([("HITL_API_KEY", key), ("DATABASE_URL", world.url.clone())]))
}

/// What the page takes for granted: `sudo`, a file of settings, an installation on SQLite that no server works with, an empty
/// database on Postgres, and a copy of the script that writes into the folder above its own.
async fn before_moving(folder: &Path, url: &str) -> Database {
    for shown in SHOWN_FOLDERS {
        fs::create_dir_all(folder.join(shown.trim_start_matches('/'))).unwrap();
    }
    program(&folder.join("bin/sudo"), SUDO);
    fs::write(folder.join("etc/hitl/hitl.toml"), format!("database_url = \"{url}\"\n")).unwrap();
    fs::create_dir(folder.join("scripts")).unwrap();
    program(&folder.join("scripts/secrets"), &fs::read_to_string(in_repository("scripts/secrets")).unwrap());
    make_owner(&format!("sqlite:{}", folder.join("var/lib/hitl/hitl.db").display())).await;
    Database::create(Engine::Postgres).await
}

/// Writes a program.
fn program(file: &Path, text: &str) {
    fs::write(file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

/// `hitl`, a `curl` that fails when it is refused, the packages of JavaScript.
fn prepare(folder: &Path) {
    fs::create_dir(folder.join("bin")).unwrap();
    symlink(env!("CARGO_BIN_EXE_hitl"), folder.join("bin/hitl")).unwrap();
    symlink(in_repository("tests/javascript/node_modules"), folder.join("node_modules")).unwrap();
    program(
        &folder.join("bin/curl"),
        "#!/bin/sh\nPATH=\"${PATH#*:}\" exec curl --fail-with-body --max-time 50 \"$@\"\n",
    );
}
