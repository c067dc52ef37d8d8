//! Orders and payments read back as they were written, and change only from the states that allow it.

use domain::contact::{Address, Contact};
use domain::ids::MerchantId;
use domain::money::{Currency, Money};
use domain::order::{Order, OrderItem, OrderStatus};
use domain::payment::{Payment, PaymentState};
use recoup_storage::orders::{
    self, CHANGED_SINCE, NO_LONGER_PENDING, NOT_PENDING, NOT_SUBMITTABLE, ORDER_EXISTS, OrderFilter,
};
use recoup_storage::testing::{On, TestDatabase};
use recoup_storage::{Store, payments};
use rstest::rstest;

use crate::samples::{assert_conflict, at, id, order, payment, usd, write};

/// Every field differs from every other, and texts hold what breaks careless quoting.
fn awkward(merchant_id: MerchantId) -> Order {
    let yen = |minor| Money::new(minor, Currency::parse("JPY").unwrap());
    let address = |mark: &str| Address {
        first_name: format!("Zoë{mark}"),
        last_name: format!("O'Hara \"{mark}\" \\"),
        company: format!("名前 🛒{mark}"),
        line1: format!("1\nline{mark}"),
        line2: format!("$1 {{}} %{mark}"),
        city: format!("São{mark}"),
        state: format!("NY{mark}"),
        postal_code: format!("0012{mark}"),
        country: format!("U{mark}"),
    };
    let item = |number: i64| OrderItem {
        product_id: id(90),
        product_number: number,
        name: "\"is_shippable\":true, \u{1}".into(),
        sku: String::new(),
        quantity: number,
        price: yen(i64::MAX),
        shipping: yen(0),
        is_shippable: number == 2,
    };
    Order {
        total: yen(i64::MAX),
        sales_tax: yen(-5),
        items: vec![item(1), item(2)],
        contact: Contact {
            billing: address("b"),
            shipping: address("s"),
            email: "ÄDA@Example.com".into(),
            phone: "+1 (555) 010".into(),
            ip_address: "2001:db8::1".into(),
        },
        routed: None,
        is_test: true,
        is_salvaged: true,
        cascade_note: "No ‘cascade’; it's off.".into(),
        extra: vec![("custom1".into(), "\u{2028}</script>".into()), ("custom1".into(), String::new())],
        card: None,
        status: OrderStatus::Partial,
        updated_at: at(-9_000_000_000),
        ..order(merchant_id, 100)
    }
}

pub(crate) async fn script(store: &Store) {
    let (ours, other): (MerchantId, MerchantId) = (id(1_001), id(1_002));
    read_back(store, ours).await;
    changes(store, ours).await;
    lists(store, ours, other).await;
    debts(store, ours, other).await;
}

async fn read_back(store: &Store, ours: MerchantId) {
    for written in [awkward(ours), order(ours, 200)] {
        write(store, orders::insert(&written, "guard")).await.unwrap();
        assert_eq!(store.find_order(ours, written.id).await.unwrap(), Some(written.clone()));
        assert_conflict(write(store, orders::insert(&written, "guard")).await, ORDER_EXISTS);
    }
    assert_eq!(store.find_order(ours, id(999)).await.unwrap(), None);
}

async fn changes(store: &Store, ours: MerchantId) {
    let renewed = Order {
        contact: Contact { email: "new@example.com".into(), ..order(ours, 100).contact },
        campaign_number: 70,
        updated_at: at(4),
        ..awkward(ours)
    };
    write(store, orders::update_partial(&renewed)).await.unwrap();
    let stored = store.find_order(ours, renewed.id).await.unwrap().unwrap();
    assert_eq!((stored.contact, stored.campaign_number), (renewed.contact.clone(), 70));

    let submitted = Order { is_salvaged: true, updated_at: at(5), ..order(ours, 100) };
    write(store, orders::submit(&submitted, "guard")).await.unwrap();
    assert_eq!(store.find_order(ours, submitted.id).await.unwrap(), Some(submitted.clone()));
    assert_conflict(write(store, orders::submit(&submitted, "guard")).await, NOT_SUBMITTABLE);
    assert_conflict(write(store, orders::update_partial(&renewed)).await, "update_partial");

    write(store, orders::require_pending(ours, submitted.id, at(5))).await.unwrap();
    write(store, orders::decline(ours, submitted.id, "No IP address.", at(6))).await.unwrap();
    assert_conflict(
        write(store, orders::require_pending(ours, submitted.id, at(6))).await,
        NO_LONGER_PENDING,
    );
    let ended = Order {
        status: OrderStatus::Declined,
        cascade_note: "No IP address.".into(),
        updated_at: at(6),
        ..submitted.clone()
    };
    assert_eq!(store.find_order(ours, ended.id).await.unwrap(), Some(ended.clone()));
    assert_conflict(write(store, orders::complete(ours, ended.id, true, at(7))).await, NOT_PENDING);
    let stale = orders::cancel(ours, ended.id, OrderStatus::Pending, at(7));
    assert_conflict(write(store, stale).await, CHANGED_SINCE);
    write(store, orders::cancel(ours, ended.id, OrderStatus::Declined, at(7))).await.unwrap();
    write(store, orders::decline(ours, ended.id, "too late", at(8))).await.unwrap();
    let cancelled = Order { status: OrderStatus::Cancelled, updated_at: at(7), ..ended };
    assert_eq!(store.find_order(ours, cancelled.id).await.unwrap(), Some(cancelled.clone()));
    write(store, orders::set_status(ours, cancelled.id, OrderStatus::Declined, false, at(9))).await.unwrap();
    write(store, orders::submit(&submitted, "guard")).await.unwrap();
    write(store, orders::complete(ours, submitted.id, true, at(10))).await.unwrap();
    let complete = store.find_order(ours, submitted.id).await.unwrap().unwrap();
    assert_eq!((complete.status, complete.is_salvaged), (OrderStatus::Complete, true));
    write(store, orders::set_status(ours, submitted.id, OrderStatus::Pending, true, at(5))).await.unwrap();
    let missing = orders::set_status(ours, id(999), OrderStatus::Complete, false, at(6));
    assert_conflict(write(store, missing).await, "set_order_status");
}

async fn lists(store: &Store, ours: MerchantId, other: MerchantId) {
    let late = Order { created_at: at(50), campaign_number: 71, ..order(ours, 300) };
    write(store, orders::insert(&late, "guard")).await.unwrap();
    write(store, orders::insert(&order(other, 300), "guard")).await.unwrap();

    let all = OrderFilter::default();
    let found = async |filter: &OrderFilter| {
        let page = store.list_orders(ours, filter, 10, 0).await.unwrap();
        assert_eq!(store.count_orders(ours, filter).await.unwrap(), i64::try_from(page.len()).unwrap());
        page.iter().map(|order| order.id.uuid().as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(found(&all).await, [300, 200, 100]);
    let second = store.list_orders(ours, &all, 1, 1).await.unwrap();
    assert_eq!(second.iter().map(|order| order.id).collect::<Vec<_>>(), [id(200)]);
    assert_eq!(found(&OrderFilter { id: Some(id(200)), ..all.clone() }).await, [200]);
    assert_eq!(found(&OrderFilter { is_salvaged: Some(true), ..all.clone() }).await, [100]);
    assert_eq!(found(&OrderFilter { is_salvaged: Some(false), ..all.clone() }).await, [300, 200]);
    assert_eq!(found(&OrderFilter { campaign_number: Some(71), ..all.clone() }).await, [300]);
    assert_eq!(found(&OrderFilter { status: Some(OrderStatus::Complete), ..all.clone() }).await, [0; 0]);
    let email = Some("ADA@example.COM".into());
    assert_eq!(found(&OrderFilter { email, ..all.clone() }).await, [300, 200, 100]);
    assert_eq!(found(&OrderFilter { ip_address: Some("::1".into()), ..all.clone() }).await, [0; 0]);
    assert_eq!(found(&OrderFilter { created_from: Some(at(50)), ..all.clone() }).await, [300]);
    assert_eq!(found(&OrderFilter { created_before: Some(at(50)), ..all.clone() }).await, [200, 100]);
}

async fn debts(store: &Store, ours: MerchantId, other: MerchantId) {
    let first = payment(ours, 200);
    let second = Payment { id: id(199), amount: usd(0), state: PaymentState::InDoubt, ..first.clone() };
    write(store, payments::insert(&first, at(1))).await.unwrap();
    write(store, payments::insert(&second, at(2))).await.unwrap();
    for state in PaymentState::ALL {
        write(store, payments::set_state(ours, first.id, *state, at(3))).await.unwrap();
        let stored = store.find_payment(ours, first.id).await.unwrap();
        assert_eq!(stored, Some(Payment { state: *state, ..first.clone() }));
    }
    let of_order = store.list_payments_of_order(ours, id(200)).await.unwrap();
    assert_eq!(of_order, [Payment { state: PaymentState::Reversed, ..first.clone() }, second]);
    assert_eq!(store.find_payment(other, first.id).await.unwrap(), None);
    let foreign = payments::set_state(other, first.id, PaymentState::Paid, at(3));
    assert_conflict(write(store, foreign).await, "set_payment_state");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn orders_and_payments_read_back_and_change_only_from_states_that_allow_it(#[case] on: On) {
    let database = TestDatabase::new(on).await;
    script(&database.open().await).await;
}
