//! What is so at the moment it is asked, for whoever watches the server.

use super::Result;
use crate::{
    app::App,
    store::{deliveries, windows},
};

/// What waits in the database, of all processes on it.
pub struct Queues {
    /// Deliveries to programs that are due and that nobody holds.
    pub deliveries_due: i64,
    /// The same to people.
    pub notifications_due: i64,
    /// Hourly windows that are open.
    pub windows_open: i64,
}

/// Looks at all of them.
pub async fn queues(app: &App) -> Result<Queues> {
    let now = app.now();
    let due = deliveries::due(&app.store, now).await?;
    let of = |notifications: bool| {
        due.iter().filter(|(kind, _)| kind.is_notification() == notifications).map(|(_, count)| count).sum()
    };
    let windows_open = windows::count_open(&app.store, now).await?;
    Ok(Queues { deliveries_due: of(false), notifications_due: of(true), windows_open })
}
