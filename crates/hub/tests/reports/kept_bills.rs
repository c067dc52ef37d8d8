//! A person keeps the late approval of a rebill: its cycle is paid as an approval in time would have paid it (M17).

use domain::ids::AttemptId;
use domain::payment::PaymentState;
use domain::subscription::{Subscription, SubscriptionStatus};
use gateways::fake::{Act, Ending};
use gateways::{RawReport, ReportKind};
use jiff::SignedDuration;
use recoup_hub::{LateDecision, PersonError, Received};
use rstest::rstest;
use storage::inbound_reports::ReportState;
use storage::late_approvals::{LateApproval, LateState};
use storage::testing::On;

use crate::send;
use crate::subscriptions::{PRICE, Shop, kept, trial, usd};

impl Shop {
    async fn signed(&self, kind: ReportKind, id: AttemptId) -> ReportState {
        let raw: RawReport = self.salvage.report(kind, &id.base32(), self.now());
        assert_eq!(send(&self.app.hub, self.salvage_id, &raw).await, Received::Accepted);
        let last = self.app.hub.store().list_inbound_reports(self.app.merchant, None, None, 1).await.unwrap();
        last[0].state
    }

    /// A handed-over bill whose failure was reported, and which the gateway collected after all.
    async fn collected_too_late(&self) -> (Subscription, AttemptId) {
        let (_, one) = self.handed_over().await;
        (one, self.comes_late().await)
    }

    /// The open salvage is reported as expired, then as completed.
    async fn comes_late(&self) -> AttemptId {
        let reference = self.salvage.requests().last().unwrap().reference.clone();
        let id: AttemptId = reference.parse().unwrap();
        self.salvage.end(&reference, &Ending::Completed);
        assert_eq!(self.signed(ReportKind::Expired, id).await, ReportState::Applied);
        assert_eq!(self.signed(ReportKind::Completed, id).await, ReportState::Applied);
        assert_eq!(self.late(id).await.state, LateState::Waiting);
        id
    }

    async fn late(&self, id: AttemptId) -> LateApproval {
        self.app.hub.store().find_late_approval(self.app.merchant, id).await.unwrap().expect("it is recorded")
    }

    async fn keep(&self, id: AttemptId) -> Result<LateApproval, PersonError> {
        let hub = &self.app.hub;
        hub.resolve_late_approval(self.app.merchant, id, LateDecision::Keep, "wanted", "ann").await
    }

    /// The day passes in which a person may think about it.
    async fn day_passes(&self) {
        self.app.clock.advance(SignedDuration::from_hours(24));
        self.app.hub.sweep_late_approvals(self.now()).await.unwrap();
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_a_late_approval_of_a_rebill_that_a_person_keeps_pays_its_cycle(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (one, id) = shop.collected_too_late().await;
    let failed = shop.again(&one).await;
    assert_eq!((failed.status, failed.cycle), (SubscriptionStatus::RecycleFailed, one.cycle));
    assert_eq!(shop.keep(id).await.unwrap().state, LateState::Kept);
    let now = shop.again(&one).await;
    assert_eq!((now.status, now.cycle), (SubscriptionStatus::Active, one.cycle + 1));
    assert_eq!((now.gateway_id, now.collecting, now.slot), (shop.own, None, 0));
    assert_eq!(now.stop_reason, "", "it goes on");
    let due = now.next_bill_at.expect("the next bill");
    let days = due.duration_since(shop.now()).as_hours() / 24;
    assert!((29..=30).contains(&days), "counted from now: {days}");
    let store = shop.app.hub.store();
    let debt = failed.collecting.unwrap();
    let payment = store.find_payment(shop.app.merchant, debt).await.unwrap().unwrap();
    assert_eq!((payment.state, payment.amount), (PaymentState::Paid, usd(PRICE)));
    let rebills = shop.rebills().await;
    assert_eq!((rebills.len(), rebills[0].is_salvaged), (1, true));
    assert_eq!(
        (shop.told(&rebills[0]).await, shop.shipped(&rebills[0]).await),
        (vec!["recurring_order".to_owned()], 1)
    );
    assert_eq!(shop.alerts().await, Vec::<String>::new());
    // Decided once, and never given back.
    assert!(matches!(shop.keep(id).await, Err(PersonError::Conflict(_))));
    shop.day_passes().await;
    assert_eq!((shop.late(id).await.state, kept(&shop.salvage)), (LateState::Kept, PRICE));
    // The next cycle is billed where the subscription rests.
    let paid = shop.due(&one).await;
    assert_eq!((paid.cycle, kept(&shop.gateway)), (one.cycle + 2, 2 * PRICE));
    // What is reported of it later is about the money that was kept.
    assert_eq!(shop.signed(ReportKind::Refunded(Some(usd(PRICE))), id).await, ReportState::Applied);
    let payment = shop.app.hub.store().find_payment(shop.app.merchant, debt).await.unwrap().unwrap();
    assert_eq!(payment.state, PaymentState::Reversed);
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_two_people_who_keep_the_same_late_approval_pay_its_cycle_once(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (one, id) = shop.collected_too_late().await;
    let at_once = (0..8).map(|_| {
        let (hub, merchant) = (shop.app.hub.clone(), shop.app.merchant);
        tokio::spawn(async move {
            hub.resolve_late_approval(merchant, id, LateDecision::Keep, "wanted", "ann").await.is_ok()
        })
    });
    let mut won = 0;
    for one in at_once.collect::<Vec<_>>() {
        won += usize::from(one.await.unwrap());
    }
    assert_eq!((won, shop.again(&one).await.cycle, shop.rebills().await.len()), (1, one.cycle + 1, 1));
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_a_late_approval_of_a_subscription_that_was_restarted_is_paid_and_not_billed_again(
    #[case] on: On,
) {
    let shop = Shop::handing_over(on).await;
    let (one, id) = shop.collected_too_late().await;
    shop.app.hub.reactivate_subscription(shop.app.merchant, one.id, "ann", "").await.unwrap();
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::Active);
    shop.keep(id).await.unwrap();
    let now = shop.again(&one).await;
    assert_eq!((now.status, now.cycle), (SubscriptionStatus::Active, one.cycle + 1));
    shop.bill(2 * 86_400).await;
    assert_eq!((kept(&shop.salvage), kept(&shop.gateway)), (PRICE, PRICE), "the sale and the kept bill");
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_a_late_approval_cannot_be_kept_once_the_subscription_was_cancelled(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (one, id) = shop.collected_too_late().await;
    shop.app.hub.cancel_subscription(shop.app.merchant, one.id, false, "called", "ann").await.unwrap();
    let refused = shop.keep(id).await;
    assert!(
        matches!(&refused, Err(PersonError::Conflict(words)) if words.contains("cancelled")),
        "{refused:?}"
    );
    assert_eq!((shop.late(id).await.state, shop.rebills().await.len()), (LateState::Waiting, 0));
    shop.day_passes().await;
    assert_eq!((shop.late(id).await.state, kept(&shop.salvage)), (LateState::GivenBack, 0));
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::Cancelled);
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_a_kept_completion_of_a_trial_stays_on_the_order_of_its_checkout(#[case] on: On) {
    let plan = trial(domain::plan::Trial::Standard);
    let shop = Shop::selling(on, domain::configuration::Billing::Recurring, plan).await;
    shop.hand_over_at_once().await;
    let (view, one) = shop.sell().await;
    shop.gateway.script([crate::support::SOFT]);
    shop.due(&one).await;
    shop.salvage.script([Act::Pend]);
    shop.due(&one).await;
    let id = shop.comes_late().await;
    shop.keep(id).await.unwrap();
    let now = shop.again(&one).await;
    assert_eq!((now.status, now.cycle, shop.rebills().await.len()), (SubscriptionStatus::Active, 2, 0));
    let fresh = shop.app.fresh(&view).await;
    let states: Vec<_> = fresh.payments.iter().map(|payment| payment.state).collect();
    assert_eq!(states, [PaymentState::Paid, PaymentState::Paid]);
    shop.app.end().await;
}
