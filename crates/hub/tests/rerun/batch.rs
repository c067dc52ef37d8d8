//! Batches: every order judged and sent on its own, with progress, reasons and cancellation (R109, R118).

use domain::ids::OrderId;
use domain::order::OrderStatus;
use gateways::fake::Act;
use recoup_hub::{Import, OrderView, PersonError, RUN_ITEMS_MAX, Rerun, RunOrders, RunProgress};
use rstest::rstest;
use storage::orders::OrderFilter;
use storage::runs::{Item, ItemVerdict, RunState};
use storage::testing::On;

use crate::support::{SOFT, tea};
use crate::{Shop, kept, now};

pub(crate) fn tea_of(who: &str) -> Import {
    let mut import = tea();
    import.contact.email = format!("{who}@example.test");
    import
}

impl Shop {
    pub(crate) async fn declined_of(&self, who: &str, act: Act) -> OrderView {
        self.first.1.script([act]);
        let view = self.app.import(tea_of(who)).await;
        assert_eq!(view.order.status, OrderStatus::Declined);
        view
    }

    pub(crate) async fn begin(&self, orders: RunOrders, rerun: &Rerun) -> RunProgress {
        self.app.hub.begin_reruns(self.app.merchant, orders, rerun, "ann").await.unwrap()
    }

    pub(crate) async fn run_to_the_end(&self, begun: &RunProgress) -> RunProgress {
        let at = || now(&self.app);
        while !self.app.hub.sweep_runs(at()).await.unwrap().is_idle() {}
        self.app.hub.find_run(self.app.merchant, begun.run.id).await.unwrap().unwrap()
    }

    pub(crate) async fn items(&self, run: &RunProgress) -> Vec<Item> {
        let store = self.app.hub.store();
        store.list_run_items(self.app.merchant, run.run.id, 0, None, 100).await.unwrap()
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r118_each_order_is_judged_on_its_own_and_the_skipped_are_listed_with_reasons(#[case] on: On) {
    let shop = Shop::new(on).await;
    let soft = shop.declined_of("ann", SOFT).await;
    let hard = shop.declined_of("bob", Act::Decline("", "Expired card")).await;
    let paid = shop.app.import(tea_of("cid")).await;
    let open = shop.declined_of("dan", SOFT).await;
    shop.open(&open).await;
    let lost = shop.declined_of("eve", SOFT).await;
    let nobody = OrderId::from_uuid(uuid::Uuid::from_u128(5));
    let named = vec![soft.order.id, hard.order.id, nobody, paid.order.id, open.order.id, soft.order.id];
    shop.salvage.1.script([Act::Pend]);
    let begun = shop.begin(RunOrders::These(named), &shop.at_salvage()).await;
    assert_eq!((begun.run.item_count, begun.run.state), (5, RunState::Running), "named twice, taken once");
    let ended = shop.run_to_the_end(&begun).await;
    assert_eq!((ended.run.state, ended.run.done_count), (RunState::Done, 5));
    let items = shop.items(&ended).await;
    let reasons = [
        (ItemVerdict::Pending, "The salvage gateway works on it"),
        (ItemVerdict::Skipped, "Hard decline (expired_card)"),
        (ItemVerdict::Skipped, "There is no order"),
        (ItemVerdict::Skipped, "Only declined orders are rerun; this one is complete."),
        (ItemVerdict::Skipped, "An attempt of it is pending"),
    ];
    for (item, (verdict, words)) in items.iter().zip(reasons) {
        assert!(item.verdict == verdict && item.words.starts_with(words), "{item:?}");
    }
    assert_eq!(ended.counts, [(ItemVerdict::Pending, 1), (ItemVerdict::Skipped, 4)]);
    assert_eq!(shop.app.fresh(&lost).await.salvage_status(), "none", "not named, not touched");
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r109_m28_a_filter_finds_the_declined_new_sales_and_a_cards_budget_holds_over_all_of_them(
    #[case] on: On,
) {
    let shop = Shop::new(on).await;
    let mut declined = Vec::new();
    for number in 0..10 {
        declined.push(shop.declined_of(&format!("buyer{number}"), SOFT).await.order.id);
    }
    shop.app.import(tea_of("paid")).await;
    let found = RunOrders::Found(OrderFilter::default());
    shop.salvage.1.script(vec![Act::Pend; 10]);
    let begun = shop.begin(found, &shop.at_salvage()).await;
    declined.reverse();
    let listed: Vec<OrderId> = shop.items(&begun).await.iter().map(|item| item.order_id).collect();
    assert_eq!(listed, declined, "newest first");
    let ended = shop.run_to_the_end(&begun).await;
    assert_eq!(
        (ended.counts.clone(), shop.salvage.1.requests().len()),
        (vec![(ItemVerdict::Pending, 5), (ItemVerdict::Skipped, 5)], 5)
    );
    let over: Vec<Item> =
        shop.items(&ended).await.into_iter().filter(|item| item.verdict == ItemVerdict::Skipped).collect();
    assert!(over.iter().all(|item| item.words.contains("attempts")), "{over:?}");
    let nothing = OrderFilter { email: Some("nobody@example.test".to_owned()), ..OrderFilter::default() };
    let (orders, rerun) = (RunOrders::Found(nothing), shop.at_salvage());
    let refused = shop.app.hub.begin_reruns(shop.app.merchant, orders, &rerun, "ann");
    assert!(matches!(refused.await, Err(PersonError::Invalid(_))));
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m24_of_one_customers_declined_orders_for_one_product_a_run_collects_one(#[case] on: On) {
    let shop = Shop::new(on).await;
    for _ in 0..3 {
        shop.declined_of("ann", SOFT).await;
        shop.app.pass(60).await;
    }
    let begun = shop.begin(RunOrders::Found(OrderFilter::default()), &Shop::at_own()).await;
    let ended = shop.run_to_the_end(&begun).await;
    assert_eq!(ended.counts, [(ItemVerdict::Approved, 1), (ItemVerdict::Skipped, 2)]);
    let items = shop.items(&ended).await;
    assert!(items[1].words.starts_with("bought since") && items[2].words.starts_with("bought since"));
    assert_eq!(kept(&shop.first.1), 2_999);
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_sends_nothing_more_and_says_so(#[case] on: On) {
    let shop = Shop::new(on).await;
    let ids = [shop.declined_of("ann", SOFT).await.order.id, shop.declined_of("bob", SOFT).await.order.id];
    let begun = shop.begin(RunOrders::These(ids.to_vec()), &shop.at_salvage()).await;
    let hub = &shop.app.hub;
    let cancelled = hub.cancel_run(shop.app.merchant, begun.run.id, "wrong gateway", "bob").await.unwrap();
    assert_eq!(cancelled.run.state, RunState::Cancelled);
    let ended = shop.run_to_the_end(&begun).await;
    assert_eq!(ended.counts, [(ItemVerdict::Skipped, 2)]);
    assert!(shop.items(&ended).await.iter().all(|item| item.words.contains("cancelled")));
    assert_eq!(shop.salvage.1.requests().len(), 0);
    let again = hub.cancel_run(shop.app.merchant, begun.run.id, "", "bob").await;
    assert!(matches!(again, Err(PersonError::Conflict(words)) if words == "the run is cancelled already"));
    let audit = hub.store().list_audit(shop.app.merchant, 2).await.unwrap();
    assert_eq!((audit[0].actor.as_str(), audit[0].note.as_str()), ("bob", "wrong gateway"));
    assert!(audit[1].what.contains("of 2 reruns"), "{}", audit[1].what);
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_limited_and_refused_as_a_whole_when_its_target_is_wrong(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    let many: Vec<OrderId> =
        (0..=10_000_u128).map(|number| OrderId::from_uuid(uuid::Uuid::from_u128(number))).collect();
    let begin = async |orders: Vec<OrderId>, rerun: &Rerun| match hub
        .begin_reruns(merchant, RunOrders::These(orders), rerun, "ann")
        .await
    {
        Err(PersonError::Invalid(problems)) => problems[0].to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(begin(many.clone(), &Shop::at_own()).await, "orders: are more than 10000; take fewer at once");
    assert!(begin(Vec::new(), &Shop::at_own()).await.starts_with("orders: name at least one"));
    let profile = shop.app.profile(5, &[shop.first.0]).await;
    let both = Rerun { gateway_profile: Some(profile), ..shop.at_salvage() };
    assert!(begin(many[..1].to_vec(), &both).await.contains("not both"));
    assert_eq!(hub.store().list_runs(merchant, None, 5).await.unwrap(), []);
    let whole = shop.begin(RunOrders::These(many[..RUN_ITEMS_MAX].to_vec()), &Shop::at_own()).await;
    assert_eq!(whole.counts, [(ItemVerdict::Waiting, 10_000)]);
    hub.cancel_run(merchant, whole.run.id, "", "ann").await.unwrap();
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_preview_judges_and_sends_nothing(#[case] on: On) {
    let shop = Shop::new(on).await;
    let soft = shop.declined_of("ann", SOFT).await;
    let paid = shop.app.import(tea_of("bob")).await;
    let orders = [soft.order.id, paid.order.id];
    let judged = shop.app.hub.preview_reruns(shop.app.merchant, &orders, &shop.at_salvage()).await.unwrap();
    assert_eq!((judged[0].order_id, judged[0].skip.clone()), (soft.order.id, None));
    assert!(judged[0].words.contains("gateway 2 (salvage) was named"), "{}", judged[0].words);
    assert!(judged[1].skip.is_some());
    assert_eq!(shop.salvage.1.requests().len(), 0);
    assert_eq!(shop.app.fresh(&soft).await, soft);
    shop.app.end().await;
}
