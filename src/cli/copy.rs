//! `hitl copy`: everything into another database.

use super::{
    failure::Failure,
    output::{Format, table},
    place::{Place, open_as_it_is},
};
use crate::{service::copying, store::Store};
use serde_json::json;

const EXAMPLES: &str = "\
Example, from SQLite to Postgres:
  systemctl stop hitl
  hitl migrate --database-url postgres://hitl@db/hitl
  hitl copy --from sqlite:/var/lib/hitl/hitl.db --to postgres://hitl@db/hitl
  then set database_url, and start the server again

Both databases have the schema of this program, and the target nothing else. Every table is counted
on both sides; if anything fails, nothing was copied. The source is left as it is.
Stop all servers first: what they do meanwhile is not copied. Other programs see a password that is
part of an argument: give it by PGPASSWORD or a .pgpass file.";

/// Copies everything.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Copy {
    /// The database that is copied, `sqlite:FILE` or `postgres://USER@HOST/NAME`
    #[arg(long, value_name = "URL")]
    from: String,
    /// The empty database that becomes the copy
    #[arg(long, value_name = "URL")]
    to: String,
    #[command(flatten)]
    format: Format,
}

impl Copy {
    pub(super) async fn run(self, place: &Place) -> anyhow::Result<()> {
        if self.from == self.to {
            return Err(Failure::Usage("--from and --to are the same database".to_owned()).into());
        }
        let settings = |url: &String| place.settings(vec![("database_url", url.clone())]);
        let (source, target) = (settings(&self.from)?, settings(&self.to)?);
        let from = open_as_it_is(&source).await?;
        let to = open_as_it_is(&target).await?;
        let copied = copy(&from, &to).await;
        from.close().await;
        to.close().await;
        let copied = copied?;
        let (source, target) = (source.database_url_for_display(), target.database_url_for_display());
        let rows: i64 = copied.iter().map(|it| it.rows).sum();
        let tables: Vec<_> = copied.iter().map(|it| json!({"table": it.table, "rows": it.rows})).collect();
        let json = json!({"from": source, "to": target, "rows": rows, "tables": tables});
        self.format.print(&json, || {
            let counts = table(["TABLE", "ROWS"], copied.iter().map(|it| [it.table.to_owned(), it.rows.to_string()]));
            format!("{counts}\n\nCopied {rows} rows from {source} to {target}, and counted them there.")
        })
    }
}

async fn copy(from: &Store, to: &Store) -> anyhow::Result<Vec<copying::Moved>> {
    for (store, name) in [(from, "--from"), (to, "--to")] {
        if store.is_served() == Some(true) {
            let what = format!("a server is running on the database of {name}: stop it first, and leave it so");
            return Err(Failure::Refused(what).into());
        }
    }
    Ok(copying::copy(from, to).await?)
}
