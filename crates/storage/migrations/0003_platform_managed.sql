-- The platform works on managed recoveries, tells merchants what came of them, and voids holds that nobody captures.

ALTER TABLE platform_accounts ADD COLUMN webhook_url TEXT;         -- where events go; NULL: nowhere
ALTER TABLE platform_accounts ADD COLUMN capture_window_secs {int} NOT NULL DEFAULT 604800
    CHECK (capture_window_secs > 0);                               -- an uncaptured hold is voided after so long

-- Made anew: two more states, and a due time.
CREATE TABLE recoveries_of_3 (
    merchant_id {id} NOT NULL,
    id {id} NOT NULL,                           -- orderSessionKey
    external_order_id TEXT NOT NULL,            -- the merchant's orderId
    idempotency_key TEXT NOT NULL,              -- of the evaluate
    fingerprint TEXT NOT NULL,                  -- keyed hash of what was asked under that key
    state TEXT NOT NULL CHECK (state IN ('processing', 'open', 'doubtful', 'approved', 'capture_required', 'declined',
        'challenge', 'cancelled', 'expired', 'refunded')),
    answered TEXT,                              -- the status that the evaluate was answered with
    reason TEXT NOT NULL,                       -- why it stands so: one sentence
    amount_minor {int} NOT NULL CHECK (amount_minor > 0),
    currency TEXT NOT NULL,
    purpose TEXT NOT NULL CHECK (purpose IN ('hold', 'collect')),
    initiator TEXT NOT NULL CHECK (initiator IN ('customer', 'merchant')),
    payment_id {id},                            -- NULL: no acquirer was asked
    refunded_minor {int} NOT NULL,
    details TEXT NOT NULL,                      -- JSON: who buys, and the decline as the merchant told it
    email_lower TEXT NOT NULL,                  -- for searching
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    expires_at {int},                           -- managed: until when it may be worked on
    card_id {id},                               -- managed: the card to be charged
    card_expires TEXT,                          -- managed: YYYY-MM
    steps {int} NOT NULL,                       -- managed: how often it was worked on
    charged_back_at {int},
    due_at {int},                               -- open: the next step; capture_required: the end of the hold
    lease_until {int},
    lease_fence {id},
    PRIMARY KEY (merchant_id, id),
    CHECK ((state = 'processing') = (answered IS NULL)),
    CHECK (refunded_minor >= 0 AND refunded_minor <= amount_minor),
    CHECK (payment_id IS NOT NULL OR state IN ('declined', 'challenge', 'cancelled')),
    CHECK ((state IN ('open', 'capture_required')) = (due_at IS NOT NULL)),
    CHECK (state NOT IN ('open', 'expired') OR (expires_at IS NOT NULL AND card_id IS NOT NULL))
){strict};
INSERT INTO recoveries_of_3 (merchant_id, id, external_order_id, idempotency_key, fingerprint, state, answered, reason,
    amount_minor, currency, purpose, initiator, payment_id, refunded_minor, details, email_lower, created_at, updated_at,
    steps, due_at)
SELECT merchant_id, id, external_order_id, idempotency_key, fingerprint, state, answered, reason,
    amount_minor, currency, purpose, initiator, payment_id, refunded_minor, details, '', created_at, updated_at,
    0, CASE WHEN state = 'capture_required' THEN updated_at + 604800000000 END
FROM recoveries;
DROP TABLE recoveries;
ALTER TABLE recoveries_of_3 RENAME TO recoveries;
-- One live recovery per order of the merchant: a second evaluate never charges beside a first.
CREATE UNIQUE INDEX recoveries_one_live ON recoveries (merchant_id, external_order_id)
    WHERE state IN ('processing', 'open', 'doubtful', 'approved', 'capture_required');
CREATE UNIQUE INDEX recoveries_by_key ON recoveries (merchant_id, idempotency_key);
CREATE INDEX recoveries_by_order ON recoveries (merchant_id, external_order_id, created_at);
CREATE INDEX recoveries_by_time ON recoveries (merchant_id, created_at, id);
CREATE INDEX recoveries_by_email ON recoveries (merchant_id, email_lower, created_at) WHERE email_lower <> '';
CREATE INDEX recoveries_due ON recoveries (due_at, merchant_id) WHERE due_at IS NOT NULL;
CREATE INDEX recoveries_due_of_merchant ON recoveries (merchant_id, due_at) WHERE due_at IS NOT NULL;

-- What merchants are told. An event of a kind happens once per subject; its row is its delivery.
CREATE TABLE platform_events (
    merchant_id {id} NOT NULL,
    id {id} NOT NULL,
    recovery_id {id} NOT NULL,
    subject_id {id} NOT NULL,                   -- the recovery, or the refund
    kind TEXT NOT NULL CHECK (kind IN ('order.completed', 'order.expired', 'order.cancelled', 'order.refunded',
        'order.capturerequired', 'payment.chargeback.received')),
    external_order_id TEXT NOT NULL,
    event_data TEXT,                            -- JSON; NULL: none
    created_at {int} NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'given_up', 'unaddressed')),
    tries {int} NOT NULL,
    last_result TEXT NOT NULL,                  -- what came of the last try, in words
    next_try_at {int},
    lease_until {int},
    lease_fence {id},
    PRIMARY KEY (merchant_id, id),
    CHECK ((state = 'waiting') = (next_try_at IS NOT NULL))
){strict};
CREATE UNIQUE INDEX platform_events_once ON platform_events (merchant_id, subject_id, kind);
CREATE INDEX platform_events_by_recovery ON platform_events (merchant_id, recovery_id, created_at);
CREATE INDEX platform_events_due ON platform_events (next_try_at, merchant_id) WHERE next_try_at IS NOT NULL;
CREATE INDEX platform_events_due_of_merchant ON platform_events (merchant_id, next_try_at)
    WHERE next_try_at IS NOT NULL;

-- Copies of a merchant's ordinary transactions; nothing is charged for them.
CREATE TABLE platform_transmits (
    merchant_id {id} NOT NULL,
    id {id} NOT NULL,                           -- transmitId
    external_order_id TEXT NOT NULL,
    is_declined {bool} NOT NULL,
    amount_minor {int} NOT NULL,
    currency TEXT NOT NULL,
    details TEXT NOT NULL,                      -- JSON, card numbers masked
    created_at {int} NOT NULL,
    PRIMARY KEY (merchant_id, id)
){strict};
CREATE INDEX platform_transmits_by_order ON platform_transmits (merchant_id, external_order_id, created_at);
