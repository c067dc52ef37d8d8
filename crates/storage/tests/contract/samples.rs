//! Rows to write: small, complete and easy to tell apart.

use domain::attempt::{
    Approval, Attempt, AttemptState, Decline, Initiator, Lapse, LapseCause, Outcome, Purpose, RawDecline,
    Route,
};
use domain::contact::{Address, Contact};
use domain::declines::{Class, Reason};
use domain::ids::{Id, MerchantId, OrderId};
use domain::money::{Currency, Money};
use domain::order::{CardShown, Order, OrderItem, OrderStatus, Routed};
use domain::payment::{Payment, PaymentState};
use jiff::Timestamp;
use recoup_storage::operations::Operation;
use recoup_storage::{Step, Store, StoreError, Transaction, attempts, events, fulfilments, orders, payments};
use uuid::Uuid;

/// An id made of a small number.
pub(crate) fn id<I: Id>(number: u128) -> I {
    I::from_uuid(Uuid::from_u128(number))
}

/// An instant so many seconds after a fixed one, and seven microseconds.
pub(crate) fn at(secs: i64) -> Timestamp {
    Timestamp::from_microsecond(1_800_000_000_000_007 + secs * 1_000_000).unwrap()
}

/// US cents.
pub(crate) fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

/// Commits one step.
pub(crate) async fn write(store: &Store, step: Step) -> Result<(), StoreError> {
    write_all(store, [step]).await
}

/// Commits steps together.
pub(crate) async fn write_all(
    store: &Store,
    steps: impl IntoIterator<Item = Step>,
) -> Result<(), StoreError> {
    store.commit(Transaction::new("test").with_all(steps)).await.map(|_| ())
}

/// Asserts that a write met a conflict in the statement of this name.
#[track_caller]
pub(crate) fn assert_conflict<T: std::fmt::Debug>(result: Result<T, StoreError>, name: &str) {
    match result {
        Err(error) => assert!(error.is_conflict_in(name), "wanted a conflict in {name}, got {error:?}"),
        Ok(value) => panic!("wanted a conflict in {name}, got {value:?}"),
    }
}

/// An order of one shippable thing, paid in full by a card.
pub(crate) fn order(merchant_id: MerchantId, number: u128) -> Order {
    Order {
        id: id(number),
        merchant_id,
        customer_id: id(number + 1),
        subscription_id: None,
        campaign_id: id(7),
        campaign_number: 7,
        status: OrderStatus::Pending,
        total: usd(10_000),
        sales_tax: usd(700),
        items: vec![OrderItem {
            product_id: id(8),
            product_number: 8,
            name: "Lamp".into(),
            sku: "L-1".into(),
            quantity: 1,
            price: usd(9_000),
            shipping: usd(300),
            is_shippable: true,
        }],
        contact: Contact {
            billing: Address { first_name: "Ada".into(), country: "US".into(), ..Address::default() },
            shipping: Address::default(),
            email: "Ada@Example.com".into(),
            phone: "555".into(),
            ip_address: "203.0.113.9".into(),
        },
        routed: Some(Routed { gateway_id: id(9), profile_id: Some(id(10)) }),
        is_test: false,
        is_salvaged: false,
        cascade_note: String::new(),
        extra: vec![],
        card: Some(shown()),
        created_at: at(0),
        updated_at: at(0),
    }
}

/// What may be shown of the planted card.
pub(crate) fn shown() -> CardShown {
    CardShown {
        brand: "visa".into(),
        bin: "411111".into(),
        last_four: "1111".into(),
        expires: "2031-04".into(),
    }
}

/// The order's one debt.
pub(crate) fn payment(merchant_id: MerchantId, number: u128) -> Payment {
    Payment {
        id: id(number),
        merchant_id,
        order_id: id(number),
        amount: usd(10_000),
        state: PaymentState::Attempting,
        cycle: None,
    }
}

/// The intent of a first charge of 100 dollars, due for a check after a minute.
pub(crate) fn attempt(merchant_id: MerchantId, number: u128, payment: u128) -> Attempt {
    Attempt {
        id: id(number),
        merchant_id,
        payment_id: id(payment),
        order_id: id(payment),
        purpose: Purpose::Collect,
        initiator: Initiator::Customer,
        route: Route::First,
        gateway_id: id(9),
        gateway_kind: "nmi".into(),
        amount: usd(10_000),
        card_id: id(11),
        card_fingerprint: "fp".into(),
        salvages: None,
        slot: None,
        deadline: None,
        why: "The product names this gateway.".into(),
        created_at: at(1),
        state: AttemptState::Sending,
        checks: 0,
        next_check_at: Some(at(60)),
        needs_person: false,
    }
}

/// An approval of the whole amount.
pub(crate) fn approved() -> Outcome {
    Outcome::Approved(Approval {
        reference: "281719471".into(),
        auth_code: "123456".into(),
        avs: "Y".into(),
        cvv: "M".into(),
        text: "SUCCESS".into(),
        amount: usd(10_000),
    })
}

/// A decline for want of funds.
pub(crate) fn declined(class: Class) -> Outcome {
    Outcome::Declined(Decline {
        raw: RawDecline {
            reference: "281719472".into(),
            code: "202".into(),
            text: "Insufficient funds — ‘später’".into(),
            network_code: Some("51".into()),
            advice_code: Some("24".into()),
            avs: "N".into(),
            cvv: "P".into(),
        },
        reason: Reason::parse("insufficient_funds").unwrap(),
        class_read: Class::Soft,
        class,
        map: Some(id(12)),
        text_shown: "Please use another card.".into(),
    })
}

/// A request that never left.
pub(crate) fn not_sent() -> Outcome {
    Outcome::NotExecuted(Lapse {
        cause: LapseCause::NotSent,
        reason: None,
        code: String::new(),
        text: "connection refused".into(),
    })
}

/// Commits an attempt and its outcome.
pub(crate) async fn settled(store: &Store, attempt: &Attempt, outcome: &Outcome) {
    let steps =
        [attempts::insert(attempt), attempts::settle(attempt.merchant_id, attempt.id, outcome, at(2), None)];
    write_all(store, steps).await.unwrap();
}

/// The intent of a refund of an attempt.
pub(crate) fn refund(merchant_id: MerchantId, number: u128, attempt: u128, minor: i64) -> Operation {
    Operation {
        merchant_id,
        id: id(number),
        attempt_id: id(attempt),
        order_id: id(attempt),
        kind: "refund".into(),
        amount: usd(minor),
        why: "The buyer sent it back.".into(),
        state: "sending".into(),
        gateway_reference: None,
        code: None,
        text: None,
        created_at: at(10),
        sent_at: at(10),
        checks: 0,
        needs_person: false,
    }
}

/// The event of an order.
pub(crate) fn event(merchant_id: MerchantId, number: u128, kind: &str, order_id: OrderId) -> events::Event {
    events::Event {
        merchant_id,
        id: id(number),
        kind: kind.into(),
        subject_id: order_id.uuid(),
        order_id,
        body: r#"{"text":"“ok” \" \\ ü"}"#.into(),
        created_at: at(3),
    }
}

/// The shipment of an order whose payment has the same number.
pub(crate) fn fulfilment(merchant_id: MerchantId, number: u128, order: u128) -> fulfilments::Fulfilment {
    fulfilments::Fulfilment {
        merchant_id,
        id: id(number),
        order_id: id(order),
        payment_id: id(order),
        state: domain::order::FulfilmentState::Hold,
        created_at: at(3),
    }
}

/// A sale with everything that belongs to it: order, payment and attempt share one number.
pub(crate) struct Sale {
    pub(crate) order: Order,
    pub(crate) payment: Payment,
    pub(crate) attempt: Attempt,
    pub(crate) outcome: Outcome,
    pub(crate) has_event: bool,
    pub(crate) has_fulfilment: bool,
}

impl Sale {
    /// Paid at once, told and shipped.
    pub(crate) fn new(merchant_id: MerchantId, number: u128) -> Self {
        Self {
            order: Order { status: OrderStatus::Complete, ..order(merchant_id, number) },
            payment: Payment { state: PaymentState::Paid, ..payment(merchant_id, number) },
            attempt: attempt(merchant_id, number, number),
            outcome: approved(),
            has_event: true,
            has_fulfilment: true,
        }
    }

    /// Commits it.
    pub(crate) async fn write(&self, store: &Store) {
        let (merchant_id, number) = (self.order.merchant_id, self.order.id.uuid().as_u128());
        let mut steps = vec![
            orders::insert(&self.order, "guard"),
            payments::insert(&self.payment, at(0)),
            attempts::insert(&self.attempt),
            attempts::settle(merchant_id, self.attempt.id, &self.outcome, at(2), None),
        ];
        if self.has_event {
            steps.push(events::insert(&event(merchant_id, number, "new_sale", self.order.id)));
        }
        if self.has_fulfilment {
            steps.push(fulfilments::insert(&fulfilment(merchant_id, number, number)));
        }
        write_all(store, steps).await.unwrap();
    }
}
