//! What calls do to purchases: update, cancel, pause, refund, another card.

use gateways::OperationKind;
use gateways::fake::Act;
use rstest::rstest;
use serde_json::{Value, json};
use storage::testing::On;

use crate::app::{TestApp, error, success};
use crate::cascades::{HARD, SOFT};
use crate::form::{Form, OTHER_VISA, VISA, call, sale};
use crate::purchases::{DAY, bill_after, purchase, shop, sold};

const UPDATE: &str = "/purchase/update/";

fn of(id: &str) -> Form {
    call().with("purchaseId", id)
}

async fn updated(app: &TestApp, form: &Form) -> Value {
    success(&app.call(UPDATE, form).await)
}

/// A refusal names these parameters, and the purchase is what it was.
async fn refused(app: &TestApp, path: &str, id: &str, form: &Form, names: &[&str]) -> String {
    let before = purchase(app, id).await;
    let text = error(&app.call(path, form).await);
    let of_part = |part: &str| part.split_once(": ").map(|(name, _)| name.to_owned());
    let mut told: Vec<String> =
        text.split("; ").filter_map(of_part).filter(|name| !name.contains(' ')).collect();
    let mut expected: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    told.sort();
    expected.sort();
    assert_eq!(told, expected, "{text}");
    assert_eq!(purchase(app, id).await, before);
    text
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r43_a_purchase_never_rests_on_a_gateway_that_only_salvages(#[case] on: On) {
    let app = shop(on).await;
    let (_, id) = sold(&app).await;
    let form = of(&id).with("newMerchantId", 9).with("price", "9.99");
    let text = refused(&app, UPDATE, &id, &form, &["newMerchantId"]).await;
    assert!(text.contains("the gateway that a subscription rests on"), "{text}");
    let moved = updated(&app, &of(&id).with("newMerchantId", 2)).await;
    assert_eq!((&moved["merchantId"], &moved["merchant"]), (&json!(2), &json!("gateway 2")));
    bill_after(&app, 30 * DAY).await;
    assert_eq!((app.asked(1), app.asked(2), app.asked(9)), (1, 1, 0));
    assert_eq!(purchase(&app, &id).await["billingCycleNumber"], 2);
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn terms_change_together_and_the_next_bill_follows_them(#[case] on: On) {
    let app = shop(on).await;
    let (_, id) = sold(&app).await;
    let form = of(&id)
        .with("price", "9.5")
        .with("priceNextOnly", 1)
        .with("shippingPrice", "1.25")
        .with("nextBillDate", "12/1/2026")
        .with("billingIntervalDays", 7)
        .with("finalBillingCycle", 3);
    let changed = updated(&app, &form).await;
    let expected = json!({
        "price": "9.50", "priceNextOnly": 1, "shippingPrice": "1.25", "totalAmount": "10.75",
        "billingIntervalDays": 7, "finalBillingCycle": 3, "status": "ACTIVE",
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&changed[name], value, "{name}");
    }
    // On that day, at the account's time for rebills.
    let at = changed["nextBillDate"].as_str().unwrap().to_owned();
    let untouched = sold_next_bill(&app).await;
    assert_eq!((at.get(..10), at.get(10..)), (Some("2026-12-01"), untouched.get(10..)));
    bill_after(&app, 9 * DAY).await;
    assert_eq!(app.requests(1).last().unwrap().amount.minor(), 1_075);
    let later = purchase(&app, &id).await;
    let told =
        [&later["billingCycleNumber"], &later["price"], &later["priceNextOnly"], &later["shippingPrice"]];
    assert_eq!(told, [&json!(2), &json!("29.99"), &json!(0), &json!("1.25")]);
    assert!(later["nextBillDate"].as_str().unwrap().starts_with("2026-12-08 "), "{later}");
    bill_after(&app, 7 * DAY).await;
    let done = purchase(&app, &id).await;
    assert_eq!((&done["status"], &done["nextBillDate"]), (&json!("COMPLETE"), &json!(null)));
    app.ends_well().await;
}

/// When a purchase that nobody touched is billed next.
async fn sold_next_bill(app: &TestApp) -> String {
    let order = app.approved(&sale().with("emailAddress", "untouched@example.com")).await;
    order["items"][0]["nextBillDate"].as_str().unwrap().to_owned()
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn every_wrong_parameter_is_named_at_once_and_nothing_is_saved(#[case] on: On) {
    let app = shop(on).await;
    let (_, id) = sold(&app).await;
    let wrong = of(&id)
        .with("reactivate", 1)
        .with("status", "PAUSED")
        .with("billNow", "yes")
        .with("newMerchantId", 77)
        .with("price", "-1")
        .with("shippingPrice", "5.001")
        .with("nextBillDate", "2026-12-01")
        .with("billingIntervalDays", 731)
        .with("finalBillingCycle", 1);
    let names = [
        "reactivate",
        "status",
        "billNow",
        "newMerchantId",
        "price",
        "shippingPrice",
        "nextBillDate",
        "billingIntervalDays",
        "finalBillingCycle",
    ];
    refused(&app, UPDATE, &id, &wrong, &names).await;
    for (form, names) in [
        (of(&id), vec!["purchaseId"]),
        (of(&id).with("price", "a lot"), vec!["price"]),
        (of(&id).with("price", "29,99"), vec!["price"]),
        (of(&id).with("priceNextOnly", 1), vec!["price"]),
        (of(&id).with("priceNextOnly", "maybe").with("price", "1"), vec!["priceNextOnly"]),
        (of(&id).with("shippingPrice", "5 USD"), vec!["shippingPrice"]),
        (of(&id).with("nextBillDate", "11/21/2026"), vec!["nextBillDate"]),
        (of(&id).with("nextBillDate", "13/1/2026"), vec!["nextBillDate"]),
        (of(&id).with("billingIntervalDays", 0), vec!["billingIntervalDays"]),
        (of(&id).with("billingIntervalDays", "7.5"), vec!["billingIntervalDays"]),
        (of(&id).with("finalBillingCycle", 0), vec!["finalBillingCycle"]),
        (of(&id).with("newMerchantId", "one"), vec!["newMerchantId"]),
        (of(&id).with("status", "ACTIVE"), vec!["status"]),
        (of(&id).with("status", "RECYCLE_FAILED").with("billNow", 1), vec!["status"]),
        (of(&id).with("billNow", 1).with("nextBillDate", "12/1/2026"), vec!["billNow"]),
        (of(&id).with("reactivate", 1), vec!["reactivate"]),
        (call().with("price", "x"), vec!["purchaseId", "price"]),
        (call().with("purchaseId", "x").with("price", "1"), vec!["purchaseId"]),
    ] {
        refused(&app, UPDATE, &id, &form, &names).await;
    }
    assert_eq!(app.asked(1), 1);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_purchase_is_billed_now_and_a_repeated_call_bills_nothing(#[case] on: On) {
    let app = shop(on).await;
    let (_, id) = sold(&app).await;
    let billed = updated(&app, &of(&id).with("billNow", 1)).await;
    assert_eq!((&billed["billingCycleNumber"], &billed["status"]), (&json!(2), &json!("ACTIVE")));
    assert_eq!((app.asked(1), app.taken(1)), (2, 2 * 3_499));
    let text = refused(&app, UPDATE, &id, &of(&id).with("billNow", 1), &["billNow"]).await;
    assert!(text.contains("repetition"), "{text}");
    assert_eq!(app.asked(1), 2);
    // Later it is a wish of its own.
    app.clock.advance(3_700);
    app.script(1, [SOFT]);
    let text = error(&app.call(UPDATE, &of(&id).with("billNow", 1)).await);
    assert_eq!(text, "Do not honor");
    let recycled = purchase(&app, &id).await;
    assert_eq!(
        (&recycled["status"], &recycled["billingCycleNumber"]),
        (&json!("RECYCLE_BILLING"), &json!(2))
    );
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_declined_bill_is_given_up_and_taken_up_again_by_hand(#[case] on: On) {
    let app = shop(on).await;
    let (_, id) = sold(&app).await;
    let text = error(&app.call(UPDATE, &of(&id).with("status", "RECYCLE_BILLING")).await);
    assert!(text.contains("Only a declined bill"), "{text}");
    app.script(1, [SOFT]);
    bill_after(&app, 30 * DAY).await;
    let failed = updated(&app, &of(&id).with("status", "RECYCLE_FAILED")).await;
    let told = [&failed["status"], &failed["nextBillDate"], &failed["failReason"]];
    assert_eq!(told, [&json!("RECYCLE_FAILED"), &json!(null), &json!("Set by hand.")]);
    bill_after(&app, 30 * DAY).await;
    assert_eq!(app.asked(1), 2);
    let again = updated(&app, &of(&id).with("status", "recycle_billing")).await;
    assert_eq!((&again["status"], &again["recycleNumber"]), (&json!("RECYCLE_BILLING"), &json!(1)));
    bill_after(&app, DAY).await;
    let active = purchase(&app, &id).await;
    assert_eq!((&active["status"], &active["billingCycleNumber"]), (&json!("ACTIVE"), &json!(2)));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_paused_purchase_is_not_billed_until_it_is_reactivated_with_new_terms(#[case] on: On) {
    let app = shop(on).await;
    let (_, id) = sold(&app).await;
    let paused = success(&app.call("/purchase/pause/", &of(&id)).await);
    assert_eq!(paused["status"], "PAUSED");
    let text = error(&app.call("/purchase/pause/", &of(&id)).await);
    assert!(text.contains("not possible while the subscription is paused"), "{text}");
    refused(&app, "/purchase/pause/", &id, &call(), &["purchaseId"]).await;
    bill_after(&app, 40 * DAY).await;
    assert_eq!(app.asked(1), 1);
    refused(&app, UPDATE, &id, &of(&id).with("billNow", 1), &["billNow"]).await;
    refused(&app, UPDATE, &id, &of(&id).with("nextBillDate", "2/1/2027"), &["nextBillDate"]).await;
    let form = of(&id).with("reactivate", 1).with("price", "-4").with("nextBillDate", "2/1/2026");
    refused(&app, UPDATE, &id, &form, &["price", "nextBillDate"]).await;
    let form = of(&id).with("reactivate", 1).with("price", "4").with("nextBillDate", "2/1/2027");
    let active = updated(&app, &form).await;
    let told = [&active["status"], &active["price"], &active["cancelReason"]];
    assert_eq!(told, [&json!("ACTIVE"), &json!("4.00"), &json!(null)]);
    assert!(active["nextBillDate"].as_str().unwrap().starts_with("2027-02-01 "), "{active}");
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_purchase_is_cancelled_for_a_reason_now_or_after_its_next_bill(#[case] on: On) {
    let app = shop(on).await;
    let path = "/purchase/cancel/";
    let (_, id) = sold(&app).await;
    refused(&app, path, &id, &of(&id), &["cancelReason"]).await;
    refused(&app, path, &id, &of(&id).with("cancelReason", "x".repeat(101)), &["cancelReason"]).await;
    let both = of(&id).with("cancelReason", "x").with("fullRefund", 1).with("afterNextBill", 1);
    refused(&app, path, &id, &both, &["fullRefund"]).await;
    let flags = of(&id).with("fullRefund", 2).with("afterNextBill", "?");
    refused(&app, path, &id, &flags, &["cancelReason", "fullRefund", "afterNextBill"]).await;
    refused(&app, path, &id, &call(), &["purchaseId", "cancelReason"]).await;
    let later = of(&id).with("cancelReason", "Too much tea").with("afterNextBill", 1);
    let scheduled = success(&app.call(path, &later).await);
    assert_eq!(
        (&scheduled["status"], &scheduled["cancelReason"]),
        (&json!("CANCELLATION_SCHEDULED"), &json!("Too much tea"))
    );
    bill_after(&app, 30 * DAY).await;
    let ended = purchase(&app, &id).await;
    assert_eq!((&ended["status"], &ended["billingCycleNumber"]), (&json!("CANCELLED"), &json!(2)));
    assert_eq!((app.asked(1), app.taken(1)), (2, 2 * 3_499));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_purchase_cancelled_with_a_refund_gives_its_own_line_of_the_sale_back(#[case] on: On) {
    let app = shop(on).await;
    let order = app.approved(&sale().with("product2_id", 12).with("product3_id", 13)).await;
    let trial = order["items"][1]["purchaseId"].as_str().unwrap();
    let form = of(trial).with("cancelReason", "No").with("fullRefund", 1);
    let cancelled = success(&app.call("/purchase/cancel/", &form).await);
    assert_eq!(cancelled["status"], "CANCELLED");
    let given: Vec<i64> = app.fake(1).operated().iter().map(|(_, _, minor)| *minor).collect();
    assert_eq!(given, [995], "the trial's 4.95 and its shipping, nothing of the other lines");
    let text = error(&app.call("/purchase/refund/", &of(trial).with("refundAmount", "9.96")).await);
    assert!(text.contains("$9.95") || text.contains("9.95"), "{text}");
    let other = purchase(&app, order["items"][0]["purchaseId"].as_str().unwrap()).await;
    assert_eq!(other["status"], "ACTIVE");
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m16_the_last_paid_bill_is_refunded_in_parts_and_never_more_than_it_was(#[case] on: On) {
    let app = shop(on).await;
    let path = "/purchase/refund/";
    let (order, id) = sold(&app).await;
    bill_after(&app, 30 * DAY).await;
    for (form, names) in [
        (of(&id), vec!["refundAmount"]),
        (of(&id).with("refundAmount", 0), vec!["refundAmount"]),
        (of(&id).with("refundAmount", "-1"), vec!["refundAmount"]),
        (of(&id).with("refundAmount", "1.001"), vec!["refundAmount"]),
        (of(&id).with("refundAmount", "35.00"), vec!["refundAmount"]),
        (of(&id).with("refundAmount", "1").with("fullRefund", 1), vec!["refundAmount"]),
        (of(&id).with("fullRefund", "all"), vec!["fullRefund", "refundAmount"]),
        (call().with("fullRefund", 1), vec!["purchaseId"]),
    ] {
        refused(&app, path, &id, &form, &names).await;
    }
    assert!(app.fake(1).operated().is_empty());
    let part = success(&app.call(path, &of(&id).with("refundAmount", "10")).await);
    assert_eq!((&part["refundAmount"], &part["refundStatus"]), (&json!("10.00"), &json!("DONE")));
    assert_ne!(part["orderId"], order["orderId"], "the bill has an order of its own");
    let again = success(&app.call(path, &of(&id).with("refundAmount", "10")).await);
    assert_eq!(again["refundId"], part["refundId"], "a repetition is the same refund");
    refused(&app, path, &id, &of(&id).with("refundAmount", "25"), &["refundAmount"]).await;
    let rest = success(&app.call(path, &of(&id).with("fullRefund", 1)).await);
    assert_eq!(rest["refundAmount"], "24.99");
    let again = success(&app.call(path, &of(&id).with("fullRefund", 1)).await);
    assert_eq!(again["refundId"], rest["refundId"]);
    app.clock.advance(3_600);
    let text = error(&app.call(path, &of(&id).with("fullRefund", 1)).await);
    assert!(text.contains("can be refunded") || text.contains("no longer") || text.contains("not"), "{text}");
    let refunds: Vec<_> = app.fake(1).operated();
    assert!(refunds.iter().all(|(kind, _, _)| *kind == OperationKind::Refund));
    assert_eq!(refunds.iter().map(|(_, _, minor)| minor).sum::<i64>(), 3_499);
    assert_eq!(app.taken(1), 3_499, "the sale's own money stays");
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_trials_completion_is_refunded_and_not_the_sale(#[case] on: On) {
    let app = shop(on).await;
    let order = app.approved(&sale().with("product1_id", 12)).await;
    let id = order["items"][0]["purchaseId"].as_str().unwrap();
    bill_after(&app, 14 * DAY).await;
    let part = success(&app.call("/purchase/refund/", &of(id).with("refundAmount", "30")).await);
    assert_eq!((&part["orderId"], &part["refundAmount"]), (&order["orderId"], &json!("30.00")));
    assert_eq!(app.taken(1), 995 + 3_499 - 3_000);
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_refund_that_the_gateway_refuses_is_told(#[case] on: On) {
    let app = shop(on).await;
    let (_, id) = sold(&app).await;
    app.fake(1).script_operations([Act::Decline("300", "Refund window closed")]);
    let form = of(&id).with("cancelReason", "No").with("fullRefund", 1);
    let text = error(&app.call("/purchase/cancel/", &form).await);
    assert!(text.contains("is cancelled") && text.contains("Refund window closed"), "{text}");
    assert_eq!(purchase(&app, &id).await["status"], "CANCELLED");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn another_card_is_billed_and_its_code_is_thrown_away(#[case] on: On) {
    let app = shop(on).await;
    let path = "/customer/cardupdate/";
    let (order, id) = sold(&app).await;
    let customer = order["customerId"].as_str().unwrap();
    let card = |form: Form| form.with("cardNumber", OTHER_VISA).with("cardMonth", 5).with("cardYear", 2031);
    for (form, names) in [
        (card(call()), vec!["customerId"]),
        (card(call().with("customerId", "x")), vec!["customerId"]),
        (of(&id), vec!["cardNumber", "cardMonth"]),
        (card(of(&id)).with("cardNumber", "4111111111111112"), vec!["cardNumber"]),
        (card(of(&id)).with("cardMonth", 13), vec!["cardMonth"]),
        (card(of(&id)).with("cardYear", 2020), vec!["cardYear"]),
        (card(of(&id)).with("cardSecurityCode", "12x"), vec!["cardSecurityCode"]),
        (
            call().with("purchaseId", "x").with("cardNumber", 1).with("cardExpiryDate", "0120"),
            vec!["purchaseId", "cardNumber", "cardExpiryDate"],
        ),
    ] {
        refused(&app, path, &id, &form, &names).await;
    }
    let form = card(call().with("customerId", customer)).with("cardSecurityCode", "4321");
    let changed = success(&app.call(path, &form).await);
    let told = [&changed["cardLast4"], &changed["cardExpiryDate"], &changed["purchases"][0]["purchaseId"]];
    assert_eq!(told, [&json!("1881"), &json!("05/2031"), &json!(id)]);
    assert!(!changed.to_string().contains(OTHER_VISA));
    bill_after(&app, 30 * DAY).await;
    let request = app.requests(1).pop().unwrap();
    assert!(request.card.security_code.is_none(), "no code at a rebill");
    assert_eq!(purchase(&app, &id).await["cardLast4"], "1881");
    let back = of(&id).with("cardNumber", VISA).with("cardExpiryDate", "12/30");
    assert_eq!(success(&app.call(path, &back).await)["cardLast4"], "1111");
    success(&app.call("/purchase/cancel/", &of(&id).with("cancelReason", "x")).await);
    let text = error(&app.call(path, &card(of(&id))).await);
    assert!(text.contains("cancelled"), "{text}");
    let text = error(&app.call(path, &card(call().with("customerId", customer))).await);
    assert!(text.contains("has no purchase"), "{text}");
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_bill_that_a_rule_holds_back_is_told_and_not_sent(#[case] on: On) {
    let app = shop(on).await;
    let (_, id) = sold(&app).await;
    app.fake(1).set_equal_charge_spacing(1_200);
    let text = error(&app.call(UPDATE, &of(&id).with("billNow", 1)).await);
    assert!(text.contains("billNow: held back") && text.contains("moments ago"), "{text}");
    let held = purchase(&app, &id).await;
    assert!(held["heldReason"].as_str().unwrap().contains("moments ago"), "{held}");
    assert_eq!(app.asked(1), 1);
    bill_after(&app, 1_300).await;
    assert_eq!((app.asked(1), &purchase(&app, &id).await["heldReason"]), (2, &json!(null)));
    app.ends_well().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m28_a_card_that_may_never_be_asked_again_is_not_billed_by_hand_either(#[case] on: On) {
    let app = shop(on).await;
    let (_, id) = sold(&app).await;
    app.script(1, [HARD]);
    bill_after(&app, 30 * DAY).await;
    assert_eq!(purchase(&app, &id).await["status"], "RECYCLE_FAILED");
    let text = error(&app.call(UPDATE, &of(&id).with("reactivate", 1).with("billNow", 1)).await);
    assert!(text.contains("The card is locked"), "{text}");
    assert_eq!((app.asked(1), &purchase(&app, &id).await["status"]), (2, &json!("RECYCLE_FAILED")));
    app.ends_well().await;
}
