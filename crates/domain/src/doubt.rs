//! What to do about an attempt whose outcome nobody knows (M2, M8, M12, M13).
//!
//! Nothing here guesses: an attempt ends by what the gateway says, by a fence that holds, or by a person.

use jiff::{SignedDuration, Timestamp};

use crate::attempt::{Approval, Doubt, LapseCause, RawDecline};

/// When to ask the gateway, counted from the moment of doubt: 0.02, 0.1 and 0.5 hours (declines.md section 2.1, `query_first`).
pub const ASK_AFTER_SECS: [i64; 3] = [72, 360, 1_800];
/// After this long without a trace at a gateway that cannot fence, the request was not received (M13).
pub const NOT_RECEIVED_AFTER_SECS: i64 = 1_800;
/// Two "unknown" answers of a fence count when they are this far apart (M8).
pub const FENCE_APART_SECS: i64 = 1_800;
/// After this long a person decides (M8).
pub const PERSON_AFTER_SECS: i64 = 86_400;

/// What the gateway says about an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It took the money or holds it.
    Approved(Approval),
    /// It took the money and gave it back.
    Reversed(Approval),
    /// It holds the money until we capture or cancel.
    Held(Approval),
    /// It was refused.
    Declined(RawDecline),
    /// It works on it.
    Processing,
    /// It does not know it.
    NotFound,
    /// It refused ours as a repetition, and what it has belongs to another payment (M12).
    OtherPayment,
    /// It could not be asked.
    Unreachable(String),
    /// What it says does not fit what we asked: another amount, two approvals.
    Contradiction(String),
}

/// What the gateway says to "make sure that this can have no effect".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FenceAnswer {
    /// Confirmed.
    Confirmed,
    /// It does not know it.
    Unknown,
    /// It could not be asked, or refused.
    Failed,
}

/// An attempt in doubt, as far as the decision needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// Why we do not know.
    pub doubt: Doubt,
    /// When the intent was committed: the request left no earlier.
    pub sent_at: Timestamp,
    /// How often the gateway was asked before.
    pub checks: i64,
    /// Whether this gateway can fence by our reference.
    pub can_fence: bool,
    /// When a fence was first answered with "unknown".
    pub fence_unknown_at: Option<Timestamp>,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It was approved.
    Approve(Approval),
    /// It was approved and is undone already.
    ApproveReversed(Approval),
    /// Cancel the hold at the gateway, then look again.
    CancelHold(Approval),
    /// It was refused.
    Decline(RawDecline),
    /// It provably did nothing.
    Lapse(LapseCause, String),
    /// Make sure at the gateway that it can have no effect.
    Fence,
    /// Ask again then.
    AskAt(Timestamp),
    /// A person decides; the sentence says what is known.
    Person(String),
}

fn after(from: Timestamp, secs: i64) -> Timestamp {
    from.saturating_add(SignedDuration::from_secs(secs)).unwrap_or(Timestamp::MAX)
}

/// The next time to ask: the ladder first, then every half hour.
pub fn next_ask(case: &Case, now: Timestamp) -> Timestamp {
    let ladder = usize::try_from(case.checks)
        .ok()
        .and_then(|step| ASK_AFTER_SECS.get(step).copied())
        .map(|secs| after(case.sent_at, secs));
    match ladder {
        Some(at) if at > now => at,
        Some(_) => after(now, 60),
        None => after(now, NOT_RECEIVED_AFTER_SECS),
    }
}

/// Decides from what the gateway says now.
pub fn decide_doubt(case: &Case, finding: Finding, now: Timestamp) -> Step {
    let age_secs = now.duration_since(case.sent_at).as_secs();
    match finding {
        Finding::Approved(approval) => Step::Approve(approval),
        Finding::Reversed(approval) => Step::ApproveReversed(approval),
        Finding::Held(approval) => Step::CancelHold(approval),
        Finding::Declined(raw) => Step::Decline(raw),
        Finding::Contradiction(words) => Step::Person(words),
        Finding::OtherPayment => Step::Lapse(
            LapseCause::Refused,
            "The gateway refused it as a repetition of another payment on this card.".to_owned(),
        ),
        Finding::NotFound if case.doubt == Doubt::Duplicate => person_or_ask(
            case,
            now,
            age_secs >= NOT_RECEIVED_AFTER_SECS,
            "The gateway called it a duplicate, but shows no earlier transaction on this card and amount.",
        ),
        Finding::NotFound if case.can_fence => Step::Fence,
        Finding::NotFound if age_secs >= NOT_RECEIVED_AFTER_SECS => Step::Lapse(
            LapseCause::NotReceived,
            "The gateway does not know it half an hour after it was sent.".to_owned(),
        ),
        Finding::NotFound => Step::AskAt(next_ask(case, now)),
        Finding::Processing if case.can_fence && age_secs < PERSON_AFTER_SECS => Step::Fence,
        Finding::Processing | Finding::Unreachable(_) => person_or_ask(
            case,
            now,
            age_secs >= PERSON_AFTER_SECS,
            "The gateway has given no final answer for 24 hours.",
        ),
    }
}

/// Decides from a fence's answer, after the gateway was asked again and still shows nothing.
pub fn decide_fence(case: &Case, answer: FenceAnswer, now: Timestamp) -> Step {
    let age_secs = now.duration_since(case.sent_at).as_secs();
    let fenced = |words: &str| Step::Lapse(LapseCause::Fenced, words.to_owned());
    match answer {
        FenceAnswer::Confirmed => fenced("The gateway confirmed the cancellation and shows no order."),
        FenceAnswer::Unknown => match case.fence_unknown_at {
            Some(first) if now.duration_since(first).as_secs() >= FENCE_APART_SECS => {
                fenced("The gateway did not know it twice, half an hour apart.")
            }
            Some(first) => Step::AskAt(after(first, FENCE_APART_SECS)),
            None => Step::AskAt(after(now, FENCE_APART_SECS)),
        },
        FenceAnswer::Failed => person_or_ask(
            case,
            now,
            age_secs >= PERSON_AFTER_SECS,
            "The gateway has not confirmed the cancellation for 24 hours.",
        ),
    }
}

fn person_or_ask(case: &Case, now: Timestamp, person: bool, words: &str) -> Step {
    if person { Step::Person(words.to_owned()) } else { Step::AskAt(next_ask(case, now)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(doubt: Doubt, can_fence: bool) -> Case {
        Case { doubt, sent_at: Timestamp::UNIX_EPOCH, checks: 0, can_fence, fence_unknown_at: None }
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(secs).unwrap()
    }

    #[test]
    fn m13_without_a_fence_nothing_is_settled_before_half_an_hour() {
        let case = case(Doubt::LostAnswer, false);
        assert_eq!(decide_doubt(&case, Finding::NotFound, at(10)), Step::AskAt(at(72)));
        assert_eq!(decide_doubt(&case, Finding::NotFound, at(1_799)), Step::AskAt(at(1_859)));
        assert!(matches!(
            decide_doubt(&case, Finding::NotFound, at(1_800)),
            Step::Lapse(LapseCause::NotReceived, _)
        ));
    }

    #[test]
    fn m8_a_fence_counts_when_confirmed_or_unknown_twice_half_an_hour_apart() {
        let mut case = case(Doubt::LostAnswer, true);
        assert_eq!(decide_doubt(&case, Finding::NotFound, at(5)), Step::Fence);
        assert!(matches!(
            decide_fence(&case, FenceAnswer::Confirmed, at(5)),
            Step::Lapse(LapseCause::Fenced, _)
        ));
        assert_eq!(decide_fence(&case, FenceAnswer::Unknown, at(5)), Step::AskAt(at(1_805)));
        case.fence_unknown_at = Some(at(5));
        assert_eq!(decide_fence(&case, FenceAnswer::Unknown, at(1_804)), Step::AskAt(at(1_805)));
        assert!(matches!(
            decide_fence(&case, FenceAnswer::Unknown, at(1_805)),
            Step::Lapse(LapseCause::Fenced, _)
        ));
    }

    #[test]
    fn m8_a_person_decides_after_a_day_without_an_answer() {
        let case = case(Doubt::LostAnswer, true);
        let unreachable = || Finding::Unreachable("no route".into());
        assert!(matches!(decide_doubt(&case, unreachable(), at(86_399)), Step::AskAt(_)));
        assert!(matches!(decide_doubt(&case, unreachable(), at(86_400)), Step::Person(_)));
        assert!(matches!(decide_fence(&case, FenceAnswer::Failed, at(86_400)), Step::Person(_)));
    }

    #[test]
    fn m12_a_duplicate_of_another_payment_did_nothing_and_an_unexplained_one_needs_a_person() {
        let case = case(Doubt::Duplicate, false);
        assert!(matches!(
            decide_doubt(&case, Finding::OtherPayment, at(1)),
            Step::Lapse(LapseCause::Refused, _)
        ));
        assert!(matches!(decide_doubt(&case, Finding::NotFound, at(60)), Step::AskAt(_)));
        assert!(matches!(decide_doubt(&case, Finding::NotFound, at(1_800)), Step::Person(_)));
    }

    #[test]
    fn m9_what_a_salvage_gateway_still_works_on_is_fenced_and_what_another_does_is_asked_about() {
        let at_salvage = case(Doubt::Unclear, true);
        assert_eq!(decide_doubt(&at_salvage, Finding::Processing, at(60)), Step::Fence);
        let elsewhere = case(Doubt::Unclear, false);
        assert!(matches!(decide_doubt(&elsewhere, Finding::Processing, at(60)), Step::AskAt(_)));
        assert!(matches!(decide_doubt(&at_salvage, Finding::Processing, at(86_400)), Step::Person(_)));
    }

    #[test]
    fn a_contradiction_is_never_settled_by_us() {
        let case = case(Doubt::LostAnswer, false);
        let said = Finding::Contradiction("two approvals".into());
        assert_eq!(decide_doubt(&case, said, at(9_999_999)), Step::Person("two approvals".into()));
    }
}
