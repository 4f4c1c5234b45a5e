//! What can be asked for after `cargo bench --bench load --`.

use clap::{Parser, ValueEnum};
use std::{path::PathBuf, time::Duration};

/// Measures the server against a floor.
#[derive(Parser)]
pub(crate) struct Options {
    /// How long each workload is driven in each round, in seconds [default: 5; of a report 3]
    #[arg(long, value_parser = seconds)]
    seconds: Option<f64>,
    /// How many keep-alive connections drive it
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) connections: u32,
    /// How many times the workloads take turns; medians are printed
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rounds: u32,
    /// Only this engine
    #[arg(long)]
    pub(crate) engine: Option<Engine>,
    /// Only these parts, separated by commas
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// Measure everything that this page tells of, and write its tables
    #[arg(long, value_name = "PAGE", conflicts_with_all = ["only", "against"])]
    pub(crate) report: Option<PathBuf>,
    /// How many requests are stored where a report says how that matters
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(10_000..=10_000_000))]
    pub(crate) stored: u32,
    /// How many calls wait where a report says how that matters
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) waiters: u32,
    /// Compare with the server that this adapter tells how to call
    #[arg(long, value_name = "ADAPTER", conflicts_with = "only")]
    pub(crate) against: Option<PathBuf>,
    /// The process of that server, if it is on this machine, to measure its processor time
    #[arg(long, requires = "against")]
    pub(crate) pid: Option<u32>,
    /// Given by `cargo bench`, and not by `cargo test`
    #[arg(long, hide = true)]
    pub(crate) bench: bool,
    /// Be the floor server
    #[arg(long, hide = true)]
    pub(crate) floor: bool,
}

/// A database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// As it is written.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "Postgres",
        }
    }
}

/// A part of the measurement, or a half of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// The first half: what a call costs
    Calls,
    Get,
    Create,
    Cycle,
    /// The second half: how answers reach the program
    Answers,
    Deliveries,
    Endpoints,
    Wakeups,
    Parked,
    /// By itself: what people wait for
    Pages,
}

impl Part {
    /// The half that it belongs to.
    fn half(self) -> Self {
        match self {
            Self::Calls | Self::Get | Self::Create | Self::Cycle => Self::Calls,
            Self::Pages => Self::Pages,
            Self::Answers | Self::Deliveries | Self::Endpoints | Self::Wakeups | Self::Parked => Self::Answers,
        }
    }
}

impl Options {
    /// The engines to measure on.
    pub(crate) fn engines(&self) -> impl Iterator<Item = Engine> + use<> {
        let only = self.engine;
        [Engine::Sqlite, Engine::Postgres].into_iter().filter(move |engine| only.is_none_or(|only| only == *engine))
    }

    /// Whether that part is to be measured.
    pub(crate) fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| *only == part || *only == part.half())
    }

    /// Whether anything of that half is to be measured.
    pub(crate) fn wants_of(&self, half: Part) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only.half() == half)
    }

    /// How long one workload is driven in one round.
    pub(crate) fn length(&self) -> Duration {
        let by_default = if self.report.is_some() { 3.0 } else { 5.0 };
        Duration::from_secs_f64(self.seconds.unwrap_or(by_default))
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().map_err(|_| "must be a number".to_owned())?;
    if (0.1..=3600.0).contains(&seconds) { Ok(seconds) } else { Err("must be from 0.1 to 3600".into()) }
}
