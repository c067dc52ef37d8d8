//! What the contract suite (`tests/contract`) must run on both databases.

use crate::backend::Dialect;
use crate::statement::name_of;

/// Every statement of this crate, as text; those that differ are there once per database.
pub fn statements() -> Vec<&'static str> {
    [
        crate::alerts::ALL,
        crate::attempts::budget::ALL,
        crate::attempts::doubt::ALL,
        crate::attempts::due::ALL,
        crate::attempts::find::ALL,
        crate::attempts::figures::ALL,
        crate::attempts::history::ALL,
        crate::attempts::insert::ALL,
        crate::attempts::salvage::ALL,
        crate::attempts::search::ALL,
        crate::attempts::settle::ALL,
        crate::cards::ALL,
        crate::chargebacks::ALL,
        crate::configuration::ALL,
        crate::doctor::ALL,
        crate::events::ALL,
        crate::fulfilments::ALL,
        crate::guards::ALL,
        crate::idempotency::ALL,
        crate::inbound_reports::about::ALL,
        crate::inbound_reports::alert::ALL,
        crate::inbound_reports::due::ALL,
        crate::inbound_reports::end::ALL,
        crate::inbound_reports::find::ALL,
        crate::inbound_reports::insert::ALL,
        crate::late_approvals::change::ALL,
        crate::late_approvals::due::ALL,
        crate::late_approvals::find::ALL,
        crate::marks::ALL,
        crate::merchants::ALL,
        crate::operations::doubt::ALL,
        crate::operations::due::ALL,
        crate::operations::external::ALL,
        crate::operations::find::ALL,
        crate::operations::insert::ALL,
        crate::operations::settle::ALL,
        crate::operations::sum::ALL,
        crate::orders::find::ALL,
        crate::orders::save::ALL,
        crate::orders::status::ALL,
        crate::payments::ALL,
        crate::platform::accounts::ALL,
        crate::platform::due::ALL,
        crate::platform::event_tries::ALL,
        crate::platform::events::ALL,
        crate::platform::external_orders::ALL,
        crate::platform::find::ALL,
        crate::platform::invariants::ALL,
        crate::platform::list::ALL,
        crate::platform::recoveries::ALL,
        crate::platform::tokens::ALL,
        crate::platform::transmits::ALL,
        crate::runs::ALL,
        crate::runs::due::ALL,
        crate::runs::items::ALL,
        crate::standing::ALL,
        crate::subscriptions::due::ALL,
        crate::subscriptions::find::ALL,
        crate::subscriptions::save::ALL,
        crate::subscriptions::search::ALL,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// SQLite's planner looks at what is bound to a bare `LIMIT $n`, and prepares the statement again whenever that is
    /// bound anew: several times the cost of running it.
    #[test]
    fn no_limit_is_a_bare_argument() {
        let bare = |sql: &&str| sql.contains("LIMIT $") || sql.contains("OFFSET $");
        let names: Vec<&str> = statements().into_iter().filter(bare).map(name_of).collect();
        assert_eq!(names, Vec::<&str>::new(), "write LIMIT CAST($n AS BIGINT)");
    }
}
