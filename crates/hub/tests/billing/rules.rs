//! What the networks allow: locks, waits, caps; overdue and held runs (M27, M28, M31).

use std::sync::Arc;

use domain::attempt::AttemptState;
use domain::declines::Class;
use domain::subscription::{Subscription, SubscriptionStatus};
use gateways::fake::{Act, Ending};
use jiff::SignedDuration;
use recoup_hub::{Change, Hub, PersonError, RawCard};
use rstest::rstest;
use storage::Transaction;
use storage::marks;
use storage::testing::On;

use crate::hooks::{Hooks, hooked, plain};
use crate::shop::{DAY, PRICE, Shop, kept, settle, slot, states};
use crate::support::{HARD, SOFT, tea};

const MASTERCARD: &str = "5555555555554444";

fn card(number: &str) -> RawCard {
    RawCard {
        number: number.to_owned().into(),
        month: "09".to_owned(),
        year: "2031".to_owned(),
        security_code: String::new().into(),
    }
}

async fn sell_with(shop: &Shop, number: &str) -> Subscription {
    let mut import = tea();
    import.card = RawCard { security_code: "999".to_owned().into(), ..card(number) };
    let view = shop.app.import(import).await;
    shop.of_order(&view).await.remove(0)
}

/// Moves the clock to the moment when it is due, and bills in a process of its own.
async fn due_in(shop: &Shop, hub: &Hub, one: &Subscription) -> Subscription {
    shop.app.clock.set(shop.again(one).await.next_action_at.unwrap());
    settle(hub).await;
    shop.again(one).await
}

#[rstest]
#[case::sqlite(On::Sqlite, "02", 72)]
#[case::postgres(On::Postgres, "02", 72)]
#[case::days_sqlite(On::Sqlite, "28", 144)]
#[case::days_postgres(On::Postgres, "28", 144)]
#[tokio::test(flavor = "multi_thread")]
async fn m28_mastercards_advice_to_wait_holds_a_slot_that_is_due_earlier(
    #[case] on: On,
    #[case] advice: &str,
    #[case] hours: i64,
) {
    let shop = Shop::new(on).await;
    let hooks = Arc::new(Hooks::default());
    hooks.advise(Some(advice));
    let hub = shop.app.process_over(7, hooked(&hooks), plain).await;
    let one = sell_with(&shop, MASTERCARD).await;
    shop.gateway.script([SOFT]);
    let declined = due_in(&shop, &hub, &one).await;
    let at = shop.now();
    assert_eq!((declined.status, declined.slot), (SubscriptionStatus::RecycleBilling, 1));
    let held = due_in(&shop, &hub, &one).await;
    assert_eq!((held.status, held.slot), (SubscriptionStatus::RecycleBilling, 1));
    assert!(held.held.contains(&format!("advice {advice}")), "{}", held.held);
    assert_eq!(held.next_action_at, Some(at + SignedDuration::from_hours(hours)));
    assert_eq!(due_in(&shop, &hub, &one).await.cycle, 2);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m28_advice_to_wait_does_not_hold_a_hand_over_and_means_nothing_on_visa(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let hooks = Arc::new(Hooks::default());
    hooks.advise(Some("30"));
    let hub = shop.app.process_over(7, hooked(&hooks), plain).await;
    let one = sell_with(&shop, MASTERCARD).await;
    shop.gateway.script([SOFT]);
    assert_eq!(due_in(&shop, &hub, &one).await.slot, 4);
    shop.salvage.script([Act::Pend]);
    due_in(&shop, &hub, &one).await;
    assert_eq!(states(&shop.attempts(&one).await), ["declined", "pending"]);
    shop.cancel_quietly(&one).await;

    shop.recycle(|_| {}).await;
    let two = shop.sell_to("bob@example.test").await;
    shop.gateway.script([SOFT]);
    assert_eq!(due_in(&shop, &hub, &two).await.slot, 1);
    assert_eq!(due_in(&shop, &hub, &two).await.cycle, 2);
    shop.end().await;
}

impl Shop {
    async fn cancel_quietly(&self, one: &Subscription) {
        let hub = &self.app.hub;
        hub.cancel_subscription(self.app.merchant, one.id, false, "test", "ann").await.unwrap();
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m28_advice_never_to_try_again_bars_every_bill_of_the_card(#[case] on: On) {
    let shop = Shop::new(on).await;
    let hooks = Arc::new(Hooks::default());
    hooks.advise(Some("03"));
    let hub = shop.app.process_over(7, hooked(&hooks), plain).await;
    let one = sell_with(&shop, MASTERCARD).await;
    let mut import = tea();
    import.contact.email = "bob@example.test".to_owned();
    import.card = RawCard { security_code: "999".to_owned().into(), ..card(MASTERCARD) };
    shop.bill(DAY).await;
    let view = shop.app.import(import).await;
    let two = shop.of_order(&view).await.remove(0);
    shop.gateway.script([SOFT]);
    assert_eq!(due_in(&shop, &hub, &one).await.status, SubscriptionStatus::RecycleFailed);
    let before = shop.gateway.requests().len();
    let failed = due_in(&shop, &hub, &two).await;
    assert_eq!(failed.status, SubscriptionStatus::RecycleFailed);
    assert!(failed.stop_reason.contains("locked"), "{}", failed.stop_reason);
    assert_eq!((shop.gateway.requests().len(), shop.salvage.requests().len()), (before, 0));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m28_restarting_on_a_locked_card_needs_a_new_card(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    let (_, one) = shop.sell().await;
    shop.gateway.script([HARD]);
    assert_eq!(shop.due(&one).await.status, SubscriptionStatus::RecycleFailed);
    let refused = hub.reactivate_subscription(merchant, one.id, "ann", "").await;
    assert!(matches!(&refused, Err(PersonError::Conflict(text)) if text.contains("locked")), "{refused:?}");
    hub.change_card(merchant, one.id, &card(MASTERCARD), "ann").await.unwrap();
    hub.reactivate_subscription(merchant, one.id, "ann", "").await.unwrap();
    assert_eq!(shop.due(&one).await.cycle, 2);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m28_a_stopped_payment_bars_that_payment_and_no_other_of_the_card(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    let (_, one) = shop.sell().await;
    let two = shop.sell_to("bob@example.test").await;
    shop.gateway.script([Act::Decline("", "Stop payment order")]);
    shop.due(&one).await;
    let (stopped, other): (Vec<_>, Vec<_>) = shop
        .subscriptions()
        .await
        .into_iter()
        .partition(|one| one.status == SubscriptionStatus::RecycleFailed);
    assert_eq!((stopped.len(), other[0].cycle), (1, 2), "the other one was paid");
    // A decline of the other one in between does not wash it away.
    shop.gateway.script([SOFT]);
    shop.due(&other[0]).await;
    hub.reactivate_subscription(merchant, stopped[0].id, "ann", "").await.unwrap();
    let before = shop.gateway.requests().len();
    hub.bill_subscription_now(merchant, stopped[0].id, "ann", "").await.unwrap();
    let again = shop.again(&stopped[0]).await;
    assert_eq!(again.status, SubscriptionStatus::RecycleFailed);
    assert!(again.stop_reason.contains("stopped this payment"), "{}", again.stop_reason);
    assert_eq!(shop.gateway.requests().len(), before);
    assert_ne!(two.id, one.id);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m28_the_cap_of_a_month_holds_all_bills_of_a_card_together(#[case] on: On) {
    let shop = Shop::new(on).await;
    shop.recycle(|profile| {
        profile.gateway_4_to_6 = None;
        profile.slots = vec![slot(1, 0); 9];
    })
    .await;
    let (_, one) = shop.sell().await;
    for email in ["b@example.test", "c@example.test", "d@example.test"] {
        shop.sell_to(email).await;
    }
    shop.gateway.script(std::iter::repeat_n(SOFT, 40));
    shop.due(&one).await;
    for _ in 0..8 {
        shop.bill(DAY).await;
    }
    assert_eq!(shop.gateway.requests().len(), 4 + 15, "fifteen in thirty days");
    let all = shop.subscriptions().await;
    assert!(all.iter().all(|one| one.status == SubscriptionStatus::RecycleBilling));
    assert!(all.iter().all(|one| one.held.contains("the cap is 15")), "{all:?}");
    shop.bill(23 * DAY).await;
    assert!(shop.gateway.requests().len() > 19, "the first ones have left the window");
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m28_a_hand_over_counts_once_in_the_cards_budget(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.handed_over().await;
    for _ in 0..10 {
        shop.bill(DAY).await;
    }
    let attempt = shop.attempts(&one).await.remove(1);
    let month = shop.now() - SignedDuration::from_hours(720);
    let day = shop.now() - SignedDuration::from_hours(24);
    let store = shop.app.hub.store();
    let used = store.find_card_use(
        shop.app.merchant,
        &attempt.card_fingerprint,
        day,
        month,
        shop.own,
        attempt.amount,
        shop.now(),
        attempt.card_id,
    );
    let used = used.await.unwrap();
    assert_eq!((used.month_count, used.day_count), (2, 0), "one decline, one hand-over");
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m27_a_never_reason_mapped_to_soft_goes_to_a_salvage_gateway_only(#[case] on: On) {
    let shop = Shop::new(on).await;
    let map = domain::decline_map::DeclineMap {
        id: shop.app.hub.minter().mint(),
        scope: domain::decline_map::MapScope::Gateway(shop.own),
        orders: domain::decline_map::MapOrders::All,
        fragment: "not permitted".to_owned(),
        class: Class::Soft,
        text: None,
        created_at: shop.now(),
    };
    shop.app.change(vec![Change::DeclineMap(map, 1)]).await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([Act::Decline("", "Transaction not permitted")]);
    let declined = shop.due(&one).await;
    assert_eq!(
        (declined.status, declined.slot),
        (SubscriptionStatus::RecycleBilling, 4),
        "slots 1 to 3 are barred"
    );
    shop.salvage.script([Act::Pend]);
    shop.due(&one).await;
    let attempts = shop.attempts(&one).await;
    let AttemptState::Declined { decline, .. } = &attempts[0].state else { panic!("not declined") };
    assert_eq!((decline.class_read, decline.class), (Class::Hard, Class::Soft));
    assert_eq!(states(&attempts), ["declined", "pending"]);
    shop.ends(Ending::Completed).await;
    let paid = shop.again(&one).await;
    assert_eq!(paid.cycle, 2);
    // The lock stays: the next bill does not ask the own gateway.
    let failed = shop.due(&one).await;
    assert_eq!(failed.status, SubscriptionStatus::RecycleFailed);
    assert_eq!((kept(&shop.gateway), shop.gateway.requests().len()), (PRICE, 2));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m31_a_subscription_several_cycles_overdue_is_billed_once(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    shop.bill(200 * DAY).await;
    let paid = shop.again(&one).await;
    assert_eq!((paid.cycle, shop.gateway.requests().len()), (2, 2));
    let days = paid.next_bill_at.unwrap().duration_since(shop.now()).as_secs() / DAY;
    assert!((29..=31).contains(&days), "{days} days from now on");
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m31_a_restored_database_bills_nothing_until_it_is_let_go(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (view, one) = shop.sell().await;
    let mark = async |step| {
        shop.app.hub.store().commit(Transaction::new("mark").with(step)).await.unwrap();
    };
    let words = "Restored from a backup; books are compared first.";
    mark(marks::set(charging::CHARGING_HELD, words)).await;
    let held = shop.due(&one).await;
    assert_eq!((held.cycle, held.held.contains("Restored")), (1, true));
    shop.bill(5 * 3_600).await;
    assert_eq!(shop.gateway.requests().len(), 1);
    let lines = shop.app.hub.store().list_timeline_of_order(shop.app.merchant, view.order.id).await.unwrap();
    assert_eq!(lines.iter().filter(|line| line.words.contains("Restored")).count(), 1, "told once");
    mark(marks::clear(charging::CHARGING_HELD)).await;
    let paid = shop.due(&one).await;
    assert_eq!((paid.cycle, paid.held.as_str()), (2, ""));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn q44_without_a_stored_number_the_subscription_fails_and_says_why(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    let store = shop.app.hub.store();
    let stored = store.find_card(shop.app.merchant, one.card_id).await.unwrap().unwrap();
    let token_only = storage::cards::Card { id: shop.app.hub.minter().mint(), sealed: Vec::new(), ..stored };
    let on_it = Subscription { card_id: token_only.id, ..one.clone() };
    let put = Transaction::new("token_only")
        .with(storage::cards::upsert(&token_only, shop.now()))
        .with(storage::subscriptions::update(&on_it, None));
    store.commit(put).await.unwrap();
    let failed = shop.due(&one).await;
    assert_eq!(failed.status, SubscriptionStatus::RecycleFailed);
    assert!(failed.stop_reason.contains("No card number"), "{}", failed.stop_reason);
    assert_eq!(shop.gateway.requests().len(), 1);
    shop.end().await;
}
