//! How soon whoever waits for an answer has it: by a waiting call and by a stream, in one process and across two.

use crate::{
    answers::Stage,
    connection::{Connection, get},
    figures::{Figure, Target},
    hitl::Person,
    now,
    options::Engine,
};
use std::{net::SocketAddr, time::Duration};
use tokio::task::JoinSet;

/// How many wait at a time, and how often each.
const WAITING: usize = 4;
const TURNS: usize = 100;
/// How long one has waited when its answer is given.
const WAITED: Duration = Duration::from_millis(20);

/// How somebody waits.
#[derive(Clone, Copy)]
enum Way {
    Call,
    Stream,
}

const WAYS: [(Way, &str); 2] = [(Way::Call, "waiting call"), (Way::Stream, "stream")];

/// Measures it.
pub(crate) async fn measure(stage: &Stage<'_>) -> anyhow::Result<(String, Vec<Figure>)> {
    let (here, mut figures) = (stage.server.address, Vec::new());
    for (way, name) in WAYS {
        let times = wake(way, here, here, &stage.person).await?;
        figures.extend(Figure::latencies(&format!("{name}, one process"), Target::Below(10.0), times));
    }
    if stage.engine == Engine::Postgres {
        let other = stage.another_server().await?;
        for (way, name) in WAYS {
            let times = wake(way, here, other.address, &stage.person).await?;
            figures.extend(Figure::latencies(&format!("{name}, two processes"), Target::Below(50.0), times));
        }
    }
    Ok(("from the answer given to the answer had".into(), figures))
}

/// Has some wait in one process while the answers are given in the other.
async fn wake(way: Way, waiting: SocketAddr, answering: SocketAddr, person: &Person) -> anyhow::Result<Vec<Duration>> {
    let mut tasks = JoinSet::new();
    for _ in 0..WAITING {
        let person = person.clone();
        tasks.spawn(async move {
            let mut times = Vec::new();
            for id in person.ask(answering, TURNS).await? {
                times.push(once(way, waiting, answering, &person, &id).await?);
            }
            anyhow::Ok(times)
        });
    }
    let mut times = Vec::new();
    while let Some(some) = tasks.join_next().await {
        times.extend(some??);
    }
    Ok(times)
}

async fn once(
    way: Way,
    waiting: SocketAddr,
    answering: SocketAddr,
    person: &Person,
    id: &str,
) -> anyhow::Result<Duration> {
    let (mut here, mut there) = (Connection::open(waiting).await?, Connection::open(answering).await?);
    let had = async {
        match way {
            Way::Call => {
                let answer = here.call(&get(&format!("/v1/api/requests/{id}?wait=60"), &person.key), 200).await?;
                anyhow::ensure!(answer.contains(r#""status":"completed""#), "woken too early: {answer}");
            }
            Way::Stream => {
                here.send(&get(&format!("/v1/api/requests/{id}/events"), &person.key)).await?;
                here.follow("request.completed").await?;
            }
        }
        Ok(now())
    };
    let given = async {
        tokio::time::sleep(WAITED).await;
        there.call(&person.answer(id), 200).await?;
        Ok(now())
    };
    let (had, given) = tokio::try_join!(had, given)?;
    Ok(had.saturating_duration_since(given))
}
