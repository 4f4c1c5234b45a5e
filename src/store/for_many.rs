//! The texts of statements that do for many calls at once what they do for one (see `together`). Where a statement for one
//! has a value, the one for many has a column of `q`, whose rows are the calls' values; `place` numbers them from 1.

use super::values::Bound;
use std::{borrow::Cow, fmt::Write};

/// How long a change for many waits for what somebody else holds. Then each goes alone, so that who holds it delays only those
/// who want it; sooner than Postgres looks whether two wait for each other.
const PATIENCE: &str = "100ms";

/// True of each call. Postgres takes it to be so of hardly any, and looks up the row of each instead of reading a table.
const FEW: &str = "q.place between 1 and 1000";

/// What has a guard tell the rows that it touched.
pub(super) const RETURNING: &str = " returning 1";

/// The `select` for many. Each call's rows come in the order in which it alone would get them.
pub(super) fn select(text: &str, values: &[Bound]) -> Option<String> {
    if values.is_empty() {
        return None;
    }
    let (each, calls) = (numbered(text, column), calls(values));
    Some(format!("select x.*, q.place from {calls} cross join lateral (select * from ({each}) each_one offset 0) x"))
}

/// Statements that change something, for many; they all do it, or none does. `None` if one of them cannot. Each comes with the
/// number of values before its own; of the guards, each must touch a row for every call.
pub(super) fn changes(statements: &[(Cow<'static, str>, usize)], guards: &[usize], values: &[Bound]) -> Option<String> {
    let calls = calls(values);
    let mut text =
        format!("with q as (select q.*, set_config('lock_timeout', '{PATIENCE}', true) from {calls} where {FEW})");
    for (place, (statement, before)) in statements.iter().enumerate() {
        let statement = numbered(&change(statement)?, |number| column(number + before));
        let returning = if guards.contains(&place) { RETURNING } else { "" };
        let _ = write!(text, ", w{place} as ({statement}{returning})");
    }
    text.push_str(" select cast(0 as bigint) as place");
    for place in guards {
        let _ = write!(text, ", 1 / cast((select count(*) from w{place}) = (select count(*) from q) as integer)");
    }
    Some(text)
}

/// A change of what `q` says; only of the plain forms that are used where many come at once.
fn change(text: &str) -> Option<String> {
    if text.starts_with("insert into") {
        let (into, values) = text.split_once("values (")?;
        return Some(format!("{into}select {} from q", values.strip_suffix(')')?));
    }
    let (what, condition) = text.split_once("where ")?;
    let from = match what.split_once(' ')?.0 {
        "update" => "from",
        "delete" => "using",
        _ => return None,
    };
    Some(format!("{what}{from} q where {}", by_key(condition)))
}

/// The condition, whose first parts name the row. By the others Postgres is not to look for rows.
fn by_key(condition: &str) -> String {
    let names_a_column = |part: &str| part.split_once(" = $").is_some_and(|(_, number)| number.parse::<u8>().is_ok());
    match condition.split_once(" and ") {
        Some((key, others)) => match others.split(" and ").next().unwrap_or(others) {
            next if names_a_column(next) => format!("{key} and {}", by_key(others)),
            _ => format!("{key} and case when {others} then true end"),
        },
        _ => condition.to_owned(),
    }
}

fn calls(values: &[Bound]) -> String {
    let arrays: Vec<_> = (1..).zip(values).map(|(number, value)| format!("${number}::{}[]", value.kind())).collect();
    let columns: Vec<_> = (1..=values.len()).map(|number| format!("p{number}")).collect();
    format!("unnest({}) with ordinality as q({}, place)", arrays.join(", "), columns.join(", "))
}

fn column(number: usize) -> String {
    format!("q.p{number}")
}

/// The text with something else for each of its `$1`, `$2` and so on.
pub(super) fn numbered(text: &str, instead: impl Fn(usize) -> String) -> String {
    let (mut all, mut rest) = (String::with_capacity(2 * text.len()), text);
    while let Some(at) = rest.find('$') {
        let digits = rest[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest[at + 1..].split_at(digits);
        let number = number.parse().expect("a `$` is followed by a number");
        all.push_str(&rest[..at]);
        all.push_str(&instead(number));
        rest = after;
    }
    all + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_a_column() {
        let values = [Bound::Text(None), Bound::Time(None)];
        let text = select("select a from t where b = $1 and c > $2", &values).unwrap();
        assert_eq!(
            text,
            "select x.*, q.place from unnest($1::text[], $2::timestamptz[]) with ordinality as q(p1, p2, place) \
             cross join lateral (select * from (select a from t where b = q.p1 and c > q.p2) each_one offset 0) x"
        );
    }

    #[test]
    fn changes_take_their_values_from_the_calls() {
        let changed = |text| change(text).unwrap();
        assert_eq!(
            changed("insert into t (a, b) values ($1, (select 1))"),
            "insert into t (a, b) select $1, (select 1) from q"
        );
        assert_eq!(changed("update t set a = $2 where b = $1"), "update t set a = $2 from q where b = $1");
        assert_eq!(
            changed("update t set a = $2 where b = $1 and c = 1 or d"),
            "update t set a = $2 from q where b = $1 and case when c = 1 or d then true end"
        );
        assert_eq!(changed("delete from t where b = $1"), "delete from t using q where b = $1");
        let key = "delete from t where b = $1 and c = $2 and (d or e) and f = $3";
        assert_eq!(
            changed(key),
            "delete from t using q where b = $1 and c = $2 and case when (d or e) and f = $3 then true end"
        );
        for other in ["insert into t (a) values ($1) on conflict do nothing", "insert into t select 1", "lock t"] {
            assert_eq!(change(other), None, "{other}");
        }
    }

    #[test]
    fn values_are_numbered_after_those_before() {
        let statements = [("delete from t where a = $1".into(), 0), ("insert into t (a) values ($1)".into(), 1)];
        let text = changes(&statements, &[0], &[Bound::Text(None), Bound::Flag(None)]).unwrap();
        assert!(text.contains("w0 as (delete from t using q where a = q.p1 returning 1)"), "{text}");
        assert!(text.contains("w1 as (insert into t (a) select q.p2 from q)"), "{text}");
        assert!(text.ends_with("1 / cast((select count(*) from w0) = (select count(*) from q) as integer)"), "{text}");
    }
}
