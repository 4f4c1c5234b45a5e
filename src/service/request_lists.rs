//! Requests in lists, narrowed and in pages (contract 7.2, 7.3).

use super::{Acting, Result, deadlines, loops as loop_service};
use crate::{
    app::App,
    domain::{
        Id, Loop, Request,
        request_filters::{Query, RequestFilter},
    },
    store::{requests, requests::Whose},
};

/// A page of a list.
pub struct Listed {
    /// The requests on this page.
    pub requests: Vec<Request>,
    /// How many match on all pages.
    pub total: i64,
    /// What was asked for.
    pub filter: RequestFilter,
}

/// The requests that the caller's account made, through any of its keys (contract 7.2).
pub async fn list(app: &App, acting: impl Into<Acting<'_>>, query: &Query) -> Result<Listed> {
    let acting = acting.into();
    let filter = RequestFilter::parse(query, 50)?;
    listed(app, acting, Whose::Creator(acting.account_id()), filter).await
}

/// The requests of a loop, for its creator and members (contract 7.3).
pub async fn list_of_loop(app: &App, acting: impl Into<Acting<'_>>, id: Id<Loop>, query: &Query) -> Result<Listed> {
    let acting = acting.into();
    loop_service::visible(app, acting, id).await?;
    // The loop is the one in the path, whatever else is said.
    let filter = RequestFilter::parse(&query.without("loop_id"), 100)?;
    listed(app, acting, Whose::Loop(id), filter).await
}

async fn listed(app: &App, acting: Acting<'_>, whose: Whose, filter: RequestFilter) -> Result<Listed> {
    deadlines::settle_if_due(app).await?;
    let reach = acting.confined_to();
    let requests = requests::list(&app.store, whose, reach, &filter).await?;
    let on_page = i64::try_from(requests.len()).expect("at most 100");
    // A page that is not full is the last one: what it holds says how many there are.
    let total = if on_page < filter.page.limit && (on_page > 0 || filter.page.offset == 0) {
        filter.page.offset + on_page
    } else {
        requests::count(&app.store, whose, reach, &filter).await?
    };
    Ok(Listed { requests, total, filter })
}

/// A page of everybody's requests, for the operator.
pub async fn list_all(app: &App, filter: RequestFilter) -> Result<Listed> {
    deadlines::settle_if_due(app).await?;
    let requests = requests::list(&app.store, Whose::Everybody, None, &filter).await?;
    let total = requests::count(&app.store, Whose::Everybody, None, &filter).await?;
    Ok(Listed { requests, total, filter })
}
