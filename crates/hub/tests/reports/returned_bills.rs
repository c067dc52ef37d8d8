//! Chargebacks of rebills that were given back: their order was never made (decision 0005), and they are marked all the
//! same.

use domain::ids::AttemptId;
use domain::subscription::Subscription;
use gateways::ReportKind;
use gateways::fake::Ending;
use recoup_hub::{ChargebackMark, Received};
use rstest::rstest;
use storage::inbound_reports::ReportState;
use storage::testing::On;

use crate::send;
use crate::subscriptions::Shop;

impl Shop {
    /// A handed-over bill that was collected and given back before we learned of it.
    async fn returned(&self) -> (Subscription, AttemptId) {
        let switch = |gateway: &mut domain::configuration::Gateway| {
            gateway.settings.insert("include_chargebacks".to_owned(), "true".to_owned());
        };
        self.app.edit_gateway(self.salvage_id, switch).await;
        let (_, one) = self.handed_over().await;
        let id: AttemptId = self.salvage.requests().last().unwrap().reference.parse().unwrap();
        self.ends(Ending::Returned).await;
        assert_eq!(self.rebills().await.len(), 0, "no order was made");
        (one, id)
    }

    /// The chargebacks shown under the order that the subscription began on.
    async fn charged_back(&self, one: &Subscription) -> Vec<AttemptId> {
        let store = self.app.hub.store();
        let marked = store.list_chargebacks_of_order(self.app.merchant, one.order_id).await.unwrap();
        marked.into_iter().map(|one| one.attempt_id).collect()
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r152_r157_a_reported_chargeback_of_a_bill_that_was_given_back_is_marked(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (one, id) = shop.returned().await;
    let told = ReportKind::ChargedBack { amount: None, reason: String::new(), at: None };
    let raw = shop.salvage.report(told, &id.base32(), shop.now());
    assert_eq!(send(&shop.app.hub, shop.salvage_id, &raw).await, Received::Accepted);
    let kept = shop.app.hub.store().list_inbound_reports(shop.app.merchant, None, None, 1).await.unwrap();
    assert_eq!(kept[0].state, ReportState::Applied, "{}", kept[0].effect);
    assert_eq!(shop.charged_back(&one).await, [id]);
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r152_r157_a_person_marks_and_reverts_the_chargeback_of_a_bill_that_was_given_back(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (one, id) = shop.returned().await;
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    let marked = hub.mark_chargeback(merchant, id, ChargebackMark::default(), "ann").await.unwrap();
    assert_eq!(marked.order_id, one.order_id);
    assert_eq!(shop.charged_back(&one).await, [id]);
    assert!(hub.revert_chargeback(merchant, id, "won", "ann").await.unwrap().reverted_at.is_some());
    shop.app.end().await;
}
