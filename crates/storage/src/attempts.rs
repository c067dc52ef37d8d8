//! Attempts: one row each, never deleted, outcome written once.

use domain::attempt::{
    Approval, Attempt, AttemptState, Decline, Doubt, Initiator, Lapse, LapseCause, Outcome, Purpose,
    RawDecline, Route,
};
use domain::declines::{Class, Reason};
use domain::ids::{AttemptId, GatewayId, MerchantId, OrderId, PaymentId};
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
    INSERT_ATTEMPT,
    DOUBT_ATTEMPT,
    WAIT_ATTEMPT,
    SETTLE_ATTEMPT,
    REVERSE_ATTEMPT,
    FIND_ATTEMPT,
    LIST_ATTEMPTS_OF_ORDER,
    LIST_ATTEMPTS_OF_PAYMENT,
    LIST_ATTEMPTS_FOR_PEOPLE,
    LIST_MERCHANTS_WITH_DUE_ATTEMPTS,
    CLAIM_DUE_ATTEMPTS_SQLITE,
    CLAIM_DUE_ATTEMPTS_POSTGRES,
    COUNT_ATTEMPTS_OF_CARD,
    WITHIN_CARD_CAPS,
    FIND_OPEN_AT_GATEWAY,
    LIST_NET_CHARGED,
    NEXT_DUE_ATTEMPT,
];

macro_rules! columns {
    () => {
        "merchant_id, id, payment_id, order_id, purpose, initiator, route, gateway_id, gateway_kind, amount_minor,
         currency, card_id, card_fingerprint, salvages, why, created_at, state, doubt, doubt_since, gateway_reference,
         auth_code, avs, cvv, text, approved_minor, code, network_code, advice_code, reason, class_read, class, map_id,
         text_shown, lapse, settled_at, reversed_at, checks, next_check_at, fence_unknown_at, needs_person"
    };
}

const INSERT_ATTEMPT: &str = "-- insert_attempt
INSERT INTO attempts (merchant_id, id, payment_id, order_id, purpose, initiator, route, gateway_id, gateway_kind,
    amount_minor, currency, card_id, card_fingerprint, salvages, why, created_at, state, checks, next_check_at,
    needs_person)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 'sending', 0, $17, $18)
ON CONFLICT (merchant_id, payment_id, purpose)
    WHERE state IN ('sending', 'in_doubt', 'pending') OR (state = 'approved' AND reversed_at IS NULL)
DO NOTHING";

/// Name of the step that fails when the payment has a live attempt already.
pub const LIVE_ATTEMPT_EXISTS: &str = "insert_attempt";

/// The intent: a new attempt in state `sending`. Conflict when a live one of the same payment and purpose exists (M15).
pub fn insert(attempt: &Attempt) -> Step {
    Step::one(
        INSERT_ATTEMPT,
        vec![
            attempt.merchant_id.into(),
            attempt.id.into(),
            attempt.payment_id.into(),
            attempt.order_id.into(),
            attempt.purpose.as_str().into(),
            attempt.initiator.as_str().into(),
            attempt.route.as_str().into(),
            attempt.gateway_id.into(),
            Value::from(&attempt.gateway_kind),
            attempt.amount.minor().into(),
            attempt.amount.currency().code().into(),
            attempt.card_id.into(),
            Value::from(&attempt.card_fingerprint),
            Value::id(attempt.salvages),
            Value::from(&attempt.why),
            attempt.created_at.into(),
            Value::at(attempt.next_check_at),
            attempt.needs_person.into(),
        ],
    )
}

const DOUBT_ATTEMPT: &str = "-- doubt_attempt
UPDATE attempts
SET state = 'in_doubt',
    doubt = COALESCE(doubt, $3),
    doubt_since = COALESCE(doubt_since, $4),
    gateway_reference = COALESCE($5, gateway_reference),
    text = COALESCE($6, text),
    checks = $7,
    next_check_at = $8,
    fence_unknown_at = COALESCE(fence_unknown_at, $9),
    needs_person = $10,
    lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND id = $2
    AND settled_at IS NULL
    AND (lease_fence IS NULL OR lease_fence = $11)";

/// What is known about an attempt in doubt, and when to ask next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InDoubt {
    /// Why; kept from the first time.
    pub doubt: Doubt,
    /// Since when; kept from the first time.
    pub since: Timestamp,
    /// The gateway's id, when an unclear answer gave one.
    pub gateway_reference: Option<String>,
    /// What is known, in words.
    pub text: Option<String>,
    /// How often the gateway was asked.
    pub checks: i64,
    /// When to ask again.
    pub next_check_at: Option<Timestamp>,
    /// When a fence was first answered with "unknown"; kept from the first time.
    pub fence_unknown_at: Option<Timestamp>,
    /// Whether a person must decide.
    pub needs_person: bool,
}

/// Leaves an open attempt in doubt. Conflict when it is settled, or leased by somebody else.
pub fn doubt(merchant_id: MerchantId, id: AttemptId, known: &InDoubt, fence: Option<Uuid>) -> Step {
    Step::one(
        DOUBT_ATTEMPT,
        vec![
            merchant_id.into(),
            id.into(),
            known.doubt.as_str().into(),
            known.since.into(),
            known.gateway_reference.clone().into(),
            known.text.clone().into(),
            known.checks.into(),
            Value::at(known.next_check_at),
            Value::at(known.fence_unknown_at),
            known.needs_person.into(),
            Value::Id(fence),
        ],
    )
}

const WAIT_ATTEMPT: &str = "-- wait_attempt
UPDATE attempts
SET next_check_at = $3,
    lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND id = $2
    AND settled_at IS NULL";

/// Sets when an open attempt is looked at again.
pub fn wait(merchant_id: MerchantId, id: AttemptId, next_check_at: Timestamp) -> Step {
    Step::one(WAIT_ATTEMPT, vec![merchant_id.into(), id.into(), next_check_at.into()])
}

const SETTLE_ATTEMPT: &str = "-- settle_attempt
UPDATE attempts
SET state = $3,
    gateway_reference = COALESCE($4, gateway_reference),
    auth_code = $5,
    avs = $6,
    cvv = $7,
    text = $8,
    approved_minor = $9,
    code = $10,
    network_code = $11,
    advice_code = $12,
    reason = $13,
    class_read = $14,
    class = $15,
    map_id = $16,
    text_shown = $17,
    lapse = $18,
    settled_at = $19,
    next_check_at = NULL,
    needs_person = $20,
    lease_until = NULL,
    lease_fence = NULL
WHERE merchant_id = $1
    AND id = $2
    AND settled_at IS NULL
    AND (lease_fence IS NULL OR lease_fence = $21)";

/// Name of the step that fails when the attempt was settled before.
pub const SETTLED_BEFORE: &str = "settle_attempt";

/// The outcome, written once. Conflict when it is settled already, or leased by somebody else.
pub fn settle(
    merchant_id: MerchantId,
    id: AttemptId,
    outcome: &Outcome,
    at: Timestamp,
    fence: Option<Uuid>,
) -> Step {
    let mut args: Vec<Value> = vec![merchant_id.into(), id.into()];
    let none = || Value::Text(None);
    let state = match outcome {
        Outcome::Approved(_) => "approved",
        Outcome::Declined(_) => "declined",
        Outcome::NotExecuted(_) => "not_executed",
    };
    args.push(state.into());
    match outcome {
        Outcome::Approved(approval) => args.extend([
            Value::from(&approval.reference),
            Value::from(&approval.auth_code),
            Value::from(&approval.avs),
            Value::from(&approval.cvv),
            Value::from(&approval.text),
            approval.amount.minor().into(),
            none(),
            none(),
            none(),
            none(),
            none(),
            none(),
            Value::Id(None),
            none(),
            none(),
        ]),
        Outcome::Declined(decline) => args.extend([
            Value::Text(Some(decline.raw.reference.clone()).filter(|text| !text.is_empty())),
            none(),
            Value::from(&decline.raw.avs),
            Value::from(&decline.raw.cvv),
            Value::from(&decline.raw.text),
            Value::Int(None),
            Value::from(&decline.raw.code),
            decline.raw.network_code.clone().into(),
            decline.raw.advice_code.clone().into(),
            decline.reason.as_str().into(),
            decline.class_read.as_str().into(),
            decline.class.as_str().into(),
            Value::id(decline.map),
            Value::from(&decline.text_shown),
            none(),
        ]),
        Outcome::NotExecuted(lapse) => args.extend([
            none(),
            none(),
            none(),
            none(),
            Value::from(&lapse.text),
            Value::Int(None),
            Value::from(&lapse.code),
            none(),
            none(),
            Value::Text(lapse.reason.map(|reason| reason.as_str().to_owned())),
            none(),
            none(),
            Value::Id(None),
            none(),
            lapse.cause.as_str().into(),
        ]),
    }
    args.extend([at.into(), false.into(), Value::Id(fence)]);
    Step::one(SETTLE_ATTEMPT, args)
}

const REVERSE_ATTEMPT: &str = "-- reverse_attempt
UPDATE attempts
SET reversed_at = $3
WHERE merchant_id = $1
    AND id = $2
    AND state = 'approved'
    AND reversed_at IS NULL";

/// Marks an approved attempt as undone in full: it is no longer live.
pub fn reverse(merchant_id: MerchantId, id: AttemptId, at: Timestamp) -> Step {
    Step::one(REVERSE_ATTEMPT, vec![merchant_id.into(), id.into(), at.into()])
}

const FIND_ATTEMPT: &str = concat!(
    "-- find_attempt
SELECT ",
    columns!(),
    "
FROM attempts
WHERE merchant_id = $1
    AND id = $2"
);

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
LIMIT $2"
);

const LIST_MERCHANTS_WITH_DUE_ATTEMPTS: &str = "-- list_merchants_with_due_attempts
SELECT merchant_id
FROM attempts
WHERE next_check_at <= $1
    AND (lease_until IS NULL OR lease_until <= $1)
GROUP BY merchant_id
ORDER BY MIN(next_check_at)
LIMIT $2";

const NEXT_DUE_ATTEMPT: &str = "-- next_due_attempt
SELECT MIN(next_check_at) AS due
FROM attempts
WHERE next_check_at IS NOT NULL";

// Differs: PostgreSQL has several writers, and each passes over rows that another one is claiming. ARRAY makes it
// choose them once; as a join, the limit could be counted anew.
const CLAIM_DUE_ATTEMPTS_SQLITE: &str = concat!(
    "-- claim_due_attempts_sqlite
UPDATE attempts
SET lease_until = $3, lease_fence = $4
WHERE merchant_id = $1
    AND id IN (
        SELECT id FROM attempts
        WHERE merchant_id = $1 AND next_check_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
        ORDER BY next_check_at LIMIT $5)
RETURNING ",
    columns!()
);

const CLAIM_DUE_ATTEMPTS_POSTGRES: &str = concat!(
    "-- claim_due_attempts_postgres
UPDATE attempts
SET lease_until = $3, lease_fence = $4
WHERE merchant_id = $1
    AND id = ANY (ARRAY(
        SELECT id FROM attempts
        WHERE merchant_id = $1 AND next_check_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
        ORDER BY next_check_at LIMIT $5 FOR UPDATE SKIP LOCKED))
RETURNING ",
    columns!()
);

const COUNT_ATTEMPTS_OF_CARD: &str = "-- count_attempts_of_card
SELECT
    CAST(COALESCE(SUM(CASE WHEN created_at >= $3 THEN 1 ELSE 0 END), 0) AS BIGINT) AS day_count,
    CAST(COUNT(*) AS BIGINT) AS month_count
FROM attempts
WHERE merchant_id = $1
    AND card_fingerprint = $2
    AND created_at >= $4
    AND NOT (state = 'not_executed' OR (state = 'declined' AND reason = 'merchant_config'))";

const WITHIN_CARD_CAPS: &str = "-- within_card_caps
SELECT CAST(1 AS BIGINT) AS fits
FROM (
    SELECT
        COALESCE(SUM(CASE WHEN created_at >= $3 THEN 1 ELSE 0 END), 0) AS day_count,
        COUNT(*) AS month_count
    FROM attempts
    WHERE merchant_id = $1
        AND card_fingerprint = $2
        AND created_at >= $4
        AND NOT (state = 'not_executed' OR (state = 'declined' AND reason = 'merchant_config'))) AS counted
WHERE day_count < $5
    AND month_count < $6";

/// Name of the step that fails when the card's budget is used up.
pub const OVER_CARD_CAPS: &str = "within_card_caps";

/// Requires room under a card's caps: fewer than `caps.0` attempts since `day`, fewer than `caps.1` since `month`.
/// Stands after [`crate::cards::lock_budget`] in the transaction of the intent: counting under a limit needs a lock.
pub fn require_card_caps(
    merchant_id: MerchantId,
    fingerprint: &str,
    day: Timestamp,
    month: Timestamp,
    caps: (i64, i64),
) -> Step {
    Step::require(
        WITHIN_CARD_CAPS,
        vec![merchant_id.into(), fingerprint.into(), day.into(), month.into(), caps.0.into(), caps.1.into()],
    )
}

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

    /// An attempt.
    pub async fn find_attempt(
        &self,
        merchant_id: MerchantId,
        id: AttemptId,
    ) -> Result<Option<Attempt>, StoreError> {
        let statement = Statement::new(FIND_ATTEMPT, vec![merchant_id.into(), id.into()]);
        self.query_one(statement).await?.map(|row| read(&row)).transpose()
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

    /// Merchants that have attempts due that nobody works on, the longest waiting first.
    pub async fn list_merchants_with_due_attempts(
        &self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<MerchantId>, StoreError> {
        let statement = Statement::new(LIST_MERCHANTS_WITH_DUE_ATTEMPTS, vec![now.into(), limit.into()]);
        self.query(statement).await?.iter().map(|row| row.id("merchant_id")).collect()
    }

    /// Leases due attempts of one merchant to the holder of `fence`.
    pub async fn acquire_due_attempts(
        &self,
        merchant_id: MerchantId,
        now: Timestamp,
        lease_until: Timestamp,
        fence: Uuid,
        limit: i64,
    ) -> Result<Vec<Attempt>, StoreError> {
        let sql = match self.dialect() {
            Dialect::Sqlite => CLAIM_DUE_ATTEMPTS_SQLITE,
            Dialect::Postgres => CLAIM_DUE_ATTEMPTS_POSTGRES,
        };
        let args = vec![merchant_id.into(), now.into(), lease_until.into(), fence.into(), limit.into()];
        let claim = Transaction::new("acquire_due_attempts").with(Step::returning(sql, args));
        self.commit(claim).await?.iter().map(read).collect()
    }

    /// When the next attempt is due, over all merchants.
    pub async fn next_due_attempt(&self) -> Result<Option<Timestamp>, StoreError> {
        match self.query_one(Statement::new(NEXT_DUE_ATTEMPT, vec![])).await? {
            Some(row) => row.opt_at("due"),
            None => Ok(None),
        }
    }

    /// Attempts with a card since two moments: those that count in its budget (M4, M28).
    pub async fn count_attempts_of_card(
        &self,
        merchant_id: MerchantId,
        fingerprint: &str,
        day: Timestamp,
        month: Timestamp,
    ) -> Result<(i64, i64), StoreError> {
        let args = vec![merchant_id.into(), fingerprint.into(), day.into(), month.into()];
        match self.query_one(Statement::new(COUNT_ATTEMPTS_OF_CARD, args)).await? {
            Some(row) => Ok((row.int("day_count")?, row.int("month_count")?)),
            None => Ok((0, 0)),
        }
    }
}

/// An attempt from its row; a row that fits no state is refused.
pub(crate) fn read(row: &Row) -> Result<Attempt, StoreError> {
    let id: AttemptId = row.id("id")?;
    read_columns(row).map_err(|error| match error {
        StoreError::Inconsistent { column, .. } => {
            StoreError::Inconsistent { table: "attempts", column, id: id.to_string() }
        }
        other => other,
    })
}

fn read_columns(row: &Row) -> Result<Attempt, StoreError> {
    let amount = row.money("amount_minor", "currency")?;
    Ok(Attempt {
        id: row.id("id")?,
        merchant_id: row.id("merchant_id")?,
        payment_id: row.id("payment_id")?,
        order_id: row.id("order_id")?,
        purpose: row.word("purpose", Purpose::parse)?,
        initiator: row.word("initiator", Initiator::parse)?,
        route: row.word("route", Route::parse)?,
        gateway_id: row.id("gateway_id")?,
        gateway_kind: row.text("gateway_kind")?,
        amount,
        card_id: row.id("card_id")?,
        card_fingerprint: row.text("card_fingerprint")?,
        salvages: row.opt_id("salvages")?,
        why: row.text("why")?,
        created_at: row.at("created_at")?,
        state: read_state(row, amount)?,
        checks: row.int("checks")?,
        next_check_at: row.opt_at("next_check_at")?,
        needs_person: row.bool("needs_person")?,
    })
}

fn read_state(row: &Row, amount: Money) -> Result<AttemptState, StoreError> {
    let text = |column| Ok::<_, StoreError>(row.opt_text(column)?.unwrap_or_default());
    Ok(match row.text("state")?.as_str() {
        "sending" => AttemptState::Sending,
        "in_doubt" => {
            AttemptState::InDoubt { doubt: row.word("doubt", Doubt::parse)?, since: row.at("doubt_since")? }
        }
        "pending" => {
            AttemptState::Pending { reference: row.text("gateway_reference")?, since: row.at("created_at")? }
        }
        "approved" => AttemptState::Approved {
            approval: Approval {
                reference: row.text("gateway_reference")?,
                auth_code: text("auth_code")?,
                avs: text("avs")?,
                cvv: text("cvv")?,
                text: text("text")?,
                amount: Money::new(row.int("approved_minor")?, amount.currency()),
            },
            at: row.at("settled_at")?,
            reversed_at: row.opt_at("reversed_at")?,
        },
        "declined" => AttemptState::Declined { decline: read_decline(row)?, at: row.at("settled_at")? },
        "not_executed" => AttemptState::NotExecuted {
            lapse: Lapse {
                cause: row.word("lapse", LapseCause::parse)?,
                reason: row.opt_word("reason", Reason::parse)?,
                code: text("code")?,
                text: text("text")?,
            },
            at: row.at("settled_at")?,
        },
        _ => return Err(StoreError::Inconsistent { table: "attempts", column: "state", id: String::new() }),
    })
}

fn read_decline(row: &Row) -> Result<Decline, StoreError> {
    let text = |column| Ok::<_, StoreError>(row.opt_text(column)?.unwrap_or_default());
    Ok(Decline {
        raw: RawDecline {
            reference: text("gateway_reference")?,
            code: text("code")?,
            text: text("text")?,
            network_code: row.opt_text("network_code")?,
            advice_code: row.opt_text("advice_code")?,
            avs: text("avs")?,
            cvv: text("cvv")?,
        },
        reason: row.word("reason", Reason::parse)?,
        class_read: row.word("class_read", Class::parse)?,
        class: row.word("class", Class::parse)?,
        map: row.opt_id("map_id")?,
        text_shown: text("text_shown")?,
    })
}

/// What the gateway said of an attempt's fence: read with the row when a decision about doubt is made.
impl Store {
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
