//! Creating a request: the body, field by field in the contract's order (7.1.2, 7.1.7).

use super::{
    Invalid, Json, Object,
    object::longer_than,
    requests::{Content, ContentType, Platform, Priority, ProcessingType},
    response::{ResponseType, Spec},
};
use serde_json::{Map, Value};
use url::{Host, Url};

/// What the server allows in a request.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Whether a callback may go to a plain `http:` URL (contract 12.7).
    pub allow_http: bool,
}

/// The two ways to say what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `POST /loops/{id}/requests`.
    Current,
    /// `POST /requests` with `loop_id` in the body (7.1.9): more defaults.
    Legacy,
}

const DAY: i64 = 86_400;
const MONTH: i64 = 2_592_000;
const HOUR: i64 = 3600;
const LARGEST_CONTEXT: usize = 50 * 1024;
const LONGEST_URL: usize = 2048;

impl Content {
    /// Reads the body of a creation; the first fault in the contract's order is the one reported.
    pub fn parse(sent: &Object, form: Form, rules: Rules) -> Result<Self, Invalid> {
        let processing_type = processing_type(sent, form)?;
        let kind = match (sent.word("type")?, form) {
            (Some(kind), _) => kind,
            (None, Form::Legacy) => ContentType::Markdown,
            (None, Form::Current) => return Err(Invalid::required("type")),
        };
        let priority = sent.word("priority")?.unwrap_or(Priority::Medium);
        let request_text = request_text(sent)?.ok_or_else(no_request_text)?;
        let image_url = image_url(sent, kind)?;
        let context = context(sent)?;
        let timeout_seconds = timeout(sent, processing_type, form)?;
        let response_type = sent.word("response_type")?.ok_or_else(|| Invalid::required("response_type"))?;
        let response_config = response_config(sent)?.ok_or_else(|| Invalid::required("response_config"))?;
        let spec = parse_spec(response_type, &response_config)?;
        let default_response = default_response(sent, &spec)?;
        Ok(Self {
            processing_type,
            kind,
            priority,
            request_text,
            image_url,
            context,
            timeout_seconds,
            response_type,
            response_config: Json::of(&response_config),
            default_response,
            platform: sent.word("platform")?.unwrap_or(Platform::Api),
            platform_version: platform_version(sent)?,
            callback_url: url(sent, "callback_url", rules.allow_http)?,
            tags: sent.value("tags").map(Json::of),
            metadata: sent.value("metadata").map(Json::of),
        })
    }
}

fn processing_type(sent: &Object, form: Form) -> Result<ProcessingType, Invalid> {
    match sent.word("processing_type")? {
        Some(given) => Ok(given),
        None if form == Form::Legacy || sent.value("timeout_seconds").is_some() => Ok(ProcessingType::TimeSensitive),
        None => Err(Invalid::required("processing_type")),
    }
}

pub(super) fn no_request_text() -> Invalid {
    Invalid::with("Request text is required", "request_text is required")
}

/// The text after trimming; `None` where absent or blank.
pub(super) fn request_text(sent: &Object) -> Result<Option<String>, Invalid> {
    match sent.trimmed("request_text")? {
        Some(text) if longer_than(text, 2000) => {
            Err(Invalid::failed("request_text must be between 1 and 2000 characters"))
        }
        text => Ok(text.map(str::to_owned)),
    }
}

pub(super) fn image_url(sent: &Object, kind: ContentType) -> Result<Option<String>, Invalid> {
    let image = url(sent, "image_url", true)?;
    if kind == ContentType::Image && image.is_none() {
        return Err(no_image());
    }
    Ok(image)
}

pub(super) fn no_image() -> Invalid {
    Invalid::with("Image URL is required when type is image", "image_url is required when type is image")
}

pub(super) fn context(sent: &Object) -> Result<Option<Json>, Invalid> {
    let Some(context) = sent.object("context")? else { return Ok(None) };
    let context = Json::of(context);
    if context.text().len() > LARGEST_CONTEXT {
        return Err(Invalid::failed("context must be at most 50 KB"));
    }
    Ok(Some(context))
}

fn timeout(sent: &Object, processing_type: ProcessingType, form: Form) -> Result<i64, Invalid> {
    let seconds = match (sent.integer("timeout_seconds")?, form) {
        (None, Form::Legacy) => legacy_timeout(sent)?,
        (seconds, _) => seconds,
    };
    match (seconds, processing_type, form) {
        (Some(seconds), ..) => check_timeout(seconds, processing_type),
        (None, ProcessingType::Deferred, _) => Ok(MONTH),
        (None, ProcessingType::TimeSensitive, Form::Legacy) => Ok(HOUR),
        (None, ProcessingType::TimeSensitive, Form::Current) => {
            const MISSING: &str = "timeout_seconds is required for time-sensitive requests";
            Err(Invalid::with(MISSING, MISSING))
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a number out of range saturates and is refused by its bounds")]
fn legacy_timeout(sent: &Object) -> Result<Option<i64>, Invalid> {
    Ok(sent.number("timeout_minutes")?.map(|minutes| (minutes * 60.0).round() as i64))
}

pub(super) fn check_timeout(seconds: i64, processing_type: ProcessingType) -> Result<i64, Invalid> {
    let most = match processing_type {
        ProcessingType::TimeSensitive => DAY,
        ProcessingType::Deferred => MONTH,
    };
    if (60..=most).contains(&seconds) {
        return Ok(seconds);
    }
    Err(Invalid::failed(format!("timeout_seconds must be between 60 and {most}")))
}

/// The configuration as an object; a JSON string that holds one is read too, as form tools send it (9.1).
pub(super) fn response_config(sent: &Object) -> Result<Option<Map<String, Value>>, Invalid> {
    const FIELD: &str = "response_config";
    if let Some(Value::String(text)) = sent.value(FIELD) {
        let parsed = Object::parse(text.as_bytes()).map_err(|_| Invalid::field(FIELD, "must be an object"))?;
        return Ok(Some(parsed.0));
    }
    Ok(sent.object(FIELD)?.cloned())
}

pub(super) fn parse_spec(kind: ResponseType, config: &Map<String, Value>) -> Result<Spec, Invalid> {
    Spec::parse(kind, config).map_err(unsound)
}

pub(super) fn unsound(fault: String) -> Invalid {
    Invalid::with("Invalid response configuration", fault)
}

pub(super) fn default_response(sent: &Object, spec: &Spec) -> Result<Option<Json>, Invalid> {
    let Some(default) = sent.value("default_response") else { return Ok(None) };
    check_default(spec, default)?;
    Ok(Some(Json::of(default)))
}

pub(super) fn check_default(spec: &Spec, default: &Value) -> Result<(), Invalid> {
    spec.check_default(default).map_err(|fault| Invalid::with("Invalid default response", fault))
}

pub(super) fn platform_version(sent: &Object) -> Result<Option<String>, Invalid> {
    match sent.trimmed("platform_version")? {
        Some(version) if longer_than(version, 50) => {
            Err(Invalid::failed("platform_version must be at most 50 characters"))
        }
        version => Ok(version.map(str::to_owned)),
    }
}

/// An absolute http(s) URL without user information, at most 2048 code points; `""` is absent.
pub fn url(sent: &Object, name: &str, allow_http: bool) -> Result<Option<String>, Invalid> {
    let Some(text) = sent.trimmed(name)? else { return Ok(None) };
    let sound = |url: &Url| {
        let scheme = url.scheme() == "https" || (allow_http && url.scheme() == "http");
        scheme && url.has_host() && url.username().is_empty() && url.password().is_none()
    };
    // `http://0x7f000001/` is a mistake, or worse.
    let plain = |url: &Url| match url.host() {
        Some(Host::Ipv4(address)) => after_scheme(text)
            .and_then(|rest| rest.strip_prefix(&address.to_string()))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/', '?', '#'])),
        _ => true,
    };
    let clean =
        !longer_than(text, LONGEST_URL) && !text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\');
    if clean && has_authority(text) && Url::parse(text).is_ok_and(|url| sound(&url) && plain(&url)) {
        return Ok(Some(text.to_owned()));
    }
    Err(Invalid::failed(format!("{name} must be a valid URL")))
}

/// Whether a text is an address as requests have them, encrypted or not.
pub(super) fn is_url(text: &str) -> bool {
    let sent = Object([("url".to_owned(), text.into())].into_iter().collect());
    url(&sent, "url", true).is_ok_and(|url| url.as_deref() == Some(text))
}

/// `http:example.com` is mended by browsers; here it is a mistake.
fn has_authority(text: &str) -> bool {
    after_scheme(text).is_some_and(|rest| !rest.starts_with('/'))
}

fn after_scheme(text: &str) -> Option<&str> {
    text.split_once("://").map(|(_, rest)| rest)
}
