//! A subscription from its row.

use domain::ids::{GatewayId, SubscriptionId};
use domain::subscription::{InitialCharge, Subscription, SubscriptionStatus};

use super::terms;
use crate::error::StoreError;
use crate::value::Row;

/// A subscription from its row; a row that fits no state is refused, and named in the error.
pub(super) fn read(row: &Row) -> Result<Subscription, StoreError> {
    let id: SubscriptionId = row.id("id")?;
    let named = |column| StoreError::Inconsistent { table: "subscriptions", column, id: id.to_string() };
    read_columns(row, id).map_err(|error| match error {
        StoreError::Inconsistent { column, .. } => named(column),
        other => other,
    })
}

fn read_columns(row: &Row, id: SubscriptionId) -> Result<Subscription, StoreError> {
    let wrong = || StoreError::Inconsistent { table: "subscriptions", column: "details", id: String::new() };
    let gateway: Option<GatewayId> = row.opt_id("initial_gateway_id")?;
    let initial = gateway.zip(row.opt_text("initial_reference")?);
    Ok(Subscription {
        id,
        merchant_id: row.id("merchant_id")?,
        customer_id: row.id("customer_id")?,
        order_id: row.id("order_id")?,
        campaign_id: row.id("campaign_id")?,
        product_id: row.id("product_id")?,
        status: row.word("status", SubscriptionStatus::parse)?,
        stop_reason: row.text("stop_reason")?,
        gateway_id: row.id("gateway_id")?,
        card_id: row.id("card_id")?,
        card_fingerprint: row.text("card_fingerprint")?,
        terms: terms::read(&row.text("details")?).ok_or_else(wrong)?,
        cycle: row.int("cycle")?,
        collecting: row.opt_id("collecting")?,
        slot: row.int("slot")?,
        tries: row.int("tries")?,
        next_bill_at: row.opt_at("next_bill_at")?,
        next_action_at: row.opt_at("next_action_at")?,
        pause_at: row.opt_at("pause_at")?,
        initial: initial.map(|(gateway_id, reference)| InitialCharge { gateway_id, reference }),
        held: row.text("held")?,
        version: row.int("version")?,
        created_at: row.at("created_at")?,
        updated_at: row.at("updated_at")?,
    })
}
