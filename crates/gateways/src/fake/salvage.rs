//! Open salvages of the fake: how they stand, how they end, and what is reported about them.

use std::sync::PoisonError;

use domain::attempt::{Approval, RawDecline};
use domain::doubt::FenceAnswer;
use domain::salvage::Standing;
use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::report::{self, Told};
use super::{Booked, FakeGateway};
use crate::port::{RawReport, ReportKind};
use crate::requests::{ChargeRequest, InquireRequest};
use crate::signing::SigningKeys;

/// How an open salvage ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The whole amount is taken.
    Completed,
    /// The whole amount is held until we capture or cancel.
    CaptureRequired,
    /// It failed, with this code and text.
    Failed(&'static str, &'static str),
    /// It was cancelled.
    Cancelled,
    /// The whole amount was taken and given back.
    Returned,
}

/// A salvage as it is booked when it begins: nothing is taken.
pub(super) fn opened(request: &ChargeRequest, id: &str) -> Booked {
    Booked {
        reference: request.reference.clone(),
        gateway_reference: id.to_owned(),
        minor: 0,
        held: false,
        declined: None,
        approval: None,
        asked: request.amount,
        open: true,
        cancelled: false,
    }
}

/// What an inquiry says of a cancelled salvage.
pub(super) fn cancelled_decline() -> RawDecline {
    RawDecline { code: "CANCELLED".to_owned(), text: "CANCELLED".to_owned(), ..RawDecline::default() }
}

impl Booked {
    fn standing(&self) -> Standing {
        match (&self.declined, &self.approval) {
            _ if self.open => Standing::Working(self.gateway_reference.clone()),
            _ if self.cancelled => Standing::Cancelled,
            (Some(raw), _) => Standing::Failed(raw.clone()),
            (None, Some(approval)) if self.minor == 0 => Standing::Reversed(approval.clone()),
            (None, Some(approval)) if self.held => Standing::Held(approval.clone()),
            (None, Some(approval)) => Standing::Approved(approval.clone()),
            (None, None) => Standing::Unknown,
        }
    }

    fn end(&mut self, ending: &Ending) {
        let approval = Approval {
            reference: self.gateway_reference.clone(),
            auth_code: "123456".to_owned(),
            avs: String::new(),
            cvv: String::new(),
            text: "SUCCESS".to_owned(),
            amount: self.asked,
        };
        self.open = false;
        self.cancelled = *ending == Ending::Cancelled;
        match ending {
            Ending::Completed | Ending::CaptureRequired => {
                self.minor = self.asked.minor();
                self.held = *ending == Ending::CaptureRequired;
                self.approval = Some(approval);
            }
            Ending::Returned => {
                self.minor = 0;
                self.approval = Some(approval);
            }
            Ending::Failed(code, text) => {
                let reference = self.gateway_reference.clone();
                let (code, text) = ((*code).to_owned(), (*text).to_owned());
                self.declined = Some(RawDecline { reference, code, text, ..RawDecline::default() });
            }
            Ending::Cancelled => {}
        }
    }
}

impl FakeGateway {
    /// Appends to the answers of look-ups; without any the books answer.
    pub fn script_standings(&self, answers: impl IntoIterator<Item = Standing>) {
        self.with(|state| state.standings.extend(answers));
    }

    /// Ends the open salvage with this reference of ours; nothing happens when there is none.
    pub fn end(&self, reference: &str, ending: &Ending) {
        self.with(|state| {
            let open = state.booked.iter_mut().find(|one| one.open && one.reference == reference);
            if let Some(one) = open {
                one.end(ending);
            }
        });
    }

    /// What was looked up, as it was asked.
    pub fn looked_up(&self) -> Vec<InquireRequest> {
        self.with(|state| state.looked_up.clone())
    }

    /// What was fenced, as it was asked.
    pub fn fenced(&self) -> Vec<InquireRequest> {
        self.with(|state| state.fenced.clone())
    }

    /// Two merchant-initiated charges of one amount on one card must lie so far apart from now on (M12).
    pub fn set_equal_charge_spacing(&self, secs: i64) {
        self.setup.lock().unwrap_or_else(PoisonError::into_inner).spacing_secs = secs;
    }

    /// A report about the charge with this reference of ours, signed and sent at `at` to [`super::REPORT_HOST`].
    ///
    /// Each one is a report of its own; the same report again is a clone of it.
    pub fn report(&self, kind: ReportKind, reference: &str, at: Timestamp) -> RawReport {
        self.report_signed(kind, reference, at, at, at)
    }

    /// A report about something that happened at `at`, signed at `signed_at` and received at `received_at`.
    pub fn report_signed(
        &self,
        kind: ReportKind,
        reference: &str,
        at: Timestamp,
        signed_at: Timestamp,
        received_at: Timestamp,
    ) -> RawReport {
        let keys = self.setup().keys;
        let key = keys.believed_at(received_at).next().map_or("", |key| key.expose_secret());
        let (number, gateway_reference) = self.with(|state| {
            state.reports = state.reports.saturating_add(1);
            let booked = state.booked.iter().find(|one| one.reference == reference);
            (state.reports, booked.map(|one| one.gateway_reference.clone()).unwrap_or_default())
        });
        let told = Told { kind, reference: reference.to_owned(), gateway_reference, at, signed_at, number };
        report::write(key, &told, received_at)
    }

    /// What [`super::FakeConnect`] read from its settings.
    pub(super) fn set_up(&self, salvage_days: i64, takes_chargebacks: bool, keys: SigningKeys) {
        let mut setup = self.setup.lock().unwrap_or_else(PoisonError::into_inner);
        setup.salvage_days = Some(salvage_days);
        setup.takes_chargebacks = takes_chargebacks;
        setup.keys = keys;
    }

    pub(super) fn stands(&self, request: &InquireRequest) -> Standing {
        self.with(|state| {
            state.looked_up.push(request.clone());
            if state.unreachable {
                return Standing::Unreachable("scripted".to_owned());
            }
            if let Some(scripted) = state.standings.pop_front() {
                return scripted;
            }
            let booked = state.booked.iter().find(|one| match &request.gateway_reference {
                Some(id) => one.gateway_reference == *id,
                None => one.reference == request.reference,
            });
            booked.map_or(Standing::Unknown, Booked::standing)
        })
    }

    /// The scripted answer, else "confirmed"; a confirmed fence cancels what is open.
    pub(super) fn fence_now(&self, request: &InquireRequest) -> FenceAnswer {
        self.with(|state| {
            state.fenced.push(request.clone());
            let answer = state.fences.pop_front().unwrap_or(FenceAnswer::Confirmed);
            let open = state.booked.iter_mut().find(|one| one.open && one.reference == request.reference);
            if let (FenceAnswer::Confirmed, Some(one)) = (answer, open) {
                one.end(&Ending::Cancelled);
            }
            answer
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{inquiry, sample_charge};
    use crate::fake::{Act, SALVAGE};
    use crate::port::{ChargeOutcome, Gateway};
    use domain::doubt::Finding;
    use rstest::rstest;

    async fn pending() -> (FakeGateway, ChargeRequest) {
        let (gateway, request) = (FakeGateway::new(SALVAGE), sample_charge());
        gateway.script([Act::Pend]);
        assert_eq!(gateway.charge(&request).await.unwrap(), ChargeOutcome::Pending("fake-1".to_owned()));
        assert_eq!(gateway.look_up(&inquiry(&request)).await, Standing::Working("fake-1".to_owned()));
        assert_eq!(gateway.inquire(&inquiry(&request)).await, Finding::Processing);
        assert_eq!(gateway.booked()[0].minor, 0);
        (gateway, request)
    }

    #[rstest]
    #[case(Ending::Completed, "Approved", 1_999)]
    #[case(Ending::CaptureRequired, "Held", 1_999)]
    #[case(Ending::Failed("EXPIRED", "late"), "Failed", 0)]
    #[case(Ending::Cancelled, "Cancelled", 0)]
    #[case(Ending::Returned, "Reversed", 0)]
    #[tokio::test]
    async fn an_open_salvage_stands_as_it_ended(
        #[case] ending: Ending,
        #[case] word: &str,
        #[case] minor: i64,
    ) {
        let (gateway, request) = pending().await;
        gateway.end(&request.reference, &ending);
        let by_id = InquireRequest { gateway_reference: Some("fake-1".to_owned()), ..inquiry(&request) };
        for asked in [inquiry(&request), by_id] {
            let standing = format!("{:?}", gateway.look_up(&asked).await);
            assert!(standing.starts_with(word), "{standing}");
        }
        assert_eq!(gateway.booked()[0].minor, minor);
        gateway.end(&request.reference, &Ending::Completed);
        assert_eq!(gateway.booked()[0].minor, minor, "it ends once");
    }

    #[tokio::test]
    async fn a_fence_that_holds_cancels_what_is_open() {
        let (gateway, request) = pending().await;
        gateway.script_fences([FenceAnswer::Failed]);
        assert_eq!(gateway.fence(&inquiry(&request)).await, FenceAnswer::Failed);
        assert_eq!(gateway.look_up(&inquiry(&request)).await, Standing::Working("fake-1".to_owned()));
        assert_eq!(gateway.fence(&inquiry(&request)).await, FenceAnswer::Confirmed);
        assert_eq!(gateway.look_up(&inquiry(&request)).await, Standing::Cancelled);
        assert_eq!((gateway.fenced().len(), gateway.looked_up().len()), (2, 3));
    }

    #[tokio::test]
    async fn scripted_standings_come_before_the_books() {
        let (gateway, request) = pending().await;
        gateway.script_standings([Standing::Unknown]);
        assert_eq!(gateway.look_up(&inquiry(&request)).await, Standing::Unknown);
        assert_eq!(gateway.look_up(&inquiry(&request)).await, Standing::Working("fake-1".to_owned()));
    }
}
