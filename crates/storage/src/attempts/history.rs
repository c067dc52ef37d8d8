//! What a card's attempts were before: network rules and spacing read it (M12, M28).

use domain::attempt::Attempt;
use domain::declines::Reason;
use domain::ids::{CardId, GatewayId, MerchantId, OrderId, PaymentId};
use domain::money::Money;
use domain::order::{CardShown, Order};
use jiff::Timestamp;

use crate::error::StoreError;
use crate::orders::{order_columns, row};
use crate::statement::{Statement, Step};
use crate::store::Store;
use crate::value::Value;

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[FIND_CARD_USE, FIND_LAST_DECLINE_OF_CARD, WITHIN_CARD_BUDGET, CARD_IS_FREE];

/// What was tried with a card lately. Counted is what was not approved: declined, in doubt, or with a salvage gateway.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CardUse {
    /// In the last 24 hours.
    pub day_count: i64,
    /// Of these, the ones made without the customer.
    pub scheduled_count: i64,
    /// In the last 30 days.
    pub month_count: i64,
    /// The oldest one in the last 24 hours.
    pub oldest_of_day: Option<Timestamp>,
    /// The oldest one in the last 30 days.
    pub oldest_of_month: Option<Timestamp>,
    /// Why the card is barred, if it is.
    pub locked: Option<String>,
    /// When the same amount was last charged at the same gateway, whatever came of it (M12).
    pub last_equal_at: Option<Timestamp>,
    /// The card's brand; none when the card is not stored.
    pub brand: Option<String>,
}

/// What a bill must know of its card before it is made, in one look.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BillFacts {
    /// What was tried with the card lately.
    pub used: CardUse,
    /// The card as it may be shown; none when it is not stored.
    pub shown: Option<CardShown>,
    /// The reference of the first charge that was asked for.
    pub initial_reference: Option<String>,
    /// The order that was asked for.
    pub origin: Option<Order>,
}

macro_rules! counted {
    () => {
        "state NOT IN ('approved', 'not_executed') AND NOT (state = 'declined' AND reason = 'merchant_config')"
    };
}

const FIND_CARD_USE: &str = concat!(
    "-- find_card_use
SELECT
    used.day_count, used.scheduled_count, used.month_count, used.oldest_of_day, used.oldest_of_month,
    used.last_equal_at, card_locks.reason AS locked, cards.brand, cards.bin, cards.last_four, cards.expires,
    (SELECT gateway_reference FROM attempts
        WHERE merchant_id = $1 AND order_id = $10 AND gateway_id = $11 AND card_id = $9
            AND state = 'approved' AND reversed_at IS NULL
        ORDER BY created_at, id LIMIT 1) AS initial_reference,
    ",
    order_columns!("orders."),
    "
FROM (SELECT
    CAST(COALESCE(SUM(CASE WHEN ",
    counted!(),
    " AND created_at >= $3 THEN 1 ELSE 0 END), 0) AS BIGINT) AS day_count,
    CAST(COALESCE(SUM(CASE WHEN ",
    counted!(),
    " AND created_at >= $3 AND initiator = 'merchant' THEN 1 ELSE 0 END), 0) AS BIGINT) AS scheduled_count,
    CAST(COALESCE(SUM(CASE WHEN ",
    counted!(),
    " THEN 1 ELSE 0 END), 0) AS BIGINT) AS month_count,
    MIN(CASE WHEN ",
    counted!(),
    " AND created_at >= $3 THEN created_at END) AS oldest_of_day,
    MIN(CASE WHEN ",
    counted!(),
    " THEN created_at END) AS oldest_of_month,
    MAX(CASE WHEN gateway_id = $5 AND amount_minor = $6 AND currency = $7 AND state <> 'not_executed'
        THEN created_at END) AS last_equal_at
    FROM attempts
    WHERE merchant_id = $1
        AND card_fingerprint = $2
        AND created_at >= $4) AS used
LEFT JOIN cards ON cards.merchant_id = $1 AND cards.id = $9
LEFT JOIN orders ON orders.merchant_id = $1 AND orders.id = $10
LEFT JOIN card_locks ON card_locks.merchant_id = $1 AND card_locks.card_fingerprint = $2
    AND (card_locks.until IS NULL OR card_locks.until > $8)"
);

const WITHIN_CARD_BUDGET: &str = concat!(
    "-- within_card_budget
SELECT CAST(1 AS BIGINT) AS fits
FROM (
    SELECT
        COALESCE(SUM(CASE WHEN created_at >= $3 THEN 1 ELSE 0 END), 0) AS day_count,
        COUNT(*) AS month_count
    FROM attempts
    WHERE merchant_id = $1
        AND card_fingerprint = $2
        AND created_at >= $4
        AND ",
    counted!(),
    ") AS counted
WHERE day_count < $5
    AND month_count < $6"
);

/// Name of the step that fails when the card's budget is used up.
pub const OVER_CARD_BUDGET: &str = "within_card_budget";

/// Requires room in a card's budget for an attempt that nobody but us asks for: fewer than `caps.0` since `day`, fewer
/// than `caps.1` since `month`. Stands after [`crate::cards::lock_budget`]: counting under a limit needs a lock.
pub fn require_card_budget(
    merchant_id: MerchantId,
    fingerprint: &str,
    day: Timestamp,
    month: Timestamp,
    caps: (i64, i64),
) -> Step {
    Step::require(
        WITHIN_CARD_BUDGET,
        vec![merchant_id.into(), fingerprint.into(), day.into(), month.into(), caps.0.into(), caps.1.into()],
    )
}

// A stopped payment bars that payment only (M28).
const CARD_IS_FREE: &str = "-- card_is_free
SELECT CAST(1 AS BIGINT) AS free
WHERE NOT EXISTS (
        SELECT 1 FROM card_locks
        WHERE merchant_id = $1
            AND card_fingerprint = $2
            AND reason <> 'stop_payment'
            AND (until IS NULL OR until > $3))
    AND NOT EXISTS (
        SELECT 1 FROM attempts
        WHERE merchant_id = $1
            AND card_fingerprint = $2
            AND created_at > $4
            AND gateway_id = $5
            AND amount_minor = $6
            AND currency = $7
            AND state <> 'not_executed')";

/// Name of the step that fails when the card is locked, or was charged the same amount moments ago.
pub const CARD_NOT_FREE: &str = "card_is_free";

/// Requires that the card of a new attempt at an ordinary gateway is not locked now, and was not charged the same amount
/// there since `apart` (M12, M28). Stands after [`crate::cards::lock_budget`]: two bills of one card are planned at once.
pub fn require_free_card(attempt: &Attempt, now: Timestamp, apart: Timestamp) -> Step {
    Step::require(
        CARD_IS_FREE,
        vec![
            attempt.merchant_id.into(),
            (&attempt.card_fingerprint).into(),
            now.into(),
            apart.into(),
            attempt.gateway_id.into(),
            attempt.amount.minor().into(),
            attempt.amount.currency().code().into(),
        ],
    )
}

/// A card's last decline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastDecline {
    /// When it came.
    pub at: Timestamp,
    /// Our reason.
    pub reason: Reason,
    /// The network's advice, when one was passed on.
    pub advice_code: Option<String>,
    /// The network's response code, when it was passed on.
    pub network_code: Option<String>,
    /// Whose debt it was.
    pub payment_id: PaymentId,
}

const FIND_LAST_DECLINE_OF_CARD: &str = "-- find_last_decline_of_card
SELECT settled_at, reason, advice_code, network_code, payment_id
FROM attempts
WHERE merchant_id = $1
    AND card_fingerprint = $2
    AND created_at >= $3
    AND state = 'declined'
ORDER BY created_at DESC, id DESC
LIMIT 1";

impl Store {
    /// A card's last decline since a moment.
    pub async fn find_last_decline_of_card(
        &self,
        merchant_id: MerchantId,
        fingerprint: &str,
        since: Timestamp,
    ) -> Result<Option<LastDecline>, StoreError> {
        let args = vec![merchant_id.into(), fingerprint.into(), since.into()];
        let Some(row) = self.query_one(Statement::new(FIND_LAST_DECLINE_OF_CARD, args)).await? else {
            return Ok(None);
        };
        Ok(Some(LastDecline {
            at: row.at("settled_at")?,
            reason: row.word("reason", Reason::parse)?,
            advice_code: row.opt_text("advice_code")?,
            network_code: row.opt_text("network_code")?,
            payment_id: row.id("payment_id")?,
        }))
    }

    /// What was tried with a card since `since` (30 days) and `day` (24 hours), and whether it is barred now.
    #[expect(clippy::too_many_arguments, reason = "one question, asked once per bill instead of four")]
    pub async fn find_card_use(
        &self,
        merchant_id: MerchantId,
        fingerprint: &str,
        day: Timestamp,
        since: Timestamp,
        gateway_id: GatewayId,
        amount: Money,
        now: Timestamp,
        card_id: CardId,
    ) -> Result<CardUse, StoreError> {
        let facts = self.find_bill_facts(
            merchant_id,
            fingerprint,
            (day, since),
            (gateway_id, amount),
            now,
            card_id,
            None,
            None,
        );
        Ok(facts.await?.used)
    }

    /// [`Self::find_card_use`] with what else a bill needs: the card as it may be shown, the order that its subscription
    /// began on, and the reference of that order's `first` charge of this card at this gateway, approved and not undone
    /// (M30), when it is not known yet. `since` is day and month, `place` where and how much is charged.
    #[expect(clippy::too_many_arguments, reason = "one question, asked once per bill instead of six")]
    pub async fn find_bill_facts(
        &self,
        merchant_id: MerchantId,
        fingerprint: &str,
        since: (Timestamp, Timestamp),
        place: (GatewayId, Money),
        now: Timestamp,
        card_id: CardId,
        origin: Option<OrderId>,
        first: Option<GatewayId>,
    ) -> Result<BillFacts, StoreError> {
        let ((day, month), (gateway_id, amount)) = (since, place);
        let args = vec![
            merchant_id.into(),
            fingerprint.into(),
            day.into(),
            month.into(),
            gateway_id.into(),
            amount.minor().into(),
            amount.currency().code().into(),
            now.into(),
            card_id.into(),
            Value::id(origin),
            Value::id(first),
        ];
        let Some(row) = self.query_one(Statement::new(FIND_CARD_USE, args)).await? else {
            return Ok(BillFacts::default());
        };
        let shown = match row.opt_text("bin")? {
            None => None,
            Some(bin) => Some(CardShown {
                brand: row.text("brand")?,
                bin,
                last_four: row.text("last_four")?,
                expires: row.text("expires")?,
            }),
        };
        let used = CardUse {
            day_count: row.int("day_count")?,
            scheduled_count: row.int("scheduled_count")?,
            month_count: row.int("month_count")?,
            oldest_of_day: row.opt_at("oldest_of_day")?,
            oldest_of_month: row.opt_at("oldest_of_month")?,
            locked: row.opt_text("locked")?,
            last_equal_at: row.opt_at("last_equal_at")?,
            brand: row.opt_text("brand")?,
        };
        let found: Option<OrderId> = row.opt_id("id")?;
        let origin = found.map(|_| row::read(&row)).transpose()?;
        Ok(BillFacts { used, shown, initial_reference: row.opt_text("initial_reference")?, origin })
    }
}
