//! The clocks that people live by: a place's, which is changed in spring and autumn, or one at a fixed distance from UTC.

use super::{Invalid, Object, Timestamp};
use jiff::tz::{TimeZone, db};
use serde_json::Value;

/// Somebody's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clock {
    /// So many minutes ahead of UTC, all year: -720 to 1440.
    Fixed(i64),
    /// That of a place, by its name in the IANA database, such as `Europe/Berlin`.
    Of(String),
}

impl Default for Clock {
    fn default() -> Self {
        Self::Fixed(0)
    }
}

/// Half a day behind and a whole one ahead.
const BOUNDS: std::ops::RangeInclusive<i64> = -720..=1440;

/// The first part of the names of places; other names of the database are of clocks that no place goes by, or of old.
const REGIONS: [&str; 10] =
    ["Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];

impl Clock {
    /// The clock that was sent as `time_zone`, or else as `utc_offset_minutes`; this one where neither was.
    pub fn changed(self, sent: &Object) -> Result<Self, Invalid> {
        if let Some(name) = sent.trimmed("time_zone")? {
            let known = TimeZone::get(name).ok().and_then(|zone| zone.iana_name().map(str::to_owned));
            return known
                .map(Self::Of)
                .ok_or_else(|| Invalid::failed("time_zone must be a name such as Europe/Berlin"));
        }
        match sent.integer("utc_offset_minutes")? {
            None => Ok(self),
            Some(minutes) if BOUNDS.contains(&minutes) => Ok(Self::Fixed(minutes)),
            Some(_) => Err(Invalid::failed("utc_offset_minutes must be between -720 and 1440")),
        }
    }

    /// How far ahead of UTC it is at an instant, in minutes.
    pub fn minutes_ahead(&self, at: Timestamp) -> i64 {
        match self {
            Self::Fixed(minutes) => *minutes,
            Self::Of(place) => {
                let at = jiff::Timestamp::from_second(at.seconds()).unwrap_or_default();
                TimeZone::get(place).map_or(0, |zone| i64::from(zone.to_offset(at).seconds()).div_euclid(60))
            }
        }
    }

    /// The place, if it is one's.
    pub fn place(&self) -> Option<&str> {
        match self {
            Self::Fixed(_) => None,
            Self::Of(place) => Some(place),
        }
    }

    /// `time_zone` and `utc_offset_minutes` as they are kept and shown, of which one is null.
    pub fn fields(&self) -> [(String, Value); 2] {
        let fixed = if let Self::Fixed(minutes) = self { Some(*minutes) } else { None };
        [("time_zone".to_owned(), self.place().into()), ("utc_offset_minutes".to_owned(), fixed.into())]
    }
}

/// The places that have a clock, by name.
pub fn places() -> Vec<String> {
    let names = db().available().map(|name| name.to_string());
    let mut names: Vec<_> =
        names.filter(|name| name.split_once('/').is_some_and(|(region, _)| REGIONS.contains(&region))).collect();
    names.sort_unstable();
    names
}

/// An offset from UTC, such as `UTC+05:30`.
pub fn offset_name(minutes: i64) -> String {
    match minutes {
        0 => "UTC".to_owned(),
        _ => format!("UTC{}{:02}:{:02}", if minutes < 0 { '-' } else { '+' }, minutes.abs() / 60, minutes.abs() % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn changed(sent: &Value) -> Result<Clock, Invalid> {
        Clock::default().changed(&Object(sent.as_object().unwrap().clone()))
    }

    #[test]
    fn a_place_changes_its_clock_in_spring_and_autumn() {
        let berlin = changed(&json!({"time_zone": "europe/berlin", "utc_offset_minutes": 5})).unwrap();
        assert_eq!(berlin, Clock::Of("Europe/Berlin".to_owned()));
        let ahead = |clock: &Clock, at: &str| clock.minutes_ahead(at.parse().unwrap());
        assert_eq!(ahead(&berlin, "2026-03-29T00:59:59Z"), 60);
        assert_eq!(ahead(&berlin, "2026-03-29T01:00:00Z"), 120);
        assert_eq!(ahead(&Clock::Of("Asia/Kolkata".to_owned()), "2026-01-01T00:00:00Z"), 330);
        assert_eq!(ahead(&changed(&json!({"utc_offset_minutes": -210})).unwrap(), "2026-07-01T00:00:00Z"), -210);
    }

    #[test]
    fn what_no_clock_is_is_refused() {
        for wrong in ["Europe/Nowhere", "x", "../../etc/passwd", "UTC+25"] {
            let refused = changed(&json!({"time_zone": wrong}));
            assert_eq!(refused, Err(Invalid::failed("time_zone must be a name such as Europe/Berlin")), "{wrong}");
        }
        let far = Err(Invalid::failed("utc_offset_minutes must be between -720 and 1440"));
        assert_eq!(changed(&json!({"utc_offset_minutes": 1441})), far);
        assert_eq!(changed(&json!({"time_zone": null, "utc_offset_minutes": null})), Ok(Clock::default()));
    }

    #[test]
    fn every_place_that_can_be_chosen_has_a_clock() {
        let places = places();
        assert!(places.len() > 300 && places.iter().any(|name| name == "America/Argentina/Buenos_Aires"));
        assert!(places.iter().all(|name| changed(&json!({"time_zone": name})).is_ok()));
    }
}
