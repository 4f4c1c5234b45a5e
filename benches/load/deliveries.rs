//! How fast deliveries go to one fast receiver, and how long a decision takes to reach it.

use crate::{
    answers::Stage,
    connection::Connection,
    drive::drive,
    figures::{Figure, Target},
    hitl::Person,
    now,
    options::Options,
    receiver::Receiver,
    work::Work,
};
use anyhow::Context;
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// How long requests are made whose events wait for the receiver.
const BURST: Duration = Duration::from_secs(1);
/// Decisions, and the time between them.
const DECISIONS: usize = 200;
const BETWEEN: Duration = Duration::from_millis(50);
/// What a first attempt is held to, in milliseconds.
pub(crate) const FIRST_ATTEMPT: Target = Target::Below(1000.0);

const CREATED: &str = "request.created";
const COMPLETED: &str = "request.completed";

/// Measures it.
pub(crate) async fn measure(stage: &Stage<'_>, options: &Options) -> anyhow::Result<(String, Vec<Figure>)> {
    let mut receiver = Receiver::open(1).await?;
    let address = stage.server.address;
    stage.person.hook(address, &receiver.held, CREATED).await?;
    let decider = Person::sign_up(stage.database, &stage.server, "decider").await?;
    decider.hook(address, &receiver.urls[0], COMPLETED).await?;
    let alone = decide(address, &decider, &mut receiver).await?;

    // Events pile up before a receiver that does not answer yet.
    let create = Arc::new(Work::Request(vec![stage.person.question()], 201));
    let made = drive(address, &create, options.connections, BURST).await?.units();
    let taken = receiver.arrived().len();
    let beside = decide(address, &decider, &mut receiver).await?;
    let mut figures = drain(stage, &mut receiver, made.saturating_sub(taken)).await?;

    let length = BETWEEN * u32::try_from(DECISIONS)?;
    let (loaded, driven) =
        tokio::join!(decide(address, &decider, &mut receiver), drive(address, &create, options.connections, length));
    driven?;
    figures.extend(alone.figures("decision → webhook"));
    figures.extend(beside.figures(&format!("beside {made} events that hang")));
    figures.extend(loaded?.figures("under full load"));
    Ok(("webhooks".into(), figures))
}

/// Has the receiver answer, and sees how fast what is left goes to it.
async fn drain(stage: &Stage<'_>, receiver: &mut Receiver, left: usize) -> anyhow::Result<Vec<Figure>> {
    let before = stage.server.process().processor()?;
    let begun = now();
    receiver.let_go();
    let arrivals = receiver.await_arrivals(CREATED, left).await?;
    let last = arrivals.last().context("nothing was left to send")?.at;
    let processor = stage.server.process().processor()? - before;
    let left = f64::from(u32::try_from(left)?);
    Ok(vec![
        Figure::new("deliveries to one fast receiver", Target::Free, " /s", left / (last - begun).as_secs_f64()),
        Figure::new("processor of one delivery", Target::Free, " ms", processor * 1000.0 / left),
    ])
}

/// When a call was sent, and when its answer was seen.
struct Call {
    id: String,
    sent: Instant,
    answered: Instant,
}

/// How long it took from a decision to its arrival.
struct Decided {
    from_call: Vec<Duration>,
    from_answer: Vec<Duration>,
}

impl Decided {
    fn figures(self, what: &str) -> Vec<Figure> {
        let from_call = Figure::latencies(&format!("{what}, from the call"), FIRST_ATTEMPT, self.from_call);
        let from_answer = Figure::latencies(&format!("{what}, from its answer"), Target::Free, self.from_answer);
        from_call.into_iter().chain(from_answer).collect()
    }
}

/// Decides at an even pace, however long each takes.
async fn decide(address: SocketAddr, person: &Person, receiver: &mut Receiver) -> anyhow::Result<Decided> {
    let ids = person.ask(address, DECISIONS).await?;
    let mut pace = tokio::time::interval(BETWEEN);
    let mut calls = JoinSet::new();
    for id in ids {
        pace.tick().await;
        calls.spawn(answer(address, person.answer(&id), id));
    }
    let arrivals = receiver.await_arrivals(COMPLETED, DECISIONS).await?;
    let arrived: HashMap<_, _> = arrivals.into_iter().map(|it| (it.request_id, it.at)).collect();
    let mut decided = Decided { from_call: Vec::new(), from_answer: Vec::new() };
    while let Some(call) = calls.join_next().await {
        let call = call??;
        let at = arrived.get(&call.id).context("a decision did not arrive")?;
        decided.from_call.push(at.duration_since(call.sent));
        decided.from_answer.push(at.saturating_duration_since(call.answered));
    }
    Ok(decided)
}

async fn answer(address: SocketAddr, request: Vec<u8>, id: String) -> anyhow::Result<Call> {
    let mut connection = Connection::open(address).await?;
    let sent = now();
    connection.call(&request, 200).await?;
    Ok(Call { id, sent, answered: now() })
}
