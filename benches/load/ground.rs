//! What workloads are done on, and how each is made there.

use crate::{
    connection::{Connection, get, post},
    cycle::Cycle,
    database::Database,
    hitl::{Person, key},
    kinds::{Kind, Workload},
    process::Server,
    rounds::Side,
    work::{LIST, QUESTION, Work, id_in, total_in},
};
use anyhow::bail;
use std::sync::Arc;

/// How many rows are there to be read.
pub(crate) const ROWS: usize = 500;
/// How many keys with a limit take turns, so that none uses its hour up.
const LIMITED: usize = 4;
/// How many requests are open where they are listed.
const LISTED: usize = 100;

/// Our server and the floor, side by side, and who asks.
pub(crate) struct Ground<'a> {
    pub(crate) ours: &'a Server,
    pub(crate) floor: &'a Server,
    pub(crate) people: People,
}

/// Who asks. Each workload that leaves open requests has a person of its own, so that the others' lists are not full of them.
#[derive(Clone)]
pub(crate) struct People {
    pub(crate) asker: Person,
    lister: Person,
    pub(crate) cycler: Person,
    /// Keys of one who may call often, but not without end.
    limited: Vec<String>,
}

impl People {
    pub(crate) async fn sign_up(database: &Database, server: &Server) -> anyhow::Result<Self> {
        let asker = Person::sign_up(database, server, "asker").await?;
        let lister = Person::sign_up(database, server, "lister").await?;
        let cycler = Person::sign_up(database, server, "cycler").await?;
        let limited = (0..LIMITED).map(|_| key(database, "lister", "1000000")).collect::<anyhow::Result<_>>()?;
        Ok(Self { asker, lister, cycler, limited })
    }

    pub(crate) const fn all(&self) -> [&Person; 3] {
        [&self.asker, &self.lister, &self.cycler]
    }
}

impl Ground<'_> {
    /// Makes ready for that.
    pub(crate) async fn workload(&self, kind: Kind, connections: u32) -> anyhow::Result<Workload> {
        let work = Arc::new(self.work(kind).await?);
        Ok(Workload { kind, side: self.side(kind, &work, connections) })
    }

    /// The side that does such work.
    pub(crate) fn side(&self, kind: Kind, work: &Arc<Work>, connections: u32) -> Side {
        Side::new(if kind.is_floor() { self.floor } else { self.ours }, work, connections)
    }

    /// The work of that kind.
    pub(crate) async fn work(&self, kind: Kind) -> anyhow::Result<Work> {
        let insert = || Work::Request(vec![post("/rows", "", QUESTION)], 201);
        let create = || Work::Request(vec![self.people.asker.question()], 201);
        Ok(match kind {
            Kind::Bare => Work::Request(vec![get("/bare", "")], 200),
            Kind::Admission => Work::Request(vec![get("/v1/api/test", &self.people.asker.key)], 200),
            Kind::Limited => {
                Work::Request(self.people.limited.iter().map(|key| get("/v1/api/test", key)).collect(), 200)
            }
            Kind::Select => reads(self.floor, &insert(), "/rows", "").await?,
            Kind::Get => reads(self.ours, &create(), "/v1/api/requests", &self.people.asker.key).await?,
            Kind::Newest => Work::Request(vec![get("/rows", "")], 200),
            Kind::List => {
                let list = get(LIST, &self.people.lister.key);
                let open = total_in(Connection::open(self.ours.address).await?.call(&list, 200).await?)?;
                self.people.lister.ask(self.ours.address, LISTED.saturating_sub(open)).await?;
                Work::Request(vec![list], 200)
            }
            Kind::ListAll => Work::Request(vec![get("/v1/api/requests?limit=10", &self.people.lister.key)], 200),
            Kind::Inbox => Work::Request(vec![get("/v1/reviewer/inbox?limit=10", &self.people.lister.session)], 200),
            Kind::Insert => insert(),
            Kind::Create => create(),
            Kind::InsertAlone => Work::Request(vec![post("/rows/alone", "", QUESTION)], 201),
            Kind::FloorCycle => Work::Cycle(Cycle::floors()),
            Kind::Cycle => Work::Cycle(Cycle::ours(&self.people.cycler)),
            Kind::FloorClaiming => Work::Cycle(Cycle::floors_with_a_claim()),
            Kind::Claiming => Work::Cycle(Cycle::ours_with_a_claim(&self.people.cycler)),
        })
    }
}

/// Makes rows by that work; then the work of reading them by their ids.
async fn reads(server: &Server, make: &Work, path: &str, token: &str) -> anyhow::Result<Work> {
    let Work::Request(requests, status) = make else { bail!("only single requests make rows") };
    let mut connection = Connection::open(server.address).await?;
    let mut ids = Vec::new();
    for _ in 0..ROWS {
        ids.push(id_in(connection.call(&requests[0], *status).await?)?.to_owned());
    }
    Ok(reads_of(&ids, path, token))
}

/// The work of reading these.
pub(crate) fn reads_of(ids: &[String], path: &str, token: &str) -> Work {
    Work::Request(ids.iter().map(|id| get(&format!("{path}/{id}"), token)).collect(), 200)
}
