-- Ids are 16 bytes, instants are microseconds UTC, money is minor units and an ISO 4217 code, enums are words.
-- Every key begins with merchant_id, except in merchants, api_users, api_keys, marks and heartbeats (reference tables).

CREATE TABLE merchants (
    id {id} NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    config_version {int} NOT NULL,              -- counts changes of the configuration
    created_at {int} NOT NULL
){strict};

-- One row per configured thing; a snapshot of all rows of a merchant is loaded, checked and saved as a whole.
CREATE TABLE configuration (
    merchant_id {id} NOT NULL REFERENCES merchants (id),
    resource TEXT NOT NULL CHECK (resource IN
        ('account', 'gateway', 'gateway_profile', 'cascade_profile', 'decline_map', 'campaign')),
    id {id} NOT NULL,
    number {int} NOT NULL CHECK (number >= 0),  -- its number in the CRM-compatible API
    body TEXT NOT NULL,                         -- JSON, without secrets
    sealed {bytes},                             -- the gateway's credentials, sealed by the vault
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    PRIMARY KEY (merchant_id, resource, id)
){strict};
CREATE UNIQUE INDEX configuration_numbers ON configuration (merchant_id, resource, number);

CREATE TABLE api_users (
    login TEXT NOT NULL PRIMARY KEY,            -- loginId
    merchant_id {id} NOT NULL REFERENCES merchants (id),
    id {id} NOT NULL,
    password_hash TEXT NOT NULL,                -- argon2id
    ip_allow TEXT NOT NULL,                     -- JSON array of addresses and networks; empty: loopback only
    created_at {int} NOT NULL,
    disabled_at {int}
){strict};

CREATE TABLE api_keys (
    key_hash TEXT NOT NULL PRIMARY KEY,         -- SHA-256 of the bearer key, hex
    merchant_id {id} NOT NULL REFERENCES merchants (id),
    id {id} NOT NULL,
    title TEXT NOT NULL,
    scopes TEXT NOT NULL,                       -- JSON array: read, write, operate
    ip_allow TEXT NOT NULL,                     -- JSON array; empty: any address
    created_at {int} NOT NULL,
    revoked_at {int}
){strict};

CREATE TABLE cards (
    merchant_id {id} NOT NULL,
    id {id} NOT NULL,                           -- made of the fingerprint
    fingerprint TEXT NOT NULL,                  -- keyed; the same card is the same row
    brand TEXT NOT NULL,
    bin TEXT NOT NULL CHECK (length(bin) = 6),
    last_four TEXT NOT NULL CHECK (length(last_four) = 4),
    expires TEXT NOT NULL,                      -- YYYY-MM
    sealed {bytes} NOT NULL,                    -- the number, sealed by the vault
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    PRIMARY KEY (merchant_id, id)
){strict};

CREATE TABLE orders (
    merchant_id {id} NOT NULL,
    id {id} NOT NULL,
    customer_id {id} NOT NULL,
    campaign_id {id} NOT NULL,
    campaign_number {int} NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('partial', 'pending', 'complete', 'declined', 'refunded', 'cancelled')),
    total_minor {int} NOT NULL,
    sales_tax_minor {int} NOT NULL,
    currency TEXT NOT NULL,
    email_lower TEXT NOT NULL,                  -- for searching
    ip_address TEXT NOT NULL,
    routed_gateway_id {id},                     -- the gateway first chosen
    routed_profile_id {id},                     -- the gateway profile that chose it
    is_test {bool} NOT NULL,
    is_salvaged {bool} NOT NULL,
    guard_key TEXT NOT NULL,                    -- what makes a repeated import the same import
    cascade_note TEXT NOT NULL,
    details TEXT NOT NULL,                      -- JSON: items, contact, extra, card as shown
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    PRIMARY KEY (merchant_id, id)
){strict};
CREATE INDEX orders_by_time ON orders (merchant_id, created_at, id);
CREATE INDEX orders_by_email ON orders (merchant_id, email_lower, created_at);

-- One row per import that may not be charged again within the window (M3).
CREATE TABLE checkout_guards (
    merchant_id {id} NOT NULL,
    guard_key TEXT NOT NULL,                    -- keyed hash of campaign, items, amount, e-mail, card
    order_id {id} NOT NULL,
    created_at {int} NOT NULL,
    PRIMARY KEY (merchant_id, guard_key)
){strict};

CREATE TABLE payments (
    merchant_id {id} NOT NULL,
    id {id} NOT NULL,
    order_id {id} NOT NULL,
    amount_minor {int} NOT NULL CHECK (amount_minor >= 0),
    currency TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('attempting', 'in_doubt', 'paid', 'declined', 'reversed')),
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    PRIMARY KEY (merchant_id, id)
){strict};
CREATE INDEX payments_by_order ON payments (merchant_id, order_id);

CREATE TABLE attempts (
    merchant_id {id} NOT NULL,
    id {id} NOT NULL,
    payment_id {id} NOT NULL,
    order_id {id} NOT NULL,
    purpose TEXT NOT NULL CHECK (purpose IN ('hold', 'collect')),
    initiator TEXT NOT NULL CHECK (initiator IN ('customer', 'merchant')),
    route TEXT NOT NULL CHECK (route IN ('first', 'repeat', 'next_gateway', 'cascade', 'cascade_all', 'reimport')),
    gateway_id {id} NOT NULL,
    gateway_kind TEXT NOT NULL,
    amount_minor {int} NOT NULL CHECK (amount_minor >= 0),
    currency TEXT NOT NULL,
    card_id {id} NOT NULL,
    card_fingerprint TEXT NOT NULL,
    salvages {id},                              -- the declined attempt that this one salvages
    why TEXT NOT NULL,                          -- one sentence
    created_at {int} NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('sending', 'in_doubt', 'pending', 'approved', 'declined', 'not_executed')),
    doubt TEXT,                                 -- why it is or was in doubt
    doubt_since {int},
    gateway_reference TEXT,                     -- the gateway's id
    auth_code TEXT,
    avs TEXT,
    cvv TEXT,
    text TEXT,                                  -- the gateway's words
    approved_minor {int},
    code TEXT,                                  -- the gateway's code
    network_code TEXT,
    advice_code TEXT,
    reason TEXT,                                -- our canonical reason
    class_read TEXT CHECK (class_read IN ('soft', 'hard')),
    class TEXT CHECK (class IN ('soft', 'hard')),       -- after decline maps
    map_id {id},
    text_shown TEXT,
    lapse TEXT,                                 -- why it provably did nothing
    settled_at {int},
    reversed_at {int},
    checks {int} NOT NULL,                      -- how often the gateway was asked
    next_check_at {int},                        -- due time: ask, or take up after a crash
    fence_unknown_at {int},                     -- when a fence was first answered with "unknown"
    needs_person {bool} NOT NULL,
    lease_until {int},
    lease_fence {id},
    PRIMARY KEY (merchant_id, id),
    CHECK ((state IN ('approved', 'declined', 'not_executed')) = (settled_at IS NOT NULL)),
    CHECK ((state = 'approved') = (approved_minor IS NOT NULL)),
    CHECK ((state = 'declined') = (class IS NOT NULL)),
    CHECK ((state = 'not_executed') = (lapse IS NOT NULL)),
    CHECK (state <> 'in_doubt' OR doubt IS NOT NULL),
    CHECK (reversed_at IS NULL OR state = 'approved')
){strict};
-- One live attempt per payment and purpose (M15).
CREATE UNIQUE INDEX attempts_one_live ON attempts (merchant_id, payment_id, purpose)
    WHERE state IN ('sending', 'in_doubt', 'pending') OR (state = 'approved' AND reversed_at IS NULL);
CREATE INDEX attempts_by_order ON attempts (merchant_id, order_id, created_at);
CREATE INDEX attempts_by_card ON attempts (merchant_id, card_fingerprint, created_at);
CREATE INDEX attempts_due ON attempts (next_check_at, merchant_id) WHERE next_check_at IS NOT NULL;
CREATE INDEX attempts_due_of_merchant ON attempts (merchant_id, next_check_at) WHERE next_check_at IS NOT NULL;

-- Captures, voids and refunds, with an intent of their own (M16).
CREATE TABLE operations (
    merchant_id {id} NOT NULL,
    id {id} NOT NULL,
    attempt_id {id} NOT NULL,
    order_id {id} NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('capture', 'void', 'refund')),
    amount_minor {int} NOT NULL CHECK (amount_minor >= 0),
    currency TEXT NOT NULL,
    why TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('sending', 'in_doubt', 'done', 'refused', 'not_executed')),
    gateway_reference TEXT,
    code TEXT,
    text TEXT,
    created_at {int} NOT NULL,
    settled_at {int},
    checks {int} NOT NULL,
    next_check_at {int},
    needs_person {bool} NOT NULL,
    lease_until {int},
    lease_fence {id},
    PRIMARY KEY (merchant_id, id),
    CHECK ((state IN ('done', 'refused', 'not_executed')) = (settled_at IS NOT NULL))
){strict};
CREATE UNIQUE INDEX operations_one_live ON operations (merchant_id, attempt_id)
    WHERE state IN ('sending', 'in_doubt');
CREATE INDEX operations_by_attempt ON operations (merchant_id, attempt_id, created_at);
CREATE INDEX operations_due ON operations (next_check_at, merchant_id) WHERE next_check_at IS NOT NULL;
CREATE INDEX operations_due_of_merchant ON operations (merchant_id, next_check_at) WHERE next_check_at IS NOT NULL;

CREATE TABLE fulfilments (
    merchant_id {id} NOT NULL,
    id {id} NOT NULL,
    order_id {id} NOT NULL,
    payment_id {id} NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('hold', 'cancelled')),
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    PRIMARY KEY (merchant_id, id)
){strict};
CREATE UNIQUE INDEX fulfilments_once ON fulfilments (merchant_id, payment_id);

CREATE TABLE events (
    merchant_id {id} NOT NULL,
    id {id} NOT NULL,
    kind TEXT NOT NULL,
    subject_id {id} NOT NULL,                   -- what it is about: an event of a kind happens once per subject
    order_id {id} NOT NULL,
    body TEXT NOT NULL,                         -- JSON
    created_at {int} NOT NULL,
    next_try_at {int},                          -- due time of its delivery
    PRIMARY KEY (merchant_id, id)
){strict};
CREATE UNIQUE INDEX events_once ON events (merchant_id, subject_id, kind);
CREATE INDEX events_by_order ON events (merchant_id, order_id, created_at);

CREATE TABLE timeline (
    merchant_id {id} NOT NULL,
    id {id} NOT NULL,
    order_id {id} NOT NULL,
    at {int} NOT NULL,
    words TEXT NOT NULL,
    PRIMARY KEY (merchant_id, id)
){strict};
CREATE INDEX timeline_by_order ON timeline (merchant_id, order_id, id);

CREATE TABLE alerts (
    merchant_id {id} NOT NULL,
    id {id} NOT NULL,
    kind TEXT NOT NULL,
    order_id {id},
    attempt_id {id},
    words TEXT NOT NULL,
    created_at {int} NOT NULL,
    closed_at {int},
    PRIMARY KEY (merchant_id, id)
){strict};
CREATE INDEX alerts_open ON alerts (merchant_id, created_at) WHERE closed_at IS NULL;

CREATE TABLE audit (
    merchant_id {id} NOT NULL,
    id {id} NOT NULL,
    at {int} NOT NULL,
    actor TEXT NOT NULL,
    what TEXT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (merchant_id, id)
){strict};

-- Approved volume per gateway (and profile) and calendar month of the account, in 16 shards: no hot row.
CREATE TABLE volumes (
    merchant_id {id} NOT NULL,
    gateway_id {id} NOT NULL,
    profile_id {id} NOT NULL,                   -- 16 zero bytes: the gateway's own cap
    month {int} NOT NULL,                       -- year * 100 + month
    shard {int} NOT NULL CHECK (shard BETWEEN 0 AND 15),
    minor {int} NOT NULL,
    PRIMARY KEY (merchant_id, gateway_id, profile_id, month, shard)
){strict};

-- Declines in a row within a gateway profile; a row exists only after a decline.
CREATE TABLE profile_members (
    merchant_id {id} NOT NULL,
    profile_id {id} NOT NULL,
    gateway_id {id} NOT NULL,
    declines {int} NOT NULL,
    hard_declines {int} NOT NULL,
    disabled_at {int},
    PRIMARY KEY (merchant_id, profile_id, gateway_id)
){strict};

-- Round-robin pointers, taken in blocks per process.
CREATE TABLE tickets (
    merchant_id {id} NOT NULL,
    profile_id {id} NOT NULL,
    next {int} NOT NULL,
    PRIMARY KEY (merchant_id, profile_id)
){strict};

-- A row to lock while a card's attempts are counted (counting under a limit needs a lock).
CREATE TABLE card_budgets (
    merchant_id {id} NOT NULL,
    card_fingerprint TEXT NOT NULL,
    version {int} NOT NULL,
    PRIMARY KEY (merchant_id, card_fingerprint)
){strict};

-- Cards that may not be attempted again on the merchant's own gateways.
CREATE TABLE card_locks (
    merchant_id {id} NOT NULL,
    card_fingerprint TEXT NOT NULL,
    reason TEXT NOT NULL,
    attempt_id {id} NOT NULL,
    created_at {int} NOT NULL,
    until {int},                                -- NULL: until the credential changes
    PRIMARY KEY (merchant_id, card_fingerprint)
){strict};

CREATE TABLE idempotency_keys (
    merchant_id {id} NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,                  -- keyed hash of the body without card data
    status {int},                               -- NULL while the first request runs
    body TEXT,
    created_at {int} NOT NULL,
    PRIMARY KEY (merchant_id, key)
){strict};

-- Facts about the database itself, e.g. that it was made under a movable clock (M31).
CREATE TABLE marks (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
){strict};

CREATE TABLE heartbeats (
    node TEXT NOT NULL PRIMARY KEY,
    at {int} NOT NULL
){strict};

-- Attempts are never deleted, their intent never changes, their outcome is written once; the timeline is append-only.
-- Differs: a trigger's body is a statement in SQLite and a function in PostgreSQL.
--only sqlite
CREATE TRIGGER attempts_keep BEFORE DELETE ON attempts
BEGIN SELECT RAISE(ABORT, 'attempts are never deleted'); END;
CREATE TRIGGER attempts_fixed BEFORE UPDATE ON attempts
WHEN OLD.id IS NOT NEW.id OR OLD.merchant_id IS NOT NEW.merchant_id OR OLD.payment_id IS NOT NEW.payment_id
    OR OLD.order_id IS NOT NEW.order_id OR OLD.purpose IS NOT NEW.purpose OR OLD.initiator IS NOT NEW.initiator
    OR OLD.route IS NOT NEW.route OR OLD.gateway_id IS NOT NEW.gateway_id
    OR OLD.gateway_kind IS NOT NEW.gateway_kind OR OLD.amount_minor IS NOT NEW.amount_minor
    OR OLD.currency IS NOT NEW.currency OR OLD.card_id IS NOT NEW.card_id
    OR OLD.card_fingerprint IS NOT NEW.card_fingerprint OR OLD.salvages IS NOT NEW.salvages
    OR OLD.why IS NOT NEW.why OR OLD.created_at IS NOT NEW.created_at
    OR (OLD.settled_at IS NOT NULL AND (OLD.state IS NOT NEW.state OR OLD.settled_at IS NOT NEW.settled_at
        OR OLD.gateway_reference IS NOT NEW.gateway_reference OR OLD.approved_minor IS NOT NEW.approved_minor
        OR OLD.code IS NOT NEW.code OR OLD.text IS NOT NEW.text OR OLD.reason IS NOT NEW.reason
        OR OLD.class IS NOT NEW.class OR OLD.lapse IS NOT NEW.lapse OR OLD.auth_code IS NOT NEW.auth_code
        OR OLD.avs IS NOT NEW.avs OR OLD.cvv IS NOT NEW.cvv OR OLD.network_code IS NOT NEW.network_code
        OR OLD.advice_code IS NOT NEW.advice_code OR OLD.class_read IS NOT NEW.class_read
        OR OLD.map_id IS NOT NEW.map_id OR OLD.text_shown IS NOT NEW.text_shown OR OLD.doubt IS NOT NEW.doubt
        OR OLD.doubt_since IS NOT NEW.doubt_since))
    OR (OLD.reversed_at IS NOT NULL AND OLD.reversed_at IS NOT NEW.reversed_at)
BEGIN SELECT RAISE(ABORT, 'an attempt''s intent and outcome are written once'); END;
CREATE TRIGGER timeline_keep BEFORE DELETE ON timeline
BEGIN SELECT RAISE(ABORT, 'the timeline is append-only'); END;
CREATE TRIGGER timeline_fixed BEFORE UPDATE ON timeline
BEGIN SELECT RAISE(ABORT, 'the timeline is append-only'); END;
--end
--only postgres
CREATE FUNCTION attempts_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'attempts are never deleted'; END $$;
CREATE TRIGGER attempts_keep BEFORE DELETE ON attempts FOR EACH ROW EXECUTE FUNCTION attempts_keep();
CREATE FUNCTION attempts_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'an attempt''s intent and outcome are written once'; END $$;
CREATE TRIGGER attempts_fixed BEFORE UPDATE ON attempts FOR EACH ROW
WHEN ((OLD.id, OLD.merchant_id, OLD.payment_id, OLD.order_id, OLD.purpose, OLD.initiator, OLD.route, OLD.gateway_id,
       OLD.gateway_kind, OLD.amount_minor, OLD.currency, OLD.card_id, OLD.card_fingerprint, OLD.salvages, OLD.why,
       OLD.created_at)
      IS DISTINCT FROM
      (NEW.id, NEW.merchant_id, NEW.payment_id, NEW.order_id, NEW.purpose, NEW.initiator, NEW.route, NEW.gateway_id,
       NEW.gateway_kind, NEW.amount_minor, NEW.currency, NEW.card_id, NEW.card_fingerprint, NEW.salvages, NEW.why,
       NEW.created_at)
    OR (OLD.settled_at IS NOT NULL AND
        (OLD.state, OLD.settled_at, OLD.gateway_reference, OLD.approved_minor, OLD.code, OLD.text, OLD.reason,
         OLD.class, OLD.lapse, OLD.auth_code, OLD.avs, OLD.cvv, OLD.network_code, OLD.advice_code, OLD.class_read,
         OLD.map_id, OLD.text_shown, OLD.doubt, OLD.doubt_since)
        IS DISTINCT FROM
        (NEW.state, NEW.settled_at, NEW.gateway_reference, NEW.approved_minor, NEW.code, NEW.text, NEW.reason,
         NEW.class, NEW.lapse, NEW.auth_code, NEW.avs, NEW.cvv, NEW.network_code, NEW.advice_code, NEW.class_read,
         NEW.map_id, NEW.text_shown, NEW.doubt, NEW.doubt_since))
    OR (OLD.reversed_at IS NOT NULL AND OLD.reversed_at IS DISTINCT FROM NEW.reversed_at))
EXECUTE FUNCTION attempts_fixed();
CREATE FUNCTION timeline_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the timeline is append-only'; END $$;
CREATE TRIGGER timeline_fixed BEFORE UPDATE OR DELETE ON timeline FOR EACH ROW EXECUTE FUNCTION timeline_fixed();
--end
