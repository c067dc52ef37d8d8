//! Captures, voids and refunds by id and order.

use domain::ids::{MerchantId, OperationId, OrderId};

use super::{Operation, read};
use crate::error::StoreError;
use crate::statement::Statement;
use crate::store::Store;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[FIND_OPERATION, LIST_OPERATIONS_OF_ORDER];

const FIND_OPERATION: &str = concat!(
    "-- find_operation
SELECT ",
    columns!(),
    "
FROM operations
WHERE merchant_id = $1
    AND id = $2"
);

const LIST_OPERATIONS_OF_ORDER: &str = concat!(
    "-- list_operations_of_order
SELECT ",
    columns!(),
    "
FROM operations
WHERE merchant_id = $1
    AND order_id = $2
ORDER BY created_at, id"
);

impl Store {
    /// An operation.
    pub async fn find_operation(
        &self,
        merchant_id: MerchantId,
        id: OperationId,
    ) -> Result<Option<Operation>, StoreError> {
        let statement = Statement::new(FIND_OPERATION, vec![merchant_id.into(), id.into()]);
        self.query_one(statement).await?.map(|row| read(&row)).transpose()
    }

    /// All operations of an order's attempts, oldest first.
    pub async fn list_operations_of_order(
        &self,
        merchant_id: MerchantId,
        order_id: OrderId,
    ) -> Result<Vec<Operation>, StoreError> {
        let statement = Statement::new(LIST_OPERATIONS_OF_ORDER, vec![merchant_id.into(), order_id.into()]);
        self.query(statement).await?.iter().map(read).collect()
    }
}
