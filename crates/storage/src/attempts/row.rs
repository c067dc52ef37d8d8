//! An attempt from its row.

use domain::attempt::{
    Approval, Attempt, AttemptState, Decline, Doubt, Initiator, Lapse, LapseCause, Purpose, RawDecline, Route,
};
use domain::declines::{Class, Reason};
use domain::ids::AttemptId;
use domain::money::Money;

use crate::error::StoreError;
use crate::value::Row;

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
        slot: row.opt_int("slot")?,
        deadline: row.opt_at("deadline_at")?,
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
