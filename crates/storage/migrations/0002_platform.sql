-- The platform's half: a FlexFactor-compatible recovery service. Its payments, attempts and operations are the same
-- tables as the hub's; a recovery's id stands in their order_id.

-- A merchant account of a CRM (one MID). A reference table: a token call knows the key only.
CREATE TABLE platform_accounts (
    app_key TEXT NOT NULL PRIMARY KEY,          -- the public half of the API key
    merchant_id {id} NOT NULL REFERENCES merchants (id),
    id {id} NOT NULL,                           -- the API client's id
    secret_hash TEXT NOT NULL,                  -- keyed hash of the private half
    environment_hash TEXT NOT NULL,             -- keyed hash of the tokenization key
    site_id TEXT NOT NULL,                      -- GUID as text, lower case
    sealed {bytes} NOT NULL,                    -- the webhook signature key, sealed by the vault
    created_at {int} NOT NULL
){strict};
CREATE UNIQUE INDEX platform_accounts_mid ON platform_accounts (merchant_id);

-- A token for a stored card. The security code that came with it is never in any row.
CREATE TABLE card_tokens (
    merchant_id {id} NOT NULL,
    id {id} NOT NULL,
    card_id {id} NOT NULL,
    expires TEXT NOT NULL,                      -- YYYY-MM
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    email TEXT NOT NULL,
    created_at {int} NOT NULL,
    PRIMARY KEY (merchant_id, id)
){strict};

-- One row per order id of the merchant: the row that an evaluate and a cancel both lock, so that one of them is first.
CREATE TABLE external_orders (
    merchant_id {id} NOT NULL,
    external_order_id TEXT NOT NULL,
    version {int} NOT NULL,                     -- counts entries
    fenced_at {int},                            -- a cancel came: nothing is charged for this order any more
    PRIMARY KEY (merchant_id, external_order_id)
){strict};

CREATE TABLE recoveries (
    merchant_id {id} NOT NULL,
    id {id} NOT NULL,                           -- orderSessionKey
    external_order_id TEXT NOT NULL,            -- the merchant's orderId
    idempotency_key TEXT NOT NULL,              -- of the evaluate
    fingerprint TEXT NOT NULL,                  -- keyed hash of what was asked under that key
    state TEXT NOT NULL CHECK (state IN ('processing', 'doubtful', 'approved', 'capture_required', 'declined',
        'challenge', 'cancelled', 'refunded')),
    answered TEXT,                              -- the status that the evaluate was answered with
    reason TEXT NOT NULL,                       -- why it stands so: one sentence
    amount_minor {int} NOT NULL CHECK (amount_minor > 0),
    currency TEXT NOT NULL,
    purpose TEXT NOT NULL CHECK (purpose IN ('hold', 'collect')),
    initiator TEXT NOT NULL CHECK (initiator IN ('customer', 'merchant')),
    payment_id {id},                            -- NULL: no acquirer was asked
    refunded_minor {int} NOT NULL,
    details TEXT NOT NULL,                      -- JSON: who buys, and the decline as the merchant told it
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    PRIMARY KEY (merchant_id, id),
    CHECK ((state = 'processing') = (answered IS NULL)),
    CHECK (refunded_minor >= 0 AND refunded_minor <= amount_minor),
    CHECK (payment_id IS NOT NULL OR state IN ('declined', 'challenge', 'cancelled'))
){strict};
-- One live recovery per order of the merchant: a second evaluate never charges beside a first.
CREATE UNIQUE INDEX recoveries_one_live ON recoveries (merchant_id, external_order_id)
    WHERE state IN ('processing', 'doubtful', 'approved', 'capture_required');
CREATE UNIQUE INDEX recoveries_by_key ON recoveries (merchant_id, idempotency_key);
CREATE INDEX recoveries_by_order ON recoveries (merchant_id, external_order_id, created_at);
CREATE INDEX recoveries_by_time ON recoveries (merchant_id, created_at, id);
