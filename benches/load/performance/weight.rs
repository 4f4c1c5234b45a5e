//! What a server weighs: memory at rest and under load, and how soon it is there.

use super::table::{Table, number};
use crate::{
    figures::{Figure, Target},
    process::Server,
};

/// Ours and the floor's. Memory in MB, time in seconds.
pub(super) struct Weight {
    at_rest: [f64; 2],
    under_load: [f64; 2],
    ready_in: [f64; 2],
}

impl Weight {
    /// Of servers that have done nothing yet.
    pub(super) fn at_rest(ours: &Server, floor: &Server) -> anyhow::Result<Self> {
        let both = [ours, floor];
        let at_rest = [ours.process().memory()?, floor.process().memory()?];
        Ok(Self { at_rest, under_load: [f64::NAN; 2], ready_in: both.map(|server| server.ready_in.as_secs_f64()) })
    }

    /// Notes what they had meanwhile, each with whether it is the floor's.
    pub(super) fn under_load(&mut self, seen: impl Iterator<Item = (bool, f64)>) {
        for (is_floor, memory) in seen {
            let most = &mut self.under_load[usize::from(is_floor)];
            *most = most.max(memory); // of a number and none it is the number
        }
    }

    pub(super) fn held(&self) -> [Figure; 3] {
        [
            Figure::new("resident memory at rest", Target::Below(25.0), " MB", self.at_rest[0]),
            Figure::new("resident memory under load", Target::Below(120.0), " MB", self.under_load[0]),
            Figure::new("start to ready, on an empty database", Target::Below(0.5), " s", self.ready_in[0]),
        ]
    }

    pub(super) fn table(&self, on: &str) -> Table {
        let note = "Resident memory of the server's process; a second after its start, and the most that was seen while it was driven. \
             Start to ready is until the line in its log that says where it listens.";
        let mut table = Table::new(format!("Weight, {on}"), note, &["", "ours / floor", "ours", "floor"]);
        let rows = [
            ("memory at rest, MB", self.at_rest),
            ("memory under load, MB", self.under_load),
            ("start to ready, s", self.ready_in),
        ];
        for (what, [ours, floor]) in rows {
            table.row([what.to_owned(), number(ours / floor), number(ours), number(floor)]);
        }
        table
    }
}
