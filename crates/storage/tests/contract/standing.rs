//! What routing knows of the past: sums over shards, declines in a row, blocks of tickets.

use domain::ids::{GatewayId, GatewayProfileId, MerchantId};
use recoup_storage::alerts::Alert;
use recoup_storage::standing::{self, MemberStanding, SHARDS};
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Store, Transaction};
use rstest::rstest;
use uuid::Uuid;

use crate::samples::{at, id, write};

pub(crate) async fn script(store: &Store) {
    let ours: MerchantId = id(9_001);
    volumes(store, ours).await;
    declines(store, ours).await;
    tickets(store, ours).await;
}

async fn volumes(store: &Store, ours: MerchantId) {
    let (gateway, profile): (GatewayId, GatewayProfileId) = (id(1), id(2));
    for shard in 0..2 * SHARDS {
        write(store, standing::add_volume(ours, gateway, None, 202_611, shard, 10)).await.unwrap();
    }
    write(store, standing::add_volume(ours, gateway, Some(profile), 202_611, -1, 7)).await.unwrap();
    write(store, standing::add_volume(ours, gateway, Some(profile), 202_611, 15, -2)).await.unwrap();
    write(store, standing::add_volume(ours, gateway, None, 202_612, 0, 1)).await.unwrap();
    write(store, standing::add_volume(id(9_002), gateway, None, 202_611, 0, 1)).await.unwrap();
    let found = store.list_volumes(ours, 202_611).await.unwrap();
    assert_eq!(found, [(gateway, None, 320), (gateway, Some(profile), 5)]);
}

async fn declines(store: &Store, ours: MerchantId) {
    let (gateway, profile): (GatewayId, GatewayProfileId) = (id(1), id(2));
    let decline = async |is_hard| {
        write(store, standing::count_decline(ours, profile, gateway, is_hard)).await.unwrap();
    };
    let counts = async || {
        let found = store.list_profile_members(ours).await.unwrap();
        found.iter().map(|one| (one.declines, one.hard_declines)).collect::<Vec<_>>()
    };
    let disable = async |limits| {
        let step = standing::disable_member(ours, profile, gateway, at(5), limits);
        store.commit(Transaction::new("disable").with(step)).await.unwrap().len()
    };
    let alert = async |secs, number| {
        let alert = Alert {
            merchant_id: ours,
            id: id(number),
            kind: "profile_member_disabled".into(),
            order_id: None,
            attempt_id: None,
            words: "Too many declines.".into(),
            created_at: at(secs),
        };
        write(store, standing::alert_disabled_member(&alert, profile, gateway)).await.unwrap();
        store.list_open_alerts(ours, 10).await.unwrap().len()
    };
    write(store, standing::clear_declines(ours, profile, gateway)).await.unwrap();
    assert_eq!(counts().await, []);
    for (is_hard, wanted) in [(true, (1, 1)), (true, (2, 2)), (false, (3, 0)), (true, (4, 1))] {
        decline(is_hard).await;
        assert_eq!(counts().await, [wanted]);
    }
    write(store, standing::clear_declines(ours, profile, gateway)).await.unwrap();
    assert_eq!(counts().await, [(0, 0)]);
    decline(true).await;
    assert_eq!(disable((2, 2)).await, 0);
    decline(false).await;
    assert_eq!(disable((3, 1)).await, 0, "the soft decline ended the row of hard ones");
    assert_eq!(alert(5, 50).await, 0, "it is not disabled yet");
    assert_eq!((disable((2, 9)).await, disable((2, 9)).await), (1, 0), "it is disabled once");
    let alerts = (alert(5, 51).await, alert(5, 52).await, alert(6, 53).await);
    assert_eq!(alerts, (1, 1, 1), "one alert, at the moment of the disabling");
    let wanted = MemberStanding {
        profile_id: profile,
        gateway_id: gateway,
        declines: 2,
        hard_declines: 0,
        disabled_at: Some(at(5)),
    };
    assert_eq!(store.list_profile_members(ours).await.unwrap(), [wanted]);
}

async fn tickets(store: &Store, ours: MerchantId) {
    for (block, first) in [(10, 0), (5, 10), (1, 15)] {
        assert_eq!(store.take_tickets(ours, Uuid::from_u128(2), block).await.unwrap(), first);
    }
    assert_eq!(store.take_tickets(ours, Uuid::from_u128(3), 10).await.unwrap(), 0);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn volumes_declines_in_a_row_and_tickets_add_up(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    script(&database.open().await).await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn no_two_racing_processes_get_the_same_ticket(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let store = database.open().await;
    let racing: Vec<_> = (0..16)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.take_tickets(id(1), Uuid::from_u128(1), 4).await.unwrap() })
        })
        .collect();
    let mut firsts = Vec::new();
    for one in racing {
        firsts.push(one.await.unwrap());
    }
    firsts.sort_unstable();
    assert_eq!(firsts, (0..16).map(|block| block * 4).collect::<Vec<_>>());
}
