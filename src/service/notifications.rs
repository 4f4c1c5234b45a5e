//! Telling people: who is told of what, by which ways, and what came of it (contract 10 and 16.1).
//!
//! Notifications are deliveries of their own kinds: written in the transaction of the change, sent by the same workers. Nobody
//! waits for one, and for people without any way to be reached nothing is looked up and nothing is written.

use super::{Result, deliveries};
use crate::{
    app::App,
    domain::{
        Account, Actor, Delivery, Event, EventName, Id, Json, Loop, Member, Priority, Request, Secret, Status,
        Timestamp,
        bodies::Step,
        notification_texts::Message,
        notifications::{Device, Occasion, Preferences},
        retry::{self, Outcome},
        webhooks::{DeliveryKind, DeliveryStatus},
    },
    store::{
        Db, Tx,
        deliveries::{Attempt, insert, record as keep},
        devices,
        loops::Recipient,
        notifications::{self, Reached},
    },
};
use serde_json::{Value, json};
use std::collections::HashMap;

/// What is said of a recipient whom nothing but the inbox can tell (contract 10.2).
const NO_CHANNEL: &str = "No notification channel configured";
/// What is said of one who does not want to be told of this, or now.
const UNWANTED: &str = "Not wanted by this person's notification settings";

/// One notification to be written.
#[derive(Clone, Debug)]
struct Planned {
    account_id: Id<Account>,
    kind: DeliveryKind,
    url: String,
    message: String,
}

/// What is to be written of one event, and why nothing is to those who get nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    planned: Vec<Planned>,
    untold: HashMap<Id<Account>, &'static str>,
}

/// Decides who is told of a new request; costs a look only where somebody can be reached.
pub(super) async fn plan_created(app: &App, it: &Request, recipients: &[Recipient]) -> Result<Plan> {
    let people: Vec<_> = recipients.iter().filter(|it| it.reachable).map(|it| it.account_id).collect();
    if people.is_empty() {
        return Ok(Plan::default());
    }
    plan(app, &app.store, EventName::RequestCreated, it, &people).await
}

/// Decides who of these people is told of an event of a request.
async fn plan(app: &App, db: impl Db<'_>, name: EventName, it: &Request, people: &[Id<Account>]) -> Result<Plan> {
    let priority = it.content.priority;
    let Some(occasion) = Occasion::of(name, priority) else { return Ok(Plan::default()) };
    plan_for(app, db, it.loop_id, people, (occasion, priority), |to| Message::of(occasion, it, to)).await
}

/// Decides who of these people in a loop is told of something, and by which ways.
async fn plan_for(
    app: &App,
    db: impl Db<'_>,
    of: Id<Loop>,
    people: &[Id<Account>],
    (occasion, priority): (Occasion, Priority),
    message: impl Fn(&Preferences) -> Message,
) -> Result<Plan> {
    let mut plan = Plan::default();
    for person in notifications::reached(db, of, people).await?.chunk_by(|a, b| a.account_id == b.account_id) {
        let ways = ways(app, person);
        let preferences = Preferences::kept(person[0].preferences.as_ref());
        let account_id = person[0].account_id;
        if ways.is_empty() {
            continue;
        }
        if !person[0].notified || !preferences.wants(occasion, priority, app.now()) {
            plan.untold.insert(account_id, UNWANTED);
            continue;
        }
        let message = text(&message(&preferences));
        let planned = |(kind, url)| Planned { account_id, kind, url, message: message.clone() };
        plan.planned.extend(ways.into_iter().map(planned));
    }
    Ok(plan)
}

fn text(message: &Message) -> String {
    serde_json::to_string(message).expect("texts serialise")
}

/// A person's ways, of which each row has one device.
fn ways(app: &App, person: &[Reached]) -> Vec<(DeliveryKind, String)> {
    let it = &person[0];
    let devices = person.iter().filter_map(|row| row.endpoint.clone()).map(|url| (DeliveryKind::Push, url));
    let ntfy = it.ntfy_url.iter().map(|url| (DeliveryKind::Ntfy, url.0.clone()));
    let mail = (it.mail && app.settings.mail.is_some()).then(|| (DeliveryKind::Mail, it.email.to_string()));
    devices.chain(ntfy).chain(mail).collect()
}

impl Plan {
    /// What a new request keeps of somebody who is told (contract 5.3). What comes of it is noted later.
    pub(super) fn recipient(&self, it: &Recipient) -> Value {
        let told = self.planned.iter().any(|planned| planned.account_id == it.account_id);
        let error = if told { None } else { Some(self.untold.get(&it.account_id).copied().unwrap_or(NO_CHANNEL)) };
        json!({
            "user_id": it.account_id, "email": it.email, "role": it.role,
            "notification_sent": false, "notification_error": error,
        })
    }

    /// Writes what was planned, in the transaction of the event.
    pub(super) async fn write(
        &self,
        app: &App,
        tx: &mut Tx,
        event: Id<Event>,
        name: EventName,
        of: Option<Id<Request>>,
    ) -> Result<()> {
        for it in &self.planned {
            let delivery = Delivery {
                id: app.new_id(),
                event_id: event,
                event: name,
                kind: it.kind,
                account_id: it.account_id,
                webhook_id: None,
                request_id: of,
                url: it.url.clone(),
                body: it.message.clone(),
                status: DeliveryStatus::Pending,
                attempt: 0,
                cause: "event".into(),
                next_attempt_at: Some(app.now()),
                locked_until: None,
                response_status: None,
                response_time_ms: None,
                response_body: None,
                error: None,
                created_at: app.now(),
                delivered_at: None,
            };
            let endpoint = if it.kind == DeliveryKind::Mail { "mail".to_owned() } else { deliveries::host(&it.url) };
            insert(&mut *tx, &delivery, &endpoint).await?;
        }
        Ok(())
    }
}

/// Tells whoever else an event of a request concerns: one person, if they can be reached and did not do it themselves. Says
/// whether they will be told.
pub(super) async fn tell_concerned(app: &App, tx: &mut Tx, event: &Event, it: &Request, step: &Step) -> Result<bool> {
    let person = match event.name {
        EventName::RequestCancelled if step.previous == Some(Status::Claimed) => it.claimed_by,
        EventName::RequestDeadlineNear => it.claimed_by,
        EventName::RequestFeedback => it.response_by,
        _ => None,
    };
    let reachable = it.reviewer.as_ref().is_some_and(|reviewer| reviewer.reachable);
    match person {
        Some(person) if reachable && event.actor != Actor::Person(person) => {
            let plan = plan(app, &mut *tx, event.name, it, &[person]).await?;
            plan.write(app, tx, event.id, event.name, Some(it.id)).await?;
            Ok(!plan.planned.is_empty())
        }
        _ => Ok(false),
    }
}

/// Tells who made a loop that somebody joined or left it, if they can be reached and neither they nor their programs did it.
pub(super) async fn tell_maker(app: &App, tx: &mut Tx, event: &Event, it: &Loop, who: &Member) -> Result<()> {
    let moved = matches!(event.name, EventName::LoopMemberJoined | EventName::LoopMemberLeft);
    if !moved || !matches!(event.actor, Actor::Person(by) if by != it.creator_id) {
        return Ok(());
    }
    // Of what is no request's, none has a low priority.
    let of = (Occasion::LoopActivity, Priority::Critical);
    let message = |to: &Preferences| Message::of_loop_activity(it, who, event.name, to);
    let plan = plan_for(app, &mut *tx, it.id, &[it.creator_id], of, message).await?;
    plan.write(app, tx, event.id, event.name, None).await
}

/// How long after a test another one is the same one, in seconds: so that nobody is flooded by it.
const SAME_TEST: i64 = 10;

/// Writes a notification to oneself, by each of one's ways; says how many there are.
pub async fn test(app: &App, account: Id<Account>) -> Result<usize> {
    let mut tx = app.store.begin();
    let under_way = notifications::tests(&mut tx, account, app.now().plus_seconds(-SAME_TEST)).await?;
    if !under_way.is_empty() {
        return Ok(under_way.len());
    }
    let person = notifications::reached_at_all(&mut tx, account).await?;
    if person.is_empty() {
        return Ok(0);
    }
    let message = text(&Message::test());
    let ways = ways(app, &person).into_iter();
    let planned = ways.map(|(kind, url)| Planned { account_id: account, kind, url, message: message.clone() });
    let plan = Plan { planned: planned.collect(), untold: HashMap::new() };
    plan.write(app, &mut tx, app.new_id(), EventName::NotificationTest, None).await?;
    tx.commit().await?;
    Ok(plan.planned.len())
}

/// Writes a letter to somebody, whatever they want to be notified of: they are invited.
pub(super) async fn write_letter(
    app: &App,
    tx: &mut Tx,
    name: EventName,
    to: &Account,
    message: &Message,
) -> Result<()> {
    let (url, message) = (to.email.to_string(), text(message));
    let letter = Planned { account_id: to.id, kind: DeliveryKind::Mail, url, message };
    let plan = Plan { planned: vec![letter], untold: HashMap::new() };
    plan.write(app, tx, app.new_id(), name, None).await
}

/// How a notification is to be sent.
#[derive(Clone, Debug)]
pub enum Way {
    /// To this browser.
    Push(Box<Device>),
    /// To the ntfy topic at the delivery's URL.
    Ntfy,
    /// To the delivery's address.
    Mail,
}

/// Why somebody is not to be told of a request any more. A loop takes its requests along: whoever had claimed one still hears
/// that it was taken back (contract 16.1).
async fn untold(app: &App, it: &Delivery, request: Id<Request>) -> Result<Option<&'static str>> {
    let Some((status, claimed_by)) = notifications::concern(&app.store, request, it.account_id).await? else {
        let is_told = it.event == EventName::RequestCancelled
            && notifications::outlived(&app.store, request, it.account_id).await?;
        return Ok((!is_told).then_some("it is not the person's to know any more"));
    };
    let stands = match it.event {
        EventName::RequestCreated => status == Status::Pending,
        EventName::RequestDeadlineNear => status == Status::Claimed && claimed_by == Some(it.account_id),
        _ => true,
    };
    Ok((!stands).then_some("there is nothing left to do"))
}

/// A notification as it is to be sent now. `Err` says why there is nothing to be told any more: the request is over or somebody
/// else's, it is not the person's to know, or the person does not want it this way any longer.
pub async fn ready(app: &App, it: &Delivery) -> Result<std::result::Result<Way, &'static str>> {
    if let Some(request) = it.request_id
        && let Some(why) = untold(app, it, request).await?
    {
        return Ok(Err(why));
    }
    Ok(match it.kind {
        DeliveryKind::Push => {
            devices::find(&app.store, it.account_id, &it.url).await?.map(|device| Way::Push(Box::new(device)))
        }
        kind => {
            let chosen = notifications::chosen(&app.store, it.account_id).await?;
            let topic = chosen.as_ref().and_then(|chosen| chosen.ntfy_url.clone());
            let mail = chosen.is_some_and(|chosen| chosen.mail);
            match kind {
                DeliveryKind::Ntfy => (topic == Some(Secret(it.url.clone()))).then_some(Way::Ntfy),
                _ => mail.then_some(Way::Mail),
            }
        }
    }
    .ok_or("the person does not want it this way any more"))
}

/// Seconds from one failure to the next attempt: three attempts, within ten minutes.
const DELAYS: [i64; 2] = [30, 300];
/// How long after the event a notification may still be sent, in seconds.
const LATEST: i64 = 600;

/// Records an attempt: success, another try soon, or the end. A device that is gone is removed.
pub async fn record(app: &App, it: &Delivery, sent: deliveries::Sent) -> Result<DeliveryStatus> {
    let now = app.now();
    let outcome = match sent.status {
        Some(404 | 410) if it.kind == DeliveryKind::Push => Outcome::Gone,
        Some(status) => retry::outcome(status, sent.retry_after),
        None if sent.hopeless => Outcome::Failed,
        None if sent.error.is_none() => Outcome::Delivered, // mail has no status
        None => Outcome::Again(None),
    };
    let next = match outcome {
        Outcome::Again(asked) => again(it, asked, now),
        _ => None,
    };
    let status = match (outcome, next) {
        (Outcome::Delivered, _) => DeliveryStatus::Success,
        (_, Some(_)) => DeliveryStatus::Retrying,
        (_, None) => DeliveryStatus::Failed,
    };
    let answered = sent.status.map(|status| format!("answered {status}"));
    let attempt = Attempt {
        status: Some(status),
        next_attempt_at: next,
        response_status: sent.status.map(i64::from),
        response_time_ms: sent.millis,
        response_body: None, // nobody reads it
        error: sent.error.or_else(|| answered.filter(|_| outcome != Outcome::Delivered)),
        ended_at: Some(now),
    };
    let mut tx = app.store.begin();
    if !keep(&mut tx, it, &attempt).await? {
        return Ok(status); // the lease had run out: whoever has it now records
    }
    if outcome == Outcome::Gone
        && let Some(device) = devices::find(&mut tx, it.account_id, &it.url).await?
    {
        devices::remove(&mut tx, it.account_id, device.id).await?;
        notifications::note_reachable(&mut tx, it.account_id).await?;
    }
    if it.event == EventName::RequestCreated && status != DeliveryStatus::Retrying {
        note_told(&mut tx, it, sent.status, status == DeliveryStatus::Success).await?;
    }
    tx.commit().await?;
    Ok(status)
}

fn again(it: &Delivery, asked: Option<i64>, now: Timestamp) -> Option<Timestamp> {
    let delay = *DELAYS.get(usize::try_from(it.attempt).ok()?)?;
    let next = now.plus_seconds(delay.max(asked.unwrap_or(0)));
    (next <= it.created_at.plus_seconds(LATEST)).then_some(next)
}

/// Notes at the request what came of telling somebody: one way that worked is enough (contract 10.2). Why another did not is said
/// without where it goes, which is the person's own.
async fn note_told(tx: &mut Tx, it: &Delivery, answered: Option<u16>, worked: bool) -> Result<()> {
    let Some(request) = it.request_id else { return Ok(()) };
    let Some(kept) = notifications::hold_recipients(tx, request).await? else { return Ok(()) };
    let mut recipients = kept.value();
    let (who, listed) = (it.account_id.to_string(), recipients.as_array_mut());
    let Some(person) = listed.and_then(|listed| listed.iter_mut().find(|person| person["user_id"] == who.as_str()))
    else {
        return Ok(());
    };
    if person["notification_sent"] == true {
        return Ok(());
    }
    let why = answered.map_or("could not be delivered".to_owned(), |status| format!("the receiver answered {status}"));
    person["notification_sent"] = worked.into();
    person["notification_error"] = if worked { Value::Null } else { format!("{}: {why}", it.kind).into() };
    Ok(notifications::set_recipients(tx, request, &Json::of(&recipients)).await?)
}
