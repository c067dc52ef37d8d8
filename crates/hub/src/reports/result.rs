//! Results: completed, expired, cancelled, capture required. The first final one wins (R136).

use charging::Resolution;
use domain::attempt::{Approval, Attempt, AttemptState, RawDecline};
use domain::doubt::FenceAnswer;
use domain::salvage::Standing;
use gateways::{OperationKind, ReportKind};

use super::{Case, Effect};
use crate::{Hub, HubError};

/// How a result and a settled attempt go together.
enum Fit {
    /// The same fact.
    Same,
    /// The gateway took the money of what had ended otherwise (M17).
    Late,
    /// Not both can be true.
    Contradiction,
}

impl Hub {
    /// A result of an attempt: settles it while it is open, and is measured against its outcome afterwards.
    pub(super) async fn apply_result(&self, case: &Case<'_>, attempt: Attempt) -> Result<Effect, HubError> {
        if !attempt.state.is_open() {
            return self.after_end(case, &attempt, false).await;
        }
        let known = self.known_reference(&attempt).await?;
        let aftermath = self.aftermath();
        // An attempt that was to be answered at once, or a report that proves nothing by itself: the gateway is asked.
        let resolution = match told(case, &attempt) {
            Some(standing) if attempt.deadline.is_some() && case.is_believed(known.as_deref()) => {
                self.charging.apply_report(&attempt, standing, aftermath.as_ref()).await?
            }
            Some(_) | None => self.charging.resolve(&attempt, aftermath.as_ref(), None).await?,
        };
        let Some(fresh) = self.store().find_attempt(attempt.merchant_id, attempt.id).await? else {
            return Ok(Effect::Wait("Its attempt cannot be read.".to_owned()));
        };
        if !fresh.state.is_open() {
            return self.after_end(case, &fresh, true).await;
        }
        Ok(match resolution {
            Resolution::Before | Resolution::Settled(_) | Resolution::Undone => {
                Effect::Wait("Somebody else works on its attempt at this moment.".to_owned())
            }
            Resolution::Waiting(at) | Resolution::Open(at) => Effect::applied(
                &fresh,
                format!("The gateway was asked: not settled yet, asked again at {at}."),
            ),
            Resolution::NeedsPerson => {
                Effect::applied(&fresh, "The gateway was asked: a person has to look at it.")
            }
        })
    }

    async fn after_end(
        &self,
        case: &Case<'_>,
        attempt: &Attempt,
        is_fresh: bool,
    ) -> Result<Effect, HubError> {
        let state = attempt.state.name();
        match self.fit(case, attempt).await? {
            Fit::Same if is_fresh => Ok(Effect::applied(attempt, format!("Its attempt is {state} now."))),
            Fit::Same => Ok(Effect::ignored(attempt, format!("Its attempt was {state} already."))),
            Fit::Late => self.apply_late(case, attempt).await,
            Fit::Contradiction => self.contradicts(case, attempt, "The first result stands.").await,
        }
    }

    async fn fit(&self, case: &Case<'_>, attempt: &Attempt) -> Result<Fit, HubError> {
        let told_money = matches!(case.report.kind, ReportKind::Completed | ReportKind::CaptureRequired);
        Ok(match &attempt.state {
            AttemptState::Approved { .. } if told_money => Fit::Same,
            AttemptState::Approved { reversed_at: Some(_), .. } => Fit::Same,
            // What we give back may be reported as cancelled.
            AttemptState::Approved { .. } if self.gives_back(attempt).await? => Fit::Same,
            AttemptState::Approved { .. } => Fit::Contradiction,
            AttemptState::Declined { .. } | AttemptState::NotExecuted { .. } if told_money => Fit::Late,
            AttemptState::Declined { .. }
            | AttemptState::NotExecuted { .. }
            | AttemptState::Sending
            | AttemptState::InDoubt { .. }
            | AttemptState::Pending { .. } => Fit::Same,
        })
    }

    async fn gives_back(&self, attempt: &Attempt) -> Result<bool, HubError> {
        let all = self.store().list_operations_of_order(attempt.merchant_id, attempt.order_id).await?;
        Ok(all.iter().any(|one| {
            one.attempt_id == attempt.id
                && one.kind != OperationKind::Capture.as_str()
                && matches!(one.state.as_str(), "sending" | "in_doubt" | "done")
        }))
    }

    /// The gateway says that it took or holds the money of what ended otherwise: confirmed by asking, then given back or
    /// left to a person (M17).
    async fn apply_late(&self, case: &Case<'_>, attempt: &Attempt) -> Result<Effect, HubError> {
        if self.store().find_late_approval(attempt.merchant_id, attempt.id).await?.is_some() {
            return Ok(Effect::ignored(attempt, "This late approval is known already."));
        }
        match self.stands(case.gateway, attempt).await? {
            Standing::Approved(approval) => self.record_late(attempt, &approval).await,
            Standing::Held(_) => {
                let question = self.inquiry(attempt).await?;
                match case.gateway.fence(&question).await {
                    FenceAnswer::Confirmed => {
                        Ok(Effect::applied(attempt, "The gateway held the money; the hold was cancelled."))
                    }
                    FenceAnswer::Unknown | FenceAnswer::Failed => Ok(Effect::Wait(
                        "The gateway holds the money, and has not confirmed that the hold is cancelled."
                            .to_owned(),
                    )),
                }
            }
            Standing::Reversed(_) => {
                Ok(Effect::ignored(attempt, "The gateway took the money and has given it back already."))
            }
            Standing::Unreachable(words) => Ok(Effect::Wait(words)),
            Standing::Working { .. } | Standing::Failed(_) | Standing::Cancelled | Standing::Unknown => {
                self.contradicts(case, attempt, "Asked about it, the gateway says that it took nothing.")
                    .await
            }
        }
    }
}

/// What a result says, in the words of a look-up.
fn told(case: &Case<'_>, attempt: &Attempt) -> Option<Standing> {
    let approval = || Approval {
        reference: case.report.gateway_reference.clone(),
        auth_code: String::new(),
        avs: String::new(),
        cvv: String::new(),
        text: format!("Reported as {}.", super::word(&case.report.kind)),
        amount: attempt.amount,
    };
    let has_reference = !case.report.gateway_reference.is_empty();
    match &case.report.kind {
        ReportKind::Completed => has_reference.then(|| Standing::Approved(approval())),
        ReportKind::CaptureRequired => has_reference.then(|| Standing::Held(approval())),
        ReportKind::Expired => Some(Standing::Failed(RawDecline {
            reference: case.report.gateway_reference.clone(),
            code: "expired".to_owned(),
            text: "The salvage gateway's time ran out.".to_owned(),
            ..RawDecline::default()
        })),
        ReportKind::Cancelled => Some(Standing::Cancelled),
        ReportKind::Refunded(_) | ReportKind::ChargedBack { .. } | ReportKind::Other(_) => None,
    }
}
