//! How people want to be notified, as they set it themselves (contract 16.1 and 16.2): kinds, quiet hours, loops, ways, devices.

use super::{Error, Result, push_keys};
use crate::{
    app::App,
    domain::{
        Account, Id, Invalid, Json, Loop, Object, Secret, Sent,
        new_requests::url,
        notifications::{Device, MOST_DEVICES, Preferences},
    },
    store::{
        accounts, devices,
        notifications::{self, Chosen, Test},
        sessions::SignedIn,
    },
    web_push,
};

/// The most code points of a device's own name for itself.
const LONGEST_AGENT: usize = 300;
/// How long what came of a test is shown, in seconds.
const TESTS_SHOWN: i64 = 900;

/// All that somebody can set.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Of what, and when.
    pub preferences: Preferences,
    /// An ntfy topic.
    pub ntfy_url: Option<Secret>,
    /// Whether by mail.
    pub mail: bool,
    /// Whether the server sends mail at all.
    pub mail_available: bool,
    /// The loops they are in, with their names and whether they are notified of them.
    pub loops: Vec<(Id<Loop>, String, bool)>,
    /// The browsers that take Web Push.
    pub devices: Vec<Device>,
    /// What came of the tests they sent lately, the latest first.
    pub tests: Vec<Test>,
    /// Whether they have never set anything.
    pub is_new: bool,
    /// What a browser needs to take Web Push from this server; `None` until a start has made it.
    pub push_key: Option<String>,
}

/// How somebody wants to be notified.
pub async fn show(app: &App, account: Id<Account>) -> Result<Shown> {
    let kept = notifications::chosen(&app.store, account).await?;
    Ok(Shown {
        preferences: Preferences::kept(kept.as_ref().map(|kept| &kept.preferences)),
        tests: notifications::tests(&app.store, account, app.now().plus_seconds(-TESTS_SHOWN)).await?,
        is_new: kept.is_none(),
        mail: kept.as_ref().is_some_and(|kept| kept.mail),
        ntfy_url: kept.and_then(|kept| kept.ntfy_url),
        mail_available: app.settings.mail.is_some(),
        loops: notifications::loops(&app.store, account).await?,
        devices: devices::of_account(&app.store, account).await?,
        push_key: push_keys::find(app).await?.map(|keys| keys.public_key),
    })
}

/// Changes what was sent and leaves the rest.
pub async fn update(app: &App, account: Id<Account>, sent: Sent) -> Result<Shown> {
    let sent = sent?;
    let mut tx = app.store.begin();
    accounts::lock(&mut tx, account).await?;
    let kept = notifications::chosen(&mut tx, account).await?;
    let preferences = Preferences::kept(kept.as_ref().map(|kept| &kept.preferences)).changed(&sent)?;
    let topic = match sent.0.get("ntfy_url") {
        None => kept.as_ref().and_then(|kept| kept.ntfy_url.clone()),
        Some(_) => topic(app, &sent)?,
    };
    let mail = sent.boolean("mail")?.unwrap_or(kept.is_some_and(|kept| kept.mail));
    if mail && sent.boolean("mail")?.is_some() && app.settings.mail.is_none() {
        return Err(Invalid::failed("mail cannot be switched on: this server sends none").into());
    }
    let chosen = Chosen { preferences: Json::of(&preferences.json()), ntfy_url: topic, mail };
    notifications::put_chosen(&mut tx, account, &chosen).await?;
    let loops = Object(sent.object("loops")?.cloned().unwrap_or_default());
    for name in loops.0.keys() {
        let id = name.parse().map_err(|_| Invalid::new("Invalid loop ID format"))?;
        let on = loops.boolean(name)?.ok_or_else(|| Invalid::field(name, "must be a boolean"))?;
        if !notifications::set_loop(&mut tx, account, id, on).await? {
            return Err(Error::Missing("Loop not found"));
        }
    }
    tx.commit().await?;
    show(app, account).await
}

/// An ntfy topic, judged as webhooks are. Whoever knows it can read it, so it is never shown to others.
fn topic(app: &App, sent: &Object) -> Result<Option<Secret>> {
    let Some(text) = url(sent, "ntfy_url", app.settings.webhooks.allow_http)? else { return Ok(None) };
    let path = text.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    if path.trim_matches('/').is_empty() {
        return Err(Invalid::failed("ntfy_url must end in a topic, such as https://ntfy.example.com/my-topic").into());
    }
    Ok(Some(Secret(text)))
}

/// Whether the app's icon is to show how many requests wait for somebody.
pub async fn is_badged(app: &App, account: Id<Account>) -> Result<bool> {
    let kept = notifications::chosen(&app.store, account).await?;
    Ok(!Preferences::kept(kept.as_ref().map(|kept| &kept.preferences)).unbadged)
}

/// The loops that somebody is in and is not notified of.
pub async fn muted(app: &App, account: Id<Account>) -> Result<Vec<Id<Loop>>> {
    let loops = notifications::loops(&app.store, account).await?;
    Ok(loops.into_iter().filter(|(.., on)| !on).map(|(id, ..)| id).collect())
}

/// Whether somebody is notified of a loop; they must be in it.
pub async fn set_loop(app: &App, account: Id<Account>, id: Id<Loop>, on: bool) -> Result<()> {
    if notifications::set_loop(&app.store, account, id, on).await? {
        return Ok(());
    }
    Err(Error::Missing("You are not in that loop."))
}

/// Adds the browser that somebody uses, as it describes itself: `endpoint` and `keys` with `p256dh` and `auth`.
pub async fn add_device(app: &App, who: &SignedIn, sent: Sent, user_agent: Option<&str>) -> Result<Device> {
    let sent = sent?;
    let endpoint = url(&sent, "endpoint", app.settings.webhooks.allow_http)?;
    let endpoint = endpoint.ok_or_else(|| Invalid::required("endpoint"))?;
    let keys = Object(sent.object("keys")?.cloned().ok_or_else(|| Invalid::required("keys"))?);
    let p256dh = keys.trimmed("p256dh")?.ok_or_else(|| Invalid::required("p256dh"))?;
    let auth = keys.trimmed("auth")?.ok_or_else(|| Invalid::required("auth"))?;
    if !web_push::is_usable(p256dh, auth) {
        return Err(Invalid::failed("keys must be those of a push subscription").into());
    }
    let device = Device {
        id: app.new_id(),
        endpoint,
        p256dh: p256dh.to_owned(),
        auth: Secret(auth.to_owned()),
        user_agent: user_agent.map(|agent| agent.chars().take(LONGEST_AGENT).collect()),
        created_at: app.now(),
    };
    let mut tx = app.store.begin();
    let added = devices::put(&mut tx, who.account_id, who.session_id, &device).await?;
    if devices::of_account(&mut tx, who.account_id).await?.len() > MOST_DEVICES {
        return Err(Error::invalid("There are too many devices. Remove one first."));
    }
    notifications::note_reachable(&mut tx, who.account_id).await?;
    tx.commit().await?;
    Ok(added)
}

/// Removes one of one's own devices.
pub async fn remove_device(app: &App, account: Id<Account>, id: Id<Device>) -> Result<()> {
    let mut tx = app.store.begin();
    if !devices::remove(&mut tx, account, id).await? {
        return Err(Error::Missing("Device not found"));
    }
    notifications::note_reachable(&mut tx, account).await?;
    Ok(tx.commit().await?)
}
