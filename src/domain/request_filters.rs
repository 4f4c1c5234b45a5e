//! Listing requests: filters, order and pages (contract 7.2 and 7.3).

use super::{
    Id, Invalid, Key, Loop, Timestamp,
    requests::{Priority, Status},
    words::{Word, words},
};

words! {
    /// The orders of a list (contract 7.2).
    pub enum Sort {
        /// The newest first.
        CreatedAtDesc = "created_at_desc",
        /// The oldest first.
        CreatedAtAsc = "created_at_asc",
        /// The most urgent first.
        PriorityDesc = "priority_desc",
        /// By the name of the status.
        StatusAsc = "status_asc",
    }
}

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// 1 to 100.
    pub limit: i64,
    /// 0 or more.
    pub offset: i64,
}

/// Which requests are wanted, and in which order.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestFilter {
    /// Any of these; empty is all.
    pub statuses: Vec<Status>,
    /// Only this priority.
    pub priority: Option<Priority>,
    /// Only this loop.
    pub loop_id: Option<Id<Loop>>,
    /// Only what this key made.
    pub api_key_id: Option<Id<Key>>,
    /// Only what has that in its text, context, tags, answer or id, in any case.
    pub text: Option<String>,
    /// Only what was made after that.
    pub created_after: Option<Timestamp>,
    /// Only what was made before that.
    pub created_before: Option<Timestamp>,
    /// In this order.
    pub sort: Sort,
    /// This part of it.
    pub page: Page,
}

/// Which of the requests in a person's inbox are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Only this loop.
    pub loop_id: Option<Id<Loop>>,
    /// Only this priority.
    pub priority: Option<Priority>,
}

/// The parameters of a query string, of which the last of a name counts.
#[derive(Clone, Debug, Default)]
pub struct Query(pub Vec<(String, String)>);

impl Query {
    /// The parameters of a query string.
    pub fn parse(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// A parameter without the white space around it; empty is absent (contract 7.2).
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(key, _)| key == name)?;
        Some(found.1.trim()).filter(|value| !value.is_empty())
    }

    /// The others.
    pub fn without(&self, name: &str) -> Self {
        Self(self.0.iter().filter(|(key, _)| key != name).cloned().collect())
    }
}

impl RequestFilter {
    /// Reads the parameters of a list that has `limit` entries a page unless told otherwise.
    pub fn parse(query: &Query, limit: i64) -> Result<Self, Invalid> {
        Ok(Self {
            statuses: statuses(query)?,
            priority: word(query, "priority", "Invalid priority filter value")?,
            loop_id: id(query, "loop_id", "Invalid loop ID format")?,
            page: page(query, limit)?,
            sort: word(query, "sort", "Invalid sort value")?.unwrap_or(Sort::CreatedAtDesc),
            created_after: time(query, "created_after")?,
            created_before: time(query, "created_before")?,
            // No text that is kept holds a NUL, and Postgres takes none: it finds nothing.
            text: query.value("search").map(|text| text.replace('\0', "\u{fffd}")),
            api_key_id: id(query, "api_key_id", "Invalid API key ID format")?,
        })
    }
}

/// Reads `loop_id` and `priority`.
pub fn view(query: &Query) -> Result<View, Invalid> {
    Ok(View {
        loop_id: id(query, "loop_id", "Invalid loop ID format")?,
        priority: word(query, "priority", "Invalid priority filter value")?,
    })
}

fn statuses(query: &Query) -> Result<Vec<Status>, Invalid> {
    let status = |word: &str| match word.trim() {
        "timed_out" => Ok(Status::Timeout), // an alias seen in samples (8.1)
        word => {
            Status::named(word).ok_or_else(|| Invalid::with("Invalid status filter value", one_of::<Status>("status")))
        }
    };
    query.value("status").map_or(Ok(vec![]), |list| list.split(',').map(status).collect())
}

fn one_of<W: Word>(name: &str) -> String {
    format!("{name} must be one of: {}", W::all_words().join(", "))
}

fn word<W: Word>(query: &Query, name: &str, msg: &'static str) -> Result<Option<W>, Invalid> {
    let named = |word| W::named(word).ok_or_else(|| Invalid::with(msg, one_of::<W>(name)));
    query.value(name).map(named).transpose()
}

fn id<K>(query: &Query, name: &str, msg: &'static str) -> Result<Option<Id<K>>, Invalid> {
    query.value(name).map(|text| text.parse().map_err(|_| Invalid::new(msg))).transpose()
}

/// Reads `limit` and `offset`; V27 where they are out of bounds or not numbers.
pub fn page(query: &Query, limit: i64) -> Result<Page, Invalid> {
    let number = |name, fallback, bounds: std::ops::RangeInclusive<i64>, rule| match query.value(name) {
        None => Ok(fallback),
        Some(text) => text
            .parse()
            .ok()
            .filter(|number| bounds.contains(number))
            .ok_or_else(|| Invalid::with("Invalid pagination parameters", rule)),
    };
    Ok(Page {
        limit: number("limit", limit, 1..=100, "limit must be between 1 and 100")?,
        offset: number("offset", 0, 0..=i64::MAX / 2, "offset must be 0 or greater")?,
    })
}

fn time(query: &Query, name: &str) -> Result<Option<Timestamp>, Invalid> {
    // A `+` in an offset arrives as a space when the client did not escape it.
    let parse = |text: &str| {
        text.replace(' ', "+").parse().map_err(|_| Invalid::failed(format!("{name} must be an RFC 3339 timestamp")))
    };
    query.value(name).map(parse).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(query: &str) -> Invalid {
        RequestFilter::parse(&Query::parse(query), 50).unwrap_err()
    }

    #[test]
    fn nothing_asked_is_the_newest_fifty() {
        let filter = RequestFilter::parse(&Query::parse("status=&limit=&sort="), 50).unwrap();
        assert_eq!((filter.sort, filter.page), (Sort::CreatedAtDesc, Page { limit: 50, offset: 0 }));
    }

    #[test]
    fn each_bad_value_has_its_message() {
        let status = "status must be one of: pending, claimed, completed, timeout, cancelled";
        assert_eq!(refused("status=open"), Invalid::with("Invalid status filter value", status));
        assert_eq!(
            refused("priority=urgent"),
            Invalid::with("Invalid priority filter value", "priority must be one of: low, medium, high, critical")
        );
        assert_eq!(refused("sort=up").msg, "Invalid sort value");
        assert_eq!(refused("loop_id=7"), Invalid::new("Invalid loop ID format"));
        for limit in ["0", "101", "-1", "x", "1.5", "99999999999999999999"] {
            assert_eq!(
                refused(&format!("limit={limit}")),
                Invalid::with("Invalid pagination parameters", "limit must be between 1 and 100")
            );
        }
        assert_eq!(refused("offset=-1"), Invalid::with("Invalid pagination parameters", "offset must be 0 or greater"));
        assert_eq!(refused("created_after=yesterday").msg, "Validation failed");
    }

    #[test]
    fn several_statuses_and_an_unescaped_offset_are_understood() {
        let filter = RequestFilter::parse(
            &Query::parse("status=pending,timed_out&created_before=2024-03-15T10:00:00+01:00"),
            50,
        )
        .unwrap();
        assert_eq!(filter.statuses, [Status::Pending, Status::Timeout]);
        assert_eq!(filter.created_before.unwrap().to_string(), "2024-03-15T09:00:00Z");
    }
}
