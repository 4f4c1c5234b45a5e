//! The second half: how answers reach the program, by webhooks and by waiting. Each part on a server and a database of its own.

use crate::{
    database::{Database, with_empty},
    deliveries, endpoints,
    figures::{self, Figure},
    hitl::{self, Person},
    options::{Engine, Options, Part},
    parked,
    process::{Server, open_files},
    wakeups,
};

/// Webhooks go to this machine.
const SETTINGS: [(&str, &str); 1] = [("HITL_WEBHOOKS_ALLOW", "127.0.0.0/8")];

/// What a part is measured on.
pub(crate) struct Stage<'a> {
    pub(crate) engine: Engine,
    pub(crate) database: &'a Database,
    pub(crate) server: Server,
    /// Who asks and answers.
    pub(crate) person: Person,
    /// How many files a process may have open.
    pub(crate) open_files: usize,
}

/// Measures every part that is wanted, and prints each when it is done.
pub(crate) async fn measure(engine: Engine, options: &Options) -> anyhow::Result<()> {
    println!("\n{engine:?}: how answers reach the program\n");
    for part in [Part::Deliveries, Part::Endpoints, Part::Wakeups, Part::Parked] {
        if options.wants(part) {
            let measured = with_empty(engine, ["answers"], async |[database]| {
                let stage = Stage::set(engine, database).await?;
                stage.measure(part, options).await
            });
            let (title, figures) = measured.await?;
            figures::print(&title, &figures);
            println!();
        }
    }
    Ok(())
}

impl<'a> Stage<'a> {
    async fn set(engine: Engine, database: &'a Database) -> anyhow::Result<Self> {
        let open_files = open_files()?; // before the server starts, which inherits it
        let server = hitl::serve(database, &SETTINGS).await?;
        let person = Person::sign_up(database, &server, "asker").await?;
        Ok(Self { engine, database, server, person, open_files })
    }

    /// Another process on the same database.
    pub(crate) async fn another_server(&self) -> anyhow::Result<Server> {
        hitl::serve(self.database, &SETTINGS).await
    }

    async fn measure(&self, part: Part, options: &Options) -> anyhow::Result<(String, Vec<Figure>)> {
        match part {
            Part::Deliveries => deliveries::measure(self, options).await,
            Part::Endpoints => endpoints::measure(self).await,
            Part::Wakeups => wakeups::measure(self).await,
            _ => parked::measure(self, options).await,
        }
    }
}
