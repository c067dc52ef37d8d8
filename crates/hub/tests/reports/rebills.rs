//! Results of handed-over rebills, and what chargebacks do to subscriptions.

use domain::subscription::SubscriptionStatus;
use gateways::fake::Ending;
use gateways::{RawReport, ReportKind};
use recoup_hub::{ChargebackMark, Received};
use rstest::rstest;
use storage::late_approvals::LateState;
use storage::testing::On;

use crate::send;
use crate::subscriptions::Shop;

impl Shop {
    async fn report(&self, kind: ReportKind, reference: &str) {
        let raw: RawReport = self.salvage.report(kind, reference, self.now());
        assert_eq!(send(&self.app.hub, self.salvage_id, &raw).await, Received::Accepted);
    }

    async fn with_chargebacks(&self, cancels: bool) {
        self.account(|account| account.cancel_on_chargeback = cancels).await;
        let switch = |gateway: &mut domain::configuration::Gateway| {
            gateway.settings.insert("include_chargebacks".to_owned(), "true".to_owned());
        };
        self.app.edit_gateway(self.salvage_id, switch).await;
    }

    /// Our reference of the salvage that is open.
    fn reference(&self) -> String {
        self.salvage.requests().last().unwrap().reference.clone()
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r129_a_reported_success_of_a_rebill_advances_its_subscription_once(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.handed_over().await;
    let reference = shop.reference();
    shop.salvage.end(&reference, &Ending::Completed);
    for _ in 0..3 {
        shop.report(ReportKind::Completed, &reference).await;
    }
    let now = shop.again(&one).await;
    assert_eq!((now.status, now.cycle), (SubscriptionStatus::Active, one.cycle + 1));
    assert_eq!(now.gateway_id, shop.own, "the next bill goes to the gateway that declined");
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r130_a_reported_expiry_of_a_rebill_ends_its_subscription_as_recycle_failed(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.handed_over().await;
    let reference = shop.reference();
    shop.salvage.end(&reference, &Ending::Failed("EXPIRED", "EXPIRED"));
    shop.report(ReportKind::Expired, &reference).await;
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::RecycleFailed);
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_a_success_of_a_rebill_after_its_failure_waits_a_day_and_goes_back(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.handed_over().await;
    let reference = shop.reference();
    // Told as expired, and collected after all.
    shop.salvage.end(&reference, &Ending::Completed);
    shop.report(ReportKind::Expired, &reference).await;
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::RecycleFailed);
    shop.report(ReportKind::Completed, &reference).await;
    let (store, merchant) = (shop.app.hub.store().clone(), shop.app.merchant);
    let late = || {
        let store = store.clone();
        let id = reference.parse().unwrap();
        async move { store.find_late_approval(merchant, id).await.unwrap().unwrap() }
    };
    assert_eq!((late().await.state, late().await.order_id), (LateState::Waiting, one.order_id));
    shop.app.clock.advance(jiff::SignedDuration::from_hours(24));
    shop.app.hub.sweep_late_approvals(shop.now()).await.unwrap();
    assert_eq!(late().await.state, LateState::GivenBack);
    assert_eq!(shop.salvage.booked().iter().map(|booked| booked.minor).sum::<i64>(), 0);
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::RecycleFailed);
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_a_late_success_goes_back_at_once_when_the_subscription_was_cancelled(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.handed_over().await;
    let reference = shop.reference();
    shop.app.hub.cancel_subscription(shop.app.merchant, one.id, false, "called", "ann").await.unwrap();
    // The gateway confirmed that it stopped, and collected nevertheless.
    shop.salvage.script_standings([gateways::Standing::Approved(domain::attempt::Approval {
        reference: "fake-1".to_owned(),
        auth_code: String::new(),
        avs: String::new(),
        cvv: String::new(),
        text: String::new(),
        amount: shop.salvage.requests().last().unwrap().amount,
    })]);
    shop.report(ReportKind::Completed, &reference).await;
    shop.app.hub.sweep_late_approvals(shop.now()).await.unwrap();
    let late =
        shop.app.hub.store().find_late_approval(shop.app.merchant, reference.parse().unwrap()).await.unwrap();
    assert_eq!(late.unwrap().state, LateState::GivenBack);
    assert_eq!(shop.salvage.operated().len(), 1);
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite, true)]
#[case::postgres(On::Postgres, true)]
#[case::sqlite_off(On::Sqlite, false)]
#[case::postgres_off(On::Postgres, false)]
#[tokio::test(flavor = "multi_thread")]
async fn r152_a_chargeback_cancels_subscriptions_only_where_the_account_says_so(
    #[case] on: On,
    #[case] cancels: bool,
) {
    let shop = Shop::handing_over(on).await;
    shop.with_chargebacks(cancels).await;
    let (view, one) = shop.handed_over().await;
    let reference = shop.reference();
    shop.salvage.end(&reference, &Ending::Completed);
    shop.report(ReportKind::Completed, &reference).await;
    let told = ReportKind::ChargedBack { amount: None, reason: String::new(), at: None };
    shop.report(told, &reference).await;
    let expected = if cancels { SubscriptionStatus::Cancelled } else { SubscriptionStatus::Active };
    assert_eq!(shop.again(&one).await.status, expected);
    assert_eq!(shop.app.fresh(&view).await.order.status, view.order.status, "the order stays");
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r153_a_chargeback_marked_by_a_person_cancels_subscriptions_too(#[case] on: On) {
    let shop = Shop::new(on).await;
    shop.with_chargebacks(true).await;
    let (view, one) = shop.sell().await;
    let approved = view.approved().unwrap().id;
    let mark = ChargebackMark::default();
    shop.app.hub.mark_chargeback(shop.app.merchant, approved, mark, "ann").await.unwrap();
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::Cancelled);
    shop.app.end().await;
}
