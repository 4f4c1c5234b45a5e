//! The list of routes that builds the router and can be read back: tests walk it.

use super::pages::see_other;
use crate::app::App;
use axum::{
    Router,
    extract::OriginalUri,
    handler::Handler,
    http::Method,
    routing::{MethodRouter, delete, get, patch, post, put},
};
use std::collections::HashSet;

/// One operation: a method, its path, and the other paths that lead to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// The method.
    pub method: Method,
    /// The path that is documented.
    pub path: String,
    /// Other paths with the same meaning.
    pub aliases: Vec<String>,
}

/// Operations being gathered.
#[derive(Default)]
pub struct Routes {
    /// What serves them.
    pub router: Router<App>,
    /// What they are.
    pub operations: Vec<Operation>,
}

impl Routes {
    /// `GET` (and with it `HEAD`) on these paths; the first is the documented one.
    pub fn get<T: 'static>(self, paths: &[String], handler: impl Handler<T, App>) -> Self {
        self.on(&Method::GET, paths, &get(handler))
    }

    /// `POST` on these paths.
    pub fn post<T: 'static>(self, paths: &[String], handler: impl Handler<T, App>) -> Self {
        self.on(&Method::POST, paths, &post(handler))
    }

    /// `PUT` on these paths.
    pub fn put<T: 'static>(self, paths: &[String], handler: impl Handler<T, App>) -> Self {
        self.on(&Method::PUT, paths, &put(handler))
    }

    /// `PATCH` on these paths.
    pub fn patch<T: 'static>(self, paths: &[String], handler: impl Handler<T, App>) -> Self {
        self.on(&Method::PATCH, paths, &patch(handler))
    }

    /// `DELETE` on these paths.
    pub fn delete<T: 'static>(self, paths: &[String], handler: impl Handler<T, App>) -> Self {
        self.on(&Method::DELETE, paths, &delete(handler))
    }

    /// What forms are posted to leads whoever only reads it to the page above it: such an address stays in the browser when a
    /// form is refused, and is no place to come back to.
    pub fn leading_back(mut self) -> Self {
        let (read, posted): (Vec<_>, Vec<_>) = self.operations.iter().partition(|it| it.method == Method::GET);
        let read: HashSet<&str> = read.into_iter().map(|it| it.path.as_str()).collect();
        let posted = posted.into_iter().map(|it| it.path.as_str()).filter(|path| !read.contains(path));
        let led: Vec<_> = posted.map(|path| (path.to_owned(), above(path, &read))).collect();
        for (path, segments) in led {
            let back = move |uri: OriginalUri| async move { see_other(&beginning(uri.path(), segments), None) };
            self.router = self.router.route(&path, get(back));
        }
        self
    }

    fn on(mut self, method: &Method, paths: &[String], handler: &MethodRouter<App>) -> Self {
        for path in paths {
            self.router = self.router.route(path, handler.clone());
        }
        let (path, aliases) = paths.split_first().expect("an operation has a path");
        self.operations.push(Operation { method: method.clone(), path: path.clone(), aliases: aliases.to_vec() });
        self
    }
}

/// How many segments the nearest page above a path has; none where that is the start.
fn above(path: &str, read: &HashSet<&str>) -> usize {
    let most = path.matches('/').count();
    (1..most).rev().find(|segments| read.contains(beginning(path, *segments).as_str())).unwrap_or(0)
}

/// A path as far as so many segments.
fn beginning(path: &str, segments: usize) -> String {
    let kept: Vec<_> = path.split('/').skip(1).take(segments).collect();
    format!("/{}", kept.join("/"))
}
