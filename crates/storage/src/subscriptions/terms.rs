//! A subscription's terms as JSON.

use domain::money::{Currency, Money};
use domain::plan::{Cycle, Plan, Trial};
use domain::subscription::Terms;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    product_number: i64,
    name: String,
    sku: String,
    quantity: i64,
    currency: String,
    is_shippable: bool,
    cycles: Vec<StoredCycle>,
    trial: Option<String>,
    plan_final_cycle: Option<i64>,
    persistent_rebill_day: bool,
    fixed_billing_day: Option<i64>,
    ships_once: bool,
    price_minor: Option<i64>,
    price_once: bool,
    shipping_minor: Option<i64>,
    interval_days: Option<i64>,
    final_cycle: Option<i64>,
    sold_at: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredCycle {
    delay_days: i64,
    price_minor: i64,
    shipping_minor: i64,
}

/// The terms as they are stored.
pub(super) fn details(terms: &Terms) -> String {
    let plan = &terms.plan;
    let stored = Stored {
        product_number: terms.product_number,
        name: terms.name.clone(),
        sku: terms.sku.clone(),
        quantity: terms.quantity,
        currency: terms.currency.code().to_owned(),
        is_shippable: terms.is_shippable,
        cycles: plan
            .cycles
            .iter()
            .map(|cycle| StoredCycle {
                delay_days: cycle.delay_days,
                price_minor: cycle.price.minor(),
                shipping_minor: cycle.shipping.minor(),
            })
            .collect(),
        trial: plan.trial.map(|trial| trial.as_str().to_owned()),
        plan_final_cycle: plan.final_cycle,
        persistent_rebill_day: plan.persistent_rebill_day,
        fixed_billing_day: plan.fixed_billing_day,
        ships_once: plan.ships_once,
        price_minor: terms.price.map(Money::minor),
        price_once: terms.price_once,
        shipping_minor: terms.shipping.map(Money::minor),
        interval_days: terms.interval_days,
        final_cycle: terms.final_cycle,
        sold_at: terms.sold_at.as_microsecond(),
    };
    serde_json::to_string(&stored).unwrap_or_default()
}

/// The terms that were stored; none when the text is not what [`details`] writes.
pub(super) fn read(text: &str) -> Option<Terms> {
    let stored: Stored = serde_json::from_str(text).ok()?;
    let currency = Currency::parse(&stored.currency)?;
    let money = |minor| Money::new(minor, currency);
    let trial = match stored.trial {
        None => None,
        Some(word) => Some(Trial::parse(&word)?),
    };
    let cycle = |cycle: StoredCycle| Cycle {
        delay_days: cycle.delay_days,
        price: money(cycle.price_minor),
        shipping: money(cycle.shipping_minor),
    };
    Some(Terms {
        product_number: stored.product_number,
        name: stored.name,
        sku: stored.sku,
        quantity: stored.quantity,
        currency,
        is_shippable: stored.is_shippable,
        plan: Plan {
            cycles: stored.cycles.into_iter().map(cycle).collect(),
            trial,
            final_cycle: stored.plan_final_cycle,
            persistent_rebill_day: stored.persistent_rebill_day,
            fixed_billing_day: stored.fixed_billing_day,
            ships_once: stored.ships_once,
        },
        price: stored.price_minor.map(money),
        price_once: stored.price_once,
        shipping: stored.shipping_minor.map(money),
        interval_days: stored.interval_days,
        final_cycle: stored.final_cycle,
        sold_at: Timestamp::from_microsecond(stored.sold_at).ok()?,
    })
}
