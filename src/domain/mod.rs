//! What things are and the rules they obey. Knows no database, no wire, no clock of its own and nothing of waiting.

pub mod accounts;
pub mod boolean;
pub mod choice;
mod config;
pub mod decimal;
pub mod events;
pub mod feedback;
pub mod id;
pub mod invalid;
pub mod json;
pub mod keys;
pub mod limit;
pub mod loops;
pub mod new_requests;
pub mod number;
pub mod object;
pub mod rating;
pub mod request_changes;
pub mod request_filters;
pub mod requests;
pub mod response;
#[cfg(test)]
mod response_laws;
pub mod select;
pub mod text;
pub mod timestamp;
pub mod words;

pub use accounts::{Account, AccountStatus, Email, Role, Secret};
pub use events::{Actor, Event, EventName};
pub use feedback::Feedback;
pub use id::Id;
pub use invalid::Invalid;
pub use json::Json;
pub use keys::{Key, KeyStatus, Scope, Token};
pub use limit::Window;
pub use loops::{Loop, Member, MemberRole, MemberStatus};
pub use object::{Object, Sent};
pub use requests::{Content, Priority, Request, Status};
pub use timestamp::Timestamp;
