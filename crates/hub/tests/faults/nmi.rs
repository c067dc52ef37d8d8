//! Partial approvals over NMI's protocol, as the sandbox speaks it: settled before they could be voided.

use std::collections::BTreeMap;
use std::sync::Arc;

use charging::Driver;
use domain::attempt::AttemptState;
use domain::configuration::{Billing, Campaign, CampaignProduct, Gateway, ProductKind, Target};
use domain::order::OrderStatus;
use domain::{Clock, Currency, ManualClock, Money};
use gateways::http::{HttpTransport, TimeLimits};
use jiff::SignedDuration;
use providers::Catalogue;
use recoup_hub::{Change, Hub, ImportAnswer, OrderView};
use rstest::rstest;
use sandbox::{Fault, FaultKind, Movement, Sandbox, TestCard, test_card_number};
use secrecy::SecretString;
use storage::testing::On;
use tokio::net::TcpListener;

use crate::support::{TestHub, tea};

/// A hub whose only gateway is an NMI account in a sandbox.
struct Shop {
    app: TestHub,
    hub: Hub,
    sandbox: Arc<Sandbox>,
}

impl Shop {
    async fn new(on: On, settles_after: SignedDuration) -> Self {
        let app = TestHub::new(on).await;
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&app.clock);
        let settings = sandbox::Settings { settlement_after: settles_after, ..sandbox::Settings::default() };
        let sandbox = Arc::new(Sandbox::new(settings, Arc::clone(&clock)).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(sandbox::serve(listener, Arc::clone(&sandbox), std::future::pending()));
        let limits = TimeLimits { connect_secs: 5, total_secs: 20 };
        let transport = Arc::new(HttpTransport::new(limits).unwrap());
        let catalogue = Arc::new(Catalogue::new(transport, clock, app.hub.minter().clone()));
        let hub = app.process_over(7, |_| catalogue, |backend| backend).await;
        let shop = Self { app, hub, sandbox };
        shop.configure(url).await;
        shop
    }

    async fn configure(&self, url: String) {
        let kind = self.hub.charging().connections.provider("nmi").unwrap();
        let gateway = Gateway {
            id: self.hub.minter().mint(),
            number: 1,
            kind: "nmi".to_owned(),
            title: "Acquirer".to_owned(),
            enabled: true,
            settings: BTreeMap::from([("base_url".to_owned(), url)]),
            direct_cascade: None,
            monthly_cap: None,
            cascade_all: false,
            capabilities: kind.capabilities,
        };
        let key = SecretString::from(sandbox::credentials().security_key);
        let secrets = BTreeMap::from([("security_key".to_owned(), key)]);
        let product = CampaignProduct {
            id: self.hub.minter().mint(),
            number: 7,
            name: "Tea".to_owned(),
            sku: "TEA".to_owned(),
            kind: ProductKind::Offer,
            billing: Billing::OneTime,
            plan: None,
            price: Money::new(2_999, Currency::USD),
            shipping: Money::new(0, Currency::USD),
            is_shippable: true,
            target: Target::Gateway(gateway.id),
        };
        let campaign = Campaign {
            id: self.hub.minter().mint(),
            number: 1,
            title: "Campaign".to_owned(),
            currency: Currency::USD,
            single_transaction: false,
            disable_recycle_billing: false,
            products: vec![product],
        };
        for change in [Change::Gateway(Box::new(gateway), secrets), Change::Campaign(campaign)] {
            self.hub.configure(self.app.merchant, vec![change], "test", "").await.unwrap();
        }
    }

    /// Sells to a card of which only 40 % are approved.
    async fn sell(&self) -> OrderView {
        let mut import = tea();
        import.card.number = test_card_number(TestCard::Partial, 40, 1).unwrap().into();
        match self.hub.import(self.app.merchant, import).await.unwrap() {
            ImportAnswer::Order(view) => *view,
            ImportAnswer::Refused(problems) => panic!("refused: {problems:?}"),
        }
    }

    async fn pass(&self, secs: i64) {
        self.app.clock.advance(SignedDuration::from_secs(secs));
        let driver = Driver::new(self.hub.charging().clone(), self.hub.aftermath());
        while !driver.sweep().await.unwrap().is_idle() {}
    }

    /// What moved in the acquirer's books.
    fn moved(&self) -> Vec<(Movement, i64)> {
        self.sandbox.ledger().iter().map(|entry| (entry.kind, entry.amount_minor)).collect()
    }

    async fn is_lack_of_funds(&self, view: &OrderView) -> bool {
        let fresh = self.app.fresh(view).await;
        assert_eq!(fresh.order.status, OrderStatus::Declined);
        matches!(
            &fresh.attempts[0].state,
            AttemptState::Declined { decline, .. } if decline.reason.as_str() == "insufficient_funds"
        )
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m14_a_settled_partial_sale_is_refunded_at_nmi_in_the_same_checkout(#[case] on: On) {
    let shop = Shop::new(on, SignedDuration::ZERO).await;
    let view = shop.sell().await;
    assert!(shop.is_lack_of_funds(&view).await);
    assert_eq!(shop.moved(), [(Movement::Sale, 1_199), (Movement::Refund, 1_199)]);
    let operations =
        [("void", "refused"), ("refund", "done")].map(|(kind, state)| (kind.into(), state.into()));
    assert_eq!(shop.app.operations(&view).await, operations);
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_a_refund_whose_answer_is_lost_at_nmi_is_found_or_sent_once_more(
    #[case] on: On,
    #[values(FaultKind::ActThenDrop, FaultKind::DropBefore)] kind: FaultKind,
) {
    let shop = Shop::new(on, SignedDuration::ZERO).await;
    let lost = Fault { transaction_type: Some("refund".to_owned()), ..Fault::next(kind) };
    shop.sandbox.add_fault(lost).unwrap();
    let view = shop.sell().await;
    assert_eq!(view.payment_status(), "in_doubt");
    for secs in [80, 400, 2_000, 8_000] {
        shop.pass(secs).await;
    }
    assert!(shop.is_lack_of_funds(&view).await);
    assert_eq!(shop.moved(), [(Movement::Sale, 1_199), (Movement::Refund, 1_199)], "once");
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m16_a_void_whose_answer_is_lost_at_nmi_is_never_followed_by_a_refund(#[case] on: On) {
    let shop = Shop::new(on, SignedDuration::from_hours(24)).await;
    let kind = FaultKind::ActThenDrop;
    let lost = Fault { transaction_type: Some("void".to_owned()), ..Fault::next(kind) };
    shop.sandbox.add_fault(lost).unwrap();
    let view = shop.sell().await;
    assert_eq!(view.payment_status(), "in_doubt");
    for secs in [80, 400, 2_000] {
        shop.pass(secs).await;
    }
    assert!(shop.is_lack_of_funds(&view).await);
    assert_eq!(shop.moved(), [(Movement::Sale, 1_199), (Movement::Void, 1_199)]);
    shop.app.end().await;
}
