//! A rerun's hand-over that got lost is looked up, fenced, and made once more with the same deadline (M20).

use domain::attempt::{Attempt, AttemptState, LapseCause};
use domain::order::OrderStatus;
use gateways::fake::{Act, Ending};
use recoup_hub::OrderView;
use rstest::rstest;
use storage::runs::ItemVerdict;
use storage::testing::On;

use crate::support::SOFT;
use crate::{Shop, kept, now};

impl Shop {
    /// Work that is due after so many seconds: attempts in doubt, then runs.
    async fn works(&self, secs: i64) {
        self.app.pass(secs).await;
        while !self.app.hub.sweep_runs(now(&self.app)).await.unwrap().is_idle() {}
    }

    /// A rerun at the salvage gateway whose request never arrived, and which was fenced.
    async fn loses(&self, view: &OrderView) -> Attempt {
        self.salvage.1.script([Act::LoseBefore]);
        let (lost, attempt) = self.attempted(view, &self.at_salvage()).await;
        assert_eq!(lost.salvage_status(), "in_doubt");
        self.app.pass(80).await;
        let fenced = self.app.fresh(view).await;
        assert!(is_fenced(fenced.attempts.last().unwrap()));
        attempt
    }

    /// What the runs say of their items, newest run first.
    async fn verdicts(&self) -> Vec<(ItemVerdict, String)> {
        let (store, merchant) = (self.app.hub.store(), self.app.merchant);
        let mut all = Vec::new();
        for run in store.list_runs(merchant, None, 10).await.unwrap() {
            for item in store.list_run_items(merchant, run.id, 0, None, 10).await.unwrap() {
                all.push((item.verdict, item.words));
            }
        }
        all
    }
}

fn is_fenced(attempt: &Attempt) -> bool {
    matches!(&attempt.state, AttemptState::NotExecuted { lapse, .. } if lapse.cause == LapseCause::Fenced)
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m20_a_lost_rerun_is_handed_over_once_more_with_the_same_deadline(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    let lost = shop.loses(&view).await;
    shop.salvage.1.script([Act::Pend]);
    shop.works(600).await;
    let fresh = shop.app.fresh(&view).await;
    assert_eq!((fresh.attempts.len(), fresh.salvage_status()), (3, "pending"));
    let again = fresh.attempts[2].clone();
    assert_ne!(again.id, lost.id, "a new attempt");
    assert_eq!((again.deadline, again.salvages, again.amount), (lost.deadline, lost.salvages, lost.amount));
    assert_eq!(fresh.order.status, OrderStatus::Declined);
    shop.salvage.1.end(&again.id.base32(), &Ending::Completed);
    shop.works(86_400).await;
    assert_eq!(shop.app.fresh(&view).await.order.status, OrderStatus::Complete);
    assert_eq!((kept(&shop.salvage.1), shop.events(&view).await.len()), (2_999, 2));
    assert_eq!(shop.alerts().await, Vec::<String>::new());
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m20_a_second_loss_waits_for_a_person(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    shop.loses(&view).await;
    shop.salvage.1.script([Act::LoseBefore]);
    shop.works(0).await;
    shop.works(80).await;
    shop.works(86_400).await;
    let fresh = shop.app.fresh(&view).await;
    assert_eq!(fresh.attempts.iter().filter(|one| is_fenced(one)).count(), 2);
    assert_eq!((fresh.attempts.len(), shop.alerts().await), (3, vec!["rerun_lost".to_owned()]));
    // A person's rerun is a new one, with all its time.
    let (_, third) = shop.open(&view).await;
    assert!(third.deadline > fresh.attempts[2].deadline);
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m20_a_lost_rerun_is_left_alone_when_somebody_was_faster_or_cancelled_the_order(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    shop.loses(&view).await;
    // A person tries it again before the run has its turn, and it is declined.
    shop.first.1.script([SOFT]);
    shop.attempted(&view, &Shop::at_own()).await;
    shop.works(0).await;
    assert_eq!(shop.app.fresh(&view).await.attempts.len(), 3, "nothing more was sent");
    assert!(shop.verdicts().await[0].1.contains("tried again since"), "{:?}", shop.verdicts().await);

    // In doubt when the order is cancelled: fenced at our request, which is no loss.
    let other = shop.declined_of("eve", SOFT).await;
    shop.salvage.1.script([Act::LoseBefore]);
    shop.attempted(&other, &shop.at_salvage()).await;
    shop.app.hub.cancel_order(shop.app.merchant, other.order.id, "called", "bob").await.unwrap();
    shop.works(80).await;
    shop.works(86_400).await;
    let fresh = shop.app.fresh(&other).await;
    assert_eq!((fresh.attempts.len(), shop.verdicts().await.len()), (2, 1));
    assert_eq!(shop.alerts().await, Vec::<String>::new());
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m20_the_time_of_a_lost_rerun_is_not_made_longer(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    shop.loses(&view).await;
    // Nobody worked on runs until its time was over.
    shop.app.pass(21 * 86_400).await;
    shop.works(0).await;
    assert_eq!((shop.app.fresh(&view).await.attempts.len(), shop.salvage.1.requests().len()), (2, 1));
    let verdicts = shop.verdicts().await;
    assert_eq!(verdicts[0].0, ItemVerdict::Skipped);
    assert!(verdicts[0].1.contains("is over"), "{verdicts:?}");
    shop.app.end().await;
}
