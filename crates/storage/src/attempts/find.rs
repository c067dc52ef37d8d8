//! Attempts by id, order, payment and gateway.

use domain::attempt::Attempt;
use domain::ids::{AttemptId, GatewayId, MerchantId, OrderId, PaymentId};
use jiff::Timestamp;

use super::row::read;
use crate::error::StoreError;
use crate::statement::Statement;
use crate::store::Store;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[
    FIND_ATTEMPT,
    FIND_OWNER,
    LIST_ATTEMPTS_OF_ORDER,
    LIST_ATTEMPTS_OF_PAYMENT,
    LIST_ATTEMPTS_FOR_PEOPLE,
    FIND_OPEN_AT_GATEWAY,
    LIST_NET_CHARGED,
];

const FIND_ATTEMPT: &str = concat!(
    "-- find_attempt
SELECT ",
    columns!(),
    "
FROM attempts
WHERE merchant_id = $1
    AND id = $2"
);

const FIND_OWNER: &str = "-- find_owner_of_attempt
SELECT id
FROM merchants
WHERE EXISTS (
    SELECT 1 FROM attempts
    WHERE attempts.merchant_id = merchants.id AND attempts.id = $1)
LIMIT 1";

const LIST_ATTEMPTS_OF_ORDER: &str = concat!(
    "-- list_attempts_of_order
SELECT ",
    columns!(),
    "
FROM attempts
WHERE merchant_id = $1
    AND order_id = $2
ORDER BY created_at, id"
);

const LIST_ATTEMPTS_OF_PAYMENT: &str = concat!(
    "-- list_attempts_of_payment
SELECT ",
    columns!(),
    "
FROM attempts
WHERE merchant_id = $1
    AND payment_id = $2
ORDER BY created_at, id"
);

const LIST_ATTEMPTS_FOR_PEOPLE: &str = concat!(
    "-- list_attempts_for_people
SELECT ",
    columns!(),
    "
FROM attempts
WHERE merchant_id = $1
    AND state = 'in_doubt'
ORDER BY created_at, id
LIMIT CAST($2 AS BIGINT)"
);

const FIND_OPEN_AT_GATEWAY: &str = "-- find_open_at_gateway
SELECT id
FROM attempts
WHERE merchant_id = $1
    AND gateway_id = $2
    AND (state IN ('sending', 'in_doubt', 'pending') OR EXISTS (
        SELECT 1 FROM operations
        WHERE operations.merchant_id = attempts.merchant_id
            AND operations.attempt_id = attempts.id
            AND operations.state IN ('sending', 'in_doubt')))
LIMIT 1";

const LIST_NET_CHARGED: &str = "-- list_net_charged
SELECT
    a.id,
    CASE WHEN a.reversed_at IS NOT NULL THEN 0 ELSE
        CASE WHEN a.purpose = 'collect' THEN a.approved_minor ELSE (
            SELECT CAST(COALESCE(SUM(c.amount_minor), 0) AS BIGINT)
            FROM operations c
            WHERE c.merchant_id = a.merchant_id AND c.attempt_id = a.id AND c.kind = 'capture' AND c.state = 'done') END
        - (
            SELECT CAST(COALESCE(SUM(o.amount_minor), 0) AS BIGINT)
            FROM operations o
            WHERE o.merchant_id = a.merchant_id AND o.attempt_id = a.id AND o.kind IN ('void', 'refund')
                AND o.state = 'done') END AS minor
FROM attempts a
WHERE a.state = 'approved'
    AND a.gateway_kind = $1
ORDER BY a.id";

impl Store {
    /// An attempt.
    pub async fn find_attempt(
        &self,
        merchant_id: MerchantId,
        id: AttemptId,
    ) -> Result<Option<Attempt>, StoreError> {
        let statement = Statement::new(FIND_ATTEMPT, vec![merchant_id.into(), id.into()]);
        self.query_one(statement).await?.map(|row| read(&row)).transpose()
    }

    /// Whether any merchant has this attempt. It asks once per merchant.
    pub async fn is_attempt_known(&self, id: AttemptId) -> Result<bool, StoreError> {
        Ok(self.query_one(Statement::new(FIND_OWNER, vec![id.into()])).await?.is_some())
    }

    /// All attempts of an order, oldest first.
    pub async fn list_attempts_of_order(
        &self,
        merchant_id: MerchantId,
        order_id: OrderId,
    ) -> Result<Vec<Attempt>, StoreError> {
        let statement = Statement::new(LIST_ATTEMPTS_OF_ORDER, vec![merchant_id.into(), order_id.into()]);
        self.query(statement).await?.iter().map(read).collect()
    }

    /// All attempts of a payment, oldest first.
    pub async fn list_attempts_of_payment(
        &self,
        merchant_id: MerchantId,
        payment_id: PaymentId,
    ) -> Result<Vec<Attempt>, StoreError> {
        let statement = Statement::new(LIST_ATTEMPTS_OF_PAYMENT, vec![merchant_id.into(), payment_id.into()]);
        self.query(statement).await?.iter().map(read).collect()
    }

    /// Attempts in doubt, oldest first.
    pub async fn list_attempts_in_doubt(
        &self,
        merchant_id: MerchantId,
        limit: i64,
    ) -> Result<Vec<Attempt>, StoreError> {
        let statement = Statement::new(LIST_ATTEMPTS_FOR_PEOPLE, vec![merchant_id.into(), limit.into()]);
        self.query(statement).await?.iter().map(read).collect()
    }

    /// An attempt at a gateway whose outcome, or whose capture, void or refund, is still to come, when there is one.
    pub async fn find_open_attempt_at(
        &self,
        merchant_id: MerchantId,
        gateway_id: GatewayId,
    ) -> Result<Option<AttemptId>, StoreError> {
        let statement = Statement::new(FIND_OPEN_AT_GATEWAY, vec![merchant_id.into(), gateway_id.into()]);
        self.query_one(statement).await?.map(|row| row.id("id")).transpose()
    }

    /// What approved attempts at gateways of one kind came to, net of what was given back: for comparing with the
    /// gateway's own books.
    pub async fn list_net_charged(&self, gateway_kind: &str) -> Result<Vec<(AttemptId, i64)>, StoreError> {
        let rows = self.query(Statement::new(LIST_NET_CHARGED, vec![gateway_kind.into()])).await?;
        rows.iter().map(|row| Ok((row.id("id")?, row.int("minor")?))).collect()
    }

    /// When a fence of this attempt was first answered with "unknown", and the gateway's id if an unclear answer gave one.
    pub async fn find_fence_facts(
        &self,
        merchant_id: MerchantId,
        id: AttemptId,
    ) -> Result<(Option<Timestamp>, Option<String>), StoreError> {
        let statement = Statement::new(FIND_ATTEMPT, vec![merchant_id.into(), id.into()]);
        match self.query_one(statement).await? {
            Some(row) => Ok((row.opt_at("fence_unknown_at")?, row.opt_text("gateway_reference")?)),
            None => Ok((None, None)),
        }
    }
}
