//! What every gateway promises. An implementation passes by running [`exercise`] on a [`Stage`] of its own.
//!
//! The stage plays the outer world: a peer that approves, declines, hangs up or breaks. Each promise is a function of its own,
//! so that a failure names it.

use std::error::Error;
use std::fmt::Debug;
use std::sync::Arc;

use domain::attempt::Purpose;
use domain::doubt::FenceAnswer;

use crate::port::{ChargeOutcome, Gateway, GatewayError, RawReport, Reply};
use crate::requests::{ChargeRequest, InquireRequest};

mod salvage;

pub use salvage::*;

/// What the outer world does with the next charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    /// Takes the money.
    Approves,
    /// Declines.
    Declines,
    /// No connection can be made.
    RefusesConnections,
    /// Receives the charge, then closes the connection.
    HangsUp,
    /// Answers the charge with a server error.
    BreaksDown,
    /// Refuses the request, repeating everything that was sent in its words.
    EchoesEverything,
    /// Takes an open salvage for later, and says so. Played to gateways that keep open salvages only.
    TakesForLater,
}

impl Scene {
    /// The scenes that every gateway is played to.
    pub const ALL: [Self; 6] = [
        Self::Approves,
        Self::Declines,
        Self::RefusesConnections,
        Self::HangsUp,
        Self::BreaksDown,
        Self::EchoesEverything,
    ];
}

/// A charge as it arrived outside: our reference, and the idempotency key where the gateway takes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// Our reference.
    pub reference: String,
    /// The key; empty where the gateway takes none.
    pub key: String,
}

/// The world around the gateway under test.
pub trait Stage: Send + Sync + Debug {
    /// A gateway whose world plays this scene from now on.
    fn set(&self, scene: Scene) -> Reply<'_, Arc<dyn Gateway>>;

    /// A charge that this gateway takes.
    fn request(&self) -> ChargeRequest;

    /// Charges that this gateway cannot do by its capabilities; each must be refused.
    fn unsupported(&self) -> Vec<ChargeRequest>;

    /// An open salvage that this gateway takes; none where it keeps none.
    fn open_salvage(&self) -> Option<ChargeRequest> {
        None
    }

    /// A report about this reference as the outer world signs it, received in time; none where none are sent.
    fn report(&self, _reference: &str) -> Option<RawReport> {
        None
    }

    /// Charges that arrived outside since the last [`Stage::set`].
    fn arrived(&self) -> Reply<'_, Vec<Arrived>>;

    /// Texts that must never be printed: credentials, card number, security code.
    fn planted(&self) -> Vec<String>;

    /// Everything printed about exchanges below the gateway (requests, answers, errors by `Debug`).
    fn printed(&self) -> Vec<String>;
}

/// All promises.
pub async fn exercise(stage: &dyn Stage) {
    an_approval_carries_a_reference(stage).await;
    a_decline_is_no_error(stage).await;
    a_refused_connection_is_not_sent(stage).await;
    a_closed_connection_leaves_doubt(stage).await;
    a_server_error_leaves_doubt(stage).await;
    what_it_cannot_do_is_rejected(stage).await;
    a_fence_that_is_not_there_never_confirms(stage).await;
    an_unreachable_gateway_finds_nothing_out(stage).await;
    the_same_attempt_sends_the_same_keys(stage).await;
    nothing_secret_is_printed(stage).await;
    an_open_salvage_is_answered_at_once_or_taken_for_later(stage).await;
    an_open_salvage_without_a_connection_was_not_sent(stage).await;
    an_unknown_salvage_is_unknown(stage).await;
    an_unreachable_gateway_says_nothing_about_a_salvage(stage).await;
    a_report_is_read_again_and_again_as_the_same(stage).await;
    r134_a_report_with_a_changed_byte_is_refused(stage).await;
}

/// An approval names the gateway's transaction and the amount asked for.
pub async fn an_approval_carries_a_reference(stage: &dyn Stage) {
    let gateway = stage.set(Scene::Approves).await;
    let request = stage.request();
    let outcome = gateway.charge(&request).await.expect("this scene approves");
    let ChargeOutcome::Approved(approval) = outcome else { unreachable!("not approved: {outcome:?}") };
    assert!(!approval.reference.is_empty(), "an approval without a reference cannot be refunded");
    assert_eq!(approval.amount, request.amount);
}

/// A decline is an answer, with a code.
pub async fn a_decline_is_no_error(stage: &dyn Stage) {
    let gateway = stage.set(Scene::Declines).await;
    let outcome = gateway.charge(&stage.request()).await.expect("a decline is no error");
    let ChargeOutcome::Declined(raw) = outcome else { unreachable!("not declined: {outcome:?}") };
    assert!(!raw.code.is_empty(), "a decline without a code cannot be read");
}

/// Without a connection nothing left, so trying again is safe.
pub async fn a_refused_connection_is_not_sent(stage: &dyn Stage) {
    let gateway = stage.set(Scene::RefusesConnections).await;
    let outcome = gateway.charge(&stage.request()).await;
    assert!(matches!(outcome, Err(GatewayError::NotSent(_))), "{outcome:?}");
}

/// After the request left, a lost answer is a doubt.
pub async fn a_closed_connection_leaves_doubt(stage: &dyn Stage) {
    let gateway = stage.set(Scene::HangsUp).await;
    let outcome = gateway.charge(&stage.request()).await;
    assert!(matches!(outcome, Err(GatewayError::InDoubt(..))), "{outcome:?}");
}

/// A server error says nothing about what was done.
pub async fn a_server_error_leaves_doubt(stage: &dyn Stage) {
    let gateway = stage.set(Scene::BreaksDown).await;
    let outcome = gateway.charge(&stage.request()).await;
    assert!(matches!(outcome, Err(GatewayError::InDoubt(..))), "{outcome:?}");
}

/// Asked for what it cannot do, a gateway refuses, and nothing reaches the world.
pub async fn what_it_cannot_do_is_rejected(stage: &dyn Stage) {
    for request in stage.unsupported() {
        let gateway = stage.set(Scene::Approves).await;
        let outcome = gateway.charge(&request).await;
        assert!(matches!(outcome, Err(GatewayError::Rejected(_))), "{outcome:?}");
        assert_eq!(stage.arrived().await, vec![], "a refused request was sent");
    }
}

/// A gateway that cannot fence never says that it did.
pub async fn a_fence_that_is_not_there_never_confirms(stage: &dyn Stage) {
    let gateway = stage.set(Scene::Approves).await;
    if !gateway.capabilities().fence {
        let answer = gateway.fence(&inquiry(&stage.request())).await;
        assert_ne!(answer, FenceAnswer::Confirmed);
    }
}

/// Without a connection an inquiry ends as "could not be asked", never as "not found".
pub async fn an_unreachable_gateway_finds_nothing_out(stage: &dyn Stage) {
    let gateway = stage.set(Scene::RefusesConnections).await;
    let finding = gateway.inquire(&inquiry(&stage.request())).await;
    assert!(matches!(finding, domain::doubt::Finding::Unreachable(_)), "{finding:?}");
}

/// Sent twice, one attempt arrives with one reference and one key.
pub async fn the_same_attempt_sends_the_same_keys(stage: &dyn Stage) {
    let gateway = stage.set(Scene::Declines).await;
    let request = stage.request();
    for _ in 0..2 {
        gateway.charge(&request).await.expect("a decline is no error");
    }
    let arrived = stage.arrived().await;
    assert_eq!(arrived.len(), 2, "each call is one try");
    assert!(arrived.iter().all(|one| one.reference == request.reference), "{arrived:?}");
    assert!(arrived.windows(2).all(|pair| pair.first() == pair.last()), "{arrived:?}");
}

/// No credential, card number or security code is printed, whatever happens (R22, R103).
pub async fn nothing_secret_is_printed(stage: &dyn Stage) {
    let request = stage.request();
    let mut printed = vec![format!("{request:?}")];
    for scene in Scene::ALL {
        let gateway = stage.set(scene).await;
        printed.push(format!("{gateway:?}"));
        let outcome = gateway.charge(&request).await;
        printed.push(format!("{outcome:?}"));
        if let Err(error) = &outcome {
            printed.extend(chain(error));
        }
        printed.push(format!("{:?}", gateway.inquire(&inquiry(&request)).await));
        printed.extend(stage.printed());
    }
    for secret in stage.planted() {
        let leak = printed.iter().find(|text| shows(text, &secret));
        assert!(leak.is_none(), "{secret:?} is printed in {leak:?}");
    }
}

/// Short secrets count as words of their own only: three digits are part of many a number.
fn shows(text: &str, secret: &str) -> bool {
    if secret.len() >= 6 {
        return text.contains(secret);
    }
    text.split(|c: char| !c.is_alphanumeric()).any(|word| word == secret)
}

/// An error and its causes, by `Display` and `Debug`.
fn chain(error: &GatewayError) -> Vec<String> {
    let mut texts = Vec::new();
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(error) = next {
        texts.extend([error.to_string(), format!("{error:?}")]);
        next = error.source();
    }
    texts
}

/// The inquiry about a charge whose answer was lost.
pub fn inquiry(request: &ChargeRequest) -> InquireRequest {
    InquireRequest {
        reference: request.reference.clone(),
        gateway_reference: None,
        purpose: request.purpose,
        amount: request.amount,
        card_last_four: request.card.number.last_four().to_owned(),
        doubt: domain::attempt::Doubt::LostAnswer,
        sent_at: request.at,
        siblings: vec![request.reference.clone()],
    }
}

/// A card sale of 19.99 USD by an invented buyer, with the security code 987: what stages begin from.
pub fn sample_charge() -> ChargeRequest {
    use domain::attempt::Initiator;
    use domain::card::{CardNumber, Expiry, SecurityCode};
    use domain::contact::{Address, Contact};

    let billing = Address {
        first_name: "Ann".to_owned(),
        last_name: "Lee".to_owned(),
        line1: "1 Main St".to_owned(),
        city: "Austin".to_owned(),
        state: "TX".to_owned(),
        postal_code: "78701".to_owned(),
        country: "US".to_owned(),
        ..Address::default()
    };
    ChargeRequest {
        reference: "01jd3f6c5y0000000000000001".to_owned(),
        idempotency_key: uuid::Uuid::from_u128(0x0193_4000_0000_7000_8000_0000_0000_0001),
        purpose: Purpose::Collect,
        initiator: Initiator::Customer,
        amount: domain::Money::new(1_999, domain::Currency::USD),
        card: crate::requests::CardData {
            number: CardNumber::parse("4111111111111111").expect("a valid test number"),
            expiry: Expiry::new(9, 2030).expect("a valid month"),
            security_code: Some(SecurityCode::parse("987").expect("three digits")),
        },
        contact: Contact {
            shipping: billing.clone(),
            billing,
            email: "ann@example.test".to_owned(),
            phone: "5125550100".to_owned(),
            ip_address: "203.0.113.9".to_owned(),
        },
        order_reference: "Order 7".to_owned(),
        stored_credential: crate::requests::StoredCredential::None,
        salvaged: None,
        open_salvage: None,
        at: jiff::Timestamp::UNIX_EPOCH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{Act, FakeGateway, ORDINARY, SALVAGE};
    use crate::port::Rejection;
    use domain::configuration::Capabilities;
    use domain::declines::Reason;
    use rstest::rstest;
    use std::sync::Mutex;

    /// The fake's world is its script. It does what the script says, so nothing is unsupported.
    #[derive(Debug)]
    struct FakeStage {
        capabilities: Capabilities,
        gateway: Mutex<Arc<FakeGateway>>,
    }

    impl Stage for FakeStage {
        fn set(&self, scene: Scene) -> Reply<'_, Arc<dyn Gateway>> {
            let gateway = Arc::new(FakeGateway::new(self.capabilities));
            let echo = Rejection { reason: Reason::InvalidRequest, code: String::new(), text: String::new() };
            let act = match scene {
                Scene::Approves => Act::Approve,
                Scene::Declines => Act::Decline("202", "Insufficient funds"),
                Scene::RefusesConnections => Act::FailBefore,
                Scene::HangsUp => Act::LoseAfter,
                Scene::BreaksDown => Act::LoseBefore,
                Scene::EchoesEverything => Act::Reject(echo),
                Scene::TakesForLater => Act::Pend,
            };
            gateway.script([act.clone(), act]);
            gateway.script_fences([FenceAnswer::Failed]);
            gateway.set_unreachable(scene == Scene::RefusesConnections);
            *self.gateway.lock().unwrap() = Arc::clone(&gateway);
            Box::pin(async move {
                let gateway: Arc<dyn Gateway> = gateway;
                gateway
            })
        }

        fn request(&self) -> ChargeRequest {
            sample_charge()
        }

        fn unsupported(&self) -> Vec<ChargeRequest> {
            vec![]
        }

        fn open_salvage(&self) -> Option<ChargeRequest> {
            self.capabilities.asynchronous.then(|| opened(sample_charge()))
        }

        fn report(&self, reference: &str) -> Option<RawReport> {
            let told = || {
                let gateway = self.gateway.lock().unwrap();
                gateway.report(crate::port::ReportKind::Completed, reference, jiff::Timestamp::UNIX_EPOCH)
            };
            self.capabilities.asynchronous.then(told)
        }

        fn arrived(&self) -> Reply<'_, Vec<Arrived>> {
            let requests = self.gateway.lock().unwrap().requests();
            let arrived = |one: ChargeRequest| Arrived {
                reference: one.reference,
                key: one.idempotency_key.to_string(),
            };
            Box::pin(async move { requests.into_iter().map(arrived).collect() })
        }

        fn planted(&self) -> Vec<String> {
            vec!["4111111111111111".to_owned(), "987".to_owned()]
        }

        fn printed(&self) -> Vec<String> {
            vec![]
        }
    }

    #[rstest]
    #[case(ORDINARY)]
    #[case(SALVAGE)]
    #[tokio::test]
    async fn the_fake_keeps_the_contract(#[case] capabilities: Capabilities) {
        let gateway = Mutex::new(Arc::new(FakeGateway::new(capabilities)));
        exercise(&FakeStage { capabilities, gateway }).await;
    }
}
