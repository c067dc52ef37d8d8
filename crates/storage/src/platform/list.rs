//! Pages of recoveries.

use domain::ids::{MerchantId, RecoveryId};
use jiff::Timestamp;

use super::recoveries::words;
use super::recovery::{Recovery, RecoveryState, read};
use crate::error::StoreError;
use crate::statement::Statement;
use crate::store::Store;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[LIST_RECOVERIES, COUNT_RECOVERIES];

macro_rules! filter {
    () => {
        "
FROM recoveries
WHERE merchant_id = $1
    AND (CAST($2 AS TEXT) IS NULL OR external_order_id = $2 OR id = $6 OR email_lower = $7)
    AND (CAST($3 AS TEXT) IS NULL OR $3 LIKE '%,' || state || ',%')
    AND created_at >= $4
    AND created_at <= $5"
    };
}

const LIST_RECOVERIES: &str = concat!(
    "-- list_recoveries
SELECT ",
    columns!(),
    filter!(),
    "
ORDER BY (CASE WHEN $8 = 'amount' THEN amount_minor ELSE created_at END) * $9, id
LIMIT CAST($10 AS BIGINT) OFFSET CAST($11 AS BIGINT)"
);

const COUNT_RECOVERIES: &str = concat!(
    "-- count_recoveries
SELECT CAST(COUNT(*) AS BIGINT) AS total",
    filter!()
);

/// Which recoveries are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryFilter {
    /// The merchant's order id or the e-mail address, exactly.
    pub text: Option<String>,
    /// Beside the text: our id that it may stand for.
    pub id: Option<RecoveryId>,
    /// States; none: all.
    pub states: Option<Vec<RecoveryState>>,
    /// Made at this moment or later.
    pub from: Timestamp,
    /// Made at this moment or earlier.
    pub to: Timestamp,
}

/// A slice of the list, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryPage {
    /// By amount instead of by time.
    pub by_amount: bool,
    /// The greatest first.
    pub descending: bool,
    /// At most so many.
    pub limit: i64,
    /// After so many.
    pub offset: i64,
}

impl RecoveryFilter {
    fn args(&self, merchant_id: MerchantId) -> Vec<Value> {
        vec![
            merchant_id.into(),
            self.text.clone().into(),
            self.states.as_deref().map(words).into(),
            self.from.into(),
            self.to.into(),
            Value::id(self.id),
            self.text.as_ref().map(|text| text.to_lowercase()).into(),
        ]
    }
}

impl Store {
    /// A page of recoveries, and how many there are in all.
    pub async fn list_recoveries(
        &self,
        merchant_id: MerchantId,
        filter: &RecoveryFilter,
        page: RecoveryPage,
    ) -> Result<(Vec<Recovery>, i64), StoreError> {
        let count = Statement::new(COUNT_RECOVERIES, filter.args(merchant_id));
        let total = self.query_one(count).await?.map_or(Ok(0), |row| row.int("total"))?;
        let mut args = filter.args(merchant_id);
        let order = if page.by_amount { "amount" } else { "created" };
        let sign: i64 = if page.descending { -1 } else { 1 };
        args.extend([order.into(), sign.into(), page.limit.into(), page.offset.into()]);
        let rows = self.query(Statement::new(LIST_RECOVERIES, args)).await?;
        Ok((rows.iter().map(read).collect::<Result<_, _>>()?, total))
    }
}
