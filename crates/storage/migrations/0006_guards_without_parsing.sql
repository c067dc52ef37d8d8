-- What attempts and subscriptions may hold, and what of an attempt never changes, asked in a way that costs PostgreSQL
-- little: it keeps each CHECK and each trigger's WHEN as a text that every statement which writes the table reads anew,
-- which took as long as writing the row. A function's expressions are kept by the session. The rules are the same.

-- Differs: SQLite prepares them once with the statement, and keeps its CHECKs and triggers.
--only postgres
ALTER TABLE attempts
    DROP CONSTRAINT attempts_purpose_check,
    DROP CONSTRAINT attempts_initiator_check,
    DROP CONSTRAINT attempts_route_check,
    DROP CONSTRAINT attempts_amount_minor_check,
    DROP CONSTRAINT attempts_state_check,
    DROP CONSTRAINT attempts_class_read_check,
    DROP CONSTRAINT attempts_class_check,
    DROP CONSTRAINT attempts_check,
    DROP CONSTRAINT attempts_check1,
    DROP CONSTRAINT attempts_check2,
    DROP CONSTRAINT attempts_check3,
    DROP CONSTRAINT attempts_check4,
    DROP CONSTRAINT attempts_check5,
    DROP CONSTRAINT attempts_pending_check;
-- As with a CHECK, what is neither true nor false is let through.
CREATE FUNCTION attempts_sound() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT (NEW.purpose IN ('hold', 'collect')
        AND NEW.initiator IN ('customer', 'merchant')
        AND NEW.route IN ('first', 'repeat', 'next_gateway', 'cascade', 'cascade_all', 'reimport', 'rebill', 'recycle',
            'rerun')
        AND NEW.amount_minor >= 0
        AND NEW.state IN ('sending', 'in_doubt', 'pending', 'approved', 'declined', 'not_executed')
        AND NEW.class_read IN ('soft', 'hard')
        AND NEW.class IN ('soft', 'hard')
        AND (NEW.state IN ('approved', 'declined', 'not_executed')) = (NEW.settled_at IS NOT NULL)
        AND (NEW.state = 'approved') = (NEW.approved_minor IS NOT NULL)
        AND (NEW.state = 'declined') = (NEW.class IS NOT NULL)
        AND (NEW.state = 'not_executed') = (NEW.lapse IS NOT NULL)
        AND (NEW.state <> 'in_doubt' OR NEW.doubt IS NOT NULL)
        AND (NEW.state <> 'pending' OR (NEW.gateway_reference IS NOT NULL AND NEW.deadline_at IS NOT NULL))
        AND (NEW.reversed_at IS NULL OR NEW.state = 'approved'))
    THEN
        RAISE EXCEPTION 'a row of attempts violates a check constraint: its columns fit no state'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER attempts_sound BEFORE INSERT OR UPDATE ON attempts FOR EACH ROW EXECUTE FUNCTION attempts_sound();

-- No statement of ours names a column of the intent, so nothing is asked at all until one does.
DROP TRIGGER attempts_fixed ON attempts;
CREATE TRIGGER attempts_fixed
BEFORE UPDATE OF id, merchant_id, payment_id, order_id, purpose, initiator, route, gateway_id, gateway_kind,
    amount_minor, currency, card_id, card_fingerprint, salvages, why, created_at, slot, deadline_at
ON attempts FOR EACH ROW
WHEN ((OLD.id, OLD.merchant_id, OLD.payment_id, OLD.order_id, OLD.purpose, OLD.initiator, OLD.route, OLD.gateway_id,
       OLD.gateway_kind, OLD.amount_minor, OLD.currency, OLD.card_id, OLD.card_fingerprint, OLD.salvages, OLD.why,
       OLD.created_at, OLD.slot, OLD.deadline_at)
      IS DISTINCT FROM
      (NEW.id, NEW.merchant_id, NEW.payment_id, NEW.order_id, NEW.purpose, NEW.initiator, NEW.route, NEW.gateway_id,
       NEW.gateway_kind, NEW.amount_minor, NEW.currency, NEW.card_id, NEW.card_fingerprint, NEW.salvages, NEW.why,
       NEW.created_at, NEW.slot, NEW.deadline_at))
EXECUTE FUNCTION attempts_fixed();
CREATE FUNCTION attempts_settled_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state, OLD.settled_at, OLD.gateway_reference, OLD.approved_minor, OLD.code, OLD.text, OLD.reason,
        OLD.class, OLD.lapse, OLD.auth_code, OLD.avs, OLD.cvv, OLD.network_code, OLD.advice_code, OLD.class_read,
        OLD.map_id, OLD.text_shown, OLD.doubt, OLD.doubt_since)
        IS DISTINCT FROM
        (NEW.state, NEW.settled_at, NEW.gateway_reference, NEW.approved_minor, NEW.code, NEW.text, NEW.reason,
         NEW.class, NEW.lapse, NEW.auth_code, NEW.avs, NEW.cvv, NEW.network_code, NEW.advice_code, NEW.class_read,
         NEW.map_id, NEW.text_shown, NEW.doubt, NEW.doubt_since)
        OR (OLD.reversed_at IS NOT NULL AND OLD.reversed_at IS DISTINCT FROM NEW.reversed_at)
    THEN
        RAISE EXCEPTION 'an attempt''s intent and outcome are written once';
    END IF;
    RETURN NEW;
END $$;
-- Only a settled attempt can have been reversed.
CREATE TRIGGER attempts_settled_fixed BEFORE UPDATE ON attempts FOR EACH ROW WHEN (OLD.settled_at IS NOT NULL)
EXECUTE FUNCTION attempts_settled_fixed();

ALTER TABLE subscriptions
    DROP CONSTRAINT subscriptions_status_check,
    DROP CONSTRAINT subscriptions_cycle_check,
    DROP CONSTRAINT subscriptions_slot_check,
    DROP CONSTRAINT subscriptions_check,
    DROP CONSTRAINT subscriptions_check1,
    DROP CONSTRAINT subscriptions_check2;
CREATE FUNCTION subscriptions_sound() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT (NEW.status IN ('trial', 'active', 'paused', 'pause_scheduled', 'complete', 'cancelled',
            'cancellation_scheduled', 'recycle_billing', 'recycle_failed')
        AND NEW.cycle >= 1
        AND NEW.slot BETWEEN 0 AND 10
        AND (NEW.initial_gateway_id IS NULL) = (NEW.initial_reference IS NULL)
        AND (NEW.status <> 'recycle_billing' OR NEW.slot >= 1)
        AND (NEW.status NOT IN ('complete', 'cancelled', 'recycle_failed') OR NEW.next_action_at IS NULL))
    THEN
        RAISE EXCEPTION 'a row of subscriptions violates a check constraint: its columns fit no status'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER subscriptions_sound BEFORE INSERT OR UPDATE ON subscriptions
FOR EACH ROW EXECUTE FUNCTION subscriptions_sound();

-- Room on each page for the version that follows soon: a paid order, a paid debt, a card's next attempt. None of them
-- changes an indexed column, so a version on the same page needs no new index entries.
ALTER TABLE orders SET (fillfactor = 70);
ALTER TABLE payments SET (fillfactor = 75);
ALTER TABLE card_budgets SET (fillfactor = 80);
--end
