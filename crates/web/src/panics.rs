//! A handler that panics answers 500 and takes nobody else down.

use std::any::Any;

use axum::response::{IntoResponse as _, Response};

use crate::problem::Problem;

/// The answer to a panic. Its text stays out of our log, for it may hold a value that was sent (M33); the place in the
/// code is reported by the process's panic hook.
pub(crate) fn answer(_panic: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("A handler panicked; the panic report before this line says where");
    Problem::internal_silently().into_response()
}
