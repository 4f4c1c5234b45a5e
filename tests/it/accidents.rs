//! What an operator or an accident does to a database past the server.

use crate::harness::World;
use hitl_server::store::Store;
use rusqlite::Connection as SqliteConnection;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// Runs a statement on a connection of its own.
pub(crate) async fn run(world: &World, statement: &str) {
    if let Some(file) = Store::sqlite_file(&world.url) {
        SqliteConnection::open(file).unwrap().execute_batch(statement).unwrap();
    } else {
        let mut connection = PgConnection::connect(&world.url).await.unwrap();
        connection.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
        connection.close().await.unwrap();
    }
}
