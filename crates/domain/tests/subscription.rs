//! Every status of a subscription with every event: one row each, allowed or refused.
#![cfg(test)]

use std::collections::BTreeSet;

use recoup_domain::subscription::{Refused, SubscriptionEvent, SubscriptionStatus};

/// Status, event, status after it; `with_trial`: refused when the plan has no trial.
const TABLE: &str = "\
trial paid active
trial final_paid complete
trial recycle recycle_billing
trial fail recycle_failed
trial pause paused
trial schedule_pause pause_scheduled
trial cancel cancelled
trial schedule_cancel cancellation_scheduled
trial reactivate refused
trial skip_trial trial
trial restart_trial trial
active paid active
active final_paid complete
active recycle recycle_billing
active fail recycle_failed
active pause paused
active schedule_pause pause_scheduled
active cancel cancelled
active schedule_cancel cancellation_scheduled
active reactivate refused
active skip_trial refused
active restart_trial trial with_trial
paused paid paused
paused final_paid complete
paused recycle refused
paused fail refused
paused pause refused
paused schedule_pause refused
paused cancel cancelled
paused schedule_cancel refused
paused reactivate active
paused skip_trial refused
paused restart_trial refused
pause_scheduled paid pause_scheduled
pause_scheduled final_paid complete
pause_scheduled recycle recycle_billing
pause_scheduled fail recycle_failed
pause_scheduled pause paused
pause_scheduled schedule_pause pause_scheduled
pause_scheduled cancel cancelled
pause_scheduled schedule_cancel cancellation_scheduled
pause_scheduled reactivate active
pause_scheduled skip_trial refused
pause_scheduled restart_trial refused
complete paid refused
complete final_paid refused
complete recycle refused
complete fail refused
complete pause refused
complete schedule_pause refused
complete cancel refused
complete schedule_cancel refused
complete reactivate refused
complete skip_trial refused
complete restart_trial refused
cancelled paid refused
cancelled final_paid refused
cancelled recycle refused
cancelled fail refused
cancelled pause refused
cancelled schedule_pause refused
cancelled cancel refused
cancelled schedule_cancel refused
cancelled reactivate active
cancelled skip_trial refused
cancelled restart_trial refused
cancellation_scheduled paid cancelled
cancellation_scheduled final_paid complete
cancellation_scheduled recycle recycle_billing
cancellation_scheduled fail recycle_failed
cancellation_scheduled pause refused
cancellation_scheduled schedule_pause refused
cancellation_scheduled cancel cancelled
cancellation_scheduled schedule_cancel refused
cancellation_scheduled reactivate active
cancellation_scheduled skip_trial refused
cancellation_scheduled restart_trial refused
recycle_billing paid active
recycle_billing final_paid complete
recycle_billing recycle recycle_billing
recycle_billing fail recycle_failed
recycle_billing pause paused
recycle_billing schedule_pause refused
recycle_billing cancel cancelled
recycle_billing schedule_cancel refused
recycle_billing reactivate refused
recycle_billing skip_trial refused
recycle_billing restart_trial refused
recycle_failed paid active
recycle_failed final_paid complete
recycle_failed recycle refused
recycle_failed fail refused
recycle_failed pause refused
recycle_failed schedule_pause refused
recycle_failed cancel cancelled
recycle_failed schedule_cancel refused
recycle_failed reactivate active
recycle_failed skip_trial refused
recycle_failed restart_trial refused";

#[test]
fn every_pair_of_status_and_event_is_decided_as_the_table_says() {
    let mut seen = BTreeSet::new();
    for row in TABLE.lines() {
        let cells: Vec<&str> = row.split(' ').collect();
        let from = SubscriptionStatus::parse(cells[0]).unwrap();
        let event = SubscriptionEvent::parse(cells[1]).unwrap();
        assert!(seen.insert((cells[0], cells[1])), "{row} stands twice");
        let refused = Err(Refused { from, event });
        let expected = SubscriptionStatus::parse(cells[2]).map_or(refused, Ok);
        assert_eq!(expected == refused, cells[2] == "refused", "{row}");
        assert_eq!(from.on(event, true), expected, "{row}, with a trial");
        let without = if cells.get(3) == Some(&"with_trial") { refused } else { expected };
        assert_eq!(from.on(event, false), without, "{row}, without a trial");
    }
    let pairs = SubscriptionStatus::ALL.len() * SubscriptionEvent::ALL.len();
    assert_eq!((seen.len(), pairs), (99, 99), "every pair has a row");
}

#[test]
fn m23_a_failure_never_overwrites_a_cancellation_or_a_pause() {
    for from in [SubscriptionStatus::Cancelled, SubscriptionStatus::Paused] {
        let refused = from.on(SubscriptionEvent::Fail, false).unwrap_err();
        assert!(refused.to_string().starts_with("failing is not possible while the subscription is "));
        assert!(from.on(SubscriptionEvent::Recycle, false).is_err());
    }
}

#[test]
fn m23_an_approval_that_was_earlier_than_the_pause_leaves_it_paused() {
    let paused = SubscriptionStatus::RecycleBilling.on(SubscriptionEvent::Pause, false).unwrap();
    assert_eq!(paused.on(SubscriptionEvent::Paid, false), Ok(SubscriptionStatus::Paused));
}

#[test]
fn only_what_is_billed_can_decline_and_nothing_that_ended_is_billed() {
    for status in SubscriptionStatus::ALL.iter().copied() {
        assert_eq!(status.is_billable(), status.on(SubscriptionEvent::Recycle, false).is_ok(), "{status:?}");
        assert!(status.is_open() || !status.is_billable(), "{status:?}");
    }
    assert!(SubscriptionStatus::Paused.is_open() && !SubscriptionStatus::Paused.is_billable());
}
