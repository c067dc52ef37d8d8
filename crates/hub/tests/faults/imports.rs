//! The same sale sent again: at once, later, and with nobody listening; and what an import leads to.

use std::sync::Arc;

use domain::configuration::{Billing, CampaignProduct, ProductKind, Target};
use domain::contact::{Address, Contact};
use domain::order::OrderStatus;
use domain::{Currency, Money};
use gateways::fake::Act;
use recoup_hub::{Hub, ImportAnswer, ImportLine, Lead, LeadAnswer};
use rstest::rstest;
use storage::testing::On;

use crate::hooks::{Hooks, Watch, hooked, plain, watched};
use crate::support::{HARD, SOFT, TestHub, tea};
use crate::{kept, one_gateway, with_salvage};

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m3_a_hundred_equal_imports_at_once_are_charged_once(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let mut tasks = Vec::new();
    for _ in 0..100 {
        let (hub, merchant) = (app.hub.clone(), app.merchant);
        tasks.push(tokio::spawn(async move { hub.import(merchant, tea()).await.unwrap() }));
    }
    let mut ids = std::collections::BTreeSet::new();
    for task in tasks {
        match task.await.unwrap() {
            ImportAnswer::Order(view) => {
                assert_eq!(view.order.status, OrderStatus::Complete);
                ids.insert(view.order.id);
            }
            ImportAnswer::Refused(problems) => panic!("{problems:?}"),
        }
    }
    assert_eq!((ids.len(), gateway.requests().len(), kept(&gateway)), (1, 1, 2_999));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m3_the_same_sale_may_come_again_after_ten_minutes_or_a_decline(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([HARD]);
    let declined = app.import(tea()).await;
    let first = app.import(tea()).await;
    assert_ne!(declined.order.id, first.order.id);
    assert_eq!(app.import(tea()).await.order.id, first.order.id);
    app.pass(601).await;
    assert_ne!(app.import(tea()).await.order.id, first.order.id);
    assert_eq!(kept(&gateway), 2 * 2_999);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m1_a_charge_ends_although_the_caller_is_gone(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let gate = gateway.hold_answers();
    let importing = {
        let (hub, merchant) = (app.hub.clone(), app.merchant);
        tokio::spawn(async move { hub.import(merchant, tea()).await })
    };
    gate.arrived().await;
    importing.abort();
    assert!(importing.await.unwrap_err().is_cancelled());
    gate.open();
    app.hub.drain().await;
    let orders =
        app.hub.store().list_orders(app.merchant, &storage::orders::OrderFilter::default(), 9, 0).await;
    let statuses: Vec<OrderStatus> = orders.unwrap().iter().map(|order| order.status).collect();
    assert_eq!((statuses, kept(&gateway)), (vec![OrderStatus::Complete], 2_999));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m3_imports_of_one_lead_at_once_make_one_debt(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script(std::iter::repeat_n(HARD, 40));
    let lead = Lead { order_id: None, campaign_number: 1, contact: tea().contact, extra: Vec::new() };
    let LeadAnswer::Order(lead) = app.hub.import_lead(app.merchant, lead).await.unwrap() else {
        panic!("refused")
    };
    let mut tasks = Vec::new();
    for _ in 0..16 {
        let (hub, merchant, mut import) = (app.hub.clone(), app.merchant, tea());
        import.order_id = Some(lead.order.id);
        tasks.push(tokio::spawn(async move { hub.import(merchant, import).await.unwrap() }));
    }
    for task in tasks {
        let ImportAnswer::Order(view) = task.await.unwrap() else { panic!("refused") };
        assert_eq!(view.order.id, lead.order.id);
    }
    let view = app.fresh(&lead).await;
    assert_eq!((view.payments.len(), view.order.status), (1, OrderStatus::Declined));
    assert!(view.attempts.iter().all(|attempt| attempt.payment_id == view.payments[0].id));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m3_the_same_sale_is_not_charged_again_while_the_first_is_in_doubt_however_long(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([Act::LoseAfter]);
    gateway.set_unreachable(true);
    let first = app.import(tea()).await;
    for _ in 0..3 {
        app.pass(700).await;
        assert_eq!(app.import(tea()).await.order.id, first.order.id);
    }
    gateway.set_unreachable(false);
    app.pass(3_600).await;
    assert_eq!(app.fresh(&first).await.order.status, OrderStatus::Complete);
    assert_eq!(app.import(tea()).await.order.id, first.order.id, "the window counts from the approval");
    assert_eq!((gateway.requests().len(), kept(&gateway)), (1, 2_999));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m3_of_imports_of_one_declined_order_at_once_one_is_charged_and_all_wait_for_it(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    gateway.script([HARD]);
    let declined = app.import(tea()).await;
    let gate = gateway.hold_answers();
    let again = || {
        let (hub, merchant, mut import) = (app.hub.clone(), app.merchant, tea());
        import.order_id = Some(declined.order.id);
        tokio::spawn(async move { hub.import(merchant, import).await.unwrap() })
    };
    let tasks: Vec<_> = (0..8).map(|_| again()).collect();
    gate.arrived().await;
    gate.open();
    for task in tasks {
        let ImportAnswer::Order(view) = task.await.unwrap() else { panic!("refused") };
        assert_eq!(view.order.status, OrderStatus::Complete, "whoever was slower has waited");
    }
    assert_eq!(kept(&gateway), 2_999);
    assert_eq!(gateway.requests().len(), 2);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m3_an_order_that_another_process_charges_is_waited_for(
    #[case] on: On,
    #[values(Act::Approve, SOFT)] second: Act,
) {
    let (app, gateway) = one_gateway(on).await;
    let status = if second == Act::Approve { OrderStatus::Complete } else { OrderStatus::Declined };
    gateway.script([HARD, second]);
    let declined = app.import(tea()).await;
    let watch = Watch::new();
    let other = app.process_over(7, |fakes| fakes, watched("list_attempts_of_order", &watch)).await;
    let gate = gateway.hold_answers();
    let again = |hub: &Hub| {
        let (hub, merchant, mut import) = (hub.clone(), app.merchant, tea());
        import.order_id = Some(declined.order.id);
        tokio::spawn(async move { hub.import(merchant, import).await.unwrap() })
    };
    let here = again(&app.hub);
    gate.arrived().await;
    let there = again(&other);
    watch.asked.acquire_many(2).await.unwrap().forget();
    assert!(!there.is_finished(), "it looks again and again");
    gate.open();
    for task in [here, there] {
        let ImportAnswer::Order(view) = task.await.unwrap() else { panic!("refused") };
        assert_eq!(view.order.status, status, "both are answered alike");
    }
    assert_eq!(gateway.requests().len(), 2);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m3_a_charge_whose_process_has_died_is_not_waited_for(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let gate = gateway.hold_answers();
    let importing = {
        let (hub, merchant) = (app.hub.clone(), app.merchant);
        tokio::spawn(async move { hub.import(merchant, tea()).await.unwrap() })
    };
    gate.arrived().await;
    app.clock.advance(jiff::SignedDuration::from_secs(300));
    let watch = Watch::new();
    let other = app.process_over(7, |fakes| fakes, watched("list_attempts_of_order", &watch)).await;
    let ImportAnswer::Order(view) = other.import(app.merchant, tea()).await.unwrap() else {
        panic!("refused")
    };
    assert_eq!(view.order.status, OrderStatus::Pending);
    assert_eq!(watch.asked.available_permits(), 2, "one look, and the answer");
    gate.open();
    importing.await.unwrap();
    assert_eq!((gateway.requests().len(), kept(&gateway)), (1, 2_999));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m3_another_card_with_the_same_ends_is_another_card(#[case] on: On) {
    let (app, gateway) = one_gateway(on).await;
    let view = app.import(tea()).await;
    let mut again = tea();
    again.order_id = Some(view.order.id);
    assert_eq!(app.import(again.clone()).await.order.id, view.order.id);
    // The first eight and the last four digits are those of the first card.
    again.card.number = "4111111110121111".to_owned().into();
    let answer = app.hub.import(app.merchant, again).await.unwrap();
    assert!(matches!(answer, ImportAnswer::Refused(_)), "{answer:?}");
    assert_eq!(gateway.requests().len(), 1);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m28_a_stopped_payment_bars_that_payment_and_not_the_card(#[case] on: On) {
    let (app, gateway, salvage) = with_salvage(on).await;
    gateway.script([Act::Decline("R0", "Stop payment order")]);
    let stopped = app.import(tea()).await;
    assert_eq!(stopped.order.status, OrderStatus::Declined);
    assert_eq!(salvage.requests().len(), 0, "a cascade would be another attempt of it");
    let mut again = tea();
    again.order_id = Some(stopped.order.id);
    let answer = app.hub.import(app.merchant, again).await.unwrap();
    assert!(matches!(answer, ImportAnswer::Refused(_)), "{answer:?}");
    assert_eq!(gateway.requests().len(), 1);
    let (fingerprint, now) = (&stopped.attempts[0].card_fingerprint, app.hub.minter().now());
    assert_eq!(app.hub.store().find_card_lock(app.merchant, fingerprint, now).await.unwrap(), None);
    // Another payment with the same card: charged, and salvaged too.
    gateway.script([SOFT]);
    assert_eq!(app.import(tea()).await.order.status, OrderStatus::Complete);
    assert_eq!((gateway.requests().len(), salvage.requests().len()), (2, 1));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m28_a_cascade_does_not_obey_the_waits_that_the_network_advises(#[case] on: On) {
    let (app, gateway, salvage) = with_salvage(on).await;
    for (number, advice) in ["02", "24", "30"].into_iter().enumerate() {
        let hooks = Arc::new(Hooks::default());
        *hooks.advice.lock().unwrap() = Some(advice.to_owned());
        let hub = app.process_over(7 + u64::try_from(number).unwrap(), hooked(&hooks), plain).await;
        let mut import = tea();
        import.contact.email = format!("buyer{number}@example.test");
        import.card.number = "5555555555554444".to_owned().into();
        gateway.script([SOFT]);
        let answer = hub.import(app.merchant, import).await.unwrap();
        let ImportAnswer::Order(view) = answer else { panic!("refused") };
        assert_eq!((view.order.status, view.attempts.len()), (OrderStatus::Complete, 2), "{advice}");
    }
    assert_eq!(kept(&salvage), 3 * 2_999);
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m5_a_sale_goes_to_the_gateway_of_its_first_offer(#[case] on: On) {
    let app = TestHub::new(on).await;
    let (a, first) = app.gateway(1, "first").await;
    let (b, second) = app.gateway(2, "second").await;
    let product = |number, kind, target| CampaignProduct {
        id: app.hub.minter().mint(),
        number,
        name: format!("Product {number}"),
        sku: String::new(),
        kind,
        billing: Billing::OneTime,
        plan: None,
        price: Money::new(1_000, Currency::USD),
        shipping: Money::zero(Currency::USD),
        is_shippable: true,
        target: Target::Gateway(target),
    };
    let products = vec![product(7, ProductKind::Upsell, a), product(8, ProductKind::Offer, b)];
    app.campaign_of(products).await;
    let mut import = tea();
    let upsell = import.lines[0].clone();
    import.lines = vec![upsell.clone(), ImportLine { product_number: 8, ..upsell.clone() }];
    app.import(import.clone()).await;
    assert_eq!((kept(&first), kept(&second)), (0, 2_000), "one payment");
    import.lines = vec![upsell];
    app.import(import).await;
    assert_eq!((kept(&first), kept(&second)), (1_000, 2_000), "without an offer, the first line decides");
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r55_shipping_to_billing_means_the_billing_address_that_the_lead_brought(#[case] on: On) {
    let (app, _) = one_gateway(on).await;
    let mut contact = tea().contact;
    contact.shipping =
        Address { line1: "9 Dock Rd".to_owned(), line2: "Gate 3".to_owned(), ..Address::default() };
    let billing = contact.billing.clone();
    let lead = Lead { order_id: None, campaign_number: 1, contact, extra: Vec::new() };
    let LeadAnswer::Order(lead) = app.hub.import_lead(app.merchant, lead).await.unwrap() else {
        panic!("refused")
    };
    let mut import = tea();
    import.order_id = Some(lead.order.id);
    import.contact = Contact::default();
    import.contact = app.hub.ship_to_billing(app.merchant, import.order_id, import.contact).await.unwrap();
    assert_eq!(app.import(import).await.order.contact.shipping, billing);
    app.end().await;
}
