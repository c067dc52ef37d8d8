//! A configuration reads back as it was saved, resource by resource, and changes under its version.

use std::collections::BTreeMap;

use domain::configuration::{
    Account, Algorithm, Billing, Campaign, CampaignProduct, Capabilities, CascadeProfile, Configuration,
    Gateway, GatewayProfile, Member, ProductKind, RecycleSlots, Target,
};
use domain::decline_map::{DeclineMap, MapOrders, MapScope};
use domain::declines::Class;
use domain::ids::{Id, MerchantId};
use domain::money::{Currency, Money};
use domain::plan::{Cycle, Plan, Trial};
use domain::recycle::{RecycleProfile, Reduction, Slot};
use recoup_storage::configuration as saved;
use recoup_storage::merchants::{self, CHANGED_BY_ANOTHER};
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Step, Store, StoreError};
use rstest::rstest;

use crate::raw::Raw;
use crate::samples::{assert_conflict, at, id, usd, write, write_all};

const OURS: u128 = 8_001;

const CAN_CHARGE: Capabilities = Capabilities {
    first_charge: true,
    cascade: true,
    recycle_slots: RecycleSlots::All,
    direct_rerun: true,
    needs_ip: false,
    asynchronous: false,
    inquire: true,
    fence: false,
    idempotent_replay: false,
    account_check: true,
    hold: true,
    void: true,
    refund: true,
    partial_refund: true,
};

fn capabilities(kind: &str) -> Option<Capabilities> {
    (kind == "nmi").then_some(CAN_CHARGE)
}

pub(crate) fn gateway(number: i64) -> Gateway {
    Gateway {
        id: id(u128::try_from(number).unwrap() + 100),
        number,
        kind: "nmi".into(),
        title: format!("“Küche” {number}"),
        enabled: number == 1,
        settings: BTreeMap::from([("url".into(), "https://example.com/?a=\"1\"".into())]),
        direct_cascade: (number == 1).then(|| id(300)),
        monthly_cap: (number == 1).then(|| usd(5_000_000)),
        cascade_all: number == 2,
        capabilities: CAN_CHARGE,
    }
}

fn member(number: u128) -> Member {
    Member {
        gateway_id: id(100 + number),
        weight: 50,
        stars: 3,
        monthly_cap: (number == 1).then(|| usd(100)),
        max_total_declines: (number == 1).then_some(10),
        max_hard_declines: (number == 2).then_some(3),
    }
}

fn map(number: u128, scope: MapScope, orders: MapOrders) -> DeclineMap {
    DeclineMap {
        id: id(400 + number),
        scope,
        orders,
        fragment: "100% 'do_not' honor".into(),
        class: if number == 1 { Class::Soft } else { Class::Hard },
        text: (number == 1).then(|| "Bitte “andere” Karte".into()),
        created_at: at(3 - i64::try_from(number).unwrap()),
    }
}

fn yen(amount: i64) -> Money {
    Money::new(amount, Currency::parse("JPY").unwrap())
}

/// Two cycles; a trial without an end, or instalments with one.
fn plan(trial: Option<Trial>) -> Plan {
    Plan {
        cycles: vec![
            Cycle { delay_days: 14, price: yen(1_000), shipping: yen(0) },
            Cycle { delay_days: 30, price: yen(4_000), shipping: yen(500) },
        ],
        trial,
        final_cycle: trial.is_none().then_some(3),
        persistent_rebill_day: trial.is_some(),
        fixed_billing_day: trial.is_none().then_some(31),
        ships_once: trial.is_none(),
    }
}

fn recycle_profile(number: i64) -> RecycleProfile {
    let slot = |days, skip| Slot { days, reduction: 5, skip };
    let first = number == 1;
    RecycleProfile {
        id: id(u128::try_from(number).unwrap() + 700),
        number,
        title: "Recycle".into(),
        reduction: if first { Reduction::Flat } else { Reduction::Percent },
        minimum_price: first.then(|| yen(700)),
        bill_on_saturday: first,
        hold_recycle_price: !first,
        gateways: if first { vec![id(102), id(101)] } else { vec![] },
        slots: if first { vec![slot(3, false), slot(0, true)] } else { vec![] },
        final_slot: (!first).then(|| slot(1, false)),
        gateway_4_to_6: first.then(|| id(101)),
        gateway_7_to_9: first.then(|| id(102)),
        gateway_final: (!first).then(|| id(101)),
    }
}

fn product(number: i64, target: Target) -> CampaignProduct {
    let billing = *Billing::ALL.get(usize::try_from(number - 1).unwrap() % 3).unwrap();
    CampaignProduct {
        id: id(u128::try_from(number).unwrap() + 600),
        number,
        name: "Lampe".into(),
        sku: "L".into(),
        kind: if number == 1 { ProductKind::Offer } else { ProductKind::Upsell },
        billing,
        plan: match billing {
            Billing::OneTime => None,
            Billing::Recurring => Some(plan(Trial::ALL.get(usize::try_from(number).unwrap() % 2).copied())),
            Billing::MultiPay => Some(plan(None)),
        },
        price: yen(1_000),
        shipping: yen(0),
        is_shippable: number == 1,
        target,
    }
}

/// A configuration in which every optional part is there once and absent once.
fn whole() -> Configuration {
    let profile = |number: i64, algorithm| GatewayProfile {
        id: id(u128::try_from(number).unwrap() + 200),
        number,
        title: "Profile".into(),
        algorithm,
        members: vec![member(2), member(1)],
        cascade: (number == 1).then(|| id(300)),
    };
    Configuration {
        merchant_id: id(OURS),
        version: 1,
        account: Account {
            title: "Ours".into(),
            time_zone: "Europe/Berlin".into(),
            test_cards: vec![],
            cascade_all_takes_insufficient_funds: false,
            checkout_budget_secs: 40,
            daily_rebill_minute: 0,
            rebill_at_sale_time: true,
            cancel_on_chargeback: true,
            cancel_on_refund: true,
            card_retention_days: 7,
        },
        gateways: vec![gateway(1), gateway(2)],
        gateway_profiles: (1..).zip(Algorithm::ALL).map(|(number, one)| profile(number, *one)).collect(),
        cascade_profiles: vec![CascadeProfile {
            id: id(300),
            number: 1,
            title: "Cascade".into(),
            algorithm: Algorithm::PriorityQueue,
            members: vec![member(2)],
            max_steps: 4,
        }],
        recycle_profiles: vec![recycle_profile(1), recycle_profile(2)],
        decline_maps: vec![
            map(3, MapScope::Kind("nmi".into()), MapOrders::Recurring),
            map(2, MapScope::Gateway(id(101)), MapOrders::NewSales),
            map(1, MapScope::Kind("nmi".into()), MapOrders::All),
        ],
        campaigns: vec![Campaign {
            id: id(500),
            number: 7,
            title: "Campaign".into(),
            currency: Currency::parse("JPY").unwrap(),
            single_transaction: true,
            disable_recycle_billing: true,
            products: vec![
                product(2, Target::Profile(id(201))),
                product(1, Target::Gateway(id(101))),
                product(3, Target::Gateway(id(101))),
                product(5, Target::Gateway(id(102))),
            ],
        }],
    }
}

/// The steps that save all of it; maps are as old as they say.
fn save(all: &Configuration) -> Vec<Step> {
    let ours = all.merchant_id;
    let mut steps = vec![saved::save_account(ours, &all.account, at(1))];
    steps.extend(all.gateways.iter().map(|one| saved::save_gateway(ours, one, None, at(1))));
    steps.extend(all.gateway_profiles.iter().map(|one| saved::save_gateway_profile(ours, one, at(1))));
    steps.extend(all.cascade_profiles.iter().map(|one| saved::save_cascade_profile(ours, one, at(1))));
    steps.extend(all.recycle_profiles.iter().map(|one| saved::save_recycle_profile(ours, one, at(1))));
    let maps = all.decline_maps.iter().zip(1..);
    steps.extend(maps.map(|(one, number)| saved::save_decline_map(ours, one, number, one.created_at)));
    steps.extend(all.campaigns.iter().map(|one| saved::save_campaign(ours, one, at(1))));
    steps
}

pub(crate) async fn script(store: &Store) {
    let (ours, all): (MerchantId, _) = (id(OURS), whole());
    let find = async || store.find_configuration(ours, &capabilities).await.unwrap();
    assert_eq!(find().await, None);
    assert_eq!(store.find_config_version(ours).await.unwrap(), None);
    write(store, merchants::insert(ours, "Ours", at(0))).await.unwrap();
    assert_eq!(find().await, Some(Configuration::empty(ours)));

    // Twice: the second time every row exists.
    for version in 0..2 {
        let steps = [vec![merchants::raise_version(ours, version, "Ours")], save(&all)].concat();
        write_all(store, steps).await.unwrap();
        assert_eq!(find().await, Some(Configuration { version: version + 1, ..all.clone() }));
    }
    let stale =
        [vec![merchants::raise_version(ours, 1, "Stale")], save(&Configuration::empty(ours))].concat();
    assert_conflict(write_all(store, stale).await, CHANGED_BY_ANOTHER);
    assert_eq!(find().await.unwrap().account, all.account);
    assert_eq!(store.find_config_version(ours).await.unwrap(), Some(2));
    credentials(store, ours).await;
    removal(store, ours, all).await;
}

async fn credentials(store: &Store, ours: MerchantId) {
    let sealed = async |number| store.find_sealed_credentials(ours, id(number)).await.unwrap();
    assert_eq!(sealed(101).await, None);
    let bytes = vec![0, 255, 39, 92];
    write(store, saved::save_gateway(ours, &gateway(1), Some(bytes.clone()), at(2))).await.unwrap();
    write(store, saved::save_gateway(ours, &gateway(1), None, at(3))).await.unwrap();
    assert_eq!(sealed(101).await, Some(bytes), "credentials stay when none are given");
    assert_eq!(store.find_sealed_credentials(id(8_002), id(101)).await.unwrap(), None);
    write(store, saved::reseal(ours, id(101), vec![5; 300])).await.unwrap();
    assert_eq!(sealed(101).await, Some(vec![5; 300]));
    assert_conflict(write(store, saved::reseal(ours, id(199), vec![5])).await, "reseal_credentials");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn rows_of_an_older_version_load_with_what_holds_when_nothing_is_said(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    let (store, mut raw) = (database.open().await, Raw::open(database.location()).await);
    let (ours, all): (MerchantId, _) = (id(OURS), whole());
    write(&store, merchants::insert(ours, "Ours", at(0))).await.unwrap();
    write_all(&store, save(&all)).await.unwrap();
    let mut account = serde_json::json!({
        "title": "Ours",
        "time_zone": "Europe/Berlin",
        "test_cards": [],
        "cascade_all_takes_insufficient_funds": false,
        "checkout_budget_secs": 40
    });
    let product = |number: i64, billing: &str| {
        let yen = |minor: i64| serde_json::json!({"minor": minor, "currency": "JPY"});
        serde_json::json!({
            "id": uuid::Uuid::from_u128(u128::try_from(number).unwrap() + 600),
            "number": number,
            "name": "Lampe",
            "sku": "L",
            "kind": "offer",
            "billing": billing,
            "price": yen(1_000),
            "shipping": yen(200),
            "is_shippable": true,
            "gateway": uuid::Uuid::from_u128(101),
            "profile": null
        })
    };
    let campaign = serde_json::json!({
        "title": "Campaign",
        "currency": "JPY",
        "single_transaction": true,
        "products": [product(1, "one_time"), product(2, "recurring")]
    });
    plant(&mut raw, ours, "account", ours.uuid(), &account).await;
    plant(&mut raw, ours, "campaign", all.campaigns[0].id.uuid(), &campaign).await;
    let found = store.find_configuration(ours, &capabilities).await.unwrap().unwrap();
    let expected = Account {
        title: "Ours".into(),
        time_zone: "Europe/Berlin".into(),
        test_cards: vec![],
        cascade_all_takes_insufficient_funds: false,
        checkout_budget_secs: 40,
        ..Account::default()
    };
    assert_eq!((found.account.daily_rebill_minute, found.account), (540, expected));
    let campaign = &found.campaigns[0];
    assert!(!campaign.disable_recycle_billing);
    assert_eq!(campaign.products[0].plan, None);
    assert_eq!(campaign.products[1].plan, Some(Plan::every(30, yen(1_000), yen(200))));

    account["time_zone"] = serde_json::Value::Null;
    plant(&mut raw, ours, "account", ours.uuid(), &account).await;
    let refused = store.find_configuration(ours, &capabilities).await;
    assert!(matches!(refused, Err(StoreError::Inconsistent { table: "configuration", .. })), "{refused:?}");
}

/// Replaces the body of a row.
async fn plant(raw: &mut Raw, ours: MerchantId, resource: &str, id: uuid::Uuid, body: &serde_json::Value) {
    let set = format!(
        "UPDATE configuration SET body = '{body}' WHERE merchant_id = $1 AND id = $2 AND resource = '{resource}'"
    );
    assert_eq!(raw.run(&set, &[ours.uuid(), id]).await.unwrap(), 1);
}

async fn removal(store: &Store, ours: MerchantId, mut all: Configuration) {
    for profile in std::mem::take(&mut all.recycle_profiles) {
        write(store, saved::delete(ours, "recycle_profile", profile.id.uuid())).await.unwrap();
    }
    let campaign = all.campaigns.remove(0);
    let delete = || saved::delete(ours, "campaign", campaign.id.uuid());
    write(store, delete()).await.unwrap();
    assert_conflict(write(store, delete()).await, "delete_row");

    // A kind that this build does not know can do nothing.
    let unknown = Gateway { kind: "gone".into(), ..gateway(2) };
    write(store, saved::save_gateway(ours, &unknown, None, at(4))).await.unwrap();
    let found = store.find_configuration(ours, &capabilities).await.unwrap().unwrap();
    assert!(!found.gateways[1].capabilities.first_charge && !found.gateways[1].capabilities.refund);
    assert_eq!(found.recycle_profiles, vec![]);
    assert_eq!((found.campaigns, found.gateways[0].clone()), (vec![], gateway(1)));
    assert_eq!(Id::uuid(found.merchant_id), id::<MerchantId>(OURS).uuid());
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_configuration_reads_back_and_changes_under_its_version(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    script(&database.open().await).await;
}
