//! Runs survive the death of a process: nothing is sent twice, nothing is left behind.

use domain::ids::OrderId;
use gateways::fake::Act;
use recoup_hub::RunOrders;
use rstest::rstest;
use storage::Transaction;
use storage::runs::{self, ItemVerdict, RunState};
use storage::testing::On;
use uuid::Uuid;

use crate::support::SOFT;
use crate::{Shop, now};

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r118_another_process_goes_on_where_one_died_and_sends_nothing_twice(#[case] on: On) {
    let shop = Shop::new(on).await;
    let mut ids = Vec::new();
    for who in ["ann", "bob", "cid"] {
        ids.push(shop.declined_of(who, SOFT).await.order.id);
    }
    shop.salvage.1.script([Act::Pend, Act::Pend, Act::Pend]);
    let begun = shop.begin(RunOrders::These(ids.clone()), &shop.at_salvage()).await;
    let (store, merchant, run) = (shop.app.hub.store(), shop.app.merchant, begun.run.id);

    // A process takes the run, sends the first item, and dies before it has written the verdict.
    let now_at = now(&shop.app);
    let until = now_at + jiff::SignedDuration::from_secs(100);
    store.acquire_due_run(merchant, now_at, until, Uuid::from_u128(7)).await.unwrap().unwrap();
    shop.app.hub.rerun_order(merchant, ids[0], &shop.at_salvage(), "ann").await.unwrap();
    let begin = Transaction::new("test").with(runs::begin_item(merchant, run, 1));
    store.commit(begin).await.unwrap();

    let other = shop.app.another_process(77).await;
    assert!(other.sweep_runs(now_at).await.unwrap().is_idle(), "the lease holds");
    shop.app.pass(101).await;
    while !other.sweep_runs(now(&shop.app)).await.unwrap().is_idle() {}
    let ended = shop.app.hub.find_run(merchant, run).await.unwrap().unwrap();
    assert_eq!((ended.run.state, ended.counts.clone()), (RunState::Done, vec![(ItemVerdict::Pending, 3)]));
    assert!(shop.items(&ended).await.iter().all(|item| item.words.contains("works on it")));
    assert_eq!(shop.salvage.1.requests().len(), 3, "once each");
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r118_two_processes_share_the_runs_of_several_merchants_and_send_each_order_once(#[case] on: On) {
    let shop = Shop::new(on).await;
    let mut ids: Vec<OrderId> = Vec::new();
    for number in 0..6 {
        ids.push(shop.declined_of(&format!("buyer{number}"), SOFT).await.order.id);
    }
    shop.salvage.1.script(vec![Act::Pend; 6]);
    let runs = [
        shop.begin(RunOrders::These(ids[..4].to_vec()), &shop.at_salvage()).await,
        shop.begin(RunOrders::These(ids[2..].to_vec()), &shop.at_salvage()).await,
    ];
    let (other, at) = (shop.app.another_process(78).await, now(&shop.app));
    let sweep = |hub: recoup_hub::Hub| {
        tokio::spawn(async move { while !hub.sweep_runs(at).await.unwrap().is_idle() {} })
    };
    for task in [sweep(shop.app.hub.clone()), sweep(other)] {
        task.await.unwrap();
    }
    let mut skipped = 0;
    for begun in &runs {
        let ended = shop.run_to_the_end(begun).await;
        assert_eq!(ended.run.state, RunState::Done);
        skipped += shop.items(&ended).await.iter().filter(|one| one.verdict == ItemVerdict::Skipped).count();
    }
    assert_eq!((shop.salvage.1.requests().len(), skipped), (6, 2), "two orders were in both runs");
    shop.app.end().await;
}
