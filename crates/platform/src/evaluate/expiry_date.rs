//! Until when a merchant's own charge may be worked on.

use domain::attempt::Initiator;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::body::Body;
use crate::evaluate::read::Problems;

/// Longest time that a managed recovery may be worked on, days
/// (<https://help.konnektive.com/konnektive-crm/gateway-setup/gateways/flexfactor>).
const DAYS_MAX: i64 = 21;
/// What is let pass beyond it, days.
const DAYS_SLACK: i64 = 1;

/// The end of a managed recovery: a UTC moment, with or without its `Z`, after now and within 21 days (and a day for
/// clocks and time zones). A customer's own purchase is answered at once, whatever it names.
pub(crate) fn expiry_date(
    body: &Body,
    initiator: Initiator,
    now: Timestamp,
    problems: &mut Problems,
) -> Option<Timestamp> {
    if initiator == Initiator::Customer || !body.has("expirydateutc") {
        return None;
    }
    let longest = SignedDuration::from_hours((DAYS_MAX + DAYS_SLACK) * 24);
    let wrong = match instant(&body.text("expirydateutc")) {
        None => "The field ExpiryDateUtc is invalid.".to_owned(),
        Some(at) if at <= now => "The field ExpiryDateUtc is invalid: it must lie in the future.".to_owned(),
        Some(at) if at.duration_since(now) > longest => {
            format!("The field ExpiryDateUtc is invalid: it lies at most {DAYS_MAX} days ahead.")
        }
        // Whole microseconds: so it is stored.
        Some(at) => return Timestamp::from_microsecond(at.as_microsecond()).ok(),
    };
    problems.push(("ExpiryDateUtc", wrong));
    None
}

fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let moment = text.parse::<DateTime>().ok()?;
    moment.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}
