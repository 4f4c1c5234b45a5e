//! A human's decision in an automated process: a self-hosted server, wire-compatible with the HITL.sh loop API.
//!
//! The map of the house. Layers point one way: [`http`] → [`service`] → [`store`], all of them on [`domain`].
//!
//! * [`domain`]: what things are and the rules they obey. No database, no wire, no clock of its own.
//! * [`store`]: SQL and nothing but, one text for two engines.
//! * [`service`]: what a caller can do, one function each; errors in words.
//! * [`http`]: the wire; `http/mod.rs` shows every route, `http/error.rs` alone knows the status of an error.
//! * [`worker`]: what happens without a caller: deadlines, sweeping.
//! * [`cli`]: the command line, another way to the same services.
//! * [`app`]: what every part is handed. [`settings`]: what the operator decides. [`sender`]: one delivery on its way;
//!   [`web_push`]: sealing it for a browser; [`mailer`]: one letter on its way; [`source`]: another server's API, read with a key. [`serve`]: listening and stopping, `head_timer`: for how long; [`tls`]: by a certificate.
//!   [`telemetry`]: logs and request ids; [`metrics`]: what is counted. [`wakeups`]: how those who wait hear of a commit.
//!   [`turns`]: who is next where many wait. [`version`]: what this program is.
//!
//! Where the house differs from its first design, and why:
//!
//! * SQLite is called in place, through `rusqlite`: the other driver hands each statement to a thread and back, which costs
//!   several times what the statement does. Only what takes long goes to a thread ([`store`]).
//! * Other processes are told of a change right after its commit, not in it: Postgres commits those who notify one at a time.
//! * Polls are answered from memory on SQLite, where one process writes (`store/polls.rs`); on Postgres nothing is, because another
//!   process may have written.
//! * Connections to Postgres that did what they should do not go back to sqlx's pool, which asks each how it is: a journey for
//!   every statement (`store/postgres.rs`).
//! * On Postgres, statements of one text that many want at once go together, as one (`store/together.rs`): a journey, a plan and
//!   a flush to disk for each would be most of what a call costs. Each is planned once; what decides about its plan is in its text.
//! * Sign-ins are not counted by `governor`: only failures are to count, and it cannot give back what turned out to be none.
//!
//! To add an endpoint, see `CONTRIBUTING.md`.

pub mod app;
pub mod cli;
pub mod domain;
mod head_timer;
pub mod http;
pub mod mailer;
pub mod metrics;
pub mod sender;
pub mod serve;
pub mod service;
pub mod settings;
pub mod source;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod traces;
pub mod turns;
pub mod version;
pub mod wakeups;
pub mod web_push;
pub mod worker;
