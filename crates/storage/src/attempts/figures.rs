//! Attempts in figures: by route, gateway kind and state.

use domain::attempt::Route;
use domain::ids::MerchantId;

use crate::error::StoreError;
use crate::statement::Statement;
use crate::store::Store;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[COUNT_ATTEMPTS_BY_ROUTE];

/// How many attempts of one route, at one kind of gateway, ended or stand in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptCount {
    /// How it came to them.
    pub route: Route,
    /// The gateways' kind.
    pub gateway_kind: String,
    /// Whether they were handed over to a salvage gateway with a deadline.
    pub is_open_salvage: bool,
    /// The state's word, e.g. `declined`.
    pub state: String,
    /// How many.
    pub count: i64,
    /// Minor units asked, over all currencies: for figures of one currency only.
    pub minor: i64,
}

const COUNT_ATTEMPTS_BY_ROUTE: &str = "-- count_attempts_by_route
SELECT
    route,
    gateway_kind,
    CAST(CASE WHEN deadline_at IS NULL THEN 0 ELSE 1 END AS BIGINT) AS is_open_salvage,
    state,
    CAST(COUNT(*) AS BIGINT) AS found,
    CAST(SUM(amount_minor) AS BIGINT) AS minor
FROM attempts
WHERE merchant_id = $1
GROUP BY route, gateway_kind, CASE WHEN deadline_at IS NULL THEN 0 ELSE 1 END, state
ORDER BY route, gateway_kind, is_open_salvage, state";

impl Store {
    /// A merchant's attempts in figures.
    pub async fn count_attempts_by_route(
        &self,
        merchant_id: MerchantId,
    ) -> Result<Vec<AttemptCount>, StoreError> {
        let rows = self.query(Statement::new(COUNT_ATTEMPTS_BY_ROUTE, vec![merchant_id.into()])).await?;
        let read = |row: &crate::Row| {
            Ok(AttemptCount {
                route: row.word("route", Route::parse)?,
                gateway_kind: row.text("gateway_kind")?,
                is_open_salvage: row.int("is_open_salvage")? == 1,
                state: row.text("state")?,
                count: row.int("found")?,
                minor: row.int("minor")?,
            })
        };
        rows.iter().map(read).collect()
    }
}
