//! Settings of the account.

use domain::configuration::Account;
use domain::ids::MerchantId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Saved, upsert};
use crate::statement::Step;

#[derive(Serialize, Deserialize)]
struct Body {
    title: String,
    time_zone: String,
    test_cards: Vec<String>,
    cascade_all_takes_insufficient_funds: bool,
    checkout_budget_secs: i64,
    #[serde(default = "daily_rebill_minute")]
    daily_rebill_minute: i64,
    #[serde(default)]
    rebill_at_sale_time: bool,
    #[serde(default)]
    cancel_on_chargeback: bool,
    #[serde(default)]
    cancel_on_refund: bool,
    #[serde(default = "card_retention_days")]
    card_retention_days: i64,
}

fn daily_rebill_minute() -> i64 {
    Account::default().daily_rebill_minute
}

fn card_retention_days() -> i64 {
    Account::default().card_retention_days
}

/// Saves the account's settings.
pub fn save_account(merchant_id: MerchantId, account: &Account, at: Timestamp) -> Step {
    let body = Body {
        title: account.title.clone(),
        time_zone: account.time_zone.clone(),
        test_cards: account.test_cards.clone(),
        cascade_all_takes_insufficient_funds: account.cascade_all_takes_insufficient_funds,
        checkout_budget_secs: account.checkout_budget_secs,
        daily_rebill_minute: account.daily_rebill_minute,
        rebill_at_sale_time: account.rebill_at_sale_time,
        cancel_on_chargeback: account.cancel_on_chargeback,
        cancel_on_refund: account.cancel_on_refund,
        card_retention_days: account.card_retention_days,
    };
    upsert(merchant_id, "account", merchant_id.uuid(), 0, &body, None, at)
}

pub(super) fn read(saved: &Saved) -> Option<Account> {
    let body: Body = saved.body()?;
    Some(Account {
        title: body.title,
        time_zone: body.time_zone,
        test_cards: body.test_cards,
        cascade_all_takes_insufficient_funds: body.cascade_all_takes_insufficient_funds,
        checkout_budget_secs: body.checkout_budget_secs,
        daily_rebill_minute: body.daily_rebill_minute,
        rebill_at_sale_time: body.rebill_at_sale_time,
        cancel_on_chargeback: body.cancel_on_chargeback,
        cancel_on_refund: body.cancel_on_refund,
        card_retention_days: body.card_retention_days,
    })
}
