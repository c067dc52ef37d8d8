//! Captures, voids and refunds: operations with an intent of their own (M16).

use domain::ids::{AttemptId, MerchantId, OperationId, OrderId};
use domain::money::Money;
use jiff::Timestamp;
use uuid::Uuid;

use crate::backend::Dialect;
use crate::error::StoreError;
use crate::statement::{Statement, Step, Transaction};
use crate::store::Store;
use crate::value::{Row, Value};

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[
    LOCK_ATTEMPT,
    INSERT_OPERATION,
    WITHIN_CAPTURED,
    SETTLE_OPERATION,
    DOUBT_OPERATION,
    FIND_OPERATION,
    LIST_OPERATIONS_OF_ORDER,
    LIST_MERCHANTS_WITH_DUE_OPERATIONS,
    CLAIM_DUE_OPERATIONS_SQLITE,
    CLAIM_DUE_OPERATIONS_POSTGRES,
    NEXT_DUE_OPERATION,
];

/// A capture, void or refund as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The tenant.
    pub merchant_id: MerchantId,
    /// Its id.
    pub id: OperationId,
    /// The approved attempt.
    pub attempt_id: AttemptId,
    /// The attempt's order.
    pub order_id: OrderId,
    /// `capture`, `void` or `refund`.
    pub kind: String,
    /// How much.
    pub amount: Money,
    /// Why: one sentence.
    pub why: String,
    /// `sending`, `in_doubt`, `done`, `refused` or `not_executed`.
    pub state: String,
    /// The gateway's id of it.
    pub gateway_reference: Option<String>,
    /// The gateway's code when it refused.
    pub code: Option<String>,
    /// The gateway's words.
    pub text: Option<String>,
    /// When its intent was committed.
    pub created_at: Timestamp,
    /// How often the gateway was asked.
    pub checks: i64,
    /// Whether a person must decide.
    pub needs_person: bool,
}

macro_rules! columns {
    () => {
        "merchant_id, id, attempt_id, order_id, kind, amount_minor, currency, why, state, gateway_reference, code, text,
         created_at, checks, needs_person"
    };
}

const LOCK_ATTEMPT: &str = "-- lock_attempt
UPDATE attempts
SET checks = checks
WHERE merchant_id = $1
    AND id = $2
    AND state = 'approved'
    AND reversed_at IS NULL";

const INSERT_OPERATION: &str = "-- insert_operation
INSERT INTO operations (merchant_id, id, attempt_id, order_id, kind, amount_minor, currency, why, state, created_at,
    checks, next_check_at, needs_person)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'sending', $9, 0, $10, $11)
ON CONFLICT (merchant_id, attempt_id) WHERE state IN ('sending', 'in_doubt') DO NOTHING";

const WITHIN_CAPTURED: &str = "-- within_captured
SELECT approved_minor
FROM attempts
WHERE merchant_id = $1
    AND id = $2
    AND approved_minor >= (
        SELECT COALESCE(SUM(amount_minor), 0)
        FROM operations
        WHERE merchant_id = $1
            AND attempt_id = $2
            AND kind IN ('void', 'refund')
            AND state IN ('sending', 'in_doubt', 'done'))
    AND approved_minor >= (
        SELECT COALESCE(SUM(amount_minor), 0)
        FROM operations
        WHERE merchant_id = $1
            AND attempt_id = $2
            AND kind = 'capture'
            AND state IN ('sending', 'in_doubt', 'done'))
    AND (purpose = 'collect' OR (
        SELECT COALESCE(SUM(CASE WHEN kind = 'capture' AND state = 'done' THEN amount_minor
            WHEN kind = 'refund' AND state IN ('sending', 'in_doubt', 'done') THEN -amount_minor
            ELSE 0 END), 0)
        FROM operations
        WHERE merchant_id = $1
            AND attempt_id = $2) >= 0)";

/// Name of the step that fails when another operation of the attempt is live.
pub const LIVE_OPERATION_EXISTS: &str = "insert_operation";
/// Name of the step that fails when more would be given back than was taken, or captured than was held.
pub const MORE_THAN_TAKEN: &str = "within_captured";
/// Name of the step that fails when the attempt is not approved, or undone already.
pub const NOT_APPROVED: &str = "lock_attempt";

/// The intent of an operation: the attempt is approved and not undone, nothing else is live on it, voids and refunds
/// together stay within what was approved, captures too, and refunds of a hold within what was captured (M16). The
/// attempt's row is locked first, so that two refunds are counted one after the other.
pub fn insert(operation: &Operation, next_check_at: Timestamp) -> Vec<Step> {
    let key = || vec![operation.merchant_id.into(), operation.attempt_id.into()];
    vec![
        Step::one(LOCK_ATTEMPT, key()),
        Step::one(
            INSERT_OPERATION,
            vec![
                operation.merchant_id.into(),
                operation.id.into(),
                operation.attempt_id.into(),
                operation.order_id.into(),
                Value::from(&operation.kind),
                operation.amount.minor().into(),
                operation.amount.currency().code().into(),
                Value::from(&operation.why),
                operation.created_at.into(),
                next_check_at.into(),
                false.into(),
            ],
        ),
        Step::require(WITHIN_CAPTURED, key()),
    ]
}

const SETTLE_OPERATION: &str = "-- settle_operation
UPDATE operations
SET state = $3,
    gateway_reference = $4,
    code = $5,
    text = $6,
    settled_at = $7,
    next_check_at = NULL,
    needs_person = $8,
    lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND id = $2
    AND settled_at IS NULL";

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// `done`, `refused` or `not_executed`.
    pub state: &'static str,
    /// The gateway's id.
    pub gateway_reference: Option<String>,
    /// The gateway's code.
    pub code: Option<String>,
    /// The gateway's words.
    pub text: Option<String>,
}

/// Ends an operation once.
pub fn settle(merchant_id: MerchantId, id: OperationId, settled: &Settled, at: Timestamp) -> Step {
    Step::one(
        SETTLE_OPERATION,
        vec![
            merchant_id.into(),
            id.into(),
            settled.state.into(),
            settled.gateway_reference.clone().into(),
            settled.code.clone().into(),
            settled.text.clone().into(),
            at.into(),
            false.into(),
        ],
    )
}

const DOUBT_OPERATION: &str = "-- doubt_operation
UPDATE operations
SET state = 'in_doubt',
    text = $3,
    checks = $4,
    next_check_at = $5,
    needs_person = $6,
    code = $7,
    lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND id = $2
    AND settled_at IS NULL";

/// The code of an operation whose request provably never left: sending it again is safe.
pub const NOT_SENT: &str = "not_sent";

/// What is known of an operation in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubtful {
    /// In words.
    pub text: String,
    /// How often it was asked about or sent.
    pub checks: i64,
    /// When it is looked at again.
    pub next_check_at: Option<Timestamp>,
    /// Whether a person must decide.
    pub needs_person: bool,
    /// Whether the request provably never left.
    pub not_sent: bool,
}

/// Leaves an operation in doubt until `next_check_at`, or until a person decides.
pub fn doubt(merchant_id: MerchantId, id: OperationId, known: &Doubtful) -> Step {
    Step::one(
        DOUBT_OPERATION,
        vec![
            merchant_id.into(),
            id.into(),
            Value::from(&known.text),
            known.checks.into(),
            Value::at(known.next_check_at),
            known.needs_person.into(),
            Value::Text(known.not_sent.then(|| NOT_SENT.to_owned())),
        ],
    )
}

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

const LIST_MERCHANTS_WITH_DUE_OPERATIONS: &str = "-- list_merchants_with_due_operations
SELECT merchant_id
FROM operations
WHERE next_check_at <= $1
    AND (lease_until IS NULL OR lease_until <= $1)
GROUP BY merchant_id
ORDER BY MIN(next_check_at)
LIMIT $2";

const NEXT_DUE_OPERATION: &str = "-- next_due_operation
SELECT MIN(next_check_at) AS due
FROM operations
WHERE next_check_at IS NOT NULL";

// Differs: PostgreSQL has several writers, and each passes over rows that another one is claiming. ARRAY makes it
// choose them once; as a join, the limit could be counted anew.
const CLAIM_DUE_OPERATIONS_SQLITE: &str = concat!(
    "-- claim_due_operations_sqlite
UPDATE operations
SET lease_until = $3, lease_fence = $4
WHERE merchant_id = $1
    AND id IN (
        SELECT id FROM operations
        WHERE merchant_id = $1 AND next_check_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
        ORDER BY next_check_at LIMIT $5)
RETURNING ",
    columns!()
);

const CLAIM_DUE_OPERATIONS_POSTGRES: &str = concat!(
    "-- claim_due_operations_postgres
UPDATE operations
SET lease_until = $3, lease_fence = $4
WHERE merchant_id = $1
    AND id = ANY (ARRAY(
        SELECT id FROM operations
        WHERE merchant_id = $1 AND next_check_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
        ORDER BY next_check_at LIMIT $5 FOR UPDATE SKIP LOCKED))
RETURNING ",
    columns!()
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

    /// Merchants that have operations due that nobody works on, the longest waiting first.
    pub async fn list_merchants_with_due_operations(
        &self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<MerchantId>, StoreError> {
        let statement = Statement::new(LIST_MERCHANTS_WITH_DUE_OPERATIONS, vec![now.into(), limit.into()]);
        self.query(statement).await?.iter().map(|row| row.id("merchant_id")).collect()
    }

    /// Leases due operations of one merchant to the holder of `fence`.
    pub async fn acquire_due_operations(
        &self,
        merchant_id: MerchantId,
        now: Timestamp,
        lease_until: Timestamp,
        fence: Uuid,
        limit: i64,
    ) -> Result<Vec<Operation>, StoreError> {
        let sql = match self.dialect() {
            Dialect::Sqlite => CLAIM_DUE_OPERATIONS_SQLITE,
            Dialect::Postgres => CLAIM_DUE_OPERATIONS_POSTGRES,
        };
        let args = vec![merchant_id.into(), now.into(), lease_until.into(), fence.into(), limit.into()];
        let claim = Transaction::new("acquire_due_operations").with(Step::returning(sql, args));
        self.commit(claim).await?.iter().map(read).collect()
    }

    /// When the next operation is due, over all merchants.
    pub async fn next_due_operation(&self) -> Result<Option<Timestamp>, StoreError> {
        match self.query_one(Statement::new(NEXT_DUE_OPERATION, vec![])).await? {
            Some(row) => row.opt_at("due"),
            None => Ok(None),
        }
    }
}

fn read(row: &Row) -> Result<Operation, StoreError> {
    Ok(Operation {
        merchant_id: row.id("merchant_id")?,
        id: row.id("id")?,
        attempt_id: row.id("attempt_id")?,
        order_id: row.id("order_id")?,
        kind: row.text("kind")?,
        amount: row.money("amount_minor", "currency")?,
        why: row.text("why")?,
        state: row.text("state")?,
        gateway_reference: row.opt_text("gateway_reference")?,
        code: row.opt_text("code")?,
        text: row.opt_text("text")?,
        created_at: row.at("created_at")?,
        checks: row.int("checks")?,
        needs_person: row.bool("needs_person")?,
    })
}
