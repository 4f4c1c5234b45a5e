//! Lists of another server's, page after page, and where in them to go on. Does not know what is in the entries.

use super::{Error, pulling::Failed};
use crate::{
    app::App,
    domain::{Account, Id, exports::REQUEST},
    source::Source,
    store::imports,
};
use serde_json::Value;

/// Entries a page: the most that the API gives.
pub(super) const LONGEST: i64 = 100;

/// A page of a list.
pub(super) struct Page {
    pub(super) entries: Vec<Value>,
    /// How many there are on all pages, where that is said.
    pub(super) total: Option<i64>,
    has_more: Option<bool>,
    wanted: i64,
}

/// A page of loops.
pub(super) async fn loops(source: &Source, offset: i64) -> Result<Page, Failed> {
    page(source, "loops", &[("limit", LONGEST.to_string()), ("offset", offset.to_string())], LONGEST).await
}

/// A page of requests in all states, the oldest first: what is new comes last, and moves nothing.
pub(super) async fn requests(source: &Source, offset: i64, limit: i64) -> Result<Page, Failed> {
    let sort = ("sort", "created_at_asc".to_owned());
    page(source, "requests", &[("limit", limit.to_string()), ("offset", offset.to_string()), sort], limit).await
}

async fn page(source: &Source, name: &str, query: &[(&str, String)], wanted: i64) -> Result<Page, Failed> {
    let mut data = source.get(&format!("/v1/api/{name}"), query).await?;
    match data[name].take() {
        Value::Array(entries) => {
            Ok(Page { entries, total: data["total"].as_i64(), has_more: data["has_more"].as_bool(), wanted })
        }
        _ => Err(Failed::Unfit(format!("the source lists no {name}"))),
    }
}

impl Page {
    pub(super) fn len(&self) -> i64 {
        i64::try_from(self.entries.len()).unwrap_or(i64::MAX)
    }

    /// Whether another one may come, where this one ends there. A short page says nothing of it: a source may give fewer
    /// entries a page than it is asked for.
    pub(super) fn goes_on(&self, end: i64) -> bool {
        !self.entries.is_empty() && self.has_more.unwrap_or_else(|| self.total.is_none_or(|total| end < total))
    }

    /// Whether it can be all that there are, for all that is known.
    pub(super) fn may_be_all(&self) -> bool {
        self.has_more.is_none() && self.total.is_none() && self.len() < self.wanted
    }

    /// The place on this page of the last request that is here.
    pub(super) async fn last_here(&self, app: &App) -> Result<Option<i64>, Failed> {
        let ids: Vec<_> = self.entries.iter().map(|it| it["id"].as_str().unwrap_or_default().to_lowercase()).collect();
        let known = imports::known(&app.store, &REQUEST, &ids).await.map_err(Error::from)?;
        let place = ids.iter().rposition(|id| known.contains(id));
        Ok(place.and_then(|place| i64::try_from(place).ok()))
    }
}

/// How many requests are looked at together: one that does not fit in here is never here.
const SOME: i64 = 10;

/// How many requests were kept the last time, where one on the first page was. Pages are kept in their order, so all that
/// comes before one that is here was kept too; as many as are here are probably those.
pub(super) async fn kept(
    app: &App,
    account: Id<Account>,
    source: &Source,
    first: &Page,
    here_on_first: i64,
) -> Result<i64, Failed> {
    let here = imports::requests_of(&app.store, account).await.map_err(Error::from)?;
    // That one is here, and this one is not, or is the end.
    let (mut begin, mut end) = (here_on_first, first.total.unwrap_or(here).min(here));
    let mut middle = end - 1;
    while end - begin > 1 {
        match requests(source, middle, SOME).await?.last_here(app).await? {
            Some(place) => begin = middle + place,
            None => end = middle,
        }
        middle = i64::midpoint(begin, end);
    }
    Ok(begin + 1)
}
