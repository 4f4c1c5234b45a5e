//! What a value may be: one function a kind of value, each refusing with what is allowed. Does not know keys or places.

use super::{LogFormat, database::DatabaseUrl};
use crate::domain::Secret;
use ipnet::IpNet;
use std::{
    fmt::Display,
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    time::Duration,
};
use toml::Value;
use url::Url;

/// The value, or what it must be.
pub(super) type Ruling<T> = Result<T, String>;

pub(super) fn address(value: &Value) -> Ruling<SocketAddr> {
    let parsed = value.as_str().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| must_be(r#"an IP address and a port, such as "127.0.0.1:8080" or "[::]:8080""#, value))
}

/// Empty is `None`.
pub(super) fn address_or_none(value: &Value) -> Ruling<Option<SocketAddr>> {
    match value.as_str() {
        Some("") => Ok(None),
        _ => address(value).map(Some).map_err(|refusal| refusal.replacen(", not", ", or empty, not", 1)),
    }
}

/// Empty is `None`. The refusal does not repeat the value: somebody may have put a password into it.
pub(super) fn public_url(value: &Value) -> Ruling<Option<Url>> {
    let refusal = "must be an http or https URL without user, path, query and fragment, \
                   such as \"https://hitl.example.com\", or empty";
    match value.as_str() {
        Some("") => Ok(None),
        Some(text) => match Url::parse(text) {
            Ok(url) if is_origin(&url) => Ok(Some(url)),
            _ => Err(refusal.to_owned()),
        },
        None => Err(refusal.to_owned()),
    }
}

fn is_origin(url: &Url) -> bool {
    let anonymous = url.username().is_empty() && url.password().is_none();
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    matches!(url.scheme(), "http" | "https") && anonymous && bare
}

/// Empty is `None`. The refusal does not repeat the value, which may hold a password.
pub(super) fn database_url(value: &Value) -> Ruling<Option<DatabaseUrl>> {
    match value.as_str() {
        Some("") => Ok(None),
        Some(text) if !has_control_characters(text) => DatabaseUrl::parse(text).map(Some),
        _ => Err(format!("must be {}", DatabaseUrl::ALLOWED)),
    }
}

/// Empty is `None`.
pub(super) fn folder(value: &Value) -> Ruling<Option<PathBuf>> {
    match value.as_str() {
        Some(text) if !has_control_characters(text) => Ok((!text.is_empty()).then(|| PathBuf::from(text))),
        _ => Err(must_be("the path of a folder, or empty", value)),
    }
}

/// Empty is `None`.
pub(super) fn file(value: &Value) -> Ruling<Option<PathBuf>> {
    folder(value).map_err(|_| must_be("the path of a file, or empty", value))
}

/// One line of text, or empty.
pub(super) fn text(what: &'static str) -> impl Fn(&Value) -> Ruling<String> {
    move |value| match value.as_str() {
        Some(text) if !has_control_characters(text) => Ok(text.to_owned()),
        _ => Err(must_be(&format!("{what}, or empty"), value)),
    }
}

/// The refusal does not repeat the value.
pub(super) fn secret(value: &Value) -> Ruling<Secret> {
    value.as_str().map(|text| Secret(text.to_owned())).ok_or_else(|| "must be text, or empty".to_owned())
}

pub(super) fn networks(value: &Value) -> Ruling<Vec<IpNet>> {
    let parsed = value.as_array().and_then(|items| items.iter().map(network).collect());
    parsed.ok_or_else(|| must_be(r#"a list of addresses and networks, such as "10.0.0.0/8" or "::1""#, value))
}

fn network(value: &Value) -> Option<IpNet> {
    let text = value.as_str()?;
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| address()).ok()
}

/// A whole number from `least` to `most`.
pub(super) fn whole<T>(least: T, most: T) -> impl Fn(&Value) -> Ruling<T>
where
    T: TryFrom<i64> + PartialOrd + Display + Copy,
{
    move |value| {
        let number = value.as_integer().and_then(|n| T::try_from(n).ok());
        number
            .filter(|n| (least..=most).contains(n))
            .ok_or_else(|| must_be(&format!("a whole number from {least} to {most}"), value))
    }
}

/// A whole number of seconds.
pub(super) fn seconds(least: u64, most: u64) -> impl Fn(&Value) -> Ruling<Duration> {
    move |value| whole(least, most)(value).map(Duration::from_secs)
}

/// A whole number of days.
pub(super) fn days(least: u64, most: u64) -> impl Fn(&Value) -> Ruling<Duration> {
    move |value| whole(least, most)(value).map(|days| Duration::from_secs(days * 24 * 60 * 60))
}

/// A whole number of days up to a hundred years; 0 is `None`.
pub(super) fn days_or_for_ever(least: u64) -> impl Fn(&Value) -> Ruling<Option<Duration>> {
    move |value| match value.as_integer() {
        Some(0) => Ok(None),
        _ => days(least, 36_500)(value).map(Some).map_err(|refusal| format!("{refusal} (0: for ever)")),
    }
}

/// How many a minute: from 1 to a million.
pub(super) fn per_minute(value: &Value) -> Ruling<NonZeroU32> {
    let number = whole(1, 1_000_000)(value)?;
    Ok(NonZeroU32::new(number).expect("the range begins at 1"))
}

pub(super) fn yes_or_no(value: &Value) -> Ruling<bool> {
    value.as_bool().ok_or_else(|| must_be("true or false", value))
}

pub(super) fn log_level(value: &Value) -> Ruling<String> {
    let directives: Vec<&str> = value.as_str().unwrap_or_default().split(',').map(str::trim).collect();
    if directives.iter().all(|text| is_directive(text)) {
        return Ok(directives.join(",")); // the filter takes no space between them
    }
    Err(must_be(r#"error, warn, info, debug or trace, also by module, such as "info,sqlx=warn""#, value))
}

/// Whether it is a level, or a module with one. The filter itself would take a misspelt level for a module, and fall silent.
fn is_directive(text: &str) -> bool {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-');
    let (module, level) = text.rsplit_once('=').unwrap_or(("hitl", text));
    !module.is_empty() && module.chars().all(is_of_name) && LEVELS.iter().any(|it| it.eq_ignore_ascii_case(level))
}

pub(super) fn log_format(value: &Value) -> Ruling<LogFormat> {
    match value.as_str() {
        Some("auto") => Ok(LogFormat::Auto),
        Some("pretty") => Ok(LogFormat::Pretty),
        Some("json") => Ok(LogFormat::Json),
        _ => Err(must_be(r#""auto", "pretty" or "json""#, value)),
    }
}

fn has_control_characters(text: &str) -> bool {
    text.contains(char::is_control)
}

/// The refusal, on one line whatever the value holds.
pub(super) fn must_be(allowed: &str, value: &Value) -> String {
    match value {
        Value::String(text) => format!("must be {allowed}, not {text:?}"),
        other => format!("must be {allowed}, not {other}").replace(['\r', '\n'], " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    #[test]
    fn a_number_keeps_to_its_range_and_its_type() {
        assert_eq!(whole(1_u32, 600)(&Value::Integer(600)), Ok(600));
        for wrong in [Value::Integer(0), Value::Integer(601), Value::Integer(-1), Value::Float(5.0), text("5")] {
            assert!(whole(1_u32, 600)(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn days_may_be_for_ever() {
        let rule = days_or_for_ever(30);
        assert_eq!(rule(&Value::Integer(0)), Ok(None));
        assert_eq!(rule(&Value::Integer(30)), Ok(Some(Duration::from_hours(30 * 24))));
        for wrong in [Value::Integer(29), Value::Integer(-1), Value::Integer(36_501), text("ever")] {
            assert!(rule(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_public_url_is_an_origin() {
        for good in ["http://localhost:8080", "https://hitl.example.com/"] {
            assert!(public_url(&text(good)).is_ok_and(|url| url.is_some()));
        }
        assert_eq!(public_url(&text("")), Ok(None));
        for bad in [
            "hitl.example.com",
            "ftp://hitl.example.com",
            "https://",
            "https://hitl.example.com/path",
            "https://hitl.example.com?query",
            "https://hitl.example.com#fragment",
            "https://user:password@hitl.example.com",
        ] {
            let refusal = public_url(&text(bad)).unwrap_err();
            assert!(!refusal.contains("password"), "{refusal}");
        }
    }

    #[test]
    fn proxies_are_addresses_or_networks() {
        let list = Value::Array(vec![text("10.0.0.0/8"), text("::1")]);
        let nets = networks(&list).unwrap();
        assert_eq!(nets[1].to_string(), "::1/128");
        assert!(networks(&Value::Array(vec![text("10.0.0.0/33")])).is_err());
        assert!(networks(&text("10.0.0.0/8")).is_err());
    }

    #[test]
    fn a_log_level_is_one_that_the_logs_understand() {
        for good in ["info", "WARN", " debug ", "off", "info,sqlx=warn", "warn, hitl_server::http=trace,tower-http=off"]
        {
            let level = log_level(&text(good)).unwrap();
            assert!(crate::telemetry::filter(&level).is_ok(), "{good}");
        }
        for bad in ["", "inof", "info,sqlx=loud", "info,", "sqlx", "sqlx=", "=info", "in fo", "info;sqlx=warn", "6"] {
            assert!(log_level(&text(bad)).is_err(), "{bad:?}");
        }
        assert!(log_level(&Value::Integer(3)).is_err());
    }

    #[test]
    fn a_refusal_is_one_line() {
        let wrong = Value::Array(vec![text("a\nb"), Value::Integer(1)]);
        assert_eq!(networks(&wrong).unwrap_err().lines().count(), 1);
        assert_eq!(address(&text("a\nb")).unwrap_err().lines().count(), 1);
    }
}
