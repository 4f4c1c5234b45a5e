//! `hitl check` and `hitl migrate`: whether a server would start here, and making it so.

use super::{
    output::{Format, print},
    place::{Place, connect, sqlite_file},
};
use crate::{
    mailer::Mailer,
    settings::{Faults, Settings},
    store::Store,
    tls::Certificate,
};
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::{
    fs, io,
    path::{Path, absolute},
};

/// Brings the schema up to date.
pub(super) async fn migrate(place: &Place) -> anyhow::Result<()> {
    let settings = place.settings(vec![])?;
    let store = connect(&settings).await?;
    let applied = store.migrate().await;
    store.close().await;
    let url = settings.database_url_for_display();
    print(&match applied? {
        0 => format!("The schema of {url} is up to date."),
        1 => format!("Applied 1 migration to {url}."),
        several => format!("Applied {several} migrations to {url}."),
    })
}

/// Shows the settings in force and whether the database can be used; fails when anything is wrong.
#[derive(clap::Args)]
pub(super) struct Check {
    #[command(flatten)]
    format: Format,
}

impl Check {
    pub(super) async fn run(&self, place: &Place) -> anyhow::Result<()> {
        let settings = place.settings(vec![]).or_else(|faults| {
            self.format.print_json(&json!({"ok": false, "faults": faults_json(&faults)}))?;
            Err(anyhow::Error::from(faults))
        })?;
        let found = [
            ("data folder", check_folder(&settings)),
            ("database", check_database(&settings).await),
            ("mail", check_mail(&settings).await),
            ("tls", check_tls(&settings)),
        ];
        let wrong = found.iter().filter(|(_, result)| result.is_err()).count();
        let json = json!({"ok": wrong == 0, "checks": found.iter().map(checked_json).collect::<Vec<_>>(), "settings": settings.to_json()});
        self.format.print(&json, || format!("{settings}\n{}", found.iter().map(line).collect::<String>()))?;
        match wrong {
            0 => Ok(()),
            1 => bail!("one thing is wrong"),
            several => bail!("{several} things are wrong"),
        }
    }
}

/// What was looked at, and what was found.
type Found = (&'static str, anyhow::Result<String>);

fn line((what, result): &Found) -> String {
    match result {
        Ok(good) => format!("ok     {what}: {good}\n"),
        Err(fault) => format!("WRONG  {what}: {fault:#}\n"),
    }
}

fn checked_json((what, result): &Found) -> Value {
    let said = result.as_ref().map_or_else(|fault| format!("{fault:#}"), Clone::clone);
    json!({"name": what, "ok": result.is_ok(), "detail": said})
}

fn faults_json(faults: &Faults) -> Vec<Value> {
    faults.0.iter().map(|fault| json!({"from": fault.place.to_string(), "detail": fault.what})).collect()
}

/// Whether the server could write where the SQLite file is.
fn check_folder(settings: &Settings) -> anyhow::Result<String> {
    let Some(file) = sqlite_file(settings) else {
        return Ok("not needed with Postgres".to_owned());
    };
    let file = absolute(file)?;
    let folder = file.parent().unwrap_or(&file);
    let there = folder.ancestors().find(|it| it.exists()).unwrap_or(folder);
    try_writing(there).with_context(|| format!("{} cannot be written to", there.display()))?;
    if there != folder {
        return Ok(format!("{} does not exist yet and can be made", folder.display()));
    }
    if file.exists() {
        let opened = fs::OpenOptions::new().append(true).open(&file);
        opened.with_context(|| format!("{} cannot be written to", file.display()))?;
    }
    Ok(format!("{} can be written to", folder.display()))
}

fn try_writing(folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!(".hitl-check-{}", std::process::id()));
    fs::OpenOptions::new().write(true).create_new(true).open(&probe)?;
    fs::remove_file(probe)
}

async fn check_database(settings: &Settings) -> anyhow::Result<String> {
    // Looking at it would make it.
    if sqlite_file(settings).is_some_and(|file| !file.exists()) {
        return Ok("does not exist yet; the first start makes it".to_owned());
    }
    let store = connect(settings).await?;
    let looked = look(&store).await;
    store.close().await;
    looked
}

async fn look(store: &Store) -> anyhow::Result<String> {
    if store.is_new().await? {
        return Ok(format!("{} answers, and is empty; the first start makes the schema", store.engine()));
    }
    store.check().await?;
    Ok(format!("{} answers, and its schema is up to date", store.engine()))
}

/// Whether the mail server answers, and takes the user and password; nothing is sent.
async fn check_mail(settings: &Settings) -> anyhow::Result<String> {
    let Some(mail) = &settings.mail else { return Ok("none is sent; mail.server names a server".to_owned()) };
    let server = format!("{}, port {}", mail.host, mail.port);
    Mailer::new(Some(mail)).check().await.with_context(|| format!("{server} cannot be used"))?;
    Ok(format!("{server} answers"))
}

/// Whether the server could show its certificate.
fn check_tls(settings: &Settings) -> anyhow::Result<String> {
    let Some(files) = &settings.tls else { return Ok("not spoken; tls.certificate and tls.key name files".to_owned()) };
    Certificate::read(files)?;
    Ok(format!("{} and its key can be used", files.certificate.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trying_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        try_writing(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(try_writing(&folder.path().join("nowhere")).is_err());
    }
}
