//! What is never kept, logged or answered.

use rstest::rstest;
use storage::testing::On;

use crate::app::TestApp;
use crate::form::{OTHER_VISA, VISA, sale};
use crate::log::Log;
use crate::wire::{FORM, exchange, request};

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m33_no_parameter_reaches_the_log_and_unknown_ones_do_by_name_only(#[case] on: On) {
    let app = TestApp::new(on).await.with_gateways(&[1]).await.with_campaign().await;
    let log = Log::default();
    let guard = log.capture();
    let form = sale()
        .with("cardSecurityCode", "8642")
        .with("lastName", "Plantagenet")
        .with("surpriseField", "a-secret-value")
        .with(OTHER_VISA, "x");
    let target = format!("/order/import/?{}", form.encoded());
    let reply = exchange(app.address, &request("GET", &target, "", "")).await;
    assert!(reply.body.contains("\"SUCCESS\""), "{}", reply.body);
    let wrong = format!("{}&password=another-password", sale().without("password").encoded());
    exchange(
        app.address,
        &request("POST", "/order/import/?a=b", &format!("content-type: {FORM}\r\n"), &wrong),
    )
    .await;
    exchange(app.address, &request("POST", &target, "content-type: text/plain\r\n", VISA)).await;
    app.hub.drain().await;
    drop(guard);
    let log = log.text();
    for name in ["surpriseField", "/order/import/"] {
        assert!(log.contains(name), "{name} is not in the log");
    }
    let secrets = [
        VISA,
        OTHER_VISA,
        "8642",
        "correct-horse",
        "another-password",
        "Plantagenet",
        "ada@example.com",
        "a-secret-value",
    ];
    for secret in secrets {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret} is in the log: {line:?}");
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn m33_card_numbers_in_other_fields_are_masked_before_they_are_kept(#[case] on: On) {
    let app = TestApp::new(on).await.with_gateways(&[1]).await.with_campaign().await;
    let order = app
        .approved(
            &sale()
                .with("custom1", format!("card {VISA}"))
                .with("salesUrl", format!("https://shop.example/?card={VISA}"))
                .with("address2", "4012 8888 8888 1881")
                .with("phoneNumber", OTHER_VISA)
                .with("custom2", "order 4111111111111112"),
        )
        .await;
    assert_eq!(order["custom1"], "card ************1111");
    assert_eq!(order["address2"], "**** **** **** 1881");
    assert_eq!(order["custom2"], "order 4111111111111112");
    let id = order["orderId"].as_str().unwrap();
    for text in [app.order(id).await.to_string(), format!("{:?}", app.view(id).await)] {
        for secret in [VISA, OTHER_VISA, "4012 8888 8888 1881"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        // Ids and fingerprints may hold these three digits by chance; a word of its own is the security code.
        let mut words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
        assert!(!words.any(|word| word == "987"), "the security code is in {text}");
    }
    assert_eq!(order["phoneNumber"], "************1881");
    let other = sale().with("emailAddress", "other@example.com").with("phoneNumber", "+1 (518) 555-0100");
    assert_eq!(app.approved(&other).await["phoneNumber"], "+1 (518) 555-0100");
}
