//! What an operator or an accident does to a database past the server.

use crate::harness::World;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};

/// Runs a statement on a connection of its own.
pub(crate) async fn run(world: &World, statement: &str) {
    let statement = AssertSqlSafe(statement.to_owned());
    if world.url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(&world.url).await.unwrap();
        connection.execute(statement).await.unwrap();
        connection.close().await.unwrap();
    } else {
        let mut connection = PgConnection::connect(&world.url).await.unwrap();
        connection.execute(statement).await.unwrap();
        connection.close().await.unwrap();
    }
}
