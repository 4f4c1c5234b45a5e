//! The kinds of value that both engines keep, and which of them each of the domain's values becomes.

use crate::domain::{
    AccountStatus, Email, EventName, Id, Json, JsonText, KeyStatus, MemberRole, MemberStatus, Priority, Role, Secret,
    Status, Timestamp,
    requests::{ContentType, Platform, ProcessingType},
    response::ResponseType,
    webhooks::{DeliveryKind, DeliveryStatus},
};
use rusqlite::types::{ToSqlOutput, Value as SqliteValue};
use sqlx::{Arguments, error::BoxDynError, postgres::PgArguments};
use time::OffsetDateTime;

/// A value on its way to a statement; `None` is null, which Postgres wants to know the type of as well.
#[derive(Clone, Debug, PartialEq)]
pub enum Bound {
    /// `text`.
    Text(Option<String>),
    /// `bigint`.
    Number(Option<i64>),
    /// `boolean`; in SQLite 0 or 1.
    Flag(Option<bool>),
    /// `json`, which Postgres keeps verbatim (`jsonb` would reorder it); in SQLite text.
    Json(Option<String>),
    /// `timestamptz`; in SQLite microseconds.
    Time(Option<Timestamp>),
    /// An array of one of these kinds, for statements that Postgres alone is asked.
    Many(Vec<Self>),
}

impl Bound {
    /// Adds it to the values of a statement on Postgres.
    pub(super) fn add_to(self, arguments: &mut PgArguments) -> Result<(), BoxDynError> {
        match self {
            Self::Text(text) => arguments.add(text),
            Self::Number(number) => arguments.add(number),
            Self::Flag(flag) => arguments.add(flag),
            Self::Json(text) => arguments.add(text.map(super::columns::PgJson)),
            Self::Time(time) => arguments.add(time.map(instant).transpose()?),
            Self::Many(values) => add_all(values, arguments),
        }
    }

    /// What Postgres calls its kind.
    pub(super) fn kind(&self) -> String {
        let kind = match self {
            Self::Text(_) => "text",
            Self::Number(_) => "bigint",
            Self::Flag(_) => "boolean",
            Self::Json(_) => "json",
            Self::Time(_) => "timestamptz",
            Self::Many(values) => return values.first().map_or_else(|| "text".into(), Self::kind) + "[]",
        };
        kind.to_owned()
    }

    /// How much memory it takes, about.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + if let Self::Text(Some(text)) | Self::Json(Some(text)) = self { text.len() } else { 0 }
    }
}

/// The values of many statements, which have the same kinds: the first of each, the second of each, and so on.
pub(super) fn many<'a>(statements: impl Iterator<Item = &'a [Bound]>) -> Vec<Bound> {
    let mut all: Vec<Vec<Bound>> = Vec::new();
    for values in statements {
        all.resize(values.len(), Vec::new());
        for (those, value) in all.iter_mut().zip(values) {
            those.push(value.clone());
        }
    }
    all.into_iter().map(Bound::Many).collect()
}

/// Adds an array. All values are of the kind of the first.
fn add_all(values: Vec<Bound>, arguments: &mut PgArguments) -> Result<(), BoxDynError> {
    macro_rules! array {
        ($kind:ident, |$value:ident| $write:expr) => {{
            let of_kind = values.into_iter().map(|value| match value {
                Bound::$kind($value) => Ok($write),
                other => Err(BoxDynError::from(format!("{} among others", other.kind()))),
            });
            arguments.add(of_kind.collect::<Result<Vec<_>, _>>()?)
        }};
    }
    match values.first() {
        Some(Bound::Text(_)) => array!(Text, |text| text),
        Some(Bound::Number(_)) => array!(Number, |number| number),
        Some(Bound::Flag(_)) => array!(Flag, |flag| flag),
        Some(Bound::Json(_)) => array!(Json, |text| text.map(super::columns::PgJson)),
        Some(Bound::Time(_)) => array!(Time, |time| time.map(instant).transpose()?),
        Some(Bound::Many(_)) | None => Err("an array of arrays".into()),
    }
}

fn instant(time: Timestamp) -> Result<OffsetDateTime, time::error::ComponentRange> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(time.micros()) * 1000)
}

impl rusqlite::ToSql for Bound {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Text(Some(text)) | Self::Json(Some(text)) => text.as_str().into(),
            Self::Number(Some(number)) => (*number).into(),
            Self::Flag(Some(flag)) => (*flag).into(),
            Self::Time(Some(time)) => time.micros().into(),
            _ => ToSqlOutput::Owned(SqliteValue::Null),
        })
    }
}

/// What can be bound to a statement.
pub trait Value {
    /// Null of this type.
    const NULL: Bound;
    /// The value as the engines keep it.
    fn bound(&self) -> Bound;
}

impl<T: Value + ?Sized> Value for &T {
    const NULL: Bound = T::NULL;
    fn bound(&self) -> Bound {
        (**self).bound()
    }
}

impl<T: Value> Value for Option<T> {
    const NULL: Bound = T::NULL;
    fn bound(&self) -> Bound {
        self.as_ref().map_or(T::NULL, Value::bound)
    }
}

/// Types, the kind that keeps them, and how they are written.
macro_rules! values {
    ($($type:ty $(: $param:ident)? => $kind:ident, |$value:ident| $write:expr;)+) => {$(
        impl $(<$param>)? Value for $type {
            const NULL: Bound = Bound::$kind(None);
            fn bound(&self) -> Bound {
                let $value = self;
                Bound::$kind(Some($write))
            }
        }
    )+};
}
values! {
    str => Text, |text| text.to_owned();
    String => Text, |text| text.clone();
    Secret => Text, |secret| secret.0.clone();
    i64 => Number, |number| *number;
    bool => Flag, |flag| *flag;
    Json => Json, |json| json.text().to_owned();
    JsonText => Json, |json| json.0.clone();
    Timestamp => Time, |time| *time;
    Priority => Number, |priority| *priority as i64; // so that the queue's index sorts by it
}

/// Types kept as the text that they print as and parse from.
macro_rules! words {
    ($($type:ty $(: $param:ident)?),+ $(,)?) => { values! { $($type $(: $param)? => Text, |word| word.to_string();)+ } };
}
words!(
    Id<K>: K, AccountStatus, ContentType, DeliveryKind, DeliveryStatus, Email, EventName, KeyStatus, MemberRole, MemberStatus,
    Platform, ProcessingType, ResponseType, Role, Status
);
