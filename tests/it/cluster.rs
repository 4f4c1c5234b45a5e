//! A Postgres server of a test's own, which it may stop.

use rustix::process::geteuid;
use std::{
    hash::{BuildHasher, RandomState},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// It asks for one, as servers do.
const PASSWORD: &str = "of-the-tests";

/// The server, gone with this.
pub(crate) struct Cluster {
    binaries: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let binaries = std::env::var_os("HITL_TEST_POSTGRES_BINARIES")
            .expect("HITL_TEST_POSTGRES_BINARIES must name the folder of initdb and pg_ctl; scripts/test finds it");
        // Not under TMPDIR, which the other account may be unable to enter.
        let folder = tempfile::Builder::new().prefix("hitl-postgres").tempdir_in("/tmp").unwrap();
        let mut it = Self { binaries: binaries.into(), folder, port: 0 };
        if geteuid().is_root() {
            let owned = Command::new("chown").arg(account()).arg(it.folder.path()).status().unwrap();
            assert!(owned.success());
        }
        std::fs::write(it.folder.path().join("password"), PASSWORD).unwrap();
        let password = format!("--pwfile={}", it.folder.path().join("password").display());
        let initialised =
            it.runs("initdb", &["-U", "hitl", "-A", "scram-sha-256", &password, "-E", "UTF8", "--locale=C"]);
        assert!(initialised, "initdb failed");
        // Not where the system takes ports for connections from: it will be free for a while, and must stay so.
        let begun = (0..5).any(|_| {
            it.port = 20_000 + u16::try_from(RandomState::new().hash_one(()) % 10_000).unwrap();
            it.begins()
        });
        assert!(begun, "{}", it.log());
        it
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://hitl:{PASSWORD}@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts it again.
    pub(crate) fn begin(&self) {
        assert!(self.begins(), "{}", self.log());
    }

    fn begins(&self) -> bool {
        let folder = self.folder.path().display();
        let options = format!("-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}", self.port);
        self.runs("pg_ctl", &["-w", "-l", &format!("{folder}/log"), "-o", &options, "start"])
    }

    /// Stops it: `fast` breaks connections off, `immediate` is as if the machine went down.
    pub(crate) fn stop(&self, mode: &str) {
        assert!(self.runs("pg_ctl", &["-m", mode, "-w", "stop"]), "{}", self.log());
    }

    fn runs(&self, program: &str, arguments: &[&str]) -> bool {
        self.command(program, arguments).status().unwrap().success()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Postgres refuses to run as root: then another account runs it.
    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let program = self.binaries.join(program);
        let mut command = if geteuid().is_root() {
            let mut other = Command::new("runuser");
            other.args(["-u", account(), "--"]).arg(program);
            other
        } else {
            Command::new(program)
        };
        command.arg("-D").arg(self.folder.path().join("data")).args(arguments).current_dir(Path::new("/"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

fn account() -> &'static str {
    let known = Command::new("id").args(["-u", "postgres"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if known.unwrap().success() { "postgres" } else { "nobody" }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.command("pg_ctl", &["-m", "immediate", "-w", "stop"]).status();
    }
}
