//! What the page costs that people look at most, when very much waits for them.

use crate::{
    connection::{Connection, post},
    database::{Database, with_empty},
    figures::{self, Figure, Target},
    hitl::{self, Person},
    now,
    options::Engine,
    process::Server,
    work::{QUESTION, id_in},
};
use anyhow::ensure;

/// How many requests are open, in how many loops of one person.
const OPEN: usize = 10_000;
const LOOPS: usize = 50;
/// How often the page is loaded.
const LOADS: usize = 200;

/// Measures it and prints it.
pub(crate) async fn measure(engine: Engine) -> anyhow::Result<()> {
    let figures = with_empty(engine, ["pages"], async |[database]| inbox(database).await).await?;
    println!("\n{engine:?}: pages\n");
    figures::print(&format!("the inbox, {OPEN} open requests in {LOOPS} loops"), &figures);
    Ok(())
}

async fn inbox(database: &Database) -> anyhow::Result<Vec<Figure>> {
    let server = hitl::serve(database, &[]).await?;
    let person = Person::sign_up(database, &server, "reviewer").await?;
    let mut connection = Connection::open(server.address).await?;
    fill(&mut connection, &person).await?;
    let page = format!("GET /inbox HTTP/1.1\r\nHost: localhost\r\nCookie: hitl_session={}\r\n\r\n", person.session);
    let shown = connection.call(page.as_bytes(), 200).await?;
    ensure!(shown.contains(&format!("({OPEN}) Inbox")), "not all of it waits: {shown}");
    let size = shown.len();
    load(&server, &mut connection, page.as_bytes(), size).await
}

/// Makes the loops, and requests in each in turn.
async fn fill(connection: &mut Connection, person: &Person) -> anyhow::Result<()> {
    let mut asking = vec![person.question()];
    while asking.len() < LOOPS {
        let made = post("/v1/api/loops", &person.key, r#"{"name":"Load","description":"One of many"}"#);
        let loop_id = id_in(connection.call(&made, 200).await?)?;
        asking.push(post(&format!("/v1/api/loops/{loop_id}/requests"), &person.key, QUESTION));
    }
    for question in asking.iter().cycle().take(OPEN) {
        connection.call(question, 201).await?;
    }
    Ok(())
}

/// Loads the page over and over.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
async fn load(server: &Server, connection: &mut Connection, page: &[u8], size: usize) -> anyhow::Result<Vec<Figure>> {
    let (mut times, before) = (Vec::new(), server.process().processor()?);
    for _ in 0..LOADS {
        let begun = now();
        connection.call(page, 200).await?;
        times.push(begun.elapsed());
    }
    let processor = (server.process().processor()? - before) * 1000.0 / LOADS as f64;
    let mut figures = Vec::from(Figure::latencies("from the request to its last byte", Target::Below(15.0), times));
    figures.push(Figure::new("processor of the server", Target::Free, " ms", processor));
    figures.push(Figure::new("size, not compressed", Target::Free, " kB", size as f64 / 1000.0));
    Ok(figures)
}
