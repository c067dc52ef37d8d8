//! `recoup apply`: the whole configuration of a merchant as one file; a plan first, then all of it or nothing.
//!
//! The file has the structures of the native API. Resources refer to each other by number; ids are the server's, and a
//! number keeps its id. A resource that the file does not name is removed; without `[account]` the account stays.

mod diff;
mod document;
mod lines;
mod plan;
mod planning;
mod samples;
mod schema;
mod unknown;

pub use document::{ApplyProblem, Document, parse};
pub use plan::{Action, ApplyError, Plan, PlanLine, apply, plan};
pub use schema::json_schema;

pub(crate) use samples::samples;
