//! What is printed: first the targets with what was reached, then every workload.

use crate::{
    figures::{self, Figure, Target},
    measure::{Kind, Latency, Measured, Round, Workload},
    options::{Engine, Options},
    work::STEPS,
};

/// Prints it all.
pub(crate) fn print(engine: Engine, options: &Options, measured: &Measured) {
    println!(
        "\n{engine:?}: {} connections, medians of {} rounds of {} s\n",
        options.connections, options.rounds, options.seconds
    );
    figures::print("", &held_to(engine, measured));
    println!("\n{:<30}{:>12}{:>12}{:>12}{:>17}", "workload", "per second", "p50 in ms", "p99 in ms", "processor in ms");
    for workload in &measured.workloads {
        print_workload(workload);
    }
    println!("\nresident memory under load: {:.1} MB at most", measured.memory_under_load);
}

/// The targets, with what was reached; only of what was measured.
fn held_to(engine: Engine, measured: &Measured) -> Vec<Figure> {
    let cycle = measured.find(Kind::Cycle).map(|cycle| cycle.median(|round| round.processor));
    let cycle_target = if engine == Engine::Sqlite { Target::Below(1.0) } else { Target::Free };
    let get = measured.ratio(Kind::Get, Kind::Select);
    let shared = measured.ratio(Kind::Create, Kind::Insert);
    // On Postgres each insert is a commit of its own anyway.
    let alone = measured.ratio(Kind::Create, Kind::InsertAlone).or(shared);
    let shared = shared.filter(|_| engine == Engine::Sqlite);
    let all = [
        ("get by id / the floor's point select", Target::AtLeast(0.5), "", get),
        ("create / the floor's insert, a commit each", Target::AtLeast(0.3), "", alone),
        ("create / the floor's insert, commits shared", Target::AtLeast(0.5), "", shared),
        ("processor of one cycle", cycle_target, " ms", cycle),
        ("p99 of the slowest kind of request", Target::Below(40.0), " ms", measured.slowest()),
        ("resident memory at rest", Target::Below(30.0), " MB", Some(measured.memory_at_rest)),
        ("start to ready, on an empty database", Target::Below(0.5), " s", Some(measured.ready_in.as_secs_f64())),
    ];
    let measured = all.into_iter().filter_map(|(what, target, unit, value)| Some((what, target, unit, value?)));
    measured.map(|(what, target, unit, value)| Figure::new(what, target, unit, value)).collect()
}

fn print_workload(workload: &Workload) {
    let (name, parts): (_, &[&str]) = match workload.kind {
        Kind::Bare => ("floor: no database", &[]),
        Kind::Select => ("floor: point select", &[]),
        Kind::Get => ("get by id", &[]),
        Kind::Insert => ("floor: durable insert", &[]),
        Kind::InsertAlone => ("floor: insert, a commit each", &[]),
        Kind::Create => ("create", &[]),
        Kind::Cycle => ("cycle", &STEPS),
    };
    let per_second = workload.median(|round| round.per_second);
    let processor = workload.median(|round| round.processor);
    if parts.is_empty() {
        let Latency { p50, p99 } = workload.latency(0);
        println!("{name:<30}{per_second:>12.0}{p50:>12.2}{p99:>12.2}{processor:>17.4}");
        return;
    }
    println!("{name:<30}{per_second:>12.0}{:>12}{:>12}{processor:>17.4}", "", "");
    for (step, part) in parts.iter().enumerate() {
        let Latency { p50, p99 } = workload.latency(step);
        println!("{:<42}{p50:>12.2}{p99:>12.2}", format!("  its {part}"));
    }
}

impl Measured {
    fn find(&self, kind: Kind) -> Option<&Workload> {
        self.workloads.iter().find(|workload| workload.kind == kind)
    }

    /// How often per second one is done for each time the other is: the median over the rounds, in which they ran in turns.
    fn ratio(&self, kind: Kind, floor: Kind) -> Option<f64> {
        let (ours, floors) = (self.find(kind)?, self.find(floor)?);
        let rounds = ours.rounds.iter().zip(&floors.rounds);
        Some(median(rounds.map(|(ours, floor)| ours.per_second / floor.per_second)))
    }

    /// The p99 of the slowest kind of request that our server was sent.
    fn slowest(&self) -> Option<f64> {
        let ours = self.workloads.iter().filter(|workload| !workload.kind.is_floor());
        let kinds = ours.flat_map(|workload| (0..workload.steps()).map(|step| workload.latency(step).p99));
        kinds.max_by(f64::total_cmp)
    }
}

impl Workload {
    fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(of))
    }

    fn steps(&self) -> usize {
        self.rounds.first().map_or(0, |round| round.latencies.len())
    }

    fn latency(&self, step: usize) -> Latency {
        Latency {
            p50: self.median(|round| round.latencies[step].p50),
            p99: self.median(|round| round.latencies[step].p99),
        }
    }
}

/// The upper one of the two in the middle, where their number is even.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
