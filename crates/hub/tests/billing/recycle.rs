//! Recycle billing: slots on the own gateway, the hand-over, and what ends it (crm.md sections 8 and 13.4).

use domain::attempt::{AttemptState, Initiator, Route};
use domain::declines::Class;
use domain::money::Money;
use domain::order::OrderStatus;
use domain::recycle::Slot;
use domain::subscription::SubscriptionStatus;
use gateways::StoredCredential;
use gateways::fake::{Act, Ending};
use jiff::{SignedDuration, Timestamp};
use recoup_hub::Change;
use rstest::rstest;
use storage::testing::On;

use crate::shop::{DAY, PRICE, Shop, kept, slot, states, usd};
use crate::support::{SOFT, tea};

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r81_r82_r83_r84_r85_r86_r87_r88_r89_slots_run_at_home_until_one_is_handed_over(#[case] on: On) {
    let shop = Shop::new(on).await;
    shop.recycle(|profile| profile.slots.iter_mut().for_each(|slot| slot.reduction = 10)).await;
    let mut without_ip = tea();
    without_ip.contact.ip_address.clear();
    let view = shop.app.import(without_ip).await;
    let one = shop.of_order(&view).await.remove(0);
    shop.gateway.script([SOFT, SOFT, SOFT, SOFT]);
    let mut now = shop.due(&one).await;
    for number in 1..=4 {
        assert_eq!((now.status, now.slot, now.cycle), (SubscriptionStatus::RecycleBilling, number, 1));
        assert_eq!(now.next_action_at, now.next_bill_at);
        let days = now.next_action_at.unwrap().duration_since(shop.now()).as_secs() / DAY;
        assert_eq!(days, 1);
        if number < 4 {
            now = shop.due(&one).await;
        }
    }
    let asked: Vec<i64> = shop.gateway.requests().iter().map(|request| request.amount.minor()).collect();
    assert_eq!(
        asked,
        [2_999, 2_999, 2_699, 2_399, 2_099],
        "each slot reduces by ten percent of the original"
    );
    shop.salvage.script([Act::Pend]);
    let open = shop.due(&one).await;

    let request = shop.salvage.requests().remove(0);
    let attempts = shop.attempts(&one).await;
    assert_eq!(states(&attempts), ["declined", "declined", "declined", "declined", "pending"]);
    assert_eq!(request.amount, usd(1_799));
    assert_eq!((request.initiator, request.card.security_code.is_some()), (Initiator::Merchant, false));
    assert_eq!(request.contact.ip_address, "");
    let salvaged = request.salvaged.unwrap();
    assert_eq!((salvaged.attempt, salvaged.raw.text.as_str()), (attempts[3].id.base32(), "Do not honor"));
    let open_salvage = request.open_salvage.unwrap();
    let deadline = shop.now() + SignedDuration::from_hours(21 * 24);
    assert_eq!(open_salvage.deadline, deadline);
    let terms = open_salvage.subscription.unwrap();
    assert_eq!((terms.reference, terms.interval_days), (one.id.base32(), 30));
    assert_eq!((terms.price, terms.payment_number, terms.payments_total), (usd(PRICE), 2, None));
    assert_eq!((attempts[4].route, attempts[4].slot), (Route::Recycle, Some(4)));
    assert_eq!(attempts[4].deadline, Some(deadline));
    assert_eq!((open.status, open.next_bill_at, open.next_action_at), (now.status, Some(deadline), None));

    // R85, R86: nothing else is tried meanwhile, here or there.
    for _ in 0..20 {
        shop.bill(DAY).await;
    }
    assert_eq!((shop.gateway.requests().len(), shop.salvage.requests().len()), (5, 1));
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::RecycleBilling);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r90_r91_r92_r93_r98_r124_r129_r138_a_recovered_bill_moves_on_and_goes_home(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.handed_over().await;
    assert_eq!(kept(&shop.salvage), 0);
    shop.ends(Ending::Completed).await;
    let paid = shop.again(&one).await;
    assert_eq!((paid.status, paid.cycle, paid.slot), (SubscriptionStatus::Active, 2, 0));
    assert_eq!((paid.gateway_id, paid.collecting), (shop.own, None));
    // Q25: a month after the result.
    assert_eq!(shop.now(), "2026-12-23T02:00:00Z".parse().unwrap(), "still the 22nd in New York");
    assert_eq!(paid.next_bill_at, Some("2027-01-21T14:00:00Z".parse().unwrap()));

    let rebills = shop.rebills().await;
    assert_eq!((rebills.len(), rebills[0].status, rebills[0].is_salvaged), (1, OrderStatus::Complete, true));
    assert_eq!(
        (shop.shipped(&rebills[0]).await, shop.told(&rebills[0]).await),
        (1, vec!["recurring_order".into()])
    );
    let found = shop.app.hub.find_order_view(shop.app.merchant, rebills[0].id).await.unwrap().unwrap();
    let taken = found.approved().unwrap();
    assert_eq!((taken.gateway_id, taken.amount), (shop.salvage_id, usd(PRICE)));
    let AttemptState::Approved { approval, .. } = &taken.state else { panic!("not approved") };
    assert_eq!(approval.reference, "fake-1");

    // R98: a later cycle may go there again, as often as it declines.
    for cycle in 3..=4 {
        shop.hand_over(&one).await;
        shop.ends(Ending::Completed).await;
        assert_eq!(shop.again(&one).await.cycle, cycle);
    }
    assert_eq!((kept(&shop.gateway), kept(&shop.salvage)), (PRICE, 3 * PRICE));
    shop.due(&one).await;
    assert_eq!(kept(&shop.gateway), 2 * PRICE, "and the one after that is billed at home");
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r94_r95_r130_a_failed_salvage_ends_the_subscription_whatever_slots_are_left(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    shop.recycle(|profile| {
        profile.slots.extend([slot(1, 0), slot(1, 0), slot(1, 0)]);
        profile.slots.iter_mut().take(3).for_each(|slot| slot.skip = true);
        profile.final_slot = Some(slot(1, 0));
    })
    .await;
    let (view, one) = shop.handed_over().await;
    shop.ends(Ending::Failed("EXPIRED", "No recovery")).await;
    let failed = shop.again(&one).await;
    assert_eq!((failed.status, failed.cycle), (SubscriptionStatus::RecycleFailed, 1));
    assert_eq!((failed.next_action_at, failed.next_bill_at), (None, None));
    assert!(failed.stop_reason.contains("could not recover"), "{}", failed.stop_reason);
    shop.bill(60 * DAY).await;
    assert_eq!((shop.gateway.requests().len(), shop.salvage.requests().len()), (2, 1));
    let told = shop.told(&view.order).await;
    assert_eq!(told[2..], ["rebill_decline", "rebill_decline", "recycle_failed"]);
    let attempts = shop.attempts(&one).await;
    let AttemptState::Declined { decline, .. } = &attempts[1].state else { panic!("not declined") };
    assert_eq!((decline.class, decline.raw.code.as_str()), (Class::Soft, "EXPIRED"));
    assert_eq!(shop.rebills().await, []);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r96_a_hard_decline_reaches_no_slot_unless_it_is_mapped_to_soft(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (view, one) = shop.sell().await;
    shop.gateway.script([Act::Decline("", "No such account")]);
    let failed = shop.due(&one).await;
    assert_eq!(failed.status, SubscriptionStatus::RecycleFailed);
    assert!(failed.stop_reason.contains("Hard decline"), "{}", failed.stop_reason);
    assert_eq!(shop.told(&view.order).await[2..], ["rebill_decline", "recycle_failed"]);

    let map = domain::decline_map::DeclineMap {
        id: shop.app.hub.minter().mint(),
        scope: domain::decline_map::MapScope::Gateway(shop.own),
        orders: domain::decline_map::MapOrders::All,
        fragment: "such account".to_owned(),
        class: Class::Soft,
        text: None,
        created_at: shop.now(),
    };
    shop.app.change(vec![Change::DeclineMap(map, 1)]).await;
    shop.app.hub.reactivate_subscription(shop.app.merchant, one.id, "ann", "").await.unwrap();
    shop.gateway.script([Act::Decline("", "No such account")]);
    let declined = shop.due(&one).await;
    assert_eq!((declined.status, declined.slot), (SubscriptionStatus::RecycleBilling, 4));
    shop.salvage.script([Act::Pend]);
    shop.due(&one).await;
    assert_eq!(shop.salvage.requests().len(), 1);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r97_without_a_profile_or_in_a_campaign_that_disables_it_nothing_is_recycled(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.sell().await;
    let profile = shop.app.hub.reload(shop.app.merchant).await.unwrap().recycle_profiles[0].id;
    shop.app.change(vec![Change::DeleteRecycleProfile(profile)]).await;
    shop.gateway.script([SOFT]);
    let failed = shop.due(&one).await;
    assert_eq!(failed.status, SubscriptionStatus::RecycleFailed);
    assert!(failed.stop_reason.contains("No recycle profile"), "{}", failed.stop_reason);

    shop.hand_over_at_once().await;
    disable_recycling(&shop, true).await;
    shop.app.hub.reactivate_subscription(shop.app.merchant, one.id, "ann", "").await.unwrap();
    shop.gateway.script([SOFT]);
    let failed = shop.due(&one).await;
    assert_eq!(failed.status, SubscriptionStatus::RecycleFailed);
    assert!(failed.stop_reason.contains("campaign"), "{}", failed.stop_reason);
    shop.bill(30 * DAY).await;
    assert_eq!(shop.salvage.requests().len(), 0);
    shop.end().await;
}

async fn disable_recycling(shop: &Shop, disable: bool) {
    let mut campaign = shop.app.hub.reload(shop.app.merchant).await.unwrap().campaigns[0].clone();
    campaign.disable_recycle_billing = disable;
    shop.app.change(vec![Change::Campaign(campaign)]).await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r97_what_was_switched_off_since_the_decline_holds_when_the_slot_is_due(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([SOFT, SOFT]);
    assert_eq!(shop.due(&one).await.slot, 4);
    disable_recycling(&shop, true).await;
    let failed = shop.due(&one).await;
    assert_eq!((failed.status, failed.slot), (SubscriptionStatus::RecycleFailed, 4));
    disable_recycling(&shop, false).await;

    shop.app.hub.reactivate_subscription(shop.app.merchant, one.id, "ann", "").await.unwrap();
    assert_eq!(shop.due(&one).await.slot, 4);
    let profile = shop.app.hub.reload(shop.app.merchant).await.unwrap().recycle_profiles[0].id;
    shop.app.change(vec![Change::DeleteRecycleProfile(profile)]).await;
    let failed = shop.due(&one).await;
    assert_eq!(failed.status, SubscriptionStatus::RecycleFailed);
    assert!(failed.stop_reason.contains("profile"), "{}", failed.stop_reason);
    assert_eq!(shop.salvage.requests().len(), 0);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r99_what_is_cancelled_or_paused_while_recycling_is_not_handed_over(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (merchant, hub) = (shop.app.merchant, &shop.app.hub);
    let (_, one) = shop.sell().await;
    let mut other = tea();
    other.contact.email = "bob@example.test".to_owned();
    let view = shop.app.import(other).await;
    let two = shop.of_order(&view).await.remove(0);
    shop.gateway.script([SOFT, SOFT]);
    shop.due(&one).await;
    assert_eq!(shop.again(&two).await.status, SubscriptionStatus::RecycleBilling);
    hub.cancel_subscription(merchant, one.id, false, "moved away", "ann").await.unwrap();
    hub.pause_subscription(merchant, two.id, None, "ann", "").await.unwrap();
    shop.bill(40 * DAY).await;
    assert_eq!(shop.again(&one).await.status, SubscriptionStatus::Cancelled);
    assert_eq!(shop.again(&two).await.status, SubscriptionStatus::Paused);
    assert_eq!((shop.salvage.requests().len(), shop.gateway.requests().len()), (0, 4));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn all_slots_used_up_is_recycle_failed_and_says_so(#[case] on: On) {
    let shop = Shop::new(on).await;
    shop.recycle(|profile| {
        profile.gateway_4_to_6 = None;
        profile.slots.truncate(2);
        profile.final_slot = Some(slot(5, 0));
    })
    .await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([SOFT, SOFT, SOFT, SOFT]);
    for slot in [1, 2, 10] {
        assert_eq!(shop.due(&one).await.slot, slot);
    }
    let failed = shop.due(&one).await;
    assert_eq!(failed.status, SubscriptionStatus::RecycleFailed);
    assert!(failed.stop_reason.contains("used up"), "{}", failed.stop_reason);
    assert_eq!(states(&shop.attempts(&one).await), ["declined"; 4]);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r89_reductions_stop_at_the_minimum_price_and_an_approved_one_is_held(#[case] on: On) {
    let shop = Shop::new(on).await;
    shop.recycle(|profile| {
        profile.slots.iter_mut().for_each(|slot| slot.reduction = 20);
        profile.minimum_price = Some(usd(2_000));
        profile.hold_recycle_price = true;
    })
    .await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([SOFT, SOFT]);
    shop.due(&one).await;
    shop.due(&one).await;
    let paid = shop.due(&one).await;
    assert_eq!((paid.status, paid.terms.price), (SubscriptionStatus::Active, Some(usd(2_000))));
    let order = shop.rebills().await.remove(0);
    assert_eq!((order.total, order.items[0].price), (usd(2_000), usd(2_000)));
    let asked: Vec<i64> = shop.gateway.requests().iter().map(|request| request.amount.minor()).collect();
    assert_eq!(asked, [2_999, 2_999, 2_399, 2_000]);
    shop.due(&one).await;
    assert_eq!(shop.rebills().await[1].total, usd(2_000), "held for later bills");

    shop.recycle(|profile| profile.slots[0].reduction = 50).await;
    shop.gateway.script([SOFT]);
    shop.due(&one).await;
    let paid = shop.due(&one).await;
    assert_eq!(shop.rebills().await[2].total, usd(1_000));
    assert_eq!(paid.terms.price, Some(usd(2_000)), "not held where the profile does not say so");
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn re_attempts_move_to_saturday_and_skipped_slots_do_not_count(#[case] on: On) {
    let shop = Shop::new(on).await;
    shop.recycle(|profile| {
        profile.bill_on_saturday = true;
        profile.slots[0] = Slot { days: 9, reduction: 40, skip: true };
    })
    .await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([SOFT]);
    let declined = shop.due(&one).await;
    // 21 December 2026 is a Monday.
    let saturday: Timestamp = "2026-12-26T14:00:00Z".parse().unwrap();
    assert_eq!((declined.slot, declined.next_action_at), (2, Some(saturday)));
    shop.due(&one).await;
    assert_eq!(shop.rebills().await[0].total, usd(PRICE));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r24_r47_a_slot_whose_gateway_was_switched_off_is_passed_over(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (third, _) = shop.app.gateway(3, "third").await;
    shop.recycle(|profile| {
        profile.slots.iter_mut().take(3).for_each(|slot| slot.skip = true);
        profile.slots.extend([
            Slot { skip: true, ..slot(1, 0) },
            Slot { skip: true, ..slot(1, 0) },
            slot(2, 0),
        ]);
        profile.gateway_7_to_9 = Some(third);
    })
    .await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([SOFT]);
    assert_eq!(shop.due(&one).await.slot, 4);
    shop.app.edit_gateway(shop.salvage_id, |gateway| gateway.enabled = false).await;
    let moved = shop.due(&one).await;
    assert_eq!((moved.status, moved.slot), (SubscriptionStatus::RecycleBilling, 7));
    let days = moved.next_action_at.unwrap().duration_since(shop.now()).as_secs() / DAY;
    assert_eq!((days, shop.salvage.requests().len()), (2, 0));
    let paid = shop.due(&one).await;
    assert_eq!((paid.status, paid.gateway_id), (SubscriptionStatus::Active, shop.own));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m26_an_ordinary_gateway_that_approves_in_a_slot_does_not_move_the_subscription(#[case] on: On) {
    let shop = Shop::handing_over(on).await;
    let (third, other) = shop.app.gateway(3, "third").await;
    shop.recycle(|profile| {
        profile.slots.iter_mut().take(3).for_each(|slot| slot.skip = true);
        profile.gateway_4_to_6 = Some(third);
    })
    .await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([SOFT]);
    shop.due(&one).await;
    let paid = shop.due(&one).await;
    assert_eq!((paid.status, paid.cycle, paid.gateway_id), (SubscriptionStatus::Active, 2, shop.own));
    // M30: the first charge's id means nothing there.
    let request = other.requests().remove(0);
    assert_eq!(request.stored_credential, StoredCredential::Rebill { initial_reference: None });
    assert_eq!((request.salvaged.is_some(), request.open_salvage.is_some()), (false, false));
    assert!(!shop.rebills().await[0].is_salvaged);
    shop.due(&one).await;
    let last = shop.gateway.requests().pop().unwrap();
    let initial_reference = Some("fake-1".to_owned());
    assert_eq!(last.stored_credential, StoredCredential::Rebill { initial_reference });
    assert_eq!((kept(&shop.gateway), kept(&other)), (2 * PRICE, PRICE));
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m26_a_disabled_own_gateway_holds_the_bill_with_one_alert_and_does_not_fail_it(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    shop.app.edit_gateway(shop.own, |gateway| gateway.enabled = false).await;
    let held = shop.due(&one).await;
    assert_eq!((held.status, held.cycle), (SubscriptionStatus::Active, 1));
    assert!(held.held.contains("enabled"), "{}", held.held);
    shop.due(&one).await;
    shop.due(&one).await;
    assert_eq!(shop.alerts().await, ["bill_held"], "told once");
    shop.app.edit_gateway(shop.own, |gateway| gateway.enabled = true).await;
    let paid = shop.due(&one).await;
    assert_eq!((paid.cycle, paid.held.as_str()), (2, ""));

    // The same in the middle of recycling.
    shop.gateway.script([SOFT]);
    shop.due(&one).await;
    shop.app.edit_gateway(shop.own, |gateway| gateway.enabled = false).await;
    let held = shop.due(&one).await;
    assert_eq!((held.status, held.slot), (SubscriptionStatus::RecycleBilling, 1));
    shop.app.edit_gateway(shop.own, |gateway| gateway.enabled = true).await;
    assert_eq!(shop.due(&one).await.cycle, 3);
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_price_for_the_next_bill_only_is_reduced_like_any_other_and_then_gone(#[case] on: On) {
    let shop = Shop::new(on).await;
    shop.recycle(|profile| {
        profile.slots[0].reduction = 50;
        profile.hold_recycle_price = true;
    })
    .await;
    let (_, one) = shop.sell().await;
    let change = recoup_hub::SubscriptionChange {
        price: Some(usd(1_000)),
        price_once: true,
        ..recoup_hub::SubscriptionChange::default()
    };
    shop.app.hub.change_subscription(shop.app.merchant, one.id, &change, "ann", "").await.unwrap();
    let paid = shop.due(&one).await;
    assert_eq!((paid.cycle, paid.terms.price, paid.terms.price_once), (2, None, false));
    assert_eq!(shop.rebills().await[0].total, usd(1_000));
    shop.due(&one).await;
    assert_eq!(shop.rebills().await[1].total, Money::new(PRICE, domain::Currency::USD));
    shop.end().await;
}
