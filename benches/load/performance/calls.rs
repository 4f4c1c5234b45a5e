//! What each call costs, beside the least that a server can do for it.

use super::{
    Section, Task,
    table::{Table, number},
};
use crate::{
    figures::{Figure, Target},
    ground::Ground,
    kinds::{Kind, Workload, find},
    options::Engine,
    rounds::{Latency, Side},
};

/// In the order of their turns: what is compared stands side by side.
const KINDS: [Kind; 14] = [
    Kind::Bare,
    Kind::Admission,
    Kind::Limited,
    Kind::Get,
    Kind::Select,
    Kind::Newest,
    Kind::List,
    Kind::InsertAlone,
    Kind::Create,
    Kind::Insert,
    Kind::FloorCycle,
    Kind::Cycle,
    Kind::FloorClaiming,
    Kind::Claiming,
];

/// What came of it.
pub(super) struct Calls {
    pub(super) workloads: Vec<Workload>,
}

pub(super) async fn measure(task: &Task<'_>, ground: &Ground<'_>) -> anyhow::Result<Calls> {
    let mut workloads = Vec::new();
    for kind in KINDS.into_iter().filter(|kind| kind.is_on(task.engine)) {
        workloads.push(ground.workload(kind, task.options.connections).await?);
    }
    for _ in 0..task.options.rounds {
        for workload in &mut workloads {
            workload.side.turn(task.options.length()).await?;
        }
        workloads.reverse(); // so that nobody always comes after the same
    }
    if task.options.rounds % 2 == 1 {
        workloads.reverse();
    }
    Ok(Calls { workloads })
}

/// What is compared with what, and what is wanted of it.
fn ratios(engine: Engine) -> [(Kind, Kind, Target); 9] {
    let (get, get_row) = match engine {
        Engine::Sqlite => (Target::AtLeast(0.4), Target::Free),
        Engine::Postgres => (Target::Free, Target::AtLeast(1.0)),
    };
    [
        (Kind::Admission, Kind::Bare, Target::AtLeast(0.7)),
        (Kind::Limited, Kind::Admission, Target::AtLeast(0.9)),
        (Kind::Get, Kind::Bare, get),
        (Kind::Get, Kind::Select, get_row),
        (Kind::List, Kind::Newest, Target::Free),
        (Kind::Create, Kind::Insert, Target::AtLeast(0.5)),
        (Kind::Create, Kind::InsertAlone, Target::Free),
        (Kind::Cycle, Kind::FloorCycle, Target::Free),
        (Kind::Claiming, Kind::FloorClaiming, Target::Free),
    ]
}

impl Calls {
    pub(super) fn section(&self, task: &Task<'_>) -> Section {
        let mut section = Section::default();
        let mut figures = Vec::new();
        for (ours, floor, target) in ratios(task.engine) {
            let Some((our_side, floors)) = self.find(ours).zip(self.find(floor)) else { continue };
            let what = || format!("{} / {}", ours.named(), floor.named());
            figures.push(Figure::new(what(), target, "", our_side.ratio(floors)));
        }
        section.held.extend(figures.iter().filter(|figure| !matches!(figure.target, Target::Free)).cloned());
        let note = "How often per second ours is done for each time that the floor's is.";
        section.tables.push(Table::of_figures("Calls, beside the floor", note, &figures));
        section.tables.push(self.absolute(task.options.connections));
        section
    }

    fn find(&self, kind: Kind) -> Option<&Side> {
        find(&self.workloads, kind)
    }

    fn absolute(&self, connections: u32) -> Table {
        let note = format!("With {connections} connections. Processor time is the server's, for one unit of work.");
        let columns = ["", "per second", "p50, ms", "p99, ms", "processor, ms"];
        let mut table = Table::new("Calls, absolutely", note, &columns);
        for Workload { kind, side } in &self.workloads {
            let (per_second, processor) = (number(side.per_second()), number(side.processor_of_one()));
            let steps = side.work.names();
            let Latency { p50, p99 } = side.latency(0);
            let (p50, p99) = if steps.is_empty() { (number(p50), number(p99)) } else { Default::default() };
            table.row([kind.named().to_owned(), per_second, p50, p99, processor]);
            for (place, step) in steps.iter().enumerate() {
                let Latency { p50, p99 } = side.latency(place);
                table.row([format!("… its {step}"), String::new(), number(p50), number(p99), String::new()]);
            }
        }
        table
    }
}
