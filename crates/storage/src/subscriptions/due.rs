//! Subscriptions that are due, claimed merchant by merchant.

use domain::ids::{MerchantId, SubscriptionId};
use domain::subscription::Subscription;
use jiff::Timestamp;
use uuid::Uuid;

use super::row::read;
use crate::backend::Dialect;
use crate::error::StoreError;
use crate::statement::{Statement, Step, Transaction};
use crate::store::Store;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[
    LIST_MERCHANTS_WITH_DUE_SUBSCRIPTIONS,
    CLAIM_DUE_SUBSCRIPTIONS_SQLITE,
    CLAIM_DUE_SUBSCRIPTIONS_POSTGRES,
    LEASE_SUBSCRIPTION,
    POSTPONE_SUBSCRIPTION,
    NEXT_DUE_SUBSCRIPTION,
    COUNT_DUE_SUBSCRIPTIONS,
];

// Grouped by an expression: SQLite would rather read the index that is in the groups' order, and with it every
// subscription that waits, than the due ones by their time.
const LIST_MERCHANTS_WITH_DUE_SUBSCRIPTIONS: &str = "-- list_merchants_with_due_subscriptions
SELECT COALESCE(subscriptions.merchant_id, subscriptions.merchant_id) AS merchant_id, CAST(COUNT(*) AS BIGINT) AS found
FROM subscriptions
WHERE next_action_at <= $1
    AND (lease_until IS NULL OR lease_until <= $1)
GROUP BY COALESCE(subscriptions.merchant_id, subscriptions.merchant_id)
ORDER BY MIN(next_action_at)
LIMIT CAST($2 AS BIGINT)";

// Differs: PostgreSQL has several writers, and each passes over rows that another one is claiming (see attempts).
const CLAIM_DUE_SUBSCRIPTIONS_SQLITE: &str = concat!(
    "-- claim_due_subscriptions_sqlite
UPDATE subscriptions
SET lease_until = $3, lease_fence = $4
WHERE merchant_id = $1
    AND id IN (
        SELECT id FROM subscriptions
        WHERE merchant_id = $1 AND next_action_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
        ORDER BY next_action_at LIMIT CAST($5 AS BIGINT))
RETURNING ",
    columns!()
);

const CLAIM_DUE_SUBSCRIPTIONS_POSTGRES: &str = concat!(
    "-- claim_due_subscriptions_postgres
UPDATE subscriptions
SET lease_until = $3, lease_fence = $4
WHERE merchant_id = $1
    AND id = ANY (ARRAY(
        SELECT id FROM subscriptions
        WHERE merchant_id = $1 AND next_action_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
        ORDER BY next_action_at LIMIT CAST($5 AS BIGINT) FOR UPDATE SKIP LOCKED))
RETURNING ",
    columns!()
);

const LEASE_SUBSCRIPTION: &str = concat!(
    "-- lease_subscription
UPDATE subscriptions
SET lease_until = $4, lease_fence = $5
WHERE merchant_id = $1
    AND id = $2
    AND next_action_at <= $3
    AND (lease_until IS NULL OR lease_until <= $3)
RETURNING ",
    columns!()
);

const POSTPONE_SUBSCRIPTION: &str = "-- postpone_subscription
UPDATE subscriptions
SET lease_until = $4
WHERE merchant_id = $1
    AND id = $2
    AND lease_fence = $3";

/// Nobody looks at a leased subscription before then: a step of it failed. Its due time, version and everything that
/// people see stay as they are, and whoever edits it ends the wait. Nothing when the lease has gone to somebody else.
pub fn postpone(merchant_id: MerchantId, id: SubscriptionId, fence: Uuid, until: Timestamp) -> Step {
    Step::any(POSTPONE_SUBSCRIPTION, vec![merchant_id.into(), id.into(), fence.into(), until.into()])
}

const NEXT_DUE_SUBSCRIPTION: &str = "-- next_due_subscription
SELECT MIN(next_action_at) AS due
FROM subscriptions
WHERE next_action_at IS NOT NULL";

const COUNT_DUE_SUBSCRIPTIONS: &str = "-- count_due_subscriptions
SELECT CAST(COUNT(*) AS BIGINT) AS found
FROM subscriptions
WHERE next_action_at <= $1";

impl Store {
    /// Merchants that have subscriptions due that nobody works on, the longest waiting first.
    pub async fn list_merchants_with_due_subscriptions(
        &self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<MerchantId>, StoreError> {
        let listed = self.count_due_subscriptions_by_merchant(now, limit).await?;
        Ok(listed.into_iter().map(|(merchant_id, _)| merchant_id).collect())
    }

    /// How many subscriptions of each merchant are due that nobody works on; the longest waiting merchant first. It
    /// looks at everything that is due: asked once per pass, not once per claim.
    pub async fn count_due_subscriptions_by_merchant(
        &self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<(MerchantId, i64)>, StoreError> {
        let statement = Statement::new(LIST_MERCHANTS_WITH_DUE_SUBSCRIPTIONS, vec![now.into(), limit.into()]);
        let rows = self.query(statement).await?;
        rows.iter().map(|row| Ok((row.id("merchant_id")?, row.int("found")?))).collect()
    }

    /// Leases due subscriptions of one merchant to the holder of `fence`.
    pub async fn acquire_due_subscriptions(
        &self,
        merchant_id: MerchantId,
        now: Timestamp,
        lease_until: Timestamp,
        fence: Uuid,
        limit: i64,
    ) -> Result<Vec<Subscription>, StoreError> {
        let sql = match self.dialect() {
            Dialect::Sqlite => CLAIM_DUE_SUBSCRIPTIONS_SQLITE,
            Dialect::Postgres => CLAIM_DUE_SUBSCRIPTIONS_POSTGRES,
        };
        let args = vec![merchant_id.into(), now.into(), lease_until.into(), fence.into(), limit.into()];
        let claim = Transaction::new("acquire_due_subscriptions").with(Step::returning(sql, args));
        self.commit(claim).await?.iter().map(read).collect()
    }

    /// Leases one due subscription; none when it is not due, or somebody else holds it.
    pub async fn lease_subscription(
        &self,
        merchant_id: MerchantId,
        id: SubscriptionId,
        now: Timestamp,
        lease_until: Timestamp,
        fence: Uuid,
    ) -> Result<Option<Subscription>, StoreError> {
        let args = vec![merchant_id.into(), id.into(), now.into(), lease_until.into(), fence.into()];
        let claim = Transaction::new("lease_subscription").with(Step::returning(LEASE_SUBSCRIPTION, args));
        self.commit(claim).await?.first().map(read).transpose()
    }

    /// When the next subscription is due, over all merchants.
    pub async fn next_due_subscription(&self) -> Result<Option<Timestamp>, StoreError> {
        match self.query_one(Statement::new(NEXT_DUE_SUBSCRIPTION, vec![])).await? {
            Some(row) => row.opt_at("due"),
            None => Ok(None),
        }
    }

    /// How many subscriptions are due: what is left of a billing run.
    pub async fn count_due_subscriptions(&self, now: Timestamp) -> Result<i64, StoreError> {
        let statement = Statement::new(COUNT_DUE_SUBSCRIPTIONS, vec![now.into()]);
        self.query_one(statement).await?.map_or(Ok(0), |row| row.int("found"))
    }
}
