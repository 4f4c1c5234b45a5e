//! Which day it is.

use time::{OffsetDateTime, macros::format_description};

#[expect(clippy::disallowed_methods, reason = "tells when it was measured")]
pub(super) fn today() -> anyhow::Result<String> {
    let day = OffsetDateTime::now_utc().format(format_description!("[year]-[month]-[day]"))?;
    Ok(day)
}
