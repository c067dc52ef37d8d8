//! What people and customers do with subscriptions: pause, cancel, restart, change, another card (crm.md 3.3, M17, M23).

use domain::configuration::Billing;
use domain::doubt::FenceAnswer;
use domain::order::OrderStatus;
use domain::plan::{Plan, Trial};
use domain::subscription::{Subscription, SubscriptionStatus};
use gateways::fake::{Act, Ending};
use jiff::{SignedDuration, Timestamp};
use recoup_hub::{PersonError, RawCard, SubscriptionChange};
use rstest::rstest;
use storage::testing::On;

use crate::shop::{DAY, PRICE, Shop, kept, monthly, states, trial, usd};
use crate::support::SOFT;

const OTHER_CARD: &str = "5555555555554444";

fn card(number: &str) -> RawCard {
    RawCard {
        number: number.to_owned().into(),
        month: "09".to_owned(),
        year: "2031".to_owned(),
        security_code: String::new().into(),
    }
}

impl Shop {
    async fn pause(&self, one: &Subscription, from: Option<Timestamp>) -> Subscription {
        self.app.hub.pause_subscription(self.app.merchant, one.id, from, "ann", "").await.unwrap()
    }

    async fn cancel(&self, one: &Subscription, after_next_bill: bool) -> Subscription {
        let (hub, merchant) = (&self.app.hub, self.app.merchant);
        hub.cancel_subscription(merchant, one.id, after_next_bill, "moved away", "ann").await.unwrap()
    }

    async fn reactivate(&self, one: &Subscription) -> Result<Subscription, PersonError> {
        self.app.hub.reactivate_subscription(self.app.merchant, one.id, "ann", "").await
    }

    async fn bill_now(&self, one: &Subscription) -> Result<Subscription, PersonError> {
        self.app.hub.bill_subscription_now(self.app.merchant, one.id, "ann", "").await
    }

    async fn new_card(&self, one: &Subscription) -> Subscription {
        self.app.hub.change_card(self.app.merchant, one.id, &card(OTHER_CARD), "ann").await.unwrap()
    }

    async fn change(
        &self,
        one: &Subscription,
        change: SubscriptionChange,
    ) -> Result<Subscription, PersonError> {
        self.app.hub.change_subscription(self.app.merchant, one.id, &change, "ann", "").await
    }
}

#[track_caller]
fn refused(result: Result<Subscription, PersonError>, words: &str) {
    match result {
        Err(PersonError::Conflict(text)) => assert!(text.contains(words), "{text}"),
        other => panic!("not refused: {other:?}"),
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m23_a_new_card_stops_the_salvage_and_is_billed_in_the_next_run_in_the_same_slot(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (view, one) = shop.handed_over().await;
    let changed = shop.new_card(&one).await;
    assert_eq!(states(&shop.attempts(&one).await), ["declined", "not_executed"]);
    assert_eq!((changed.status, changed.slot), (SubscriptionStatus::RecycleBilling, 4));
    let hours = changed.next_action_at.unwrap().duration_since(shop.now()).as_secs() / 3_600;
    assert!(hours <= 24, "in the next run, {hours} hours from now");
    shop.salvage.script([Act::Pend]);
    shop.due(&one).await;
    let requests = shop.salvage.requests();
    assert_eq!((requests.len(), requests[1].card.number.expose()), (2, OTHER_CARD));
    let told = shop.told(&view.order).await;
    assert_eq!(told[2..], ["rebill_decline", "card_updated"], "that is no failure");
    shop.ends(Ending::Completed).await;
    let paid = shop.again(&one).await;
    assert_eq!((paid.status, paid.cycle), (SubscriptionStatus::Active, 2));
    assert_eq!(shop.rebills().await[0].card.as_ref().unwrap().last_four, "4444");
    shop.due(&one).await;
    let last = shop.gateway.requests().pop().unwrap();
    assert_eq!(last.card.number.expose(), OTHER_CARD);
    let nothing = gateways::StoredCredential::Rebill { initial_reference: None };
    assert_eq!(last.stored_credential, nothing, "the first charge was made with another card");
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m23_an_approval_that_came_before_the_new_card_is_kept(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.handed_over().await;
    let reference = shop.salvage.requests()[0].reference.clone();
    shop.salvage.end(&reference, &Ending::Completed);
    let changed = shop.new_card(&one).await;
    assert_eq!((changed.status, changed.cycle), (SubscriptionStatus::Active, 2));
    assert_eq!((kept(&shop.salvage), shop.salvage.fenced().len()), (PRICE, 0));
    assert_eq!(shop.rebills().await[0].card.as_ref().unwrap().last_four, "1111", "the card that paid");
    shop.due(&one).await;
    assert_eq!(shop.gateway.requests().pop().unwrap().card.number.expose(), OTHER_CARD);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m23_a_pause_stops_the_salvage_and_stays_a_pause(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (view, one) = shop.handed_over().await;
    let paused = shop.pause(&one, None).await;
    assert_eq!(paused.status, SubscriptionStatus::Paused);
    assert_eq!(states(&shop.attempts(&one).await), ["declined", "not_executed"]);
    shop.bill(40 * DAY).await;
    let paused = shop.again(&one).await;
    assert_eq!((paused.status, paused.cycle), (SubscriptionStatus::Paused, 1));
    assert!(!shop.told(&view.order).await.contains(&"recycle_failed".to_owned()));
    let again = shop.reactivate(&one).await.unwrap();
    assert_eq!((again.status, again.slot), (SubscriptionStatus::Active, 0));
    assert_eq!(shop.due(&one).await.cycle, 2);
    assert_eq!((kept(&shop.gateway), kept(&shop.salvage)), (2 * PRICE, 0));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m23_an_approval_before_the_pause_is_kept_and_the_pause_too(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.handed_over().await;
    let reference = shop.salvage.requests()[0].reference.clone();
    shop.salvage.end(&reference, &Ending::Completed);
    let paused = shop.pause(&one, None).await;
    assert_eq!((paused.status, paused.cycle, paused.next_action_at), (SubscriptionStatus::Paused, 2, None));
    let date = paused.next_bill_at.expect("its date is kept");
    let again = shop.reactivate(&one).await.unwrap();
    assert_eq!(again.next_action_at, Some(date), "the paid month is not billed again tomorrow");
    assert_eq!(kept(&shop.salvage), PRICE);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m23_a_cancellation_that_we_asked_for_is_no_failure_and_one_that_we_did_not_is(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (view, one) = shop.handed_over().await;
    let ended = shop.cancel(&one, false).await;
    assert_eq!((ended.status, ended.stop_reason.as_str()), (SubscriptionStatus::Cancelled, "moved away"));
    assert_eq!(states(&shop.attempts(&one).await), ["declined", "not_executed"]);
    assert_eq!(shop.told(&view.order).await[2..], ["rebill_decline", "cancel"]);

    let two = shop.sell_to("bob@example.test").await;
    shop.hand_over(&two).await;
    shop.ends(Ending::Cancelled).await;
    let failed = shop.again(&two).await;
    assert_eq!(failed.status, SubscriptionStatus::RecycleFailed);
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::Cancelled);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m23_a_salvage_that_will_not_stop_is_asked_again_until_it_does(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.handed_over().await;
    shop.salvage.script_fences([FenceAnswer::Failed, FenceAnswer::Failed]);
    shop.cancel(&one, false).await;
    assert_eq!(states(&shop.attempts(&one).await), ["declined", "in_doubt"]);
    assert_eq!(shop.alerts().await, ["salvage_not_closed"]);
    shop.bill(600).await;
    shop.bill(600).await;
    assert_eq!(states(&shop.attempts(&one).await), ["declined", "not_executed"]);
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::Cancelled);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m17_what_is_approved_after_the_cancellation_is_given_back(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (view, one) = shop.handed_over().await;
    let reference = shop.salvage.requests()[0].reference.clone();
    shop.salvage.end(&reference, &Ending::Completed);
    let ended = shop.cancel(&one, false).await;
    assert_eq!((ended.status, ended.cycle), (SubscriptionStatus::Cancelled, 1));
    assert_eq!(kept(&shop.salvage), 0);
    assert_eq!(shop.alerts().await, ["late_approval"]);
    assert_eq!(
        (shop.rebills().await, shop.app.fresh(&view).await.order.status),
        (vec![], OrderStatus::Complete)
    );
    assert!(!shop.told(&view.order).await.contains(&"recurring_order".to_owned()));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m23_billing_now_restarting_and_another_product_are_refused_while_a_salvage_is_open(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.handed_over().await;
    let before = shop.again(&one).await;
    refused(shop.bill_now(&one).await, "is pending until");
    refused(shop.reactivate(&one).await, "is pending until");
    let product = shop.app.hub.change_product(shop.app.merchant, one.id, 7, "ann", "").await;
    refused(product, "is pending until");
    let queue = SubscriptionChange {
        status: Some(SubscriptionStatus::RecycleFailed),
        ..SubscriptionChange::default()
    };
    refused(shop.change(&one, queue).await, "is pending until");
    let date = SubscriptionChange {
        next_bill_at: Some(shop.now() + SignedDuration::from_hours(48)),
        ..SubscriptionChange::default()
    };
    refused(shop.change(&one, date).await, "is pending until");
    assert_eq!(shop.again(&one).await, before);
    shop.ends(Ending::Completed).await;
    assert_eq!(shop.bill_now(&one).await.unwrap().cycle, 3, "and possible afterwards");
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_pause_bills_until_its_date_and_can_be_undone(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    let from: Timestamp = "2027-01-10T12:00:00Z".parse().unwrap();
    assert_eq!(shop.pause(&one, Some(from)).await.status, SubscriptionStatus::PauseScheduled);
    shop.gateway.script([SOFT]);
    assert_eq!(shop.due(&one).await.status, SubscriptionStatus::RecycleBilling);
    let paid = shop.due(&one).await;
    assert_eq!(
        (paid.status, paid.cycle),
        (SubscriptionStatus::PauseScheduled, 2),
        "recycling forgets nothing"
    );
    let date = paid.next_bill_at;
    let paused = shop.due(&one).await;
    assert_eq!((paused.status, paused.cycle, shop.now()), (SubscriptionStatus::Paused, 2, from));
    shop.bill(30 * DAY).await;
    assert_eq!(shop.gateway.requests().len(), 3);

    let again = shop.reactivate(&one).await.unwrap();
    assert!(again.next_action_at > date, "its date has passed: tomorrow");
    assert_eq!(shop.due(&one).await.cycle, 3);
    shop.pause(&one, Some(shop.now() + SignedDuration::from_hours(24))).await;
    assert_eq!(shop.reactivate(&one).await.unwrap().status, SubscriptionStatus::Active);
    assert_eq!(shop.due(&one).await.cycle, 4);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_cancellation_ends_after_the_next_bill_whatever_it_took(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    assert_eq!(shop.cancel(&one, true).await.status, SubscriptionStatus::CancellationScheduled);
    shop.gateway.script([SOFT]);
    assert_eq!(shop.due(&one).await.status, SubscriptionStatus::RecycleBilling);
    let ended = shop.due(&one).await;
    assert_eq!((ended.status, ended.cycle), (SubscriptionStatus::Cancelled, 2));
    assert_eq!((ended.next_bill_at, ended.stop_reason.as_str()), (None, "moved away"));
    shop.bill(60 * DAY).await;
    assert_eq!(kept(&shop.gateway), 2 * PRICE);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn restarting_billing_bills_the_same_debt_tomorrow(#[case] on: On) {
    let shop = Shop::new(on).await;
    shop.recycle(|profile| {
        profile.slots.truncate(1);
        profile.gateway_4_to_6 = None;
    })
    .await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([SOFT, SOFT]);
    shop.due(&one).await;
    assert_eq!(shop.due(&one).await.status, SubscriptionStatus::RecycleFailed);
    let debt = shop.again(&one).await.collecting;
    let again = shop.reactivate(&one).await.unwrap();
    assert_eq!((again.status, again.stop_reason.as_str(), again.slot), (SubscriptionStatus::Active, "", 0));
    let hours = again.next_bill_at.unwrap().duration_since(shop.now()).as_secs() / 3_600;
    assert!((1..=47).contains(&hours), "{hours}");
    let paid = shop.due(&one).await;
    assert_eq!((paid.cycle, paid.collecting), (2, None));
    let order = shop.rebills().await.remove(0);
    assert_eq!(order.id.uuid(), debt.unwrap().uuid(), "one debt, whatever it took");

    shop.cancel(&one, false).await;
    refused(shop.bill_now(&one).await, "reactivate it first");
    assert_eq!(shop.reactivate(&one).await.unwrap().status, SubscriptionStatus::Active);
    refused(shop.reactivate(&one).await, "not possible");
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_declined_bill_is_queued_again_by_hand_from_its_first_slot(#[case] on: On) {
    let shop = Shop::new(on).await;
    shop.recycle(|profile| {
        profile.slots.truncate(1);
        profile.gateway_4_to_6 = None;
    })
    .await;
    let (_, one) = shop.sell().await;
    let queue = SubscriptionChange {
        status: Some(SubscriptionStatus::RecycleBilling),
        ..SubscriptionChange::default()
    };
    refused(shop.change(&one, queue.clone()).await, "only a declined bill");
    shop.gateway.script([SOFT, SOFT]);
    shop.due(&one).await;
    assert_eq!(shop.due(&one).await.status, SubscriptionStatus::RecycleFailed);
    let queued = shop.change(&one, queue).await.unwrap();
    assert_eq!((queued.status, queued.slot), (SubscriptionStatus::RecycleBilling, 1));
    assert_eq!(shop.due(&one).await.cycle, 2);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r96_a_hard_decline_queued_again_by_hand_is_not_handed_over_either(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([Act::Decline("", "No such account")]);
    assert_eq!(shop.due(&one).await.status, SubscriptionStatus::RecycleFailed);
    let queue = SubscriptionChange {
        status: Some(SubscriptionStatus::RecycleBilling),
        ..SubscriptionChange::default()
    };
    assert_eq!(shop.change(&one, queue).await.unwrap().slot, 4);
    let failed = shop.due(&one).await;
    assert_eq!((failed.status, shop.salvage.requests().len()), (SubscriptionStatus::RecycleFailed, 0));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_trial_is_skipped_or_begun_again(#[case] on: On) {
    let shop = Shop::selling(on, Billing::Recurring, trial(Trial::Standard)).await;
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    let (_, one) = shop.sell().await;
    shop.bill(3 * DAY).await;
    let again = hub.restart_trial(merchant, one.id, "ann", "").await.unwrap();
    assert_eq!(again.next_bill_at, Some("2026-12-01T14:00:00Z".parse().unwrap()));
    let skipped = hub.skip_trial(merchant, one.id, "ann", "").await.unwrap();
    assert_eq!(skipped.next_bill_at, Some("2026-11-25T14:00:00Z".parse().unwrap()));
    let paid = shop.due(&one).await;
    assert_eq!((paid.status, paid.cycle), (SubscriptionStatus::Active, 2));
    refused(hub.restart_trial(merchant, one.id, "ann", "").await, "paid already");
    refused(hub.skip_trial(merchant, one.id, "ann", "").await, "not possible");
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn terms_are_changed_and_bad_changes_are_all_told_at_once(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    let bad = SubscriptionChange {
        price: Some(usd(-1)),
        interval_days: Some(0),
        final_cycle: Some(1),
        gateway: Some(2),
        next_bill_at: Some(shop.now()),
        ..SubscriptionChange::default()
    };
    let Err(PersonError::Invalid(problems)) = shop.change(&one, bad).await else { panic!("accepted") };
    let mut fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["final_cycle", "gateway", "interval_days", "next_bill_at", "price"]);

    let good = SubscriptionChange {
        price: Some(usd(1_500)),
        shipping: Some(usd(250)),
        interval_days: Some(7),
        final_cycle: Some(3),
        next_bill_at: Some(shop.now() + SignedDuration::from_hours(24)),
        ..SubscriptionChange::default()
    };
    shop.change(&one, good).await.unwrap();
    let paid = shop.due(&one).await;
    assert_eq!(paid.next_bill_at, Some("2026-11-29T14:00:00Z".parse().unwrap()));
    assert_eq!(shop.due(&one).await.status, SubscriptionStatus::Complete);
    let rebills = shop.rebills().await;
    assert!(rebills.iter().all(|order| order.total == usd(1_750) && order.items[0].shipping == usd(250)));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn another_product_holds_from_the_next_cycle_on(#[case] on: On) {
    let shop = Shop::new(on).await;
    let weekly = Plan::every(7, usd(500), usd(0));
    let mut campaign = shop.app.hub.reload(shop.app.merchant).await.unwrap().campaigns[0].clone();
    campaign.products.push(shop.product(8, Billing::Recurring, weekly));
    campaign.products.push(domain::configuration::CampaignProduct {
        billing: Billing::OneTime,
        plan: None,
        ..shop.product(9, Billing::Recurring, monthly())
    });
    shop.app.change(vec![recoup_hub::Change::Campaign(campaign)]).await;
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    let (_, one) = shop.sell().await;
    let once = hub.change_product(merchant, one.id, 9, "ann", "").await;
    assert!(matches!(once, Err(PersonError::Invalid(_))), "{once:?}");
    let changed = hub.change_product(merchant, one.id, 8, "ann", "").await.unwrap();
    assert_eq!(changed.next_bill_at, one.next_bill_at, "the date stays");
    let paid = shop.due(&one).await;
    assert_eq!(shop.rebills().await[0].total, usd(500));
    let days = paid.next_bill_at.unwrap().duration_since(shop.now()).as_secs() / DAY;
    assert_eq!(days, 7);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn all_of_a_customer_are_cancelled_or_put_on_another_card_at_once(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    let mut campaign = hub.reload(merchant).await.unwrap().campaigns[0].clone();
    campaign.products.push(shop.product(8, Billing::Recurring, monthly()));
    shop.app.change(vec![recoup_hub::Change::Campaign(campaign)]).await;
    let mut both = crate::support::tea();
    both.lines.push(recoup_hub::ImportLine { product_number: 8, ..both.lines[0].clone() });
    let view = shop.app.import(both).await;
    let customer = view.order.customer_id;
    let other = shop.sell_to("bob@example.test").await;
    let changed = hub.change_card_of_customer(merchant, customer, &card(OTHER_CARD), "ann").await.unwrap();
    assert_eq!(changed.len(), 2);
    shop.cancel(&changed[0], false).await;
    let ended = hub.cancel_subscriptions_of_order(merchant, view.order.id, "refund", "ann").await.unwrap();
    assert_eq!(ended, 1, "the one that was still open");
    assert_eq!(hub.cancel_subscriptions_of_customer(merchant, customer, "fraud", "ann").await.unwrap(), 0);
    assert!(shop.of_order(&view).await.iter().all(|one| one.status == SubscriptionStatus::Cancelled));
    shop.due(&other).await;
    assert_eq!(shop.gateway.requests().len(), 3, "only the other customer is billed");
    shop.end().await;
}
