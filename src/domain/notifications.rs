//! What people are notified of, and when they want it (contract 16.1). Does not know how it reaches them.

use super::{
    EventName, Id, Invalid, Json, Object, Priority, Secret, Timestamp,
    clocks::Clock,
    words::{Word, words},
};
use serde_json::{Map, Value, json};

words! {
    /// What somebody is notified of.
    pub enum Occasion {
        /// A request of low or medium priority was put to one's loop.
        NewRequest = "new_request",
        /// One of high or critical priority was.
        UrgentRequest = "urgent_request",
        /// What one has claimed times out in fifteen minutes.
        DeadlineNear = "deadline_near",
        /// What one had claimed was taken back.
        ClaimCancelled = "claim_cancelled",
        /// There is feedback on one's answer.
        FeedbackReceived = "feedback_received",
        /// Somebody joined or left a loop that one has made.
        LoopActivity = "loop_activity",
    }
}

impl Occasion {
    /// What an event of a request is to those whom it concerns, if anything.
    pub fn of(event: EventName, priority: Priority) -> Option<Self> {
        match event {
            EventName::RequestCreated if priority >= Priority::High => Some(Self::UrgentRequest),
            EventName::RequestCreated => Some(Self::NewRequest),
            EventName::RequestDeadlineNear => Some(Self::DeadlineNear),
            EventName::RequestCancelled => Some(Self::ClaimCancelled),
            EventName::RequestFeedback => Some(Self::FeedbackReceived),
            _ => None,
        }
    }

    /// What a switch for it says.
    pub const fn label(self) -> &'static str {
        match self {
            Self::NewRequest => "New requests of low or medium priority",
            Self::UrgentRequest => "New requests of high or critical priority",
            Self::DeadlineNear => "15 minutes before the deadline of what you have claimed",
            Self::ClaimCancelled => "When what you had claimed is taken back",
            Self::FeedbackReceived => "Feedback on your answers",
            Self::LoopActivity => "When somebody joins or leaves a loop that you have made",
        }
    }
}

/// A browser that takes Web Push.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Its identifier.
    pub id: Id<Device>,
    /// Where its push service takes messages: whoever knows it can send there.
    pub endpoint: String,
    /// The browser's public key, 65 bytes in base64url.
    pub p256dh: String,
    /// What it shares with us, 16 bytes in base64url.
    pub auth: Secret,
    /// What it calls itself.
    pub user_agent: Option<String>,
    /// Since when.
    pub created_at: Timestamp,
}

/// The most devices of one person.
pub const MOST_DEVICES: usize = 20;

/// What somebody wants to be notified of, and when. By default of everything, always.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preferences {
    /// What is switched off.
    pub off: Vec<Occasion>,
    /// Nothing about requests of low or medium priority.
    pub priority_only: bool,
    /// Without a sound.
    pub silent: bool,
    /// Without a number on the app's icon.
    pub unbadged: bool,
    /// When there is to be quiet.
    pub quiet_hours: Option<QuietHours>,
    /// The person's clock.
    pub clock: Clock,
}

/// A part of each day, in minutes from midnight by the person's clock; over midnight where it ends before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// The first minute.
    pub from: i64,
    /// The first minute after.
    pub to: i64,
}

const DAY: i64 = 24 * 60;

impl QuietHours {
    fn covers(self, minute: i64) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

impl Preferences {
    /// Whether the person is to be told of this now.
    pub fn wants(&self, occasion: Occasion, priority: Priority, now: Timestamp) -> bool {
        !self.off.contains(&occasion) && (!self.priority_only || priority >= Priority::High) && !self.is_quiet(now)
    }

    /// Whether it is quiet now.
    pub fn is_quiet(&self, now: Timestamp) -> bool {
        let Some(hours) = self.quiet_hours else { return false };
        hours.covers((now.seconds().div_euclid(60) + self.clock.minutes_ahead(now)).rem_euclid(DAY))
    }

    /// As they are kept.
    pub fn kept(json: Option<&Json>) -> Self {
        let fields = json.map(Json::value).and_then(|json| json.as_object().cloned()).unwrap_or_default();
        Self::default().changed(&Object(fields)).unwrap_or_default()
    }

    /// As they are kept and shown.
    pub fn json(&self) -> Value {
        let kinds = Occasion::ALL.iter().map(|it| (it.to_string(), json!(!self.off.contains(it))));
        let quiet = self.quiet_hours.map(|hours| json!({"from": time_of_day(hours.from), "to": time_of_day(hours.to)}));
        let mut fields = json!({
            "kinds": kinds.collect::<Map<_, _>>(), "priority_only": self.priority_only, "sound": !self.silent, "badge": !self.unbadged,
            "quiet_hours": quiet,
        });
        fields.as_object_mut().expect("an object").extend(self.clock.fields());
        fields
    }

    /// The same with what was sent in place of what it was. `quiet_hours: null` ends them.
    pub fn changed(self, sent: &Object) -> Result<Self, Invalid> {
        let quiet_hours = match (sent.0.get("quiet_hours"), sent.object("quiet_hours")?) {
            (Some(Value::Null), _) => None,
            (_, Some(hours)) => Some(quiet_hours(&Object(hours.clone()))?),
            (_, None) => self.quiet_hours,
        };
        Ok(Self {
            off: switched(self.off, sent)?,
            priority_only: sent.boolean("priority_only")?.unwrap_or(self.priority_only),
            silent: sent.boolean("sound")?.map_or(self.silent, |on| !on),
            unbadged: sent.boolean("badge")?.map_or(self.unbadged, |on| !on),
            quiet_hours,
            clock: self.clock.changed(sent)?,
        })
    }
}

fn switched(mut off: Vec<Occasion>, sent: &Object) -> Result<Vec<Occasion>, Invalid> {
    let kinds = Object(sent.object("kinds")?.cloned().unwrap_or_default());
    if let Some(unknown) = kinds.0.keys().find(|word| Occasion::named(word).is_none()) {
        return Err(Invalid::failed(format!(
            "kinds has no {unknown:?}; there are {}",
            Occasion::all_words().join(", ")
        )));
    }
    for it in Occasion::ALL {
        if let Some(on) = kinds.boolean(it.as_str())? {
            off.retain(|other| other != it);
            if !on {
                off.push(*it);
            }
        }
    }
    Ok(off)
}

fn quiet_hours(sent: &Object) -> Result<QuietHours, Invalid> {
    let minute = |name: &str| {
        let wrong = || Invalid::failed(format!("quiet_hours must have a time {name}, such as 22:00"));
        sent.trimmed(name)?.and_then(minute).ok_or_else(wrong)
    };
    let hours = QuietHours { from: minute("from")?, to: minute("to")? };
    if hours.from == hours.to {
        return Err(Invalid::failed("quiet_hours must end at another time than they begin"));
    }
    Ok(hours)
}

fn minute(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, below: i64| -> Option<i64> {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|number| digits && *number < below)
    };
    Some(number(hours, 24)? * 60 + number(minutes, 60)?)
}

/// A minute of the day as clocks show it.
pub fn time_of_day(minute: i64) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn object(value: Value) -> Object {
        let Value::Object(fields) = value else { panic!("no object: {value}") };
        Object(fields)
    }

    fn changed(value: Value) -> Result<Preferences, Invalid> {
        Preferences::default().changed(&object(value))
    }

    fn at(time: &str) -> Timestamp {
        format!("2024-03-15T{time}:00Z").parse().unwrap()
    }

    #[test]
    fn quiet_hours_go_over_midnight_by_the_persons_clock() {
        let quiet = |from: &str, to: &str, offset: i64, time: &str| {
            let sent = json!({"quiet_hours": {"from": from, "to": to}, "utc_offset_minutes": offset});
            changed(sent).unwrap().is_quiet(at(time))
        };
        for (time, expected) in [("21:59", false), ("22:00", true), ("23:59", true), ("06:59", true), ("07:00", false)]
        {
            assert_eq!(quiet("22:00", "07:00", 0, time), expected, "{time}");
        }
        assert!(quiet("12:00", "13:00", 0, "12:59") && !quiet("12:00", "13:00", 0, "13:00"));
        assert!(quiet("22:00", "07:00", 60, "21:00") && !quiet("22:00", "07:00", 60, "06:00"), "an hour ahead");
        assert!(quiet("22:00", "07:00", -330, "03:30") && !quiet("22:00", "07:00", -330, "03:29"));
        assert!(!Preferences::default().is_quiet(at("03:00")));
        let sent = json!({"quiet_hours": {"from": "22:00", "to": "07:00"}, "time_zone": "Europe/Berlin"});
        let berlin = changed(sent).unwrap();
        let is_quiet = |at: &str| berlin.is_quiet(at.parse().unwrap());
        assert!(is_quiet("2026-01-15T05:59:00Z") && !is_quiet("2026-01-15T06:00:00Z"), "an hour ahead in winter");
        assert!(is_quiet("2026-07-15T04:59:00Z") && !is_quiet("2026-07-15T05:00:00Z"), "two in summer");
    }

    #[test]
    fn each_kind_has_its_switch() {
        let some = changed(json!({"kinds": {"new_request": false}})).unwrap();
        let now = at("12:00");
        assert!(!some.wants(Occasion::NewRequest, Priority::Medium, now));
        assert!(some.wants(Occasion::UrgentRequest, Priority::High, now));
        let back = some.changed(&object(json!({"kinds": {"new_request": true}}))).unwrap();
        assert_eq!(back, Preferences::default());
        let urgent = changed(json!({"priority_only": true})).unwrap();
        assert!(!urgent.wants(Occasion::DeadlineNear, Priority::Medium, now));
        assert!(urgent.wants(Occasion::DeadlineNear, Priority::Critical, now));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (sent, detail) in [
            (json!({"time_zone": "x"}), "time_zone must be a name such as Europe/Berlin"),
            (json!({"quiet_hours": {"from": "22:00"}}), "quiet_hours must have a time to, such as 22:00"),
            (
                json!({"quiet_hours": {"from": "24:00", "to": "07:00"}}),
                "quiet_hours must have a time from, such as 22:00",
            ),
            (
                json!({"quiet_hours": {"from": "1:00", "to": "07:00"}}),
                "quiet_hours must have a time from, such as 22:00",
            ),
            (
                json!({"quiet_hours": {"from": "+1:00", "to": "07:00"}}),
                "quiet_hours must have a time from, such as 22:00",
            ),
            (
                json!({"quiet_hours": {"from": "07:00", "to": "07:00"}}),
                "quiet_hours must end at another time than they begin",
            ),
        ] {
            assert_eq!(changed(sent.clone()), Err(Invalid::failed(detail)), "{sent}");
        }
        assert!(
            changed(json!({"kinds": {"noise": false}})).is_err()
                && changed(json!({"kinds": {"new_request": 1}})).is_err()
        );
        assert!(changed(json!({"quiet_hours": "22-7"})).is_err() && changed(json!({"priority_only": "yes"})).is_err());
    }

    #[test]
    fn every_event_that_concerns_people_is_an_occasion() {
        assert_eq!(Occasion::of(EventName::RequestCreated, Priority::Critical), Some(Occasion::UrgentRequest));
        assert_eq!(Occasion::of(EventName::RequestCreated, Priority::Medium), Some(Occasion::NewRequest));
        assert_eq!(Occasion::of(EventName::RequestCompleted, Priority::Critical), None);
    }

    proptest! {
        #[test]
        fn what_is_kept_is_read_again(off in 0_usize..7, priority_only: bool, silent: bool, unbadged: bool, from in 0..DAY, to in 0..DAY, quiet: bool, offset in -720..=840_i64) {
            let preferences = Preferences {
                off: Occasion::ALL[..off.min(6)].to_vec(),
                priority_only,
                silent,
                unbadged,
                quiet_hours: (quiet && from != to).then_some(QuietHours { from, to }),
                clock: Clock::Fixed(offset),
            };
            prop_assert_eq!(&Preferences::kept(Some(&Json::of(&preferences.json()))), &preferences);
        }

        #[test]
        fn a_day_has_as_many_quiet_minutes_as_its_quiet_hours(from in 0..DAY, to in 0..DAY, offset in -720..=840_i64) {
            prop_assume!(from != to);
            let quiet = Preferences { quiet_hours: Some(QuietHours { from, to }), clock: Clock::Fixed(offset), ..Preferences::default() };
            let minutes = (0..DAY).filter(|minute| quiet.is_quiet(Timestamp::from_seconds(minute * 60))).count();
            prop_assert_eq!(i64::try_from(minutes).unwrap(), (to - from).rem_euclid(DAY));
        }
    }
}
