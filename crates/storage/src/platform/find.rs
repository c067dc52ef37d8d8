//! Recoveries by their ids and keys.

use domain::ids::{MerchantId, RecoveryId};

use super::recovery::{Recovery, read};
use crate::error::StoreError;
use crate::statement::Statement;
use crate::store::Store;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[FIND_RECOVERY, FIND_RECOVERY_BY_KEY, LIST_RECOVERIES_OF_EXTERNAL_ORDER];

const FIND_RECOVERY: &str = concat!(
    "-- find_recovery
SELECT ",
    columns!(),
    "
FROM recoveries
WHERE merchant_id = $1
    AND id = $2"
);

const FIND_RECOVERY_BY_KEY: &str = concat!(
    "-- find_recovery_by_key
SELECT ",
    columns!(),
    "
FROM recoveries
WHERE merchant_id = $1
    AND idempotency_key = $2"
);

const LIST_RECOVERIES_OF_EXTERNAL_ORDER: &str = concat!(
    "-- list_recoveries_of_external_order
SELECT ",
    columns!(),
    "
FROM recoveries
WHERE merchant_id = $1
    AND external_order_id = $2
ORDER BY created_at DESC, id DESC
LIMIT CAST($3 AS BIGINT)"
);

impl Store {
    /// A recovery.
    pub async fn find_recovery(
        &self,
        merchant_id: MerchantId,
        id: RecoveryId,
    ) -> Result<Option<Recovery>, StoreError> {
        let statement = Statement::new(FIND_RECOVERY, vec![merchant_id.into(), id.into()]);
        self.query_one(statement).await?.map(|row| read(&row)).transpose()
    }

    /// The recovery that an evaluate with this key began.
    pub async fn find_recovery_by_key(
        &self,
        merchant_id: MerchantId,
        idempotency_key: &str,
    ) -> Result<Option<Recovery>, StoreError> {
        let statement =
            Statement::new(FIND_RECOVERY_BY_KEY, vec![merchant_id.into(), idempotency_key.into()]);
        self.query_one(statement).await?.map(|row| read(&row)).transpose()
    }

    /// Recoveries of one order of the merchant, newest first.
    pub async fn list_recoveries_of_external_order(
        &self,
        merchant_id: MerchantId,
        external_order_id: &str,
        limit: i64,
    ) -> Result<Vec<Recovery>, StoreError> {
        let args = vec![merchant_id.into(), external_order_id.into(), limit.into()];
        self.query(Statement::new(LIST_RECOVERIES_OF_EXTERNAL_ORDER, args)).await?.iter().map(read).collect()
    }
}
