//! What is done now and then: the comparison with the gateways' books, and card numbers that nothing needs.

use charging::{CHARGING_HELD, Driver, HELD_SINCE_BEAT};
use domain::attempt::{Lapse, LapseCause, Outcome};
use domain::configuration::Billing;
use domain::plan::Plan;
use gateways::fake::Act;
use jiff::SignedDuration;
use rstest::rstest;
use storage::testing::On;
use storage::{Transaction, marks};
use tokio_util::sync::CancellationToken;

use crate::shop::{DAY, Shop, monthly};
use crate::support::{HARD, tea};

/// The card of another customer.
const OTHER: &str = "5555555555554444";

async fn sealed(shop: &Shop, number: &str) -> bool {
    let (hub, merchant) = (&shop.app.hub, shop.app.merchant);
    let number = domain::card::CardNumber::parse(number).unwrap();
    let fingerprint = hub.vault().fingerprint(merchant, &number);
    let all = hub.store().list_cards_after(merchant, domain::ids::CardId::from_uuid(uuid::Uuid::nil()), 100);
    all.await.unwrap().iter().any(|card| card.fingerprint == fingerprint)
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m34_card_numbers_of_declined_and_one_time_orders_are_erased_and_those_of_subscriptions_stay(
    #[case] on: On,
) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    shop.gateway.script([HARD]);
    let mut declined = tea();
    declined.card.number = OTHER.to_owned().into();
    declined.contact.email = "bob@example.test".to_owned();
    shop.app.import(declined).await;
    assert!(sealed(&shop, crate::support::VISA).await && sealed(&shop, OTHER).await);

    shop.account(|account| account.card_retention_days = 20).await;
    shop.app.clock.advance(SignedDuration::from_secs(20 * DAY - 1));
    assert_eq!(shop.app.hub.purge_cards().await.unwrap(), 0, "not a day too early");
    shop.app.clock.advance(SignedDuration::from_secs(2));
    assert_eq!(shop.app.hub.purge_cards().await.unwrap(), 1);
    assert!(sealed(&shop, crate::support::VISA).await, "the next bill needs it");
    assert!(!sealed(&shop, OTHER).await);
    let told = shop.app.hub.store().list_audit(shop.app.merchant, 1).await.unwrap();
    assert!(told[0].what.contains("erased 1 card"), "{:?}", told[0]);
    assert_eq!(shop.app.hub.purge_cards().await.unwrap(), 0, "once");

    let (merchant, hub) = (shop.app.merchant, &shop.app.hub);
    hub.cancel_subscription(merchant, one.id, false, "enough", "ann").await.unwrap();
    assert_eq!(hub.purge_cards().await.unwrap(), 1, "nothing is billed any more");
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m19_what_the_gateway_took_and_we_know_otherwise_raises_one_alert(#[case] on: On) {
    let shop = Shop::selling(on, Billing::Recurring, Plan { ..monthly() }).await;
    let (_, one) = shop.sell().await;
    let since = shop.now() - SignedDuration::from_hours(1);
    let clean = shop.app.hub.charging().reconcile_since(since).await.unwrap();
    assert!(clean.contradicting == 0 && clean.unknown == 0 && clean.approvals == 1, "{clean:?}");
    // The rebill is charged, its answer is lost, and it is taken as never received.
    shop.gateway.script([Act::LoseAfter]);
    shop.due(&one).await;
    let attempt = shop.attempts(&one).await.pop().unwrap();
    let lapse = Lapse {
        cause: LapseCause::NotReceived,
        reason: None,
        code: String::new(),
        text: "a mistake".to_owned(),
    };
    let aftermath = shop.app.hub.aftermath();
    let charging = shop.app.hub.charging();
    let outcome = Outcome::NotExecuted(lapse);
    charging.resolve_by_person(&attempt, outcome, Vec::new(), aftermath.as_ref()).await.unwrap();
    for _ in 0..2 {
        let found = shop.app.hub.charging().reconcile_since(since).await.unwrap();
        assert_eq!((found.contradicting, found.unknown), (1, 0));
        assert_eq!(shop.alerts().await, ["reconciliation"], "once");
    }
    shop.app.hub.store().close().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m31_after_a_restored_backup_nothing_is_billed_before_the_books_were_compared(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    let store = shop.app.hub.store();
    let beat = shop.now().to_string();
    let hold = Transaction::new("hold")
        .with(marks::set(CHARGING_HELD, "a restored backup"))
        .with(marks::set(HELD_SINCE_BEAT, &beat));
    store.commit(hold).await.unwrap();
    let held = shop.due(&one).await;
    assert_eq!((held.cycle, held.held.as_str()), (1, "a restored backup"));
    // The salvage gateway of this shop shows its books, and so does the ordinary one: nothing is wrong.
    let found = shop.app.hub.charging().reconcile_due().await.unwrap().expect("it is due at once");
    assert!(found.is_clean(), "{found:?}");
    assert_eq!(store.find_mark(CHARGING_HELD).await.unwrap(), None);
    assert_eq!(shop.due(&one).await.cycle, 2);
    assert_eq!(shop.app.hub.charging().reconcile_due().await.unwrap(), None, "once a day");
    shop.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m31_what_does_not_fit_keeps_the_hold_until_a_person_lifts_it(#[case] on: On) {
    let shop = Shop::new(on).await;
    let (_, one) = shop.sell().await;
    // Charged after the backup was made: the gateway knows it under a reference of ours, and we do not.
    let stranger = domain::ids::AttemptId::from_uuid(uuid::Uuid::from_u128(0x99));
    shop.gateway.book(&stranger.base32(), 500);
    let store = shop.app.hub.store();
    store.commit(Transaction::new("hold").with(marks::set(CHARGING_HELD, "restored"))).await.unwrap();
    let found = shop.app.hub.charging().reconcile_due().await.unwrap().unwrap();
    assert_eq!((found.unknown, found.contradicting), (1, 0));
    assert_eq!(shop.alerts().await, ["reconciliation"]);
    assert_eq!(shop.due(&one).await.cycle, 1, "still held");
    assert!(shop.app.hub.charging().lift_hold("ann", "booked by hand").await.unwrap());
    assert!(!shop.app.hub.charging().lift_hold("ann", "again").await.unwrap());
    assert_eq!(shop.due(&one).await.cycle, 2);
    shop.app.hub.store().close().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m19_a_gateway_that_never_shows_its_books_holds_up_no_bill(#[case] on: On) {
    let shop = Shop::new(on).await;
    shop.sell().await;
    let books = shop.gateway.hold_books();
    shop.app.clock.advance(SignedDuration::from_secs(31 * DAY));
    let bill = shop.gateway.hold_answers();
    bill.open();
    let (hub, stop) = (&shop.app.hub, CancellationToken::new());
    let poll = std::time::Duration::from_millis(1);
    let driver = Driver::new(hub.charging().clone(), hub.aftermath());
    let driving = {
        let stop = stop.clone();
        tokio::spawn(async move { driver.run("one", poll, stop).await })
    };
    books.arrived().await;
    let billing = tokio::spawn(hub.clone().run_billing(poll, stop.clone()));
    bill.arrived().await;
    stop.cancel();
    // Both end although the books are still not there.
    driving.await.unwrap();
    billing.await.unwrap();
    assert_eq!(shop.gateway.requests().len(), 2, "the sale and its bill");
    assert_eq!(hub.charging().store.find_mark("reconciled_at").await.unwrap(), None);
    shop.end().await;
}
