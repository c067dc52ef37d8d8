//! Open salvages: what to do about an attempt that a salvage gateway works on until a deadline (M20–M23).

use jiff::{SignedDuration, Timestamp};

use crate::attempt::{Approval, LapseCause, RawDecline};
use crate::doubt::{FENCE_APART_SECS, FenceAnswer, PERSON_AFTER_SECS};

/// Asked again so many seconds after it was handed over; then every [`POLL_SECS`]. Reports usually come first.
const POLL_LADDER_SECS: [i64; 3] = [600, 3_600, 21_600];
/// Asked so often later.
const POLL_SECS: i64 = 43_200;
/// Asked so soon again while it is being closed.
const CLOSE_SECS: i64 = 600;

/// Where an open salvage stands at its gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Still being worked on, under this id of the gateway's.
    Working(String),
    /// The money is taken.
    Approved(Approval),
    /// The money is held until we capture or cancel (M9).
    Held(Approval),
    /// Taken and given back.
    Reversed(Approval),
    /// It ended without money: declined, expired.
    Failed(RawDecline),
    /// It was cancelled, by us or by the gateway.
    Cancelled,
    /// The gateway does not know it.
    Unknown,
    /// It could not be asked, or answers something that we do not know.
    Unreachable(String),
}

/// An open salvage, as far as the decision needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SalvageCase {
    /// Whether the gateway has acknowledged it; otherwise the answer to the submission was lost (M20).
    pub acknowledged: bool,
    /// When it was handed over.
    pub sent_at: Timestamp,
    /// Until when the gateway may work on it.
    pub deadline: Timestamp,
    /// Whether we asked the gateway to stop because the customer acted (M23).
    pub cancel_asked: bool,
    /// When a cancellation was first answered with "unknown".
    pub unknown_at: Option<Timestamp>,
    /// Whether we asked the gateway to fence it while nobody had acknowledged it (M20): what came of that may be unread.
    pub fence_asked: bool,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SalvageStep {
    /// It was approved.
    Approve(Approval),
    /// It was approved and is undone already.
    ApproveReversed(Approval),
    /// Capture the held money, else cancel it (M9).
    Capture(Approval),
    /// Cancel the held money: the customer wants it no more (M23).
    CancelHold(Approval),
    /// It failed: the response table's Failure.
    Fail(RawDecline),
    /// It had no effect, and that is no failure: cancelled at our request, or never arrived.
    Lapse(LapseCause, String),
    /// It is being worked on under this id; look again then.
    Keep(String, Timestamp),
    /// Cancel it at the gateway and read it again (M21).
    Close,
    /// Nobody knows now; ask again then.
    AskAt(Timestamp),
    /// A person decides; the sentence says what is known.
    Person(String),
}

fn after(from: Timestamp, secs: i64) -> Timestamp {
    from.saturating_add(SignedDuration::from_secs(secs)).unwrap_or(Timestamp::MAX)
}

/// When an open salvage is looked at next: the ladder, then twice a day, never later than its deadline.
pub fn next_poll(case: &SalvageCase, now: Timestamp) -> Timestamp {
    let rung = POLL_LADDER_SECS.iter().map(|secs| after(case.sent_at, *secs)).find(|at| *at > now);
    let next = rung.unwrap_or_else(|| after(now, POLL_SECS));
    if now < case.deadline { next.min(case.deadline) } else { after(now, CLOSE_SECS) }
}

/// The refusal with which an open salvage ends when its time is over.
fn expired() -> RawDecline {
    RawDecline {
        code: "expired".to_owned(),
        text: "The time for the salvage ran out.".to_owned(),
        ..RawDecline::default()
    }
}

/// Decides from where it stands.
pub fn decide_salvage(case: &SalvageCase, standing: Standing, now: Timestamp) -> SalvageStep {
    match standing {
        Standing::Approved(approval) => SalvageStep::Approve(approval),
        Standing::Held(approval) if case.cancel_asked => SalvageStep::CancelHold(approval),
        Standing::Held(approval) => SalvageStep::Capture(approval),
        Standing::Reversed(approval) => SalvageStep::ApproveReversed(approval),
        Standing::Failed(raw) => SalvageStep::Fail(raw),
        // Cancelled before we ever asked for it: the gateway took it on and gave it up.
        Standing::Cancelled if !case.cancel_asked && case.unknown_at.is_none() && !case.fence_asked => {
            closed(&SalvageCase { acknowledged: true, ..*case }, now)
        }
        Standing::Cancelled => closed(case, now),
        Standing::Working(_) if case.cancel_asked || now >= case.deadline => SalvageStep::Close,
        Standing::Working(reference) => SalvageStep::Keep(reference, next_poll(case, now)),
        Standing::Unknown if !case.acknowledged => SalvageStep::Close,
        Standing::Unknown => person_or_ask(
            case,
            now,
            "The salvage gateway took it on and does not know it any more.".to_owned(),
        ),
        Standing::Unreachable(words) => person_or_ask(case, now, words),
    }
}

/// Decides from the answer to a cancellation and from where it stands afterwards. Only a final status or a confirmed
/// cancellation closes it (M21).
pub fn decide_close(
    case: &SalvageCase,
    answer: FenceAnswer,
    standing: Standing,
    now: Timestamp,
) -> SalvageStep {
    match (standing, answer) {
        (Standing::Working(_), FenceAnswer::Confirmed | FenceAnswer::Unknown | FenceAnswer::Failed) => {
            person_or_ask(case, now, "The salvage gateway has not stopped working on it.".to_owned())
        }
        (Standing::Unknown, FenceAnswer::Confirmed)
        | (Standing::Cancelled, FenceAnswer::Confirmed | FenceAnswer::Unknown | FenceAnswer::Failed) => {
            closed(case, now)
        }
        (Standing::Unknown, FenceAnswer::Unknown) => match case.unknown_at {
            Some(first) if now.duration_since(first).as_secs() >= FENCE_APART_SECS => closed(case, now),
            Some(first) => SalvageStep::AskAt(after(first, FENCE_APART_SECS)),
            None => SalvageStep::AskAt(after(now, FENCE_APART_SECS)),
        },
        (Standing::Unknown, FenceAnswer::Failed) => {
            person_or_ask(case, now, "The salvage gateway has not confirmed the cancellation.".to_owned())
        }
        (
            other @ (Standing::Approved(_)
            | Standing::Held(_)
            | Standing::Reversed(_)
            | Standing::Failed(_)
            | Standing::Unreachable(_)),
            FenceAnswer::Confirmed | FenceAnswer::Unknown | FenceAnswer::Failed,
        ) => decide_salvage(case, other, now),
    }
}

/// It provably has no effect any more: why decides what that means.
fn closed(case: &SalvageCase, now: Timestamp) -> SalvageStep {
    if case.cancel_asked {
        let words = "The salvage gateway cancelled it at our request.".to_owned();
        return SalvageStep::Lapse(LapseCause::Fenced, words);
    }
    if !case.acknowledged {
        let words = "The salvage gateway never took it on, and cannot any more.".to_owned();
        return SalvageStep::Lapse(LapseCause::Fenced, words);
    }
    if now >= case.deadline {
        return SalvageStep::Fail(expired());
    }
    if case.fence_asked {
        // It arrived after we had asked to fence it, and the fence held after all.
        let words = "The salvage gateway cancelled it, for we had asked to fence it.".to_owned();
        return SalvageStep::Lapse(LapseCause::Fenced, words);
    }
    SalvageStep::Fail(RawDecline {
        code: "cancelled".to_owned(),
        text: "The salvage gateway cancelled it.".to_owned(),
        ..RawDecline::default()
    })
}

/// A person decides a day after the deadline, or a day after a submission that nobody acknowledged.
fn person_or_ask(case: &SalvageCase, now: Timestamp, words: String) -> SalvageStep {
    let from = if case.acknowledged { case.deadline } else { case.sent_at };
    if now >= after(from, PERSON_AFTER_SECS) {
        return SalvageStep::Person(words);
    }
    let closing = case.cancel_asked || !case.acknowledged || now >= case.deadline;
    SalvageStep::AskAt(if closing { after(now, CLOSE_SECS) } else { next_poll(case, now) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Currency, Money};

    const DAY: i64 = 86_400;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(secs).unwrap()
    }

    fn case() -> SalvageCase {
        SalvageCase {
            acknowledged: true,
            sent_at: at(0),
            deadline: at(21 * DAY),
            cancel_asked: false,
            unknown_at: None,
            fence_asked: false,
        }
    }

    fn working() -> Standing {
        Standing::Working("ff".into())
    }

    fn approval() -> Approval {
        Approval {
            reference: "ff".into(),
            auth_code: String::new(),
            avs: String::new(),
            cvv: String::new(),
            text: String::new(),
            amount: Money::new(100, Currency::USD),
        }
    }

    #[test]
    fn an_open_salvage_is_polled_by_a_ladder_and_at_its_deadline() {
        let polls = [(0, 600), (600, 3_600), (3_600, 21_600), (21_600, 64_800), (21 * DAY - 5, 21 * DAY)];
        for (now, next) in polls {
            assert_eq!(decide_salvage(&case(), working(), at(now)), SalvageStep::Keep("ff".into(), at(next)));
        }
    }

    #[test]
    fn m21_only_a_final_status_or_a_confirmed_cancellation_closes_it_by_time() {
        let due = at(21 * DAY);
        assert_eq!(decide_salvage(&case(), working(), due), SalvageStep::Close);
        let failed = |step| matches!(step, SalvageStep::Fail(raw) if raw.code == "expired");
        assert!(failed(decide_close(&case(), FenceAnswer::Confirmed, Standing::Cancelled, due)));
        assert!(failed(decide_close(&case(), FenceAnswer::Confirmed, Standing::Unknown, due)));
        let won = decide_close(&case(), FenceAnswer::Failed, Standing::Approved(approval()), due);
        assert_eq!(won, SalvageStep::Approve(approval()));
        for answer in [FenceAnswer::Confirmed, FenceAnswer::Unknown, FenceAnswer::Failed] {
            let still = decide_close(&case(), answer, working(), due);
            assert!(matches!(still, SalvageStep::AskAt(_)), "{answer:?}");
            let late = decide_close(&case(), answer, working(), at(22 * DAY));
            assert!(matches!(late, SalvageStep::Person(_)), "{answer:?}");
        }
    }

    #[test]
    fn m20_a_lost_submission_is_adopted_when_found_and_fenced_when_not() {
        let lost = SalvageCase { acknowledged: false, ..case() };
        assert!(matches!(decide_salvage(&lost, working(), at(60)), SalvageStep::Keep(_, _)));
        assert_eq!(decide_salvage(&lost, Standing::Unknown, at(60)), SalvageStep::Close);
        let first = decide_close(&lost, FenceAnswer::Unknown, Standing::Unknown, at(60));
        assert_eq!(first, SalvageStep::AskAt(at(1_860)));
        let again = SalvageCase { unknown_at: Some(at(60)), ..lost };
        let fenced = decide_close(&again, FenceAnswer::Unknown, Standing::Unknown, at(1_860));
        assert!(matches!(fenced, SalvageStep::Lapse(LapseCause::Fenced, _)));
        let confirmed = decide_close(&lost, FenceAnswer::Confirmed, Standing::Unknown, at(60));
        assert!(matches!(confirmed, SalvageStep::Lapse(LapseCause::Fenced, _)));
    }

    #[test]
    fn m23_a_cancellation_that_we_asked_for_is_never_a_failure_and_one_that_we_did_not_is() {
        let asked = SalvageCase { cancel_asked: true, ..case() };
        assert_eq!(decide_salvage(&asked, working(), at(60)), SalvageStep::Close);
        assert!(matches!(
            decide_salvage(&asked, Standing::Cancelled, at(60)),
            SalvageStep::Lapse(LapseCause::Fenced, _)
        ));
        assert!(matches!(
            decide_salvage(&case(), Standing::Cancelled, at(60)),
            SalvageStep::Fail(raw) if raw.code == "cancelled"
        ));
        let won = decide_close(&asked, FenceAnswer::Failed, Standing::Approved(approval()), at(60));
        assert_eq!(won, SalvageStep::Approve(approval()));
    }

    #[test]
    fn m20_m23_what_is_cancelled_after_our_own_fence_is_never_a_failure() {
        let lost = SalvageCase { acknowledged: false, ..case() };
        let cancelled = |case: &SalvageCase, now| decide_salvage(case, Standing::Cancelled, at(now));
        assert!(matches!(cancelled(&lost, 60), SalvageStep::Fail(raw) if raw.code == "cancelled"));
        for acknowledged in [false, true] {
            let fenced = SalvageCase { fence_asked: true, acknowledged, ..case() };
            assert!(matches!(cancelled(&fenced, 60), SalvageStep::Lapse(LapseCause::Fenced, _)));
        }
        let adopted = SalvageCase { fence_asked: true, ..case() };
        assert!(matches!(cancelled(&adopted, 21 * DAY), SalvageStep::Fail(raw) if raw.code == "expired"));
    }

    #[test]
    fn what_was_taken_on_and_is_unknown_later_goes_to_a_person_and_is_never_guessed() {
        assert!(matches!(decide_salvage(&case(), Standing::Unknown, at(60)), SalvageStep::AskAt(_)));
        assert!(matches!(decide_salvage(&case(), Standing::Unknown, at(22 * DAY)), SalvageStep::Person(_)));
        let odd = || Standing::Unreachable("status 12 is not known".into());
        assert!(matches!(decide_salvage(&case(), odd(), at(60)), SalvageStep::AskAt(_)));
        assert!(matches!(decide_salvage(&case(), odd(), at(22 * DAY)), SalvageStep::Person(_)));
    }
}
