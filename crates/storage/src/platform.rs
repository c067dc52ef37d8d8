//! The platform's rows: accounts, card tokens, the merchant's order ids, recoveries.

use domain::attempt::{Initiator, Purpose};
use domain::ids::{AccountId, CardId, MerchantId, PaymentId, RecoveryId, TokenId};
use domain::money::Money;
use jiff::Timestamp;

use crate::doctor::Broken;
use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;
use crate::value::{Row, Value};

/// The statements of this module.
pub(crate) const ALL: &[&str] = &[
    INSERT_ACCOUNT,
    FIND_ACCOUNT_BY_KEY,
    FIND_ACCOUNT,
    INSERT_CARD_TOKEN,
    FIND_CARD_TOKEN,
    ENTER_ORDER,
    FENCE_ORDER,
    INSERT_RECOVERY,
    MOVE_RECOVERY,
    REFUND_RECOVERY,
    FIND_RECOVERY,
    FIND_RECOVERY_BY_KEY,
    LIST_RECOVERIES_OF_EXTERNAL_ORDER,
    LIST_RECOVERIES,
    COUNT_RECOVERIES,
    RECOVERY_WITHOUT_WORK,
    RECOVERED_WITHOUT_PAID,
    PAID_WITHOUT_RECOVERED,
];

/// A merchant account of a CRM: one MID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformAccount {
    /// The tenant; its UUID is the MID.
    pub merchant_id: MerchantId,
    /// The API client.
    pub id: AccountId,
    /// The public half of the API key.
    pub app_key: String,
    /// Keyed hash of the private half.
    pub secret_hash: String,
    /// Keyed hash of the tokenization key.
    pub environment_hash: String,
    /// The site's GUID, lower case.
    pub site_id: String,
    /// The webhook signature key, sealed.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

const INSERT_ACCOUNT: &str = "-- insert_platform_account
INSERT INTO platform_accounts (app_key, merchant_id, id, secret_hash, environment_hash, site_id, sealed, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT DO NOTHING";

/// Name of the step that fails when the key or the MID has an account already.
pub const ACCOUNT_EXISTS: &str = "insert_platform_account";

/// A new account of an existing tenant; conflict when the key or the MID has one already.
pub fn insert_account(account: &PlatformAccount) -> Step {
    Step::one(
        INSERT_ACCOUNT,
        vec![
            Value::from(&account.app_key),
            account.merchant_id.into(),
            account.id.into(),
            Value::from(&account.secret_hash),
            Value::from(&account.environment_hash),
            Value::from(&account.site_id),
            account.sealed.clone().into(),
            account.created_at.into(),
        ],
    )
}

const FIND_ACCOUNT_BY_KEY: &str = "-- find_platform_account_by_key
SELECT app_key, merchant_id, id, secret_hash, environment_hash, site_id, sealed, created_at
FROM platform_accounts
WHERE app_key = $1";

const FIND_ACCOUNT: &str = "-- find_platform_account
SELECT app_key, merchant_id, id, secret_hash, environment_hash, site_id, sealed, created_at
FROM platform_accounts
WHERE merchant_id = $1";

/// A token for a stored card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardToken {
    /// The tenant.
    pub merchant_id: MerchantId,
    /// The token.
    pub id: TokenId,
    /// The stored card.
    pub card_id: CardId,
    /// `YYYY-MM`.
    pub expires: String,
    /// Given name on the card.
    pub first_name: String,
    /// Family name on the card.
    pub last_name: String,
    /// E-mail address; may be empty.
    pub email: String,
    /// When it was made.
    pub created_at: Timestamp,
}

const INSERT_CARD_TOKEN: &str = "-- insert_card_token
INSERT INTO card_tokens (merchant_id, id, card_id, expires, first_name, last_name, email, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

/// A new token; its card is stored in the same transaction.
pub fn insert_card_token(token: &CardToken) -> Step {
    Step::one(
        INSERT_CARD_TOKEN,
        vec![
            token.merchant_id.into(),
            token.id.into(),
            token.card_id.into(),
            Value::from(&token.expires),
            Value::from(&token.first_name),
            Value::from(&token.last_name),
            Value::from(&token.email),
            token.created_at.into(),
        ],
    )
}

const FIND_CARD_TOKEN: &str = "-- find_card_token
SELECT merchant_id, id, card_id, expires, first_name, last_name, email, created_at
FROM card_tokens
WHERE merchant_id = $1
    AND id = $2";

const ENTER_ORDER: &str = "-- enter_order
INSERT INTO external_orders (merchant_id, external_order_id, version, fenced_at)
VALUES ($1, $2, 1, NULL)
ON CONFLICT (merchant_id, external_order_id) DO UPDATE
SET version = external_orders.version + 1
WHERE external_orders.fenced_at IS NULL";

/// Name of the step that fails when the merchant has cancelled the order.
pub const CANCELLED_BEFORE: &str = "enter_order";

/// Locks the merchant's order id for the rest of the transaction; conflict once a cancel has fenced it (M8).
pub fn enter_order(merchant_id: MerchantId, external_order_id: &str) -> Step {
    Step::one(ENTER_ORDER, vec![merchant_id.into(), external_order_id.into()])
}

const FENCE_ORDER: &str = "-- fence_order
INSERT INTO external_orders (merchant_id, external_order_id, version, fenced_at)
VALUES ($1, $2, 1, $3)
ON CONFLICT (merchant_id, external_order_id) DO UPDATE
SET version = external_orders.version + 1,
    fenced_at = COALESCE(external_orders.fenced_at, excluded.fenced_at)";

/// Fences the merchant's order id for good, known or not: every later [`enter_order`] is a conflict (M8).
pub fn fence_order(merchant_id: MerchantId, external_order_id: &str, at: Timestamp) -> Step {
    Step::one(FENCE_ORDER, vec![merchant_id.into(), external_order_id.into(), at.into()])
}

/// Where a recovery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryState {
    /// Its acquirers are being asked.
    Processing,
    /// Told "declined" because an acquirer's answer was lost; being cleared up, an approval is undone (M29).
    Doubtful,
    /// Collected.
    Approved,
    /// Held; to be captured or cancelled.
    CaptureRequired,
    /// Not collected.
    Declined,
    /// Waits for the shopper (sandbox only).
    Challenge,
    /// Cancelled by the merchant.
    Cancelled,
    /// Collected, then given back in full.
    Refunded,
}

impl RecoveryState {
    /// All states.
    pub const ALL: [Self; 8] = [
        Self::Processing,
        Self::Doubtful,
        Self::Approved,
        Self::CaptureRequired,
        Self::Declined,
        Self::Challenge,
        Self::Cancelled,
        Self::Refunded,
    ];

    /// The word stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Doubtful => "doubtful",
            Self::Approved => "approved",
            Self::CaptureRequired => "capture_required",
            Self::Declined => "declined",
            Self::Challenge => "challenge",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
        }
    }

    /// The state with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether another recovery of the same order must not begin beside it.
    pub fn is_live(self) -> bool {
        match self {
            Self::Processing | Self::Doubtful | Self::Approved | Self::CaptureRequired => true,
            Self::Declined | Self::Challenge | Self::Cancelled | Self::Refunded => false,
        }
    }
}

/// Everything done to one declined payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The tenant.
    pub merchant_id: MerchantId,
    /// Its id, the `orderSessionKey`; its UUID stands as the order id of its payment and attempts.
    pub id: RecoveryId,
    /// The merchant's order id.
    pub external_order_id: String,
    /// The evaluate's key.
    pub idempotency_key: String,
    /// Keyed hash of what was asked under that key.
    pub fingerprint: String,
    /// Where it stands.
    pub state: RecoveryState,
    /// The status that the evaluate was answered with; none while it runs.
    pub answered: Option<String>,
    /// Why it stands so: one sentence.
    pub reason: String,
    /// What is asked for.
    pub amount: Money,
    /// Hold or collect.
    pub purpose: Purpose,
    /// Customer or merchant.
    pub initiator: Initiator,
    /// Its payment; none when no acquirer was asked.
    pub payment_id: Option<PaymentId>,
    /// Minor units given back.
    pub refunded_minor: i64,
    /// JSON.
    pub details: String,
    /// When the evaluate came.
    pub created_at: Timestamp,
}

const INSERT_RECOVERY: &str = "-- insert_recovery
INSERT INTO recoveries (merchant_id, id, external_order_id, idempotency_key, fingerprint, state, answered, reason,
    amount_minor, currency, purpose, initiator, payment_id, refunded_minor, details, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)
ON CONFLICT DO NOTHING";

/// Name of the step that fails when the key was used, or another recovery of the same order is live.
pub const RECOVERY_EXISTS: &str = "insert_recovery";

/// A new recovery; conflict when its key was used before, or another recovery of the same order is live.
pub fn insert_recovery(recovery: &Recovery) -> Step {
    Step::one(
        INSERT_RECOVERY,
        vec![
            recovery.merchant_id.into(),
            recovery.id.into(),
            Value::from(&recovery.external_order_id),
            Value::from(&recovery.idempotency_key),
            Value::from(&recovery.fingerprint),
            recovery.state.as_str().into(),
            recovery.answered.clone().into(),
            Value::from(&recovery.reason),
            recovery.amount.minor().into(),
            recovery.amount.currency().code().into(),
            recovery.purpose.as_str().into(),
            recovery.initiator.as_str().into(),
            Value::id(recovery.payment_id),
            recovery.refunded_minor.into(),
            Value::from(&recovery.details),
            recovery.created_at.into(),
        ],
    )
}

const MOVE_RECOVERY: &str = "-- move_recovery
UPDATE recoveries
SET state = $3,
    answered = COALESCE(answered, $4),
    reason = $5,
    updated_at = $6
WHERE merchant_id = $1
    AND id = $2
    AND $7 LIKE '%,' || state || ',%'";

/// Moves a recovery from one of these states; from any other, nothing happens. `answered` is kept from the first time.
pub fn move_recovery(
    merchant_id: MerchantId,
    id: RecoveryId,
    from: &[RecoveryState],
    to: RecoveryState,
    answered: Option<&str>,
    reason: &str,
    at: Timestamp,
) -> Step {
    let args = vec![
        merchant_id.into(),
        id.into(),
        to.as_str().into(),
        answered.map(ToOwned::to_owned).into(),
        reason.into(),
        at.into(),
        words(from).into(),
    ];
    Step::any(MOVE_RECOVERY, args)
}

/// Name of the step that fails when somebody else has ended the recovery.
pub const MOVED_BEFORE: &str = "move_recovery";

/// The same, and from any other state it is a conflict.
pub fn require_move(step: Step) -> Step {
    Step { expect: crate::Expect::One, ..step }
}

/// States as one text for `LIKE`, e.g. `,approved,declined,`.
fn words(states: &[RecoveryState]) -> String {
    states.iter().fold(",".to_owned(), |text, state| text + state.as_str() + ",")
}

const REFUND_RECOVERY: &str = "-- refund_recovery
UPDATE recoveries
SET refunded_minor = refunded_minor + $3,
    state = CASE WHEN refunded_minor + $3 >= amount_minor THEN 'refunded' ELSE state END,
    updated_at = $4
WHERE merchant_id = $1
    AND id = $2";

/// Counts minor units given back; all of them make it refunded.
pub fn refund_recovery(merchant_id: MerchantId, id: RecoveryId, minor: i64, at: Timestamp) -> Step {
    Step::one(REFUND_RECOVERY, vec![merchant_id.into(), id.into(), minor.into(), at.into()])
}

macro_rules! columns {
    () => {
        "merchant_id, id, external_order_id, idempotency_key, fingerprint, state, answered, reason, amount_minor,
         currency, purpose, initiator, payment_id, refunded_minor, details, created_at"
    };
}

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
LIMIT $3"
);

macro_rules! filter {
    () => {
        "
FROM recoveries
WHERE merchant_id = $1
    AND (CAST($2 AS TEXT) IS NULL OR external_order_id = $2)
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
ORDER BY (CASE WHEN $6 = 'amount' THEN amount_minor ELSE created_at END) * $7, id
LIMIT $8 OFFSET $9"
);

const COUNT_RECOVERIES: &str = concat!(
    "-- count_recoveries
SELECT CAST(COUNT(*) AS BIGINT) AS total",
    filter!()
);

/// Which recoveries are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryFilter {
    /// The merchant's order id, exactly.
    pub external_order_id: Option<String>,
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
            self.external_order_id.clone().into(),
            self.states.as_deref().map(words).into(),
            self.from.into(),
            self.to.into(),
        ]
    }
}

const RECOVERY_WITHOUT_WORK: &str = "-- recovery_without_work
SELECT r.merchant_id, r.id, 'recovery waits for an acquirer that nobody asks' AS what
FROM recoveries r
WHERE r.state = 'processing' AND NOT EXISTS (
    SELECT 1 FROM attempts a WHERE a.merchant_id = r.merchant_id AND a.payment_id = r.payment_id
        AND a.state IN ('sending', 'in_doubt', 'pending'))
ORDER BY r.id";

const RECOVERED_WITHOUT_PAID: &str = "-- recovered_without_paid
SELECT r.merchant_id, r.id, 'recovery is answered approved and its payment is not' AS what
FROM recoveries r
WHERE r.state IN ('approved', 'capture_required') AND NOT EXISTS (
    SELECT 1 FROM payments p WHERE p.merchant_id = r.merchant_id AND p.id = r.payment_id AND p.state = 'paid')
ORDER BY r.id";

const PAID_WITHOUT_RECOVERED: &str = "-- paid_without_recovered
SELECT a.merchant_id, a.id, 'attempt is approved, its recovery is not, and nothing undoes it' AS what
FROM attempts a
JOIN recoveries r ON r.merchant_id = a.merchant_id AND r.payment_id = a.payment_id
WHERE a.state = 'approved' AND a.reversed_at IS NULL AND r.state NOT IN ('approved', 'capture_required')
    AND NOT EXISTS (
        SELECT 1 FROM operations x WHERE x.merchant_id = a.merchant_id AND x.attempt_id = a.id
            AND x.kind IN ('void', 'refund') AND x.state IN ('sending', 'in_doubt', 'done'))
    AND NOT EXISTS (
        SELECT 1 FROM alerts l WHERE l.merchant_id = a.merchant_id AND l.attempt_id = a.id AND l.closed_at IS NULL)
ORDER BY a.id";

impl Store {
    /// The account of an API key.
    pub async fn find_platform_account_by_key(
        &self,
        app_key: &str,
    ) -> Result<Option<PlatformAccount>, StoreError> {
        let statement = Statement::new(FIND_ACCOUNT_BY_KEY, vec![app_key.into()]);
        self.query_one(statement).await?.map(|row| read_account(&row)).transpose()
    }

    /// The account of a MID.
    pub async fn find_platform_account(
        &self,
        merchant_id: MerchantId,
    ) -> Result<Option<PlatformAccount>, StoreError> {
        let statement = Statement::new(FIND_ACCOUNT, vec![merchant_id.into()]);
        self.query_one(statement).await?.map(|row| read_account(&row)).transpose()
    }

    /// A card token.
    pub async fn find_card_token(
        &self,
        merchant_id: MerchantId,
        id: TokenId,
    ) -> Result<Option<CardToken>, StoreError> {
        let statement = Statement::new(FIND_CARD_TOKEN, vec![merchant_id.into(), id.into()]);
        self.query_one(statement).await?.map(|row| read_token(&row)).transpose()
    }

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

    /// Every broken invariant of recoveries; and how many were checked.
    pub async fn list_broken_recoveries(&self) -> Result<(Vec<Broken>, usize), StoreError> {
        let checks = [RECOVERY_WITHOUT_WORK, RECOVERED_WITHOUT_PAID, PAID_WITHOUT_RECOVERED];
        let mut broken = Vec::new();
        for sql in checks {
            let statement = Statement::new(sql, vec![]);
            let name = statement.name();
            for row in self.query(statement).await? {
                let id: RecoveryId = row.id("id")?;
                broken.push(Broken { invariant: name.to_owned(), what: row.text("what")?, id: id.base32() });
            }
        }
        Ok((broken, checks.len()))
    }
}

fn read_account(row: &Row) -> Result<PlatformAccount, StoreError> {
    Ok(PlatformAccount {
        merchant_id: row.id("merchant_id")?,
        id: row.id("id")?,
        app_key: row.text("app_key")?,
        secret_hash: row.text("secret_hash")?,
        environment_hash: row.text("environment_hash")?,
        site_id: row.text("site_id")?,
        sealed: row.opt_bytes("sealed")?.unwrap_or_default(),
        created_at: row.at("created_at")?,
    })
}

fn read_token(row: &Row) -> Result<CardToken, StoreError> {
    Ok(CardToken {
        merchant_id: row.id("merchant_id")?,
        id: row.id("id")?,
        card_id: row.id("card_id")?,
        expires: row.text("expires")?,
        first_name: row.text("first_name")?,
        last_name: row.text("last_name")?,
        email: row.text("email")?,
        created_at: row.at("created_at")?,
    })
}

fn read(row: &Row) -> Result<Recovery, StoreError> {
    Ok(Recovery {
        merchant_id: row.id("merchant_id")?,
        id: row.id("id")?,
        external_order_id: row.text("external_order_id")?,
        idempotency_key: row.text("idempotency_key")?,
        fingerprint: row.text("fingerprint")?,
        state: row.word("state", RecoveryState::parse)?,
        answered: row.opt_text("answered")?,
        reason: row.text("reason")?,
        amount: row.money("amount_minor", "currency")?,
        purpose: row.word("purpose", Purpose::parse)?,
        initiator: row.word("initiator", Initiator::parse)?,
        payment_id: row.opt_id("payment_id")?,
        refunded_minor: row.int("refunded_minor")?,
        details: row.text("details")?,
        created_at: row.at("created_at")?,
    })
}
