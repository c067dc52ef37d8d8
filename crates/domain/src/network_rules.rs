//! What the card networks allow of attempts that nobody but us asks for (declines.md section 5, M27, M28).
//!
//! One budget per merchant and card, whatever gateway, route or amount: changing one of them to reset a counter would be
//! evasion. The networks' own limits are ceilings; ours stay below them, so that attempts we do not see still fit.

mod lock;

pub use lock::{CardLock, card_lock_after};

use jiff::{SignedDuration, Timestamp};

use crate::card::Brand;
use crate::declines::{Reason, Signals, classify, lookup};

/// Most attempts with one card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkCaps {
    /// In 30 days, on every network.
    ///
    /// Visa charges from the 21st on (the 16th until 24 May 2025; several gateways still print 15):
    /// <https://docs.cielo.com.br/ecommerce-cielo-en/changelog/new-limit-for-visa-retries-starting-may-25-2025>.
    /// Mastercard charges from the 36th on: <https://retries.com/guides/transaction-processing-excellence>.
    pub month: i64,
    /// Attempts without the customer in 24 hours, on Mastercard: our choice, far below the network's 10.
    pub mastercard_scheduled_day: i64,
    /// All attempts in 24 hours, on Mastercard, which charges from the 11th on:
    /// <https://retries.com/guides/transaction-processing-excellence>.
    pub mastercard_day: i64,
    /// Days for which Mastercard's advice 03 and 21 bar a card:
    /// <https://hyperpay.docs.oppwa.com/node/316>.
    pub advice_lock_days: i64,
}

impl NetworkCaps {
    /// What we keep to unless the merchant is stricter.
    pub const DEFAULT: Self =
        Self { month: 15, mastercard_scheduled_day: 3, mastercard_day: 8, advice_lock_days: 30 };
}

impl Default for NetworkCaps {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What was tried with one card at one merchant, over all routes and gateways.
///
/// Counted are attempts that were not approved: declined, in doubt, or with a salvage gateway (once). The networks count
/// declines, so a card that pays many small bills is never held for its approvals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardHistory {
    /// The scheme on the card.
    pub brand: Brand,
    /// In the last 24 hours.
    pub attempts_in_24h: i64,
    /// Of these, the ones made without the customer.
    pub scheduled_in_24h: i64,
    /// In the last 30 days.
    pub attempts_in_30d: i64,
    /// When the oldest one in the last 24 hours was made.
    pub oldest_in_24h: Option<Timestamp>,
    /// When the oldest one in the last 30 days was made.
    pub oldest_in_30d: Option<Timestamp>,
    /// When the newest decline came.
    pub last_declined_at: Option<Timestamp>,
    /// Its reason.
    pub last_reason: Option<Reason>,
    /// The network's code that came with it (ISO 8583 field 39).
    pub last_network_code: Option<String>,
    /// The advice that came with it.
    pub last_advice_code: Option<String>,
    /// Whether it was of the very payment that is to be attempted: a stop of one payment bars that one only.
    pub last_was_this_payment: bool,
    /// The reason word of the lock on the card, when there is one.
    pub locked: Option<String>,
}

impl CardHistory {
    /// A card that nothing was tried with.
    pub fn new(brand: Brand) -> Self {
        Self {
            brand,
            attempts_in_24h: 0,
            scheduled_in_24h: 0,
            attempts_in_30d: 0,
            oldest_in_24h: None,
            oldest_in_30d: None,
            last_declined_at: None,
            last_reason: None,
            last_network_code: None,
            last_advice_code: None,
            last_was_this_payment: false,
            locked: None,
        }
    }
}

/// Whether an attempt may be made now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// It may.
    Free,
    /// Not before this moment; then everything is judged again. The words complete "held because …".
    Until(Timestamp, String),
    /// Never with this card; the words say why.
    Never(String),
}

const DAY: SignedDuration = SignedDuration::from_hours(24);
const MONTH: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Whether an ordinary gateway may be asked now, without the customer.
pub fn decide_hold(history: &CardHistory, caps: &NetworkCaps, now: Timestamp) -> Hold {
    if let Some(lock) = history.locked.as_deref().filter(|lock| bars_ordinary(lock)) {
        return Hold::Never(format!("this card is locked ({lock}); it takes a new card"));
    }
    if let Some(words) = never(history, caps, now) {
        return Hold::Never(words);
    }
    let mut holds = vec![advised_wait(history), over_month(history, caps, now)];
    if is_mastercard(history.brand) {
        let (made, scheduled) = (history.attempts_in_24h, history.scheduled_in_24h);
        holds.push(over_day(history, now, made, caps.mastercard_day, "attempts"));
        holds.push(over_day(history, now, scheduled, caps.mastercard_scheduled_day, "scheduled attempts"));
    }
    latest(holds, now)
}

/// Whether the card may be handed to a salvage gateway now. Its submission counts once in the budget, so the hard caps
/// hold; advice to wait is the salvage gateway's to heed (M28). A lock holds where no decline map could lift its
/// reason (M27).
pub fn decide_hand_over(history: &CardHistory, caps: &NetworkCaps, now: Timestamp) -> Hold {
    if let Some(lock) = history.locked.as_deref().filter(|lock| bars_salvage(lock)) {
        return Hold::Never(format!("this card is locked ({lock}); it takes a new card"));
    }
    let mut holds = vec![over_month(history, caps, now)];
    if is_mastercard(history.brand) {
        holds.push(over_day(history, now, history.attempts_in_24h, caps.mastercard_day, "attempts"));
    }
    latest(holds, now)
}

/// Whether a lock with this reason word bars ordinary gateways. A stopped payment bars that payment only (M28).
pub fn bars_ordinary(lock: &str) -> bool {
    Reason::parse(lock) != Some(Reason::StopPayment)
}

/// Whether a lock with this reason word bars salvage gateways too: no decline map could lift its reason (M27).
pub fn bars_salvage(lock: &str) -> bool {
    bars_ordinary(lock) && Reason::parse(lock).is_some_and(|reason| !reason.may_be_overridden())
}

/// Whether a card counts in Mastercard's programme: Maestro does too.
pub fn is_mastercard(brand: Brand) -> bool {
    match brand {
        Brand::Mastercard | Brand::Maestro => true,
        Brand::Visa
        | Brand::Amex
        | Brand::Discover
        | Brand::Diners
        | Brand::Jcb
        | Brand::UnionPay
        | Brand::Other => false,
    }
}

/// Why the newest decline forbids every further attempt; none: it does not.
///
/// Visa's category 1: <https://github.com/IanFoxDev/decline-codes>, from Visa's public rules.
fn never(history: &CardHistory, caps: &NetworkCaps, now: Timestamp) -> Option<String> {
    let (at, reason) = (history.last_declined_at?, history.last_reason?);
    let advice = history.last_advice_code.as_deref().map(str::trim);
    if matches!(advice, Some("03" | "21")) {
        let days = SignedDuration::from_hours(caps.advice_lock_days.saturating_mul(24));
        return (at.saturating_add(days).unwrap_or(Timestamp::MAX) > now).then(|| {
            let days = caps.advice_lock_days;
            format!(
                "the network said not to try this card again ({}), which holds {days} days",
                reason.as_str()
            )
        });
    }
    let stops_one = reason == Reason::StopPayment || history.last_network_code.as_deref() == Some("R0");
    if stops_one {
        let words = "the payer stopped this payment at the bank".to_owned();
        return history.last_was_this_payment.then_some(words);
    }
    let code = history.last_network_code.as_deref().unwrap_or_default();
    let visa_never =
        history.brand == Brand::Visa && lookup("visa", code).is_some_and(|row| row.visa_category == Some(1));
    (reason.is_never() || visa_never)
        .then(|| format!("the network forbids another attempt with this card ({})", reason.as_str()))
}

/// What Mastercard's advice 02 and 24 to 30 asks to wait for. On other networks these codes mean nothing.
fn advised_wait(history: &CardHistory) -> Option<(Timestamp, String)> {
    let (at, code) = (history.last_declined_at?, history.last_advice_code.as_deref()?.trim());
    let known = matches!(code, "02" | "24" | "25" | "26" | "27" | "28" | "29" | "30");
    if !known || !(is_mastercard(history.brand) || history.brand == Brand::Other) {
        return None;
    }
    let signals = Signals { advice_code: Some(code), ..Signals::default() };
    let minutes = classify(&signals)?.earliest_delay_minutes?;
    let until = at.saturating_add(SignedDuration::from_mins(minutes)).unwrap_or(Timestamp::MAX);
    let hours = minutes.checked_div(60).unwrap_or(minutes);
    Some((until, format!("the network asked to wait {hours} hours (advice {code})")))
}

fn over_month(history: &CardHistory, caps: &NetworkCaps, now: Timestamp) -> Option<(Timestamp, String)> {
    let made = history.attempts_in_30d;
    (made >= caps.month).then(|| {
        let words = format!("the card has had {made} attempts in 30 days; the cap is {}", caps.month);
        (room_at(history.oldest_in_30d, MONTH, now), words)
    })
}

fn over_day(
    history: &CardHistory,
    now: Timestamp,
    made: i64,
    cap: i64,
    what: &str,
) -> Option<(Timestamp, String)> {
    (made >= cap).then(|| {
        let words = format!("the card has had {made} {what} in 24 hours; the cap is {cap}");
        (room_at(history.oldest_in_24h, DAY, now), words)
    })
}

/// When the oldest attempt leaves its window. A full window is never free: at the very edge it is looked at again soon.
fn room_at(oldest: Option<Timestamp>, window: SignedDuration, now: Timestamp) -> Timestamp {
    let later = |at: Timestamp, by| at.saturating_add(by).unwrap_or(Timestamp::MAX);
    later(oldest.unwrap_or(now), window).max(later(now, SignedDuration::from_mins(1)))
}

/// The latest of several waits holds; one whose moment has come is over.
fn latest(holds: Vec<Option<(Timestamp, String)>>, now: Timestamp) -> Hold {
    let longest =
        holds.into_iter().flatten().filter(|(until, _)| *until > now).max_by_key(|(until, _)| *until);
    longest.map_or(Hold::Free, |(until, words)| Hold::Until(until, words))
}

#[cfg(test)]
mod tests;
