//! `/purchase/update/`: changes a purchase, starts its billing again, bills it now.

use axum::extract::State;
use domain::attempt::AttemptState;
use domain::calendar::{BillingTime, next_run};
use domain::configuration::Configuration;
use domain::money::Currency;
use domain::subscription::{Subscription, SubscriptionEvent, SubscriptionStatus};
use hub::{HubError, SubscriptionChange};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::Crm;
use super::account::AccountTime;
use super::answer::Answer;
use super::call::Call;
use super::purchase_change::{PURCHASE, actor, changed, find, named, refused};
use super::purchase_object::{open_attempt, word};
use super::reader::Reader;
use super::task::in_a_task;

const NAMES: [&str; 11] = [
    PURCHASE,
    "reactivate",
    "status",
    "billNow",
    "newMerchantId",
    "price",
    "priceNextOnly",
    "shippingPrice",
    "nextBillDate",
    "billingIntervalDays",
    "finalBillingCycle",
];
/// `billNow` again within this time of a paid bill is taken for a repetition of the call: these calls have no key by
/// which one could be known.
const REPEATED_WITHIN_MINUTES: i64 = 60;

/// What a call asks for.
#[derive(Debug, Default)]
struct Wish {
    reactivate: bool,
    bill_now: bool,
    change: SubscriptionChange,
}

/// Changes what is named; the rest stays. Nothing is saved while anything is wrong.
pub(crate) async fn update(State(crm): State<Crm>, call: Call) -> Answer {
    call.note_unknown(|name| NAMES.contains(&name));
    let hub = crm.hub.clone();
    in_a_task(&hub, async move { answer(&crm, &call).await }).await
}

async fn answer(crm: &Crm, call: &Call) -> Result<Answer, HubError> {
    let configuration = crm.hub.configuration(call.merchant_id).await?;
    let now = crm.hub.minter().now();
    let mut reader = Reader::new(&call.pairs);
    let found = find(crm, call, &mut reader).await?;
    let wish = read(&mut reader, &configuration, found.as_ref(), now);
    if let Some(subscription) = &found {
        check_state(crm, &mut reader, subscription, &wish, now).await?;
    }
    let mut problems = reader.into_problems();
    let Some(subscription) = found else { return Ok(Answer::refused(&problems)) };
    let (merchant_id, id) = (call.merchant_id, subscription.id);
    // A date is checked by hand where billing starts again first: until then there is no next bill.
    let dateless = SubscriptionChange { next_bill_at: None, ..wish.change.clone() };
    let checked = if wish.reactivate { &dateless } else { &wish.change };
    match crm.hub.check_subscription_change(merchant_id, id, checked).await {
        Ok(wrong) => problems.extend(wrong.into_iter().map(named)),
        Err(error) => return refused(error),
    }
    if !problems.is_empty() {
        return Ok(Answer::refused(&problems));
    }
    carry_out(crm, call, subscription, &wish).await
}

async fn carry_out(
    crm: &Crm,
    call: &Call,
    subscription: Subscription,
    wish: &Wish,
) -> Result<Answer, HubError> {
    let (merchant_id, id, actor) = (call.merchant_id, subscription.id, actor(call));
    let mut now_is = subscription;
    if wish.reactivate {
        match crm.hub.reactivate_subscription(merchant_id, id, &actor, "").await {
            Ok(next) => now_is = next,
            Err(error) => return refused(error),
        }
    }
    if wish.change != SubscriptionChange::default() {
        match crm.hub.change_subscription(merchant_id, id, &wish.change, &actor, "").await {
            Ok(next) => now_is = next,
            Err(error) => return refused(error),
        }
    }
    if wish.bill_now { bill(crm, now_is, &actor).await } else { changed(crm, now_is).await }
}

fn read(
    reader: &mut Reader<'_>,
    configuration: &Configuration,
    subscription: Option<&Subscription>,
    now: Timestamp,
) -> Wish {
    let currency = subscription.map_or(Currency::USD, |one| one.terms.currency);
    let sold_at = subscription.map_or(now, |one| one.terms.sold_at);
    let wish = Wish {
        reactivate: reader.flag("reactivate").unwrap_or_default(),
        bill_now: reader.flag("billNow").unwrap_or_default(),
        change: SubscriptionChange {
            price: reader.amount("price", currency),
            price_once: reader.flag("priceNextOnly").unwrap_or_default(),
            shipping: reader.amount("shippingPrice", currency),
            next_bill_at: read_date(reader, configuration, sold_at),
            interval_days: reader.whole_number("billingIntervalDays", i64::MIN, i64::MAX),
            final_cycle: reader.number("finalBillingCycle"),
            gateway: reader.number("newMerchantId"),
            status: read_status(reader),
        },
    };
    let is_dated = wish.change.next_bill_at.is_some();
    if wish.reactivate && wish.change.next_bill_at.is_some_and(|at| at <= now) {
        reader.refuse("nextBillDate", "the next bill lies in the future; bill now instead");
    }
    if wish.change.status.is_some() && (wish.reactivate || wish.bill_now || is_dated) {
        reader.refuse("status", "sets the date of the next bill itself; send it alone");
    }
    if wish.bill_now && is_dated {
        reader.refuse("billNow", "cannot be sent with nextBillDate");
    }
    let is_any_sent = NAMES.iter().any(|name| *name != PURCHASE && !reader.raw(name).is_empty());
    if !is_any_sent {
        reader.refuse(PURCHASE, "send also what is to be changed");
    }
    wish
}

/// A day: the bill runs on it at the account's time of day for rebills.
fn read_date(
    reader: &mut Reader<'_>,
    configuration: &Configuration,
    sold_at: Timestamp,
) -> Option<Timestamp> {
    let account = &configuration.account;
    let start = reader.day("nextBillDate", |day| AccountTime::of(account).start_of(day))?;
    let zone = TimeZone::get(&account.time_zone).unwrap_or(TimeZone::UTC);
    let billing = BillingTime {
        time_zone: &zone,
        daily_minute: account.daily_rebill_minute,
        at_sale_time: account.rebill_at_sale_time,
    };
    // The first run after the last moment of the day before.
    let eve = start.checked_sub(SignedDuration::from_micros(1)).unwrap_or(start);
    Some(next_run(eve, &billing, sold_at))
}

fn read_status(reader: &mut Reader<'_>) -> Option<SubscriptionStatus> {
    let settable = [SubscriptionStatus::RecycleBilling, SubscriptionStatus::RecycleFailed];
    let text = reader.raw("status");
    if text.is_empty() {
        return None;
    }
    let status = settable.into_iter().find(|status| word(*status).eq_ignore_ascii_case(text));
    if status.is_none() {
        reader.refuse("status", "can be set to RECYCLE_BILLING or RECYCLE_FAILED only");
    }
    status
}

/// What does not fit where the purchase stands.
async fn check_state(
    crm: &Crm,
    reader: &mut Reader<'_>,
    subscription: &Subscription,
    wish: &Wish,
    now: Timestamp,
) -> Result<(), HubError> {
    let status = word(subscription.status);
    let has_trial = subscription.terms.plan.trial.is_some();
    let restarts = subscription.status.on(SubscriptionEvent::Reactivate, has_trial).is_ok();
    if wish.reactivate && !restarts {
        reader.refuse("reactivate", format!("a purchase that is {status} cannot be reactivated"));
    }
    if wish.bill_now && !wish.reactivate && !subscription.status.is_billable() {
        reader.refuse("billNow", format!("a purchase that is {status} is not billed; reactivate it"));
    }
    if wish.bill_now
        && let Some(at) = last_paid(crm, subscription).await?
        && now.duration_since(at) < SignedDuration::from_mins(REPEATED_WITHIN_MINUTES)
    {
        let cycle = subscription.cycle;
        let words = format!(
            "bill {cycle} was paid less than {REPEATED_WITHIN_MINUTES} minutes ago, so this may be a repetition; nothing was billed"
        );
        reader.refuse("billNow", words);
    }
    let moves = wish.reactivate
        || wish.bill_now
        || wish.change.status.is_some()
        || wish.change.next_bill_at.is_some();
    if moves && let Some(open) = open_attempt(crm, subscription).await? {
        let words = format!(
            "transaction {} of the current bill is open; wait for its outcome, or pause the purchase",
            open.id.base32()
        );
        reader.refuse(PURCHASE, words);
    }
    Ok(())
}

/// When the newest bill after the sale was paid; none when only the sale was.
async fn last_paid(crm: &Crm, subscription: &Subscription) -> Result<Option<Timestamp>, HubError> {
    let (store, merchant_id) = (crm.hub.store(), subscription.merchant_id);
    for bill in store.list_bills(merchant_id, subscription.id, 2).await? {
        let is_last = bill.cycle.is_some_and(|(_, cycle)| cycle == subscription.cycle);
        if !is_last {
            continue;
        }
        for attempt in store.list_attempts_of_payment(merchant_id, bill.id).await? {
            if let AttemptState::Approved { at, .. } = attempt.state {
                return Ok(Some(at));
            }
        }
    }
    Ok(None)
}

/// Bills the next cycle. A decline is an error with its text, like that of an order; what is open is a success whose
/// `salvageStatus` says so.
async fn bill(crm: &Crm, before: Subscription, actor: &str) -> Result<Answer, HubError> {
    let started = crm.hub.minter().now();
    let billed = crm.hub.bill_subscription_now(before.merchant_id, before.id, actor, "").await;
    let after = match billed {
        Ok(after) => after,
        Err(error) => return refused(error),
    };
    if after.cycle > before.cycle {
        return changed(crm, after).await;
    }
    let attempts = match after.collecting {
        Some(bill) => crm.hub.store().list_attempts_of_payment(after.merchant_id, bill).await?,
        None => Vec::new(),
    };
    let newest = attempts.into_iter().rfind(|attempt| attempt.created_at >= started);
    Ok(match newest.map(|attempt| attempt.state) {
        Some(AttemptState::Declined { decline, .. }) => Answer::Error(decline.text_shown),
        Some(AttemptState::NotExecuted { lapse, .. }) => {
            Answer::Error(format!("billNow: nothing was charged. {}", lapse.text))
        }
        Some(
            AttemptState::Sending
            | AttemptState::InDoubt { .. }
            | AttemptState::Pending { .. }
            | AttemptState::Approved { .. },
        ) => return changed(crm, after).await,
        None if after.held.is_empty() => {
            Answer::Error(format!("billNow: nothing was charged. {}", after.stop_reason))
        }
        // Held, not refused: the billing run bills it when it may.
        None => Answer::Error(format!("billNow: held back, and billed as soon as it may be. {}", after.held)),
    })
}
