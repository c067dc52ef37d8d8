//! The platform's accounts, tokens, order ids and recoveries.

use domain::attempt::{Initiator, Purpose};
use domain::ids::MerchantId;
use recoup_storage::platform::RecoveryState::{Approved, CaptureRequired, Processing};
use recoup_storage::platform::{
    self, ACCOUNT_EXISTS, CANCELLED_BEFORE, CardToken, Move, PlatformAccount, RECOVERY_EXISTS, Recovery,
    RecoveryFilter, RecoveryPage, RecoveryState,
};
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Store, merchants};
use rstest::rstest;

use crate::samples::{assert_conflict, at, id, usd, write};

pub(crate) async fn script(store: &Store) {
    let ours: MerchantId = id(12_001);
    write(store, merchants::insert(ours, "Platform", at(0))).await.unwrap();
    access(store, ours).await;
    order_ids(store, ours).await;
    recoveries(store, ours).await;
    lists(store, ours).await;
    crate::managed::script(store, ours).await;
    store.list_broken_recoveries().await.unwrap();
}

async fn access(store: &Store, ours: MerchantId) {
    let account = PlatformAccount {
        merchant_id: ours,
        id: id(1),
        app_key: "key-1".into(),
        secret_hash: "s".into(),
        environment_hash: "e".into(),
        site_id: "site".into(),
        sealed: vec![0, 255],
        created_at: at(1),
        webhook_url: None,
        capture_window_secs: 604_800,
    };
    write(store, platform::insert_account(&account)).await.unwrap();
    assert_conflict(write(store, platform::insert_account(&account)).await, ACCOUNT_EXISTS);
    let second = PlatformAccount { app_key: "key-2".into(), ..account.clone() };
    assert_conflict(write(store, platform::insert_account(&second)).await, ACCOUNT_EXISTS);
    let url = "https://hooks.example.test/x";
    write(store, platform::set_webhook_url(ours, Some(url))).await.unwrap();
    write(store, platform::set_capture_window(ours, 300)).await.unwrap();
    assert_conflict(write(store, platform::set_webhook_url(id(12_009), None)).await, "set_webhook_url");
    let account = PlatformAccount { webhook_url: Some(url.into()), capture_window_secs: 300, ..account };
    let by_key = store.find_platform_account_by_key("key-1").await.unwrap();
    assert_eq!(by_key, Some(account.clone()));
    assert_eq!(store.find_platform_account(ours).await.unwrap(), Some(account));
    assert_eq!(store.find_platform_account_by_key("key-2").await.unwrap(), None);

    let token = CardToken {
        merchant_id: ours,
        id: id(2),
        card_id: id(3),
        expires: "2031-04".into(),
        first_name: "Zoë".into(),
        last_name: "O'Hara".into(),
        email: String::new(),
        created_at: at(2),
    };
    write(store, platform::insert_card_token(&token)).await.unwrap();
    assert_eq!(store.find_card_token(ours, id(2)).await.unwrap(), Some(token));
    assert_eq!(store.find_card_token(id(12_002), id(2)).await.unwrap(), None);
}

async fn order_ids(store: &Store, ours: MerchantId) {
    for _ in 0..2 {
        write(store, platform::enter_order(ours, "entered")).await.unwrap();
    }
    for external in ["entered", "never seen", "entered"] {
        write(store, platform::fence_order(ours, external, at(1))).await.unwrap();
        assert_conflict(write(store, platform::enter_order(ours, external)).await, CANCELLED_BEFORE);
    }
    write(store, platform::enter_order(id(12_002), "entered")).await.unwrap();
    assert_eq!(store.find_order_fence(ours, "never seen").await.unwrap(), Some(at(1)));
    assert_eq!(store.find_order_fence(id(12_002), "entered").await.unwrap(), None);
    assert_eq!(store.find_order_fence(ours, "unknown").await.unwrap(), None);
}

/// A recovery of 100 dollars, of an order of the same number, asked under a key of the same number.
pub(crate) fn recovery(merchant_id: MerchantId, number: u128) -> Recovery {
    Recovery {
        merchant_id,
        id: id(number),
        external_order_id: format!("order-{number}"),
        idempotency_key: format!("key-{number}"),
        fingerprint: "f".into(),
        state: RecoveryState::Processing,
        answered: None,
        reason: "Asked.".into(),
        amount: usd(10_000),
        purpose: Purpose::Collect,
        initiator: Initiator::Customer,
        payment_id: Some(id(number)),
        refunded_minor: 0,
        details: r#"{"a":"“ü”"}"#.into(),
        created_at: at(i64::try_from(number).unwrap()),
        managed: None,
        charged_back_at: None,
        due_at: None,
    }
}

async fn recoveries(store: &Store, ours: MerchantId) {
    let first = recovery(ours, 1);
    write(store, platform::insert_recovery(&first, "Ann@Example.test")).await.unwrap();
    let same_key = Recovery { id: id(2), external_order_id: "other".into(), ..first.clone() };
    let same_order = Recovery { id: id(2), idempotency_key: "other".into(), ..first.clone() };
    for second in [&same_key, &same_order] {
        assert_conflict(
            write(store, platform::insert_recovery(second, "Ann@Example.test")).await,
            RECOVERY_EXISTS,
        );
    }
    let find = async || store.find_recovery(ours, first.id).await.unwrap().unwrap();
    assert_eq!(find().await, first);
    assert_eq!(store.find_recovery_by_key(ours, "key-1").await.unwrap(), Some(first.clone()));

    let go = async |from: &[RecoveryState], to, answered| {
        let way = Move { from, to, answered, reason: "Moved.", due_at: None };
        let step = platform::move_recovery(ours, first.id, way, at(9));
        write(store, step).await.unwrap();
        let now = find().await;
        (now.state, now.answered)
    };
    assert_eq!(go(&[Approved, CaptureRequired], Approved, Some("X")).await, (Processing, None));
    let told = Some("APPROVED".to_owned());
    assert_eq!(
        go(&[CaptureRequired, Processing], Approved, Some("APPROVED")).await,
        (Approved, told.clone())
    );
    assert_eq!(go(&[Approved], Approved, Some("DECLINED")).await, (Approved, told.clone()));

    for (minor, state) in [(4_000, Approved), (6_000, RecoveryState::Refunded)] {
        write(store, platform::refund_recovery(ours, first.id, minor, at(10))).await.unwrap();
        assert_eq!(find().await.state, state);
    }
    assert_eq!(
        find().await,
        Recovery {
            state: RecoveryState::Refunded,
            answered: told,
            reason: "Moved.".into(),
            refunded_minor: 10_000,
            ..first.clone()
        }
    );
    write(store, platform::charge_back_recovery(ours, first.id, at(11))).await.unwrap();
    assert_eq!(find().await.charged_back_at, Some(at(11)));
    let again = platform::charge_back_recovery(ours, first.id, at(12));
    assert_conflict(write(store, again).await, platform::CHARGED_BACK_BEFORE);
    let missing = platform::refund_recovery(ours, id(99), 1, at(10));
    assert_conflict(write(store, missing).await, "refund_recovery");
}

async fn lists(store: &Store, ours: MerchantId) {
    let declined = Recovery {
        state: RecoveryState::Declined,
        amount: usd(300),
        payment_id: None,
        purpose: Purpose::Hold,
        initiator: Initiator::Merchant,
        ..recovery(ours, 11)
    };
    let approved = Recovery { state: RecoveryState::Approved, amount: usd(100), ..recovery(ours, 12) };
    for one in [declined, approved] {
        let one = Recovery { external_order_id: "same".into(), answered: Some("X".into()), ..one };
        write(store, platform::insert_recovery(&one, "Ann@Example.test")).await.unwrap();
        assert_eq!(store.find_recovery(ours, one.id).await.unwrap(), Some(one));
    }
    let ids = |list: &[Recovery]| list.iter().map(|one| one.id.uuid().as_u128()).collect::<Vec<_>>();
    let of_order = store.list_recoveries_of_external_order(ours, "same", 5).await.unwrap();
    assert_eq!(ids(&of_order), [12, 11]);

    let all = RecoveryFilter { text: None, id: None, states: None, from: at(0), to: at(100) };
    let page = RecoveryPage { by_amount: false, descending: false, limit: 10, offset: 0 };
    let list = async |filter: &RecoveryFilter, page| {
        let (list, total) = store.list_recoveries(ours, filter, page).await.unwrap();
        (ids(&list), total)
    };
    assert_eq!(list(&all, page).await, (vec![1, 11, 12], 3));
    assert_eq!(list(&all, RecoveryPage { descending: true, ..page }).await, (vec![12, 11, 1], 3));
    assert_eq!(list(&all, RecoveryPage { by_amount: true, ..page }).await, (vec![12, 11, 1], 3));
    assert_eq!(list(&all, RecoveryPage { limit: 1, offset: 1, ..page }).await, (vec![11], 3));
    let states = Some(vec![RecoveryState::Declined, RecoveryState::Refunded]);
    assert_eq!(list(&RecoveryFilter { states, ..all.clone() }, page).await, (vec![1, 11], 2));
    for (text, found) in [("same", vec![11, 12]), ("ann@example.TEST", vec![1, 11, 12]), ("sam", vec![])] {
        let filter = RecoveryFilter { text: Some(text.into()), ..all.clone() };
        let count = i64::try_from(found.len()).unwrap();
        assert_eq!(list(&filter, page).await, (found, count), "{text}");
    }
    let by_id = RecoveryFilter { text: Some("x".into()), id: Some(id(11)), ..all.clone() };
    assert_eq!(list(&by_id, page).await, (vec![11], 1));
    assert_eq!(list(&RecoveryFilter { from: at(11), to: at(11), ..all }, page).await, (vec![11], 1));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_rows_of_the_platform_read_back(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    script(&database.open().await).await;
}
