//! What gateways promise that keep open salvages or send reports. Others have no such stage and keep the defaults.

use domain::attempt::Initiator;
use domain::salvage::Standing;
use jiff::SignedDuration;

use super::{Scene, Stage, inquiry};
use crate::port::{ChargeOutcome, GatewayError, RawReport, ReportError};
use crate::requests::{ChargeRequest, InquireRequest, OpenSalvage, SubscriptionTerms};

/// A charge as an open salvage: merchant-initiated, 21 days, the third charge of a monthly agreement.
pub fn opened(charge: ChargeRequest) -> ChargeRequest {
    let terms = SubscriptionTerms {
        reference: "sub-7".to_owned(),
        interval_days: 30,
        price: charge.amount,
        payment_number: 3,
        payments_total: None,
    };
    let deadline = charge.at.saturating_add(SignedDuration::from_hours(21 * 24)).unwrap_or(charge.at);
    let open_salvage = Some(OpenSalvage { deadline, subscription: Some(terms) });
    ChargeRequest { initiator: Initiator::Merchant, open_salvage, ..charge }
}

/// An open salvage may be taken for later, with an id to ask by; it may also be approved or declined at once.
pub async fn an_open_salvage_is_answered_at_once_or_taken_for_later(stage: &dyn Stage) {
    let Some(request) = stage.open_salvage() else { return };
    for (scene, expected) in
        [(Scene::TakesForLater, "pending"), (Scene::Approves, "approved"), (Scene::Declines, "declined")]
    {
        let gateway = stage.set(scene).await;
        assert!(gateway.salvage_days().is_some_and(|days| days > 0), "it keeps open salvages for no time");
        let outcome = gateway.charge(&request).await.expect("these are answers");
        let (word, reference) = match &outcome {
            ChargeOutcome::Pending(reference) => ("pending", reference),
            ChargeOutcome::Approved(approval) => ("approved", &approval.reference),
            ChargeOutcome::Held(approval) => ("held", &approval.reference),
            ChargeOutcome::Declined(raw) => ("declined", &raw.reference),
        };
        assert_eq!(word, expected, "{outcome:?}");
        assert!(!reference.is_empty(), "{outcome:?} cannot be asked about");
        assert_eq!(stage.arrived().await.len(), 1, "it is submitted once");
    }
}

/// Without a connection an open salvage never left.
pub async fn an_open_salvage_without_a_connection_was_not_sent(stage: &dyn Stage) {
    let Some(request) = stage.open_salvage() else { return };
    let gateway = stage.set(Scene::RefusesConnections).await;
    let outcome = gateway.charge(&request).await;
    assert!(matches!(outcome, Err(GatewayError::NotSent(_))), "{outcome:?}");
}

/// What never arrived is unknown: neither working nor failed.
pub async fn an_unknown_salvage_is_unknown(stage: &dyn Stage) {
    let Some(request) = stage.open_salvage() else { return };
    let gateway = stage.set(Scene::Declines).await;
    let asked = InquireRequest { reference: "01jd3f6c5y00000000000never".to_owned(), ..inquiry(&request) };
    assert_eq!(gateway.look_up(&asked).await, Standing::Unknown);
}

/// Without a connection nothing is said about a salvage, least of all that it is unknown.
pub async fn an_unreachable_gateway_says_nothing_about_a_salvage(stage: &dyn Stage) {
    let Some(request) = stage.open_salvage() else { return };
    let gateway = stage.set(Scene::RefusesConnections).await;
    let standing = gateway.look_up(&inquiry(&request)).await;
    assert!(matches!(standing, Standing::Unreachable(_)), "{standing:?}");
}

/// The same bytes are the same report; it carries our reference. Where none are sent, none are believed.
pub async fn a_report_is_read_again_and_again_as_the_same(stage: &dyn Stage) {
    let gateway = stage.set(Scene::Approves).await;
    let Some(raw) = stage.report("our-reference") else {
        let nothing = RawReport {
            headers: Vec::new(),
            host: "hooks.example.test".to_owned(),
            body: b"{}".to_vec(),
            received_at: jiff::Timestamp::UNIX_EPOCH,
        };
        assert_eq!(gateway.read_report(&nothing), Err(ReportError::Unsupported));
        return;
    };
    let first = gateway.read_report(&raw).expect("it is signed");
    assert_eq!(first.reference, "our-reference");
    assert!(!first.signature.is_empty());
    assert_eq!(gateway.read_report(&raw), Ok(first));
}

/// A report changed in any byte of its body, sent to another host, or without one of its headers is refused (R134).
pub async fn r134_a_report_with_a_changed_byte_is_refused(stage: &dyn Stage) {
    let gateway = stage.set(Scene::Approves).await;
    let Some(raw) = stage.report("our-reference") else { return };
    let refused = |changed: &RawReport, what: &str| {
        let read = gateway.read_report(changed);
        let right = matches!(read, Err(ReportError::Unsigned | ReportError::WrongSignature));
        assert!(right, "believed with {what}: {read:?}");
    };
    for at in 0..raw.body.len() {
        let mut changed = raw.clone();
        if let Some(byte) = changed.body.get_mut(at) {
            *byte ^= 1;
        }
        refused(&changed, &format!("byte {at} of its body changed"));
    }
    refused(&RawReport { host: "other.example.test".to_owned(), ..raw.clone() }, "another host");
    refused(&RawReport { headers: Vec::new(), ..raw.clone() }, "no headers");
}
