//! A server in a process of its own: started, watched through `/proc`, ended. Does not know what it serves.

use crate::now;
use anyhow::{Context, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Lines},
    net::SocketAddr,
    process::{Child, ChildStderr, Command, Stdio},
    time::Duration,
};

/// A running server. Dropped, it is ended.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// From the start of the process to the line that says where it listens.
    pub(crate) ready_in: Duration,
}

/// A process of this machine, by its id.
#[derive(Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

/// The kernel tells processor time in these, whatever its own clock does.
const TICKS_A_SECOND: f64 = 100.0;

impl Server {
    /// Starts it, and waits until it logs `{"address": …}`.
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let begun = now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("the server did not start")?;
        let stderr = child.stderr.take().expect("standard error is piped");
        let unset = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut server = Self { child, address: unset, ready_in: Duration::ZERO };
        let mut lines = BufReader::new(stderr).lines();
        server.address = address_in(&mut lines)?;
        server.ready_in = begun.elapsed();
        std::thread::spawn(move || pass_on_troubles(lines));
        Ok(server)
    }

    /// Its process.
    pub(crate) fn process(&self) -> Process {
        Process(self.child.id())
    }
}

impl Process {
    /// Processor time it has used so far, all threads together, in seconds.
    pub(crate) fn processor(self) -> anyhow::Result<f64> {
        let stat = self.proc("stat")?;
        // The name comes second, in brackets, and may itself contain anything; the state is the first after it.
        let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<f64>().ok());
        let (user, system) = ticks(11).zip(ticks(12)).context("/proc/PID/stat is not as expected")?;
        Ok((user + system) / TICKS_A_SECOND)
    }

    /// Its resident memory, in MB (1 000 000 bytes).
    pub(crate) fn memory(self) -> anyhow::Result<f64> {
        let status = self.proc("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes: Option<f64> = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        Ok(kibibytes.context("/proc/PID/status is not as expected")? * 1.024 / 1000.0)
    }

    fn proc(self, file: &str) -> anyhow::Result<String> {
        let path = format!("/proc/{}/{file}", self.0);
        fs::read_to_string(&path)
            .with_context(|| format!("{path} cannot be read: the server ended, or this is not Linux"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lets this program, and what it starts from now on, have as many files open as the system allows; how many.
pub(crate) fn open_files() -> anyhow::Result<usize> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).context("the limit of open files stays")?;
    Ok(maximum.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX))
}

fn address_in(lines: &mut Lines<BufReader<ChildStderr>>) -> anyhow::Result<SocketAddr> {
    let mut said = String::new();
    for line in lines {
        let line = line?;
        let logged: Value = serde_json::from_str(&line).unwrap_or_default();
        if let Some(address) = logged["address"].as_str() {
            return address.parse().with_context(|| format!("not an address: {line}"));
        }
        said = said + &line + "\n";
    }
    bail!("the server ended before it was ready:\n{said}")
}

/// Reads on, so that the server can go on writing, and shows what somebody should look at.
fn pass_on_troubles(lines: Lines<BufReader<ChildStderr>>) {
    for line in lines.map_while(Result::ok) {
        if line.contains(r#""level":"WARN""#) || line.contains(r#""level":"ERROR""#) || line.contains("panicked") {
            eprintln!("{line}");
        }
    }
}
