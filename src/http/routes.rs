//! The list of routes that builds the router and can be read back: tests walk it.

use crate::app::App;
use axum::{
    Router,
    handler::Handler,
    http::Method,
    routing::{MethodRouter, delete, get, patch, post, put},
};

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

    fn on(mut self, method: &Method, paths: &[String], handler: &MethodRouter<App>) -> Self {
        for path in paths {
            self.router = self.router.route(path, handler.clone());
        }
        let (path, aliases) = paths.split_first().expect("an operation has a path");
        self.operations.push(Operation { method: method.clone(), path: path.clone(), aliases: aliases.to_vec() });
        self
    }
}
