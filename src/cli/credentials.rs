//! Whom and what `hitl dev` signs in with, remembered in a file beside its database.

use crate::{
    app::App,
    domain::{Account, AccountStatus, Actor, Email, Id, Key, Loop, Role, Scope, id::hex, loops::NewLoop},
    service::{
        self,
        accounts::{self, NewAccount},
        keys::{self, NewKey},
        loops,
    },
};
use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use std::{fs, io::Write, path::Path};

const FILE: &str = "credentials.json";
const EMAIL: &str = "owner@example.com";

/// All that one needs to try the server.
#[derive(Serialize, Deserialize)]
pub(super) struct Credentials {
    /// Who signs in.
    pub(super) email: String,
    /// With what; unknown where the file was lost.
    pub(super) password: Option<String>,
    /// The key's id.
    pub(super) key_id: String,
    /// The key itself.
    pub(super) key: String,
    /// A loop of the owner's.
    pub(super) loop_id: String,
}

/// Where credentials come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// This is the first start.
    Made,
    /// They were made at an earlier start.
    Remembered,
    /// They were lost, or work no more: the first owner has a new key.
    Renewed,
}

/// The credentials of a folder, which are made at the first start.
pub(super) async fn recall(app: &App, folder: &Path) -> anyhow::Result<(Credentials, Origin)> {
    let file = folder.join(FILE);
    let remembered = read(&file)?;
    if let Some(known) = &remembered
        && still_work(app, known).await?
    {
        return Ok((remembered.expect("it was just looked at"), Origin::Remembered));
    }
    let everybody = accounts::list(app).await?;
    let (owner, password, origin) = if everybody.is_empty() {
        let (owner, password) = make_owner(app).await?;
        (owner, Some(password), Origin::Made)
    } else {
        let owner = everybody.into_iter().find(|it| it.role == Role::Owner && it.status == AccountStatus::Active);
        let owner = owner.context("nobody in this database is an active owner: see `hitl users`")?;
        let known = remembered.filter(|it| it.email == owner.email.as_str()).and_then(|it| it.password);
        (owner, known, Origin::Renewed)
    };
    let credentials = make_for(app, &owner, password).await?;
    write(&file, &credentials).with_context(|| format!("{} cannot be written", file.display()))?;
    Ok((credentials, origin))
}

/// Whether these are of this database, and its key and loop still stand.
async fn still_work(app: &App, known: &Credentials) -> anyhow::Result<bool> {
    let (Ok(key), Ok(it)) = (known.key_id.parse::<Id<Key>>(), known.loop_id.parse::<Id<Loop>>()) else {
        return Ok(false);
    };
    let key = found(keys::key(app, key).await)?;
    let it = found(loops::any(app, it).await)?;
    Ok(key.is_some_and(|holder| holder.key.is_usable(app.now())) && it.is_some())
}

fn found<T>(result: service::Result<T>) -> service::Result<Option<T>> {
    match result {
        Ok(it) => Ok(Some(it)),
        Err(service::Error::Missing(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn make_owner(app: &App) -> anyhow::Result<(Account, String)> {
    let password = hex(&app.random::<10>());
    let email = Email::parse(EMAIL).expect("it is an address");
    let new = NewAccount { email, name: "Owner".to_owned(), role: Role::Owner };
    Ok((accounts::create(app, Actor::Operator, new, &password).await?, password))
}

async fn make_for(app: &App, owner: &Account, password: Option<String>) -> anyhow::Result<Credentials> {
    let new = NewKey {
        account_id: owner.id,
        name: "hitl dev".to_owned(),
        scopes: Scope::DEFAULT.to_vec(),
        loops: None,
        hourly_limit: None,
        expires_at: None,
    };
    let (key, token) = keys::create(app, Actor::Operator, new).await?;
    let theirs = loops::list_all(app).await?.into_iter().find(|it| it.creator_id == owner.id);
    let loop_id = if let Some(it) = theirs {
        it.id
    } else {
        let new = NewLoop { name: "First loop".to_owned(), description: String::new(), icon: None };
        loops::create_for(app, Actor::Operator, owner.id, new).await?.peopled.it.id
    };
    Ok(Credentials {
        email: owner.email.to_string(),
        password,
        key_id: key.id.to_string(),
        key: token.reveal().to_owned(),
        loop_id: loop_id.to_string(),
    })
}

fn read(file: &Path) -> anyhow::Result<Option<Credentials>> {
    match fs::read(file) {
        // One that cannot be understood is as good as lost.
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => bail!("{} cannot be read: {error}", file.display()),
    }
}

/// Writes the whole file or nothing, for its owner's eyes only.
fn write(file: &Path, credentials: &Credentials) -> std::io::Result<()> {
    let new = file.with_extension("new");
    let _ = fs::remove_file(&new); // left by a start that was cut off: its mode may be another
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.write(true).create_new(true).open(&new)?;
    writeln!(out, "{}", serde_json::to_string_pretty(credentials)?)?;
    out.sync_all()?;
    fs::rename(new, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_for_its_owner_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        assert!(read(&file).unwrap().is_none());
        let text = |text: &str| text.to_owned();
        let password = Some(text("secret"));
        let known = Credentials { email: text(EMAIL), password, key_id: text("1"), key: text("2"), loop_id: text("3") };
        write(&file, &known).unwrap();
        write(&file, &known).unwrap();
        assert_eq!(read(&file).unwrap().unwrap().password.as_deref(), Some("secret"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::write(&file, "{").unwrap();
        assert!(read(&file).unwrap().is_none());
    }
}
