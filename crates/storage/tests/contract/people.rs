//! Who may call, who must look, who did what: users, keys, alerts, the audit log.

use domain::ids::MerchantId;
use recoup_storage::alerts::{self, Alert, Audit};
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::users::{self, ApiKey, ApiUser};
use recoup_storage::{Store, merchants};
use rstest::rstest;

use crate::samples::{assert_conflict, at, id, write};

pub(crate) async fn script(store: &Store) {
    let ours: MerchantId = id(6_001);
    for merchant in [ours, id(6_002)] {
        write(store, merchants::insert(merchant, "People", at(0))).await.unwrap();
    }
    logins(store, ours).await;
    keys(store, ours).await;
    alarms(store, ours).await;
    log(store, ours).await;
}

async fn logins(store: &Store, ours: MerchantId) {
    let user = ApiUser {
        id: id(1),
        merchant_id: ours,
        login: "Wächter".into(),
        password_hash: "$argon2id$1".into(),
        ip_allow: r#"["10.0.0.0/8"]"#.into(),
    };
    write(store, users::upsert(&user, at(1))).await.unwrap();
    assert_eq!(store.find_api_user("Wächter").await.unwrap(), Some(user.clone()));
    assert_eq!(store.find_api_user("wächter").await.unwrap(), None);
    let changed = ApiUser { password_hash: "$argon2id$2".into(), ip_allow: "[]".into(), ..user.clone() };
    write(store, users::upsert(&changed, at(2))).await.unwrap();
    let stolen = ApiUser { merchant_id: id(6_002), password_hash: "$argon2id$3".into(), ..user };
    assert_conflict(write(store, users::upsert(&stolen, at(3))).await, "upsert_api_user");
    assert_eq!(store.find_api_user("Wächter").await.unwrap(), Some(changed));
}

async fn keys(store: &Store, ours: MerchantId) {
    let key = ApiKey {
        id: id(1),
        merchant_id: ours,
        title: "Shop".into(),
        key_hash: "ab".repeat(32),
        scopes: r#"["read","write"]"#.into(),
        ip_allow: "[]".into(),
    };
    write(store, users::insert_key(&key, at(1))).await.unwrap();
    assert_conflict(write(store, users::insert_key(&key, at(1))).await, "insert_api_key");
    assert_eq!(store.find_api_key(&key.key_hash).await.unwrap(), Some(key));
    assert_eq!(store.find_api_key("cd").await.unwrap(), None);
}

async fn alarms(store: &Store, ours: MerchantId) {
    let whole = Alert {
        merchant_id: ours,
        id: id(1),
        kind: "late_approval".into(),
        order_id: Some(id(2)),
        attempt_id: Some(id(3)),
        words: "Look at “this”.".into(),
        created_at: at(5),
    };
    let bare = Alert { id: id(2), order_id: None, attempt_id: None, created_at: at(4), ..whole.clone() };
    write(store, alerts::insert(&whole)).await.unwrap();
    write(store, alerts::insert(&bare)).await.unwrap();
    assert_eq!(store.list_open_alerts(ours, 10).await.unwrap(), [bare.clone(), whole]);
    assert_eq!(store.list_open_alerts(ours, 1).await.unwrap(), [bare]);
}

async fn log(store: &Store, ours: MerchantId) {
    let line = |number, secs| Audit {
        merchant_id: ours,
        id: id(number),
        at: at(secs),
        actor: "ada".into(),
        what: "gateway.disable".into(),
        note: "it's broken".into(),
    };
    let newest_first = [line(1, 9), line(3, 8), line(2, 8)];
    for one in &newest_first {
        write(store, alerts::audit(one)).await.unwrap();
    }
    assert_eq!(store.list_audit(ours, 10).await.unwrap(), newest_first);
    assert_eq!(store.list_audit(ours, 2).await.unwrap(), newest_first[..2]);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn users_keys_alerts_and_the_audit_log_read_back(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    script(&database.open().await).await;
}
