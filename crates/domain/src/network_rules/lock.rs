//! How long a decline bars its card (declines.md sections 1 and 5.6, M28).

use jiff::{SignedDuration, Timestamp};

use super::NetworkCaps;
use crate::attempt::Decline;
use crate::declines::{Reason, Signals, classify};

/// A bar on a card, on every route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardLock {
    /// Why.
    pub reason: Reason,
    /// When it ends by itself; never when there is none.
    pub until: Option<Timestamp>,
}

/// The bar that a decline by a gateway of this kind leaves on its card; none: it leaves none.
///
/// Mastercard's advice 03 or 21 alone bars it for some days. Where the code beside the advice says that the card is gone
/// for good (stolen, closed, …), that holds: the advice makes it no weaker. A stopped payment bars that payment only.
pub fn card_lock_after(decline: &Decline, gateway_kind: &str, now: Timestamp) -> Option<CardLock> {
    let raw = &decline.raw;
    let without_advice = classify(&Signals {
        network: None,
        network_code: raw.network_code.as_deref(),
        advice_code: None,
        source: gateway_kind,
        code: &raw.code,
        text: &raw.text,
    });
    let bars = |reason: Reason| reason.is_never() && reason != Reason::StopPayment;
    let is_advised = matches!(raw.advice_code.as_deref(), Some("03" | "21"));
    let own = without_advice.map(|reading| reading.reason);
    if let Some(reason) = own.filter(|own| is_advised && bars(*own) && *own != Reason::DoNotRetry) {
        return Some(CardLock { reason, until: None });
    }
    if is_advised {
        let days = SignedDuration::from_hours(NetworkCaps::DEFAULT.advice_lock_days.saturating_mul(24));
        let until = now.saturating_add(days).unwrap_or(Timestamp::MAX);
        return Some(CardLock { reason: decline.reason, until: Some(until) });
    }
    bars(decline.reason).then_some(CardLock { reason: decline.reason, until: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::RawDecline;
    use crate::declines::Class;

    fn lock(code: &str, text: &str, advice: Option<&str>) -> Option<(Reason, bool)> {
        let raw = RawDecline {
            code: code.to_owned(),
            text: text.to_owned(),
            advice_code: advice.map(str::to_owned),
            ..RawDecline::default()
        };
        let signals = Signals { advice_code: advice, source: "nmi", code, text, ..Signals::default() };
        let reading = classify(&signals).unwrap();
        let decline = Decline {
            text_shown: String::new(),
            raw,
            reason: reading.reason,
            class_read: reading.class,
            class: Class::Hard,
            map: None,
        };
        let found = card_lock_after(&decline, "nmi", Timestamp::UNIX_EPOCH);
        let days = |until: Timestamp| until.duration_since(Timestamp::UNIX_EPOCH).as_hours() / 24;
        assert!(found.and_then(|lock| lock.until).is_none_or(|until| days(until) == 30));
        found.map(|lock| (lock.reason, lock.until.is_some()))
    }

    #[test]
    fn m28_advice_alone_bars_a_card_for_thirty_days_and_makes_a_stolen_one_no_less_stolen() {
        assert_eq!(lock("200", "DECLINE", None), None);
        assert_eq!(lock("200", "DECLINE", Some("03")), Some((Reason::DoNotRetry, true)));
        assert_eq!(lock("252", "Stolen card", None), Some((Reason::LostOrStolenCard, false)));
        assert_eq!(lock("252", "Stolen card", Some("03")), Some((Reason::LostOrStolenCard, false)));
        assert_eq!(lock("252", "Stolen card", Some("21")), Some((Reason::LostOrStolenCard, false)));
        assert_eq!(lock("261", "Stop all recurring", None), Some((Reason::RevokedAuthorization, false)));
        assert_eq!(
            lock("261", "Stop all recurring", Some("21")),
            Some((Reason::RevokedAuthorization, false))
        );
        assert_eq!(lock("262", "Stop this recurring", None), None, "that payment only");
    }
}
