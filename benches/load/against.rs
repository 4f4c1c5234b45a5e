//! The same cycle on another server, in turns with ours. Ours goes by an adapter as well, so that both cost the load the same.

use crate::{
    adapter::{self, Adapted},
    database::{Database, with_empty},
    hitl::{self, Person},
    options::{Engine, Options},
    performance::connections::{self, Rival},
    process::{Process, Server},
    work::Work,
};
use anyhow::Context;
use std::{fs, path::Path, sync::Arc};

/// How ours is called: the example.
const OURS: &str = include_str!("../adapters/hitl.toml");

/// Measures both and prints how they compare.
pub(crate) async fn compare(path: &Path, options: &Options) -> anyhow::Result<()> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    // One engine is enough, unless both are asked for one after the other.
    let engine = options.engine.unwrap_or(Engine::Sqlite);
    with_empty(engine, ["against"], async |[database]| {
        let theirs = adapter::prepare(&text, &|name| std::env::var(name).ok()).await?;
        let server = hitl::serve(database, &[]).await?;
        let ours = adapted(database, &server).await?;
        let cycle = format!("A cycle of {} is {}; of ours {}.", theirs.name, steps(&theirs), steps(&ours));
        let (their_name, our_name) = (theirs.name.clone(), format!("hitl on {}", engine.name()));
        let rivals = [rival(theirs, options.pid.map(Process)), rival(ours, Some(server.process()))];
        println!("measuring for about {:.0} seconds\n", connections::length(options).as_secs_f64());
        let swept = connections::measure(options, rivals).await?;
        println!("{}", swept.table(&their_name, &our_name, &cycle).markdown());
        Ok(())
    })
    .await
}

async fn adapted(database: &Database, server: &Server) -> anyhow::Result<Adapted> {
    let person = Person::sign_up(database, server, "owner").await?;
    let setting = |name: &str| match name {
        "HITL_URL" => Some(format!("http://{}", server.address)),
        "HITL_API_KEY" => Some(person.key.clone()),
        "HITL_EMAIL" => Some("owner@example.com".to_owned()),
        "HITL_PASSWORD" => Some(hitl::PASSWORD.to_owned()),
        _ => None,
    };
    adapter::prepare(OURS, &setting).await
}

fn steps(adapted: &Adapted) -> String {
    let names: Vec<_> = adapted.cycle.steps.iter().map(|step| step.name.as_str()).collect();
    names.join(", ")
}

fn rival(adapted: Adapted, process: Option<Process>) -> Rival {
    Rival { address: adapted.address, process, work: Arc::new(Work::Cycle(adapted.cycle)) }
}
