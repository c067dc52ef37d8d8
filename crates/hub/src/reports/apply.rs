//! Which attempt a report is about, and what its kind leads to.

use domain::attempt::{Attempt, AttemptState};
use domain::ids::AttemptId;
use gateways::ReportKind;
use storage::alerts::Alert;
use storage::inbound_reports::{self, ReportState};
use storage::late_approvals::LateState;

use super::{Case, Effect, word};
use crate::{Hub, HubError};

/// Attempts that are looked at when a gateway's own id is all that a report names; there is one, or two when a person kept
/// a late approval.
const NAMED_MAX: i64 = 16;

impl Hub {
    /// What a believed report leads to. What it settles is settled on the way, once; what it books is in the effect.
    pub(super) async fn apply_case(&self, case: &Case<'_>) -> Result<Effect, HubError> {
        let kind = &case.report.kind;
        if let ReportKind::Other(name) = kind {
            return Ok(Effect::end(ReportState::Ignored, None, format!("{name} changes nothing here.")));
        }
        let is_chargeback = matches!(kind, ReportKind::ChargedBack { .. });
        if is_chargeback && !case.gateway.takes_chargebacks() {
            let words = "Chargebacks of this gateway are not marked: the option is off.";
            return Ok(Effect::end(ReportState::Ignored, None, words));
        }
        let Some(attempt) = self.attempt_of_report(case).await? else {
            return self.unmatched(case).await;
        };
        // Its own request has still to be answered; a process that died meanwhile is waited for no longer.
        let under_way = attempt.next_check_at.is_some_and(|at| at > self.minter().now());
        if attempt.state == AttemptState::Sending && under_way {
            return Ok(Effect::Wait(
                "The gateway's answer to the request itself is still to come.".to_owned(),
            ));
        }
        match kind {
            ReportKind::Completed
            | ReportKind::Expired
            | ReportKind::Cancelled
            | ReportKind::CaptureRequired => self.apply_result(case, attempt).await,
            ReportKind::Refunded(amount) => self.apply_refund(case, attempt, *amount).await,
            ReportKind::ChargedBack { .. } => self.apply_chargeback(case, attempt).await,
            ReportKind::Other(_) => Ok(Effect::ignored(&attempt, "It changes nothing here.")),
        }
    }

    /// The attempt that the report names, at this merchant and this gateway; when a person kept its late approval, the
    /// attempt under which that was booked.
    async fn attempt_of_report(&self, case: &Case<'_>) -> Result<Option<Attempt>, HubError> {
        let Some(attempt) = self.named_attempt(case).await? else { return Ok(None) };
        let late = self.store().find_late_approval(attempt.merchant_id, attempt.id).await?;
        let Some(late) = late.filter(|late| late.state == LateState::Kept) else { return Ok(Some(attempt)) };
        let siblings = self.store().list_attempts_of_payment(attempt.merchant_id, attempt.payment_id).await?;
        let booked = siblings.into_iter().find(|sibling| match &sibling.state {
            AttemptState::Approved { approval, .. } => approval.reference == late.gateway_reference,
            AttemptState::Sending
            | AttemptState::InDoubt { .. }
            | AttemptState::Pending { .. }
            | AttemptState::Declined { .. }
            | AttemptState::NotExecuted { .. } => false,
        });
        Ok(Some(booked.unwrap_or(attempt)))
    }

    /// By our reference; by the gateway's own id only where the report names nothing else.
    async fn named_attempt(&self, case: &Case<'_>) -> Result<Option<Attempt>, HubError> {
        let (merchant_id, gateway_id) = (case.kept.merchant_id, case.kept.gateway_id);
        if !case.report.reference.is_empty() {
            let Ok(id) = case.report.reference.parse::<AttemptId>() else { return Ok(None) };
            let found = self.store().find_attempt(merchant_id, id).await?;
            return Ok(found.filter(|attempt| attempt.gateway_id == gateway_id));
        }
        let reference = &case.report.gateway_reference;
        let ids = self
            .store()
            .list_attempts_by_gateway_reference(merchant_id, gateway_id, reference, NAMED_MAX)
            .await?;
        let mut named = Vec::new();
        for id in ids {
            named.extend(self.store().find_attempt(merchant_id, id).await?);
        }
        // Of one debt, the attempt that took its money; of two debts, nobody can say which is meant.
        let is_one_debt = named.windows(2).all(|two| matches!(two, [a, b] if a.payment_id == b.payment_id));
        let took = |attempt: &Attempt| matches!(attempt.state, AttemptState::Approved { .. });
        Ok(named.into_iter().filter(|_| is_one_debt).max_by_key(|attempt| (took(attempt), attempt.id)))
    }

    /// Kept and shown, with one alert per gateway and kind while it is open (R157).
    async fn unmatched(&self, case: &Case<'_>) -> Result<Effect, HubError> {
        let configuration = self.configuration(case.kept.merchant_id).await?;
        let gateway = configuration.gateway(case.kept.gateway_id);
        let gateway = gateway.map_or_else(String::new, |one| format!("{} ({})", one.number, one.title));
        let kind = word(&case.report.kind);
        let alert = Alert {
            merchant_id: case.kept.merchant_id,
            id: self.minter().mint(),
            kind: "unmatched_report".to_owned(),
            order_id: None,
            attempt_id: None,
            words: format!(
                "Gateway {gateway} reports {kind} about something that is not known here; see the unmatched reports."
            ),
            created_at: self.minter().now(),
        };
        let words = "It names no attempt of this gateway.";
        let effect = Effect::end(ReportState::Unmatched, None, words);
        Ok(effect.with([inbound_reports::alert_once(&alert)]))
    }

    /// A report that does not fit what was settled changes nothing and raises an alert (R136).
    pub(super) async fn contradicts(
        &self,
        case: &Case<'_>,
        attempt: &Attempt,
        words: &str,
    ) -> Result<Effect, HubError> {
        self.alerted(attempt, "contradicting_report", words, &format!(
            "Gateway reports {} about attempt {}, which is {}. {words} Nothing was changed; look it up at the gateway.",
            word(&case.report.kind),
            attempt.id,
            attempt.state.name(),
        ))
        .await
    }

    /// Ignored, with an alert.
    pub(super) async fn alerted(
        &self,
        attempt: &Attempt,
        kind: &str,
        effect: &str,
        words: &str,
    ) -> Result<Effect, HubError> {
        let alert = Alert {
            merchant_id: attempt.merchant_id,
            id: self.minter().mint(),
            kind: kind.to_owned(),
            order_id: Some(self.order_shown(attempt).await?),
            attempt_id: Some(attempt.id),
            words: words.to_owned(),
            created_at: self.minter().now(),
        };
        let steps = [inbound_reports::alert_once(&alert)];
        Ok(Effect::ignored(attempt, format!("{effect} An alert was raised.")).with(steps))
    }
}
