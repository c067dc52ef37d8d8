//! Which orders are left alone, and why (R117–R119, M24, M28, Q19).

use domain::decline_map::{DeclineMap, MapOrders, MapScope};
use domain::declines::Class;
use domain::order::OrderStatus;
use gateways::fake::Act;
use recoup_hub::{Change, Lead, LeadAnswer, OrderView, PersonError, Rerun, SkipKind};
use rstest::rstest;
use storage::testing::On;

use crate::Shop;
use crate::support::{HARD, SOFT, tea};

const EXPIRED: Act = Act::Decline("", "Expired card");

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r117_a_hard_decline_is_skipped_until_a_map_of_today_makes_it_soft(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(EXPIRED).await;
    for rerun in [shop.at_salvage(), Shop::at_own()] {
        let skip = shop.skipped(&view, &rerun).await;
        assert_eq!(skip.kind, SkipKind::NotEligible);
        assert!(skip.words.starts_with("Hard decline (expired_card)"), "{}", skip.words);
    }
    let map = DeclineMap {
        id: shop.app.hub.minter().mint(),
        scope: MapScope::Gateway(shop.first.0),
        orders: MapOrders::NewSales,
        fragment: "expired".to_owned(),
        class: Class::Soft,
        text: None,
        created_at: shop.app.hub.minter().now(),
    };
    let id = map.id;
    shop.app.change(vec![Change::DeclineMap(map, 1)]).await;
    let preview = shop.app.hub.preview_reruns(shop.app.merchant, &[view.order.id], &shop.at_salvage()).await;
    let words = &preview.unwrap()[0].words;
    assert!(words.contains("hard then, soft under today's maps"), "{words}");
    shop.app.change(vec![Change::DeleteDeclineMap(id)]).await;
    assert_eq!(shop.skipped(&view, &shop.at_salvage()).await.kind, SkipKind::NotEligible, "the map is gone");
    let back = DeclineMap {
        id,
        scope: MapScope::Kind("fake".to_owned()),
        orders: MapOrders::All,
        fragment: "EXPIRED".to_owned(),
        class: Class::Soft,
        text: None,
        created_at: shop.app.hub.minter().now(),
    };
    shop.app.change(vec![Change::DeclineMap(back, 1)]).await;
    let (_, attempt) = shop.open(&view).await;
    assert!(attempt.why.contains("hard then, soft under today's maps (expired_card)"), "{}", attempt.why);
    assert_eq!(shop.salvage.1.requests().len(), 1);
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m27_m28_a_stolen_card_is_attempted_nowhere_again(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(HARD).await;
    for rerun in [shop.at_salvage(), Shop::at_own()] {
        let skip = shop.skipped(&view, &rerun).await;
        assert!(skip.kind == SkipKind::NotEligible && skip.words.contains("locked"), "{skip:?}");
    }
    assert_eq!((shop.first.1.requests().len(), shop.salvage.1.requests().len()), (1, 0));
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r119_only_declined_orders_are_rerun(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    let lead = Lead { order_id: None, campaign_number: 1, contact: tea().contact, extra: Vec::new() };
    let LeadAnswer::Order(partial) = hub.import_lead(merchant, lead).await.unwrap() else { panic!("a lead") };
    let complete = shop.app.import(tea()).await;
    let mut other = tea();
    other.contact.email = "bob@example.test".to_owned();
    let refunded = shop.app.import(other.clone()).await;
    hub.refund_order(merchant, refunded.order.id, None, "", "ann").await.unwrap();
    other.contact.email = "cid@example.test".to_owned();
    shop.first.1.script([SOFT]);
    let cancelled = shop.app.import(other).await;
    hub.cancel_order(merchant, cancelled.order.id, "", "ann").await.unwrap();
    let wrong: [(&OrderView, OrderStatus); 4] = [
        (&partial, OrderStatus::Partial),
        (&complete, OrderStatus::Complete),
        (&refunded, OrderStatus::Refunded),
        (&cancelled, OrderStatus::Cancelled),
    ];
    for (view, status) in wrong {
        assert_eq!(shop.app.fresh(view).await.order.status, status);
        let skip = shop.skipped(view, &shop.at_salvage()).await;
        assert_eq!(skip.kind, SkipKind::WrongState, "{status:?}");
        assert!(skip.words.contains(status.as_str()), "{}", skip.words);
    }
    let nobody = domain::ids::OrderId::from_uuid(uuid::Uuid::from_u128(9));
    let missing = hub.rerun_order(merchant, nobody, &Rerun::default(), "ann").await;
    assert!(matches!(missing, Err(PersonError::NotFound("order"))));
    assert_eq!(shop.salvage.1.requests().len(), 0);
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m24_what_the_customer_has_bought_since_is_not_rerun_unless_a_person_insists(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    shop.app.pass(3_600).await;
    let bought = shop.app.import(tea()).await;
    assert_eq!(bought.order.status, OrderStatus::Complete);
    let skip = shop.skipped(&view, &shop.at_salvage()).await;
    assert_eq!(skip.kind, SkipKind::BoughtSince);
    assert!(skip.words.starts_with("bought since"), "{}", skip.words);
    shop.salvage.1.script([Act::Pend]);
    let insist = Rerun { override_bought_since: true, note: "He wants two.".to_owned(), ..shop.at_salvage() };
    shop.attempted(&view, &insist).await;
    let audit = shop.app.hub.store().list_audit(shop.app.merchant, 1).await.unwrap();
    assert!(audit[0].what.ends_with("although bought since"), "{}", audit[0].what);
    assert_eq!(audit[0].note, "He wants two.");
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m28_a_card_whose_budget_is_used_up_is_not_rerun_until_there_is_room(#[case] on: On) {
    let shop = Shop::new(on).await;
    let mut last = None;
    for _ in 0..15 {
        last = Some(shop.declined(SOFT).await);
        shop.app.pass(60).await;
    }
    let view = last.unwrap();
    for rerun in [shop.at_salvage(), Shop::at_own()] {
        let skip = shop.skipped(&view, &rerun).await;
        assert!(
            skip.kind == SkipKind::NotEligible && skip.words.contains("15 attempts in 30 days"),
            "{skip:?}"
        );
    }
    shop.app.pass(30 * 86_400).await;
    shop.open(&view).await;
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r148_an_order_that_never_reached_a_gateway_has_no_card_to_charge(#[case] on: On) {
    let shop = Shop::new(on).await;
    shop.app.edit_gateway(shop.first.0, |gateway| gateway.enabled = false).await;
    let view = shop.app.import(tea()).await;
    assert_eq!((view.order.status, view.attempts.len()), (OrderStatus::Declined, 0));
    let skip = shop.skipped(&view, &shop.at_salvage()).await;
    assert!(skip.kind == SkipKind::NotEligible && skip.words.contains("No card number is stored"));
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r25_what_was_never_declined_is_rerun_at_an_ordinary_gateway_and_never_handed_over(#[case] on: On) {
    let shop = Shop::new(on).await;
    shop.first.1.script([Act::FailBefore, Act::FailBefore]);
    let view = shop.app.import(tea()).await;
    assert_eq!(view.order.status, OrderStatus::Declined);
    let skip = shop.skipped(&view, &shop.at_salvage()).await;
    assert!(skip.words.contains("nothing to salvage"), "{}", skip.words);
    let (paid, attempt) = shop.attempted(&view, &Shop::at_own()).await;
    assert_eq!((paid.order.status, attempt.salvages), (OrderStatus::Complete, None));
    shop.app.end().await;
}
