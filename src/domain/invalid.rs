//! A refusal of what a caller sent, in the contract's words (sections 4.3 and 4.4).

use serde_json::{Value, json};
use std::borrow::Cow;

/// What is wrong with something a caller sent: the envelope's `msg`, and its `data` where there is a detail to give.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{msg}")]
pub struct Invalid {
    /// The exact message of contract section 4.
    pub msg: Cow<'static, str>,
    /// The detail beside it: a sentence or an object.
    pub data: Option<Value>,
}

impl Invalid {
    /// A message without a detail.
    pub const fn new(msg: &'static str) -> Self {
        Self { msg: Cow::Borrowed(msg), data: None }
    }

    /// A message with a detail.
    pub fn with(msg: &'static str, data: impl Into<Value>) -> Self {
        Self { msg: Cow::Borrowed(msg), data: Some(data.into()) }
    }

    /// V1: the body cannot be read.
    pub const fn body() -> Self {
        Self::new("Invalid request body")
    }

    /// V1: a field has the wrong JSON type.
    pub fn field(field: &str, issue: &str) -> Self {
        Self::with("Invalid request body", json!({"field": field, "issue": issue}))
    }

    /// V6 and its kin: a field has the right type and a wrong value.
    pub fn failed(detail: impl Into<String>) -> Self {
        Self::with("Validation failed", detail.into())
    }

    /// V32: a required field is missing.
    pub fn required(field: &str) -> Self {
        Self::failed(format!("{field} is required"))
    }

    /// V13: a value outside an enumeration.
    pub fn one_of(field: &str, allowed: &[&str]) -> Self {
        Self::failed(format!("{field} must be one of: {}", allowed.join(", ")))
    }
}
