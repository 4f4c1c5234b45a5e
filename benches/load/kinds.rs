//! The workloads there are, ours and the floor's.

use crate::{options::Engine, rounds::Side};

/// What is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bare,
    Admission,
    Limited,
    Select,
    Get,
    Newest,
    List,
    ListAll,
    Inbox,
    Insert,
    Create,
    InsertAlone,
    FloorCycle,
    Cycle,
    FloorClaiming,
    Claiming,
}

/// One workload and what came out of its turns.
pub(crate) struct Workload {
    pub(crate) kind: Kind,
    pub(crate) side: Side,
}

/// The side of that kind.
pub(crate) fn find(workloads: &[Workload], kind: Kind) -> Option<&Side> {
    workloads.iter().find(|workload| workload.kind == kind).map(|workload| &workload.side)
}

impl Kind {
    /// Whether it is the floor that does this.
    pub(crate) const fn is_floor(self) -> bool {
        self.name().1
    }

    /// What it is called.
    pub(crate) const fn named(self) -> &'static str {
        self.name().0
    }

    const fn name(self) -> (&'static str, bool) {
        match self {
            Self::Bare => ("floor: no database", true),
            Self::Admission => ("key admitted", false),
            Self::Limited => ("key of 1,000,000 an hour admitted", false),
            Self::Select => ("floor: point select", true),
            Self::Get => ("get by id", false),
            Self::Newest => ("floor: the newest ten", true),
            Self::List => ("list ten of 100 pending", false),
            Self::ListAll => ("list ten of all, counting them", false),
            Self::Inbox => ("inbox, counting its parts", false),
            Self::Insert => ("floor: durable insert", true),
            Self::Create => ("create", false),
            Self::InsertAlone => ("floor: insert, a commit each", true),
            Self::FloorCycle => ("floor: its cycle", true),
            Self::Cycle => ("cycle", false),
            Self::FloorClaiming => ("floor: its cycle with a claim", true),
            Self::Claiming => ("cycle with a claim", false),
        }
    }

    /// Whether there is such a thing on that engine: on Postgres each insert is a commit of its own anyway.
    pub(crate) fn is_on(self, engine: Engine) -> bool {
        self != Self::InsertAlone || engine == Engine::Sqlite
    }
}
