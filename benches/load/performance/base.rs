//! What is measured on empty databases: calls, numbers of connections, weight.

use super::{Section, Task, calls, connections, weight::Weight};
use crate::{
    floor,
    ground::{Ground, People},
    hitl,
    measure::REST,
};

/// One person claims for all connections, where by default five claims are enough for anybody.
pub(super) const SETTINGS: [(&str, &str); 1] = [("HITL_REVIEWS_CLAIMS_PER_REVIEWER", "1000")];

const CYCLE: &str =
    "A cycle is create, list pending, respond, read; of the floor insert, the newest ten, update, select.";

pub(super) async fn measure(task: &Task<'_>) -> anyhow::Result<Section> {
    let work = async |[ours, floors]: &[_; 2]| {
        let server = hitl::serve(ours, &SETTINGS).await?;
        let floor = floor::start(floors)?;
        tokio::time::sleep(REST).await;
        let mut weight = Weight::at_rest(&server, &floor)?;
        let people = People::sign_up(ours, &server).await?;
        let ground = Ground { ours: &server, floor: &floor, people };
        let calls = calls::measure(task, &ground).await?;
        let mut section = calls.section(task);
        weight.under_load(calls.workloads.iter().map(|workload| (workload.kind.is_floor(), workload.side.memory)));
        let swept = connections::measure(task.options, connections::cycles(&ground)).await?;
        section.held.extend(swept.held(task.engine));
        section.tables.push(swept.table("ours", "floor", CYCLE));
        section.held.extend(weight.held());
        section.tables.push(weight.table("on an empty database"));
        Ok(section)
    };
    task.with_empty(["ours", "floor"], work).await
}
