//! Reading rows: how the domain's values come out of a column of either engine.

use crate::domain::{
    AccountStatus, Email, EventName, Id, Json, KeyStatus, MemberRole, MemberStatus, Priority, Role, Secret, Status,
    Timestamp,
    requests::{ContentType, Platform, ProcessingType},
    response::ResponseType,
    webhooks::{DeliveryKind, DeliveryStatus},
    words::Word,
};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use sqlx::{
    Decode, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgRow, PgTypeInfo, PgValueRef, types::Oid},
};
use std::cell::{Cell, RefCell};
use time::OffsetDateTime;

/// A row of SQLite, read as Postgres' are.
pub struct SqliteRow<'r> {
    row: &'r rusqlite::Row<'r>,
    /// Where the next column is looked for first: columns are mostly read in their order.
    next: Cell<usize>,
    places: &'r Places,
    /// How many columns were looked for by name.
    looked: Cell<usize>,
}

/// Where the columns of a statement's rows are, in the order in which each row is read: looked for once, not in each row.
#[derive(Default)]
pub(super) struct Places(RefCell<Vec<(&'static str, usize)>>);

impl<'r> SqliteRow<'r> {
    pub(super) fn new(row: &'r rusqlite::Row<'r>, places: &'r Places) -> Self {
        Self { row, next: Cell::new(0), places, looked: Cell::new(0) }
    }

    /// The value of a column.
    pub(super) fn try_get<T: FromSql, N: Column>(&self, column: N) -> sqlx::Result<T> {
        let index = column.place_in(self).ok_or_else(|| sqlx::Error::ColumnNotFound(column.to_string()))?;
        self.next.set(index + 1);
        let failed = |error| sqlx::Error::ColumnDecode { index: column.to_string(), source: Box::new(error) };
        self.row.get(index).map_err(failed)
    }

    /// How many columns it has.
    pub(super) fn len(&self) -> usize {
        self.row.as_ref().column_count()
    }

    fn place_of(&self, name: &'static str) -> Option<usize> {
        let looked = self.looked.replace(self.looked.get() + 1);
        let mut places = self.places.0.borrow_mut();
        match places.get(looked) {
            Some((known, place)) if std::ptr::eq(*known, name) => Some(*place),
            Some(_) => self.search(name), // it is read in another order than the row before
            None => {
                places.reserve(self.len() - looked.min(self.len()));
                self.search(name).inspect(|place| places.push((name, *place)))
            }
        }
    }

    fn search(&self, name: &str) -> Option<usize> {
        let statement = self.row.as_ref();
        let (count, next) = (statement.column_count(), self.next.get());
        (next..count).chain(0..next).find(|index| statement.column_name(*index).is_ok_and(|it| it == name))
    }
}

/// What a column is called by: its name, or its place.
pub(super) trait Column: Copy + ToString {
    fn place_in(&self, row: &SqliteRow<'_>) -> Option<usize>;
}
impl Column for &'static str {
    fn place_in(&self, row: &SqliteRow<'_>) -> Option<usize> {
        row.place_of(self)
    }
}
impl Column for usize {
    fn place_in(&self, _: &SqliteRow<'_>) -> Option<usize> {
        Some(*self)
    }
}

/// What can be read from a row of an engine.
pub trait FromRow<R>: Sized {
    #[doc(hidden)]
    fn from_row(row: &R) -> sqlx::Result<Self>;
}

/// A struct read from the columns that bear its fields' names.
macro_rules! row {
    ($type:ty { $($field:ident),+ $(,)? }) => {
        $crate::store::columns::row!($type, |row| Self { $($field: row.try_get(stringify!($field))?),+ });
    };
    ($type:ty, |$row:ident| $read:expr) => {
        impl $crate::store::columns::FromRow<$crate::store::columns::SqliteRow<'_>> for $type {
            fn from_row($row: &$crate::store::columns::SqliteRow<'_>) -> sqlx::Result<Self> {
                Ok($read)
            }
        }
        impl $crate::store::columns::FromRow<sqlx::postgres::PgRow> for $type {
            fn from_row($row: &sqlx::postgres::PgRow) -> sqlx::Result<Self> {
                use sqlx::Row as _;
                Ok($read)
            }
        }
    };
}
pub(super) use row;

/// A tuple read from the columns in their order.
macro_rules! tuples {
    ($(($($type:ident $place:tt),+)),+) => {$(
        impl<$($type: FromSql),+> FromRow<SqliteRow<'_>> for ($($type,)+) {
            fn from_row(row: &SqliteRow<'_>) -> sqlx::Result<Self> {
                Ok(($(row.try_get::<$type, usize>($place)?,)+))
            }
        }
        impl<$($type: for<'r> Decode<'r, Postgres> + Type<Postgres>),+> FromRow<PgRow> for ($($type,)+) {
            fn from_row(row: &PgRow) -> sqlx::Result<Self> {
                Ok(($(sqlx::Row::try_get::<$type, usize>(row, $place)?,)+))
            }
        }
    )+};
}
tuples!(
    (A 0), (A 0, B 1), (A 0, B 1, C 2), (A 0, B 1, C 2, D 3), (A 0, B 1, C 2, D 3, E 4), (A 0, B 1, C 2, D 3, E 4, F 5),
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6), (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
);

/// Types, what Postgres and SQLite hand out for them, and how they are read from that.
macro_rules! columns {
    ($($type:ty $(: $param:ident)? => $raw:ty, $as:ident, |$kept:ident| $read:expr;)+) => {$(
        impl $(<$param>)? Type<Postgres> for $type {
            fn type_info() -> PgTypeInfo {
                <$raw as Type<Postgres>>::type_info()
            }
            fn compatible(column: &PgTypeInfo) -> bool {
                <$raw as Type<Postgres>>::compatible(column)
            }
        }
        impl<'r, $($param)?> Decode<'r, Postgres> for $type {
            fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
                let $kept = <$raw as Decode<'r, Postgres>>::decode(value)?;
                Ok($read)
            }
        }
        impl $(<$param>)? FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let $kept = value.$as()?;
                let read = || -> Result<Self, BoxDynError> { Ok($read) };
                read().map_err(FromSqlError::Other)
            }
        }
    )+};
}
columns! {
    Secret => &str, as_str, |text| Self(text.to_owned());
    Priority => i64, as_i64, |rank| priority(rank)?;
}

fn priority(rank: i64) -> Result<Priority, BoxDynError> {
    let known = usize::try_from(rank).ok().and_then(|rank| Priority::ALL.get(rank).copied());
    known.ok_or_else(|| format!("no priority {rank}").into())
}

/// Types read by parsing the text that they print as.
macro_rules! words {
    ($($type:ty $(: $param:ident)?),+ $(,)?) => { columns! { $($type $(: $param)? => &str, as_str, |text| text.parse()?;)+ } };
}
words!(
    Id<K>: K, AccountStatus, ContentType, DeliveryKind, DeliveryStatus, Email, EventName, KeyStatus, MemberRole, MemberStatus,
    Platform, ProcessingType, ResponseType, Role, Status
);

/// The text of a `json` value for Postgres.
pub(super) struct PgJson(pub(super) String);

impl Type<Postgres> for PgJson {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(114))
    }
}
impl PgHasArrayType for PgJson {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(199))
    }
}
impl Encode<'_, Postgres> for PgJson {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode_by_ref(&self.0, buf)
    }
}

impl Type<Postgres> for Json {
    fn type_info() -> PgTypeInfo {
        PgJson::type_info()
    }
}
impl Decode<'_, Postgres> for Json {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(Self::parse(value.as_str()?)?)
    }
}
impl FromSql for Json {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::parse(value.as_str()?).map_err(|error| FromSqlError::Other(error.into()))
    }
}

impl Type<Postgres> for Timestamp {
    fn type_info() -> PgTypeInfo {
        <OffsetDateTime as Type<Postgres>>::type_info()
    }
}
impl Decode<'_, Postgres> for Timestamp {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        let instant = <OffsetDateTime as Decode<Postgres>>::decode(value)?;
        Ok(Self::from_micros(i64::try_from(instant.unix_timestamp_nanos() / 1000)?))
    }
}
impl FromSql for Timestamp {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self::from_micros)
    }
}
