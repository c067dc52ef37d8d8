//! The SQL that copies the pattern a million times: inside the database, as rows of any number of merchants.
//!
//! `$1` to `$2` are the copies' numbers, `$3` the pattern's merchant, `$4` (but for merchants) the row that is copied and
//! `$5` over how many merchants they are spread. A copy's ids are made of its number, as [`id`] says.

use domain::ids::Id;
use storage::Dialect;
use uuid::Uuid;

/// What an id is made for: two digits of it.
pub(super) const MERCHANT: u64 = 0xa0;
/// See [`MERCHANT`].
pub(super) const CARD: u64 = 0xa5;

/// The id of a copy.
pub(super) fn id<I: Id>(kind: u64, number: u32) -> I {
    I::from_uuid(Uuid::from_u64_pair(0x019a_b000_0000_7000 | kind, u64::from(number)))
}

/// The statements of one database, made once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Copies {
    pub(super) merchants: &'static str,
    pub(super) configuration: &'static str,
    pub(super) cards: &'static str,
    pub(super) orders: &'static str,
    pub(super) payments: &'static str,
    pub(super) attempts: &'static str,
    pub(super) subscriptions: &'static str,
}

const MERCHANTS: &str = "-- bench_copy_merchants
INSERT INTO merchants (id, title, config_version, created_at)
{numbers}
SELECT {a0:n}, title, config_version, created_at
FROM numbers CROSS JOIN merchants
WHERE merchants.id = $3";

const CONFIGURATION: &str = "-- bench_copy_configuration
INSERT INTO configuration (merchant_id, resource, id, number, body, sealed, created_at, updated_at)
{numbers}
SELECT {a0:n}, resource, id, number, body, sealed, created_at, updated_at
FROM numbers CROSS JOIN configuration
WHERE configuration.merchant_id = $3";

const CARDS: &str = "-- bench_copy_cards
INSERT INTO cards (merchant_id, id, fingerprint, brand, bin, last_four, expires, sealed, created_at, updated_at)
{numbers}
SELECT {a0:n % $5}, {a5:n}, 'card' || n, brand, bin, last_four, expires, sealed, created_at, updated_at
FROM numbers CROSS JOIN cards
WHERE cards.merchant_id = $3 AND cards.id = $4";

const ORDERS: &str = "-- bench_copy_orders
INSERT INTO orders (merchant_id, id, customer_id, campaign_id, campaign_number, status, total_minor, sales_tax_minor,
    currency, email_lower, ip_address, routed_gateway_id, routed_profile_id, is_test, is_salvaged, guard_key,
    cascade_note, details, created_at, updated_at)
{numbers}
SELECT {a0:n % $5}, {a2:n}, {a1:n}, campaign_id, campaign_number, status, total_minor, sales_tax_minor,
    currency, 'b' || n || '@example.test', ip_address, routed_gateway_id, routed_profile_id, is_test, is_salvaged,
    'guard' || n, cascade_note, details, created_at - $6 + n, updated_at - $6 + n
FROM numbers CROSS JOIN orders
WHERE orders.merchant_id = $3 AND orders.id = $4";

const PAYMENTS: &str = "-- bench_copy_payments
INSERT INTO payments (merchant_id, id, order_id, amount_minor, currency, state, created_at, updated_at)
{numbers}
SELECT {a0:n % $5}, {a3:n}, {a2:n}, amount_minor, currency, state, created_at - $6 + n, updated_at - $6 + n
FROM numbers CROSS JOIN payments
WHERE payments.merchant_id = $3 AND payments.id = $4";

const ATTEMPTS: &str = "-- bench_copy_attempts
INSERT INTO attempts (merchant_id, id, payment_id, order_id, purpose, initiator, route, gateway_id, gateway_kind,
    amount_minor, currency, card_id, card_fingerprint, why, created_at, state, gateway_reference, auth_code, avs, cvv,
    text, approved_minor, settled_at, checks, needs_person)
{numbers}
SELECT {a0:n % $5}, {a4:n}, {a3:n}, {a2:n}, purpose, initiator, route, gateway_id, gateway_kind,
    amount_minor, currency, {a5:n}, 'card' || n, why, created_at - $6 + n, state, gateway_reference, auth_code, avs, cvv,
    text, approved_minor, settled_at - $6 + n, checks, needs_person
FROM numbers CROSS JOIN attempts
WHERE attempts.merchant_id = $3 AND attempts.id = $4";

/// `$7` is the first due time, and they are spread over `$8` seconds from there.
const SUBSCRIPTIONS: &str = "-- bench_copy_subscriptions
INSERT INTO subscriptions (merchant_id, id, customer_id, order_id, campaign_id, product_id, status, stop_reason,
    gateway_id, card_id, card_fingerprint, cycle, collecting, slot, tries, next_bill_at, next_action_at, pause_at,
    initial_gateway_id, initial_reference, held, details, version, created_at, updated_at)
{numbers}
SELECT {a0:n % $5}, {a6:n}, {a1:n}, {a2:n}, campaign_id, product_id, status, stop_reason,
    gateway_id, {a5:n}, 'card' || n, cycle, collecting, slot, tries, $7 + (n * 7919 % $8) * 1000000,
    $7 + (n * 7919 % $8) * 1000000, pause_at,
    initial_gateway_id, initial_reference, held, details, version, created_at - $6 + n, updated_at - $6 + n
FROM numbers CROSS JOIN subscriptions
WHERE subscriptions.merchant_id = $3 AND subscriptions.id = $4";

const NUMBERS: &str = "WITH RECURSIVE numbers (n) AS (
    SELECT CAST($1 AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n < $2)";

/// The statements in the words of a database. Kept for the rest of the process: a statement's text is its name.
pub(super) fn copies(dialect: Dialect) -> Copies {
    let made = |template: &str| -> &'static str {
        let mut text = template.replace("{numbers}", NUMBERS);
        for kind in MERCHANT..=0xa6 {
            text = text.replace(&format!("{{{kind:x}:n}}"), &id_of(dialect, kind, "n"));
            text = text.replace(&format!("{{{kind:x}:n % $5}}"), &id_of(dialect, kind, "n % $5"));
        }
        Box::leak(text.into_boxed_str())
    };
    Copies {
        merchants: made(MERCHANTS),
        configuration: made(CONFIGURATION),
        cards: made(CARDS),
        orders: made(ORDERS),
        payments: made(PAYMENTS),
        attempts: made(ATTEMPTS),
        subscriptions: made(SUBSCRIPTIONS),
    }
}

// Differs: neither database makes an id of digits as the other one does.
fn id_of(dialect: Dialect, kind: u64, number: &str) -> String {
    let head = format!("019ab000000070{kind:x}");
    match dialect {
        Dialect::Sqlite => format!("unhex('{head}' || printf('%016x', {number}))"),
        Dialect::Postgres => format!("CAST('{head}' || lpad(to_hex({number}), 16, '0') AS UUID)"),
    }
}
