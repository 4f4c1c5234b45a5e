//! Changing a request that is still open (contract 7.5).

use super::{
    Invalid, Object,
    new_requests::{self as new, Rules},
    requests::{Content, ContentType, Request, Status},
    words::Word,
};

/// What an update asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestChange {
    /// New contents. Whether the timeout is to count from now is said beside them.
    Content {
        /// The contents after the change.
        content: Box<Content>,
        /// `timeout_seconds` was sent: the deadline is counted anew.
        restart_timeout: bool,
    },
    /// `status: "cancelled"`: the request is taken back.
    Cancel,
    /// `status` as it is already, and nothing else.
    Nothing,
}

/// Fields that may change while somebody works on the request.
const ALWAYS: [&str; 9] = [
    "priority",
    "request_text",
    "image_url",
    "context",
    "timeout_seconds",
    "default_response",
    "callback_url",
    "platform_version",
    "tags",
];
/// Fields that may change only while nobody has claimed it.
const WHILE_PENDING: [&str; 4] = ["type", "processing_type", "response_type", "response_config"];

impl RequestChange {
    /// Reads the body of an update of this request.
    pub fn parse(sent: &Object, request: &Request, rules: Rules) -> Result<Self, Invalid> {
        let status = sent.text("status")?;
        if !knows_any(sent) && status.is_none() {
            return Err(Invalid::new("At least one field must be provided for update"));
        }
        match status {
            Some(status) if status == Status::Cancelled.as_str() => return Ok(Self::Cancel),
            Some(status) if status != request.status.as_str() => {
                return Err(Invalid::failed("status can only be changed to cancelled"));
            }
            Some(_) if !knows_any(sent) => return Ok(Self::Nothing),
            _ => {}
        }
        if request.status == Status::Claimed
            && let Some(field) = WHILE_PENDING.iter().find(|field| sent.value(field).is_some())
        {
            return Err(Invalid::failed(format!("{field} can only be changed while the request is pending")));
        }
        Ok(Self::Content {
            content: Box::new(changed(sent, &request.content, rules)?),
            restart_timeout: sent.value("timeout_seconds").is_some(),
        })
    }
}

impl Content {
    /// The names of the fields in which it is another than that one.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let compared = [
            ("processing_type", self.processing_type != other.processing_type),
            ("type", self.kind != other.kind),
            ("priority", self.priority != other.priority),
            ("request_text", self.request_text != other.request_text),
            ("image_url", self.image_url != other.image_url),
            ("context", self.context != other.context),
            ("timeout_seconds", self.timeout_seconds != other.timeout_seconds),
            ("response_type", self.response_type != other.response_type),
            ("response_config", self.response_config != other.response_config),
            ("default_response", self.default_response != other.default_response),
            ("platform_version", self.platform_version != other.platform_version),
            ("callback_url", self.callback_url != other.callback_url),
            ("tags", self.tags != other.tags),
            ("metadata", self.metadata != other.metadata),
        ];
        compared.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
    }
}

fn knows_any(sent: &Object) -> bool {
    ALWAYS.iter().chain(&WHILE_PENDING).chain(&["metadata"]).any(|field| sent.value(field).is_some())
}

fn changed(sent: &Object, old: &Content, rules: Rules) -> Result<Content, Invalid> {
    let mut content = old.clone();
    content.processing_type = sent.word("processing_type")?.unwrap_or(old.processing_type);
    content.kind = sent.word("type")?.unwrap_or(old.kind);
    content.priority = sent.word("priority")?.unwrap_or(old.priority);
    if sent.value("request_text").is_some() {
        content.request_text = new::request_text(sent)?.ok_or_else(new::no_request_text)?;
    }
    if sent.value("image_url").is_some() {
        content.image_url = new::image_url(sent, content.kind)?;
    }
    if content.kind == ContentType::Image && content.image_url.is_none() {
        return Err(new::no_image());
    }
    content.context = new::context(sent)?.or(content.context);
    if let Some(seconds) = sent.integer("timeout_seconds")? {
        content.timeout_seconds = new::check_timeout(seconds, content.processing_type)?;
    } else if content.processing_type != old.processing_type {
        new::check_timeout(content.timeout_seconds, content.processing_type)?;
    }
    change_response(sent, &mut content)?;
    content.platform_version = new::platform_version(sent)?.or(content.platform_version);
    if sent.value("callback_url").is_some() {
        content.callback_url = new::url(sent, "callback_url", rules.allow_http)?;
    }
    let echoed = |name, kept| sent.value(name).map(super::Json::of).or(kept);
    content.tags = echoed("tags", content.tags);
    content.metadata = echoed("metadata", content.metadata);
    Ok(content)
}

/// Type and configuration go together; the default must fit what is then asked.
fn change_response(sent: &Object, content: &mut Content) -> Result<(), Invalid> {
    match (sent.word("response_type")?, new::response_config(sent)?) {
        (Some(kind), Some(config)) => {
            content.response_type = kind;
            content.response_config = super::Json::of(&config);
        }
        (Some(_), None) => return Err(Invalid::required("response_config")),
        (None, Some(_)) => return Err(Invalid::required("response_type")),
        (None, None) if sent.value("default_response").is_none() => return Ok(()),
        (None, None) => {}
    }
    let spec = content.spec().map_err(new::unsound)?;
    content.default_response = new::default_response(sent, &spec)?.or(content.default_response.take());
    match &content.default_response {
        Some(default) => new::check_default(&spec, &default.value()),
        None => Ok(()),
    }
}
