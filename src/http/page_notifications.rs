//! How one is notified: of what, when, by which ways, and on which devices (contract 16.1).

use super::{
    extract::Form,
    page_account::device,
    page_forms::Filled,
    page_notices::Notice,
    page_shell::{Section, Shell},
    page_signed_in::SignedIn,
    page_times::Moment,
    pages::{PageError, PageId, again, see_other, shown},
};
use crate::{
    app::App,
    domain::{
        Loop, Object, Sent,
        clocks::{Clock, offset_name, places},
        notifications::{Device, Occasion, time_of_day},
        request_filters::Query,
        webhooks::{DeliveryKind, DeliveryStatus},
        words::Word,
    },
    service::{
        Error,
        notification_settings::{self, Shown},
        notifications,
    },
};
use askama::Template;
use axum::{extract::State, response::Response};
use serde_json::{Map, Value, json};

/// What there is a switch for.
const KINDS: &[Occasion] = Occasion::ALL;

const HERE: &str = "/account/notifications";

#[derive(Template)]
#[template(path = "notifications.html")]
struct NotificationsPage {
    shell: Shell,
    form: Filled,
    mail: Option<String>,
    push_key: Option<String>,
    devices: Vec<DeviceRow>,
    has_a_way: bool,
    is_new: bool,
    /// What the clock is called that goes by no place.
    fixed: String,
    /// The places that have one.
    places: Vec<String>,
    tests: Vec<Tried>,
}

/// What came of a test.
struct Tried {
    kind: DeliveryKind,
    status: DeliveryStatus,
    error: Option<String>,
    at: Moment,
}

/// One device.
struct DeviceRow {
    id: String,
    name: String,
    since: Moment,
}

fn page(app: &App, who: &SignedIn, form: Filled, it: Shown) -> NotificationsPage {
    let has_a_way = !it.devices.is_empty() || it.ntfy_url.is_some() || (it.mail && it.mail_available);
    let row = |it: Device| DeviceRow {
        id: it.id.to_string(),
        name: device(it.user_agent.as_deref().unwrap_or_default()),
        since: Moment::age(it.created_at, app.now()),
    };
    let tried = |(kind, status, error, at)| Tried { kind, status, error, at: Moment::age(at, app.now()) };
    NotificationsPage {
        shell: who.shell(Section::Account),
        form,
        mail: it.mail_available.then(|| who.who.email.to_string()),
        push_key: it.push_key,
        devices: it.devices.into_iter().map(row).collect(),
        has_a_way,
        is_new: it.is_new,
        fixed: offset_name(it.preferences.clock.place().map_or(it.preferences.clock.minutes_ahead(app.now()), |_| 0)),
        places: places(),
        tests: it.tests.into_iter().map(tried).collect(),
    }
}

/// The form as it is kept.
fn filled(it: &Shown) -> Filled {
    let preferences = &it.preferences;
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut set = |name: &str, value: String| fields.push((name.to_owned(), value));
    for kind in Occasion::ALL.iter().filter(|kind| !preferences.off.contains(kind)) {
        set("kinds", kind.to_string());
    }
    for (name, on) in
        [("priority_only", preferences.priority_only), ("sound", !preferences.silent), ("badge", !preferences.unbadged)]
    {
        if on {
            set(name, "on".to_owned());
        }
    }
    if let Some(hours) = preferences.quiet_hours {
        set("quiet_from", time_of_day(hours.from));
        set("quiet_to", time_of_day(hours.to));
    }
    set("time_zone", preferences.clock.place().unwrap_or_default().to_owned());
    set("ntfy_url", it.ntfy_url.as_ref().map_or(String::new(), |url| url.0.clone()));
    if it.mail {
        set("mail", "on".to_owned());
    }
    Filled::sent(Form(Query(fields)))
}

/// The form as the body of a call: pages and programs are judged by the same rules.
fn sent(app: &App, form: &Form, was: &Clock) -> Sent {
    let ticked = |name: &str, word: &str| form.all(name).any(|ticked| ticked == word);
    let kinds: Map<_, _> =
        Occasion::ALL.iter().map(|it| (it.to_string(), ticked("kinds", it.as_str()).into())).collect();
    let quiet = match (form.text("quiet_from"), form.text("quiet_to")) {
        ("", "") => Value::Null,
        (from, to) => json!({"from": from, "to": to}),
    };
    let mut fields = json!({
        "kinds": kinds, "priority_only": ticked("priority_only", "on"), "sound": ticked("sound", "on"),
        "badge": ticked("badge", "on"), "quiet_hours": quiet, "ntfy_url": form.text("ntfy_url"),
    });
    match form.text("time_zone") {
        "" if was.place().is_some() => fields["utc_offset_minutes"] = 0.into(),
        "" => {} // the fixed one stays
        place => fields["time_zone"] = place.into(),
    }
    if app.settings.mail.is_some() {
        fields["mail"] = ticked("mail", "on").into();
    }
    Object::parse(fields.to_string().as_bytes())
}

/// How one is notified.
pub async fn show(who: SignedIn, State(app): State<App>) -> Result<Response, PageError> {
    let it = notification_settings::show(&app, who.id()).await?;
    Ok(shown(&page(&app, &who, filled(&it), it)))
}

/// Changes how one is notified.
pub async fn update(who: SignedIn, State(app): State<App>, form: Form) -> Result<Response, PageError> {
    let was = notification_settings::show(&app, who.id()).await?.preferences.clock;
    Ok(match notification_settings::update(&app, who.id(), sent(&app, &form, &was)).await {
        Ok(_) => see_other(HERE, Notice::NotificationsChanged),
        Err(error) => {
            let it = notification_settings::show(&app, who.id()).await?;
            again(&error, &page(&app, &who, Filled::refused(form, &error), it))
        }
    })
}

/// Sends a test to oneself.
pub async fn test(who: SignedIn, State(app): State<App>) -> Result<Response, PageError> {
    let sent = notifications::test(&app, who.id()).await?;
    Ok(see_other(HERE, if sent > 0 { Notice::TestSent } else { Notice::NoWay }))
}

/// Removes one of one's devices. Having removed it already is as good.
pub async fn remove_device(
    who: SignedIn,
    State(app): State<App>,
    PageId(id): PageId<Device>,
) -> Result<Response, PageError> {
    match notification_settings::remove_device(&app, who.id(), id).await {
        Ok(()) | Err(Error::Missing(_)) => Ok(see_other(HERE, Notice::DeviceRemoved)),
        Err(error) => Err(error.into()),
    }
}

/// Switches a loop's notifications on or off.
pub async fn switch_loop(
    who: SignedIn,
    State(app): State<App>,
    PageId(id): PageId<Loop>,
    form: Form,
) -> Result<Response, PageError> {
    let on = form.text("notified") == "on";
    notification_settings::set_loop(&app, who.id(), id, on).await?;
    Ok(see_other("/loops", if on { Notice::LoopNotified } else { Notice::LoopMuted }))
}
