//! What is printed: first the targets with what was reached, then every workload.

use crate::{
    figures::{self, Figure, Target},
    kinds::{Kind, Workload, find},
    measure::Measured,
    options::{Engine, Options},
    rounds::{Latency, Side},
};

/// Prints it all.
pub(crate) fn print(engine: Engine, options: &Options, measured: &Measured) {
    println!(
        "\n{engine:?}: {} connections, medians of {} rounds of {} s\n",
        options.connections,
        options.rounds,
        options.length().as_secs_f64()
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
    let cycle = measured.find(Kind::Cycle).map(Side::processor_of_one);
    let cycle_target = if engine == Engine::Sqlite { Target::Below(0.3) } else { Target::Free };
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
        ("p99 of the slowest kind of request", Target::Below(20.0), " ms", measured.slowest()),
        ("resident memory at rest", Target::Below(25.0), " MB", Some(measured.memory_at_rest)),
        ("start to ready, on an empty database", Target::Below(0.5), " s", Some(measured.ready_in.as_secs_f64())),
    ];
    let measured = all.into_iter().filter_map(|(what, target, unit, value)| Some((what, target, unit, value?)));
    measured.map(|(what, target, unit, value)| Figure::new(what, target, unit, value)).collect()
}

fn print_workload(Workload { kind, side }: &Workload) {
    let (name, per_second, processor) = (kind.named(), side.per_second(), side.processor_of_one());
    let steps = side.work.names();
    if steps.is_empty() {
        let Latency { p50, p99 } = side.latency(0);
        println!("{name:<30}{per_second:>12.0}{p50:>12.2}{p99:>12.2}{processor:>17.4}");
        return;
    }
    println!("{name:<30}{per_second:>12.0}{:>12}{:>12}{processor:>17.4}", "", "");
    for (place, step) in steps.iter().enumerate() {
        let Latency { p50, p99 } = side.latency(place);
        println!("{:<42}{p50:>12.2}{p99:>12.2}", format!("  its {step}"));
    }
}

impl Measured {
    fn find(&self, kind: Kind) -> Option<&Side> {
        find(&self.workloads, kind)
    }

    /// How often per second one is done for each time the other is.
    fn ratio(&self, kind: Kind, floor: Kind) -> Option<f64> {
        Some(self.find(kind)?.ratio(self.find(floor)?))
    }

    /// The p99 of the slowest kind of request that our server was sent.
    fn slowest(&self) -> Option<f64> {
        let ours = self.workloads.iter().filter(|workload| !workload.kind.is_floor());
        ours.map(|workload| workload.side.slowest().p99).max_by(f64::total_cmp)
    }
}
