-- Part 2: subscriptions, recycle billing, open salvage, reports from gateways, reruns, chargebacks.

CREATE TABLE subscriptions (
    merchant_id {id} NOT NULL,
    id {id} NOT NULL,
    customer_id {id} NOT NULL,
    order_id {id} NOT NULL,                     -- the order that it began on
    campaign_id {id} NOT NULL,
    product_id {id} NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('trial', 'active', 'paused', 'pause_scheduled', 'complete', 'cancelled',
        'cancellation_scheduled', 'recycle_billing', 'recycle_failed')),
    stop_reason TEXT NOT NULL,                  -- one sentence; empty while it runs
    gateway_id {id} NOT NULL,                   -- the gateway that it rests on (M26)
    card_id {id} NOT NULL,
    card_fingerprint TEXT NOT NULL,
    cycle {int} NOT NULL CHECK (cycle >= 1),    -- the last cycle that was paid
    collecting {id},                            -- the debt of the next cycle, from its first attempt until it is paid
    slot {int} NOT NULL CHECK (slot BETWEEN 0 AND 10),  -- the recycle slot that is next or under way
    tries {int} NOT NULL,                       -- attempts in a row that provably did nothing
    next_bill_at {int},                         -- as people see it
    next_action_at {int},                       -- due time of the billing run
    pause_at {int},                             -- when a scheduled pause begins
    initial_gateway_id {id},                    -- the approved charge that later ones refer to (M30)
    initial_reference TEXT,
    held TEXT NOT NULL,                         -- what a rule holds back now
    details TEXT NOT NULL,                      -- JSON: the terms
    version {int} NOT NULL,                     -- counts its changes
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    lease_until {int},
    lease_fence {id},
    PRIMARY KEY (merchant_id, id),
    CHECK ((initial_gateway_id IS NULL) = (initial_reference IS NULL)),
    CHECK (status <> 'recycle_billing' OR slot >= 1),
    CHECK (status NOT IN ('complete', 'cancelled', 'recycle_failed') OR next_action_at IS NULL)
){strict};
CREATE INDEX subscriptions_by_order ON subscriptions (merchant_id, order_id);
CREATE INDEX subscriptions_by_customer ON subscriptions (merchant_id, customer_id);
CREATE INDEX subscriptions_by_time ON subscriptions (merchant_id, created_at, id);
CREATE INDEX subscriptions_by_card ON subscriptions (merchant_id, card_id);
CREATE INDEX cards_by_age ON cards (merchant_id, updated_at);
CREATE INDEX subscriptions_due ON subscriptions (next_action_at, merchant_id) WHERE next_action_at IS NOT NULL;
CREATE INDEX subscriptions_due_of_merchant ON subscriptions (merchant_id, next_action_at)
    WHERE next_action_at IS NOT NULL;

-- A payment of a billing cycle: one per subscription and cycle, so that no cycle is billed twice.
ALTER TABLE payments ADD COLUMN subscription_id {id};
ALTER TABLE payments ADD COLUMN cycle {int};
CREATE UNIQUE INDEX payments_one_per_cycle ON payments (merchant_id, subscription_id, cycle)
    WHERE subscription_id IS NOT NULL;

-- The order of a rebill names its subscription; a new sale names none.
ALTER TABLE orders ADD COLUMN subscription_id {id};
CREATE INDEX orders_by_customer ON orders (merchant_id, customer_id, created_at);
CREATE INDEX orders_by_subscription ON orders (merchant_id, subscription_id) WHERE subscription_id IS NOT NULL;

-- Differs: SQLite changes a CHECK only by building the table again.
--only sqlite
CREATE TABLE attempts_new (
    merchant_id {id} NOT NULL,
    id {id} NOT NULL,
    payment_id {id} NOT NULL,
    order_id {id} NOT NULL,
    purpose TEXT NOT NULL CHECK (purpose IN ('hold', 'collect')),
    initiator TEXT NOT NULL CHECK (initiator IN ('customer', 'merchant')),
    route TEXT NOT NULL CHECK (route IN ('first', 'repeat', 'next_gateway', 'cascade', 'cascade_all', 'reimport',
        'rebill', 'recycle', 'rerun')),
    gateway_id {id} NOT NULL,
    gateway_kind TEXT NOT NULL,
    amount_minor {int} NOT NULL CHECK (amount_minor >= 0),
    currency TEXT NOT NULL,
    card_id {id} NOT NULL,
    card_fingerprint TEXT NOT NULL,
    salvages {id},
    why TEXT NOT NULL,
    created_at {int} NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('sending', 'in_doubt', 'pending', 'approved', 'declined', 'not_executed')),
    doubt TEXT,
    doubt_since {int},
    gateway_reference TEXT,
    auth_code TEXT,
    avs TEXT,
    cvv TEXT,
    text TEXT,
    approved_minor {int},
    code TEXT,
    network_code TEXT,
    advice_code TEXT,
    reason TEXT,
    class_read TEXT CHECK (class_read IN ('soft', 'hard')),
    class TEXT CHECK (class IN ('soft', 'hard')),
    map_id {id},
    text_shown TEXT,
    lapse TEXT,
    settled_at {int},
    reversed_at {int},
    checks {int} NOT NULL,
    next_check_at {int},
    fence_unknown_at {int},
    needs_person {bool} NOT NULL,
    lease_until {int},
    lease_fence {id},
    slot {int},
    deadline_at {int},
    cancel_asked_at {int},
    PRIMARY KEY (merchant_id, id),
    CHECK ((state IN ('approved', 'declined', 'not_executed')) = (settled_at IS NOT NULL)),
    CHECK ((state = 'approved') = (approved_minor IS NOT NULL)),
    CHECK ((state = 'declined') = (class IS NOT NULL)),
    CHECK ((state = 'not_executed') = (lapse IS NOT NULL)),
    CHECK (state <> 'in_doubt' OR doubt IS NOT NULL),
    CHECK (state <> 'pending' OR (gateway_reference IS NOT NULL AND deadline_at IS NOT NULL)),
    CHECK (reversed_at IS NULL OR state = 'approved')
){strict};
INSERT INTO attempts_new
SELECT merchant_id, id, payment_id, order_id, purpose, initiator, route, gateway_id, gateway_kind, amount_minor,
    currency, card_id, card_fingerprint, salvages, why, created_at, state, doubt, doubt_since, gateway_reference,
    auth_code, avs, cvv, text, approved_minor, code, network_code, advice_code, reason, class_read, class, map_id,
    text_shown, lapse, settled_at, reversed_at, checks, next_check_at, fence_unknown_at, needs_person, lease_until,
    lease_fence, NULL, NULL, NULL
FROM attempts;
DROP TABLE attempts;
ALTER TABLE attempts_new RENAME TO attempts;
CREATE UNIQUE INDEX attempts_one_live ON attempts (merchant_id, payment_id, purpose)
    WHERE state IN ('sending', 'in_doubt', 'pending') OR (state = 'approved' AND reversed_at IS NULL);
CREATE INDEX attempts_by_order ON attempts (merchant_id, order_id, created_at);
CREATE INDEX attempts_by_card ON attempts (merchant_id, card_fingerprint, created_at);
CREATE INDEX attempts_due ON attempts (next_check_at, merchant_id) WHERE next_check_at IS NOT NULL;
CREATE INDEX attempts_due_of_merchant ON attempts (merchant_id, next_check_at) WHERE next_check_at IS NOT NULL;
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
    OR OLD.slot IS NOT NEW.slot OR OLD.deadline_at IS NOT NEW.deadline_at
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
--end
--only postgres
ALTER TABLE attempts DROP CONSTRAINT attempts_route_check;
ALTER TABLE attempts ADD CONSTRAINT attempts_route_check CHECK (route IN ('first', 'repeat', 'next_gateway', 'cascade',
    'cascade_all', 'reimport', 'rebill', 'recycle', 'rerun'));
ALTER TABLE attempts ADD COLUMN slot {int};                 -- the recycle slot it runs in
ALTER TABLE attempts ADD COLUMN deadline_at {int};          -- until when a salvage gateway may work on it
ALTER TABLE attempts ADD COLUMN cancel_asked_at {int};      -- when we asked the salvage gateway to stop
ALTER TABLE attempts ADD CONSTRAINT attempts_pending_check
    CHECK (state <> 'pending' OR (gateway_reference IS NOT NULL AND deadline_at IS NOT NULL));
DROP TRIGGER attempts_fixed ON attempts;
CREATE TRIGGER attempts_fixed BEFORE UPDATE ON attempts FOR EACH ROW
WHEN ((OLD.id, OLD.merchant_id, OLD.payment_id, OLD.order_id, OLD.purpose, OLD.initiator, OLD.route, OLD.gateway_id,
       OLD.gateway_kind, OLD.amount_minor, OLD.currency, OLD.card_id, OLD.card_fingerprint, OLD.salvages, OLD.why,
       OLD.created_at, OLD.slot, OLD.deadline_at)
      IS DISTINCT FROM
      (NEW.id, NEW.merchant_id, NEW.payment_id, NEW.order_id, NEW.purpose, NEW.initiator, NEW.route, NEW.gateway_id,
       NEW.gateway_kind, NEW.amount_minor, NEW.currency, NEW.card_id, NEW.card_fingerprint, NEW.salvages, NEW.why,
       NEW.created_at, NEW.slot, NEW.deadline_at)
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
--end
CREATE INDEX attempts_by_payment ON attempts (merchant_id, payment_id, created_at);
CREATE INDEX attempts_open_salvage ON attempts (merchant_id, gateway_id, state) WHERE state = 'pending';

-- What a gateway reported, byte by byte, kept before anything else is done with it.
CREATE TABLE inbound_reports (
    merchant_id {id} NOT NULL,
    id {id} NOT NULL,
    gateway_id {id} NOT NULL,
    received_at {int} NOT NULL,
    headers TEXT NOT NULL,                      -- JSON: pairs of name and value, as received
    host TEXT NOT NULL,                         -- the host that its signature is checked for
    body {bytes} NOT NULL,                      -- byte by byte
    kind TEXT NOT NULL,                         -- what it tells; empty until it is read
    reference TEXT NOT NULL,                    -- our reference that it names
    gateway_reference TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('received', 'applied', 'ignored', 'unmatched', 'refused')),
    effect TEXT NOT NULL,                       -- what came of it, in one sentence
    attempt_id {id},                            -- the attempt that it is about
    operation_id {id},                          -- the refund that it tells of
    tries {int} NOT NULL,
    next_try_at {int},                          -- due time: apply it
    lease_until {int},
    lease_fence {id},
    PRIMARY KEY (merchant_id, id),
    CHECK ((state = 'received') = (next_try_at IS NOT NULL))
){strict};
CREATE INDEX inbound_reports_refused ON inbound_reports (merchant_id, gateway_id, received_at) WHERE state = 'refused';
CREATE INDEX inbound_reports_by_attempt ON inbound_reports (merchant_id, attempt_id) WHERE attempt_id IS NOT NULL;
CREATE INDEX inbound_reports_due ON inbound_reports (next_try_at, merchant_id) WHERE next_try_at IS NOT NULL;
CREATE INDEX inbound_reports_due_of_merchant ON inbound_reports (merchant_id, next_try_at)
    WHERE next_try_at IS NOT NULL;
CREATE INDEX inbound_reports_by_time ON inbound_reports (merchant_id, received_at, id);

-- Good signatures that were seen: the same report again has no effect (R135, M32).
CREATE TABLE inbound_signatures (
    merchant_id {id} NOT NULL,
    gateway_id {id} NOT NULL,
    signature TEXT NOT NULL,
    report_id {id} NOT NULL,                    -- the report that came with it first
    PRIMARY KEY (merchant_id, gateway_id, signature)
){strict};

-- An approval that came after its attempt had ended otherwise: kept or given back, never applied silently (M17).
CREATE TABLE late_approvals (
    merchant_id {id} NOT NULL,
    attempt_id {id} NOT NULL,
    order_id {id} NOT NULL,
    gateway_id {id} NOT NULL,
    gateway_reference TEXT NOT NULL,
    amount_minor {int} NOT NULL,
    currency TEXT NOT NULL,
    seen_at {int} NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'given_back', 'kept', 'in_doubt')),
    words TEXT NOT NULL,                        -- why, and what came of it
    tries {int} NOT NULL,
    next_action_at {int},                       -- due time: give it back
    lease_until {int},
    lease_fence {id},
    PRIMARY KEY (merchant_id, attempt_id),
    CHECK ((state IN ('given_back', 'kept')) = (next_action_at IS NULL))
){strict};
CREATE INDEX late_approvals_by_time ON late_approvals (merchant_id, seen_at, attempt_id);
CREATE INDEX late_approvals_due ON late_approvals (next_action_at, merchant_id) WHERE next_action_at IS NOT NULL;
CREATE INDEX late_approvals_due_of_merchant ON late_approvals (merchant_id, next_action_at)
    WHERE next_action_at IS NOT NULL;

CREATE TABLE chargebacks (
    merchant_id {id} NOT NULL,
    attempt_id {id} NOT NULL,                   -- the approval that was charged back (R155)
    order_id {id} NOT NULL,
    amount_minor {int} NOT NULL,
    currency TEXT NOT NULL,
    charged_back_at {int} NOT NULL,             -- as the issuer or the caller says
    reason TEXT NOT NULL,
    note TEXT NOT NULL,
    source TEXT NOT NULL,                       -- report or person
    created_at {int} NOT NULL,
    reverted_at {int},                          -- won later (Q32)
    PRIMARY KEY (merchant_id, attempt_id)
){strict};
CREATE INDEX chargebacks_by_time ON chargebacks (merchant_id, created_at, attempt_id);
CREATE INDEX chargebacks_by_order ON chargebacks (merchant_id, order_id);

-- Long work that a person began: a cursor over its items, worked on by any process.
CREATE TABLE runs (
    merchant_id {id} NOT NULL,
    id {id} NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('rerun')),
    state TEXT NOT NULL CHECK (state IN ('running', 'done', 'cancelled')),
    settings TEXT NOT NULL,                     -- JSON: what was asked
    actor TEXT NOT NULL,
    item_count {int} NOT NULL,
    done_count {int} NOT NULL,
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    next_action_at {int},                       -- due time: the next item
    lease_until {int},
    lease_fence {id},
    PRIMARY KEY (merchant_id, id),
    CHECK ((state = 'running') = (next_action_at IS NOT NULL))
){strict};
CREATE INDEX runs_due ON runs (next_action_at, merchant_id) WHERE next_action_at IS NOT NULL;
CREATE INDEX runs_due_of_merchant ON runs (merchant_id, next_action_at) WHERE next_action_at IS NOT NULL;

CREATE TABLE run_items (
    merchant_id {id} NOT NULL,
    run_id {id} NOT NULL,
    position {int} NOT NULL,
    order_id {id} NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('waiting', 'approved', 'declined', 'pending', 'in_doubt', 'skipped')),
    words TEXT NOT NULL,                        -- why, in one sentence
    PRIMARY KEY (merchant_id, run_id, position)
){strict};

-- Operations that nobody sent: money given back at the gateway, booked from its report (Q33).
ALTER TABLE operations ADD COLUMN is_external {bool};

-- Recycle profiles are configuration.
-- Differs: SQLite changes a CHECK only by building the table again.
--only sqlite
CREATE TABLE configuration_new (
    merchant_id {id} NOT NULL REFERENCES merchants (id),
    resource TEXT NOT NULL CHECK (resource IN ('account', 'gateway', 'gateway_profile', 'cascade_profile',
        'recycle_profile', 'decline_map', 'campaign')),
    id {id} NOT NULL,
    number {int} NOT NULL CHECK (number >= 0),  -- its number in the CRM-compatible API
    body TEXT NOT NULL,                         -- JSON, without secrets
    sealed {bytes},                             -- the gateway's credentials, sealed by the vault
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    PRIMARY KEY (merchant_id, resource, id)
){strict};
INSERT INTO configuration_new
SELECT merchant_id, resource, id, number, body, sealed, created_at, updated_at
FROM configuration;
DROP TABLE configuration;
ALTER TABLE configuration_new RENAME TO configuration;
CREATE UNIQUE INDEX configuration_numbers ON configuration (merchant_id, resource, number);
--end
--only postgres
ALTER TABLE configuration DROP CONSTRAINT configuration_resource_check;
ALTER TABLE configuration ADD CONSTRAINT configuration_resource_check CHECK (resource IN ('account', 'gateway',
    'gateway_profile', 'cascade_profile', 'recycle_profile', 'decline_map', 'campaign'));
--end

-- A report names its gateway and no merchant.
CREATE INDEX configuration_gateways ON configuration (id) WHERE resource = 'gateway';
