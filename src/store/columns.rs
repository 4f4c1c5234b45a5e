//! How the domain's values look in a column.

use crate::domain::{
    AccountStatus, Email, EventName, Id, Json, KeyStatus, MemberRole, MemberStatus, Priority, Role, Secret, Status,
    Timestamp,
    requests::{ContentType, Platform, ProcessingType},
    response::ResponseType,
    webhooks::{DeliveryKind, DeliveryStatus},
    words::Word,
};
use sqlx::{
    Database, Decode, Encode, Postgres, Sqlite, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgTypeInfo, PgValueRef, types::Oid},
    sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef},
};
use time::OffsetDateTime;

/// A value kept as another that both engines know: how it is written, and how it is read back.
macro_rules! column {
    ($type:ty as $kept:ty $(, $kind:ident)?; |$value:ident| $write:expr; |$read_from:ident: $raw:ty| $read:expr) => {
        impl<$($kind,)? DB: Database> Type<DB> for $type
        where
            $kept: Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <$kept as Type<DB>>::type_info()
            }
            fn compatible(column: &DB::TypeInfo) -> bool {
                <$kept as Type<DB>>::compatible(column)
            }
        }
        impl<'q, $($kind,)? DB: Database> Encode<'q, DB> for $type
        where
            $kept: Encode<'q, DB>,
        {
            fn encode_by_ref(&self, buf: &mut DB::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
                let $value = self;
                let kept: $kept = $write;
                kept.encode(buf)
            }
        }
        impl<'r, $($kind,)? DB: Database> Decode<'r, DB> for $type
        where
            $raw: Decode<'r, DB>,
        {
            fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
                let $read_from = <$raw as Decode<'r, DB>>::decode(value)?;
                Ok($read)
            }
        }
    };
}

/// A value kept as the text it prints as and parses from.
macro_rules! text_columns {
    ($($type:ty $(: $kind:ident)?),+ $(,)?) => {$(
        column!($type as String $(, $kind)?; |value| value.to_string(); |text: &'r str| text.parse()?);
    )+};
}
text_columns!(
    Id<K>: K, AccountStatus, ContentType, DeliveryKind, DeliveryStatus, Email, EventName, KeyStatus, MemberRole, MemberStatus, Platform, ProcessingType, ResponseType, Role, Status
);
column!(Secret as String; |secret| secret.0.clone(); |text: String| Self(text));
// Kept as a number so that the queue's index sorts by it.
column!(Priority as i64; |priority| *priority as i64; |rank: i64| priority(rank)?);

fn priority(rank: i64) -> Result<Priority, BoxDynError> {
    let known = usize::try_from(rank).ok().and_then(|rank| Priority::ALL.get(rank).copied());
    known.ok_or_else(|| format!("no priority {rank}").into())
}

/// `json` in Postgres, which keeps it verbatim (`jsonb` would reorder it); `text` in SQLite.
impl Type<Postgres> for Json {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(114))
    }
}
impl Encode<'_, Postgres> for Json {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode(self.0.to_string(), buf)
    }
}
impl Decode<'_, Postgres> for Json {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(Self(serde_json::from_str(value.as_str()?)?))
    }
}
impl Type<Sqlite> for Json {
    fn type_info() -> SqliteTypeInfo {
        <str as Type<Sqlite>>::type_info()
    }
}
impl Encode<'_, Sqlite> for Json {
    fn encode_by_ref(&self, buf: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode(self.0.to_string(), buf)
    }
}
impl Decode<'_, Sqlite> for Json {
    fn decode(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(Self(serde_json::from_str(<&str as Decode<Sqlite>>::decode(value)?)?))
    }
}

/// `timestamptz` in Postgres; in SQLite, which has no such type, an `integer` of microseconds.
impl Type<Postgres> for Timestamp {
    fn type_info() -> PgTypeInfo {
        <OffsetDateTime as Type<Postgres>>::type_info()
    }
}
impl Encode<'_, Postgres> for Timestamp {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let instant = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.micros()) * 1000)?;
        Encode::<Postgres>::encode(instant, buf)
    }
}
impl Decode<'_, Postgres> for Timestamp {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        let instant = <OffsetDateTime as Decode<Postgres>>::decode(value)?;
        Ok(Self::from_micros(i64::try_from(instant.unix_timestamp_nanos() / 1000)?))
    }
}
impl Type<Sqlite> for Timestamp {
    fn type_info() -> SqliteTypeInfo {
        <i64 as Type<Sqlite>>::type_info()
    }
}
impl Encode<'_, Sqlite> for Timestamp {
    fn encode_by_ref(&self, buf: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode(self.micros(), buf)
    }
}
impl Decode<'_, Sqlite> for Timestamp {
    fn decode(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError> {
        <i64 as Decode<Sqlite>>::decode(value).map(Self::from_micros)
    }
}

/// A struct read from the columns that bear its fields' names.
macro_rules! row {
    ($type:ty { $($field:ident),+ $(,)? }) => {
        $crate::store::columns::row!($type, |row| Self { $($field: row.try_get(stringify!($field))?),+ });
    };
    ($type:ty, |$row:ident| $read:expr) => {
        $crate::store::columns::row!(sqlx::sqlite::SqliteRow => $type, |$row| $read);
        $crate::store::columns::row!(sqlx::postgres::PgRow => $type, |$row| $read);
    };
    ($from:ty => $type:ty, |$row:ident| $read:expr) => {
        impl sqlx::FromRow<'_, $from> for $type {
            fn from_row($row: &$from) -> sqlx::Result<Self> {
                use sqlx::Row as _;
                Ok($read)
            }
        }
    };
}
pub(super) use row;
