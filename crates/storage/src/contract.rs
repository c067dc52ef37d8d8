//! What the contract suite (`tests/contract`) must run on both databases.

use crate::backend::Dialect;
use crate::statement::name_of;

/// Every statement of this crate, as text; those that differ are there once per database.
pub fn statements() -> Vec<&'static str> {
    [
        crate::alerts::ALL,
        crate::attempts::ALL,
        crate::cards::ALL,
        crate::configuration::ALL,
        crate::doctor::ALL,
        crate::events::ALL,
        crate::fulfilments::ALL,
        crate::guards::ALL,
        crate::idempotency::ALL,
        crate::marks::ALL,
        crate::merchants::ALL,
        crate::operations::ALL,
        crate::orders::ALL,
        crate::payments::ALL,
        crate::platform::ALL,
        crate::standing::ALL,
        crate::timeline::ALL,
        crate::users::ALL,
    ]
    .concat()
}

/// The statements that one database runs: all but the variants of the other one.
pub fn statements_of(dialect: Dialect) -> Vec<&'static str> {
    let foreign = match dialect {
        Dialect::Sqlite => "_postgres",
        Dialect::Postgres => "_sqlite",
    };
    statements().into_iter().filter(|sql| !name_of(sql).ends_with(foreign)).collect()
}
