//! Every allowed and refused change of a subscription's status, as one table (crm.md section 3.3).
//!
//! The CRM's pages name some of the pairs; the others are ours. Where a pair is refused, the caller does nothing at all.

use thiserror::Error;

use super::SubscriptionStatus;
use crate::attempt::words;

/// What happens to a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubscriptionEvent {
    /// A cycle was paid and more are to come.
    Paid,
    /// The final cycle was paid.
    FinalPaid,
    /// The rebill was declined softly and is tried again.
    Recycle,
    /// The rebill was declined for good, or nothing tries any more.
    Fail,
    /// Paused now.
    Pause,
    /// To be paused on a date.
    SchedulePause,
    /// Ended now.
    Cancel,
    /// To be ended after the next bill.
    ScheduleCancel,
    /// Billed again after a pause, a cancellation or a failure.
    Reactivate,
    /// The trial ends now: cycle 2 is next.
    SkipTrial,
    /// The trial begins again.
    RestartTrial,
}

words!(SubscriptionEvent {
    Paid = "paid",
    FinalPaid = "final_paid",
    Recycle = "recycle",
    Fail = "fail",
    Pause = "pause",
    SchedulePause = "schedule_pause",
    Cancel = "cancel",
    ScheduleCancel = "schedule_cancel",
    Reactivate = "reactivate",
    SkipTrial = "skip_trial",
    RestartTrial = "restart_trial",
});

/// A status does not take this event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{} is not possible while the subscription is {}", .event.words(), .from.as_str())]
pub struct Refused {
    /// Where it stands.
    pub from: SubscriptionStatus,
    /// What was asked of it.
    pub event: SubscriptionEvent,
}

impl SubscriptionEvent {
    /// The event in words, to begin "… is not possible".
    pub fn words(self) -> &'static str {
        match self {
            Self::Paid => "a paid cycle",
            Self::FinalPaid => "a paid final cycle",
            Self::Recycle => "recycling",
            Self::Fail => "failing",
            Self::Pause => "pausing",
            Self::SchedulePause => "scheduling a pause",
            Self::Cancel => "cancelling",
            Self::ScheduleCancel => "scheduling a cancellation",
            Self::Reactivate => "reactivating",
            Self::SkipTrial => "skipping the trial",
            Self::RestartTrial => "restarting the trial",
        }
    }
}

impl SubscriptionStatus {
    /// The status after `event`; `has_trial`: whether the plan begins with a trial.
    ///
    /// A skipped trial is a trial until its completion is paid. A repeated scheduling of a pause changes its date only.
    pub fn on(self, event: SubscriptionEvent, has_trial: bool) -> Result<Self, Refused> {
        let next = match event {
            SubscriptionEvent::Paid => self.paid(),
            SubscriptionEvent::FinalPaid => self.is_payable().then_some(Self::Complete),
            SubscriptionEvent::Recycle => self.is_billable().then_some(Self::RecycleBilling),
            SubscriptionEvent::Fail => self.is_billable().then_some(Self::RecycleFailed),
            SubscriptionEvent::Pause => self.paused(),
            SubscriptionEvent::SchedulePause => self.is_undisturbed().then_some(Self::PauseScheduled),
            SubscriptionEvent::Cancel => self.is_payable().then_some(Self::Cancelled),
            SubscriptionEvent::ScheduleCancel => self.is_undisturbed().then_some(Self::CancellationScheduled),
            SubscriptionEvent::Reactivate => self.reactivated(),
            SubscriptionEvent::SkipTrial => (self == Self::Trial).then_some(Self::Trial),
            SubscriptionEvent::RestartTrial => {
                (self == Self::Trial || (self == Self::Active && has_trial)).then_some(Self::Trial)
            }
        };
        next.ok_or(Refused { from: self, event })
    }

    /// Whether the billing run bills it when it is due.
    pub fn is_billable(self) -> bool {
        match self {
            Self::Trial
            | Self::Active
            | Self::PauseScheduled
            | Self::CancellationScheduled
            | Self::RecycleBilling => true,
            Self::Paused | Self::Complete | Self::Cancelled | Self::RecycleFailed => false,
        }
    }

    /// Whether it goes on, at once or after a pause: neither ended nor given up.
    pub fn is_open(self) -> bool {
        match self {
            Self::Trial
            | Self::Active
            | Self::Paused
            | Self::PauseScheduled
            | Self::CancellationScheduled
            | Self::RecycleBilling => true,
            Self::Complete | Self::Cancelled | Self::RecycleFailed => false,
        }
    }

    /// Whether money of a cycle may still be booked on it. A failed one may: someone kept a late approval (M17).
    fn is_payable(self) -> bool {
        match self {
            Self::Trial
            | Self::Active
            | Self::Paused
            | Self::PauseScheduled
            | Self::CancellationScheduled
            | Self::RecycleBilling
            | Self::RecycleFailed => true,
            Self::Complete | Self::Cancelled => false,
        }
    }

    /// Whether a date may be set for its pause or end: nothing else is under way. While it is recycled, the next bill
    /// is the one being collected, so only pausing or cancelling now has a meaning.
    fn is_undisturbed(self) -> bool {
        match self {
            Self::Trial | Self::Active | Self::PauseScheduled => true,
            Self::Paused
            | Self::Complete
            | Self::Cancelled
            | Self::CancellationScheduled
            | Self::RecycleBilling
            | Self::RecycleFailed => false,
        }
    }

    fn paid(self) -> Option<Self> {
        match self {
            Self::Trial | Self::Active | Self::RecycleBilling | Self::RecycleFailed => Some(Self::Active),
            // An approval that was earlier than the pause is kept, and the pause too (M23).
            Self::Paused => Some(Self::Paused),
            Self::PauseScheduled => Some(Self::PauseScheduled),
            Self::CancellationScheduled => Some(Self::Cancelled),
            Self::Complete | Self::Cancelled => None,
        }
    }

    /// A scheduled cancellation is not turned into a pause: reactivating would forget it.
    fn paused(self) -> Option<Self> {
        match self {
            Self::Trial | Self::Active | Self::PauseScheduled | Self::RecycleBilling => Some(Self::Paused),
            Self::Paused
            | Self::Complete
            | Self::Cancelled
            | Self::CancellationScheduled
            | Self::RecycleFailed => None,
        }
    }

    fn reactivated(self) -> Option<Self> {
        match self {
            Self::Paused
            | Self::PauseScheduled
            | Self::Cancelled
            | Self::CancellationScheduled
            | Self::RecycleFailed => Some(Self::Active),
            Self::Trial | Self::Active | Self::Complete | Self::RecycleBilling => None,
        }
    }
}
