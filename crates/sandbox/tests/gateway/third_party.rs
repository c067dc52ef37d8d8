//! What ActiveMerchant's own remote tests ask of the gateway, case by case.

use rstest::rstest;

use crate::{
    active_merchant::{DEMO, Gem, Login, Options, Payment},
    client::{PRIMARY_KEY, Server, VISA, pairs},
};

/// The number that a slip in the gem's failure tests sends: a year.
const NOT_A_CARD: Payment<'static> = Payment::Card("2010");
const CARD: Payment<'static> = Payment::Card(VISA);

fn gem(server: &Server) -> Gem<'_> {
    Gem { server, login: DEMO }
}

#[rstest]
#[case::wrong_user(Login::Password("invalid", "no"))]
#[case::wrong_password(Login::Password("demo", "unknown"))]
#[case::empty_key(Login::Key(""))]
#[tokio::test]
async fn wrong_credentials_fail_with_the_exact_text_and_verify_as_wrong(#[case] login: Login<'static>) {
    let server = Server::start().await;
    let gem = Gem { server: &server, login };
    let response = gem.purchase(500, CARD, &Options::order("o-1")).await;
    assert!(!response.success);
    assert_eq!((response.message.as_str(), response.reply.id()), ("Authentication Failed", "0"));
    assert!(!gem.verify_credentials().await);
    assert!(server.sandbox.ledger().is_empty());
}

#[rstest]
#[case::password(DEMO)]
#[case::key(Login::Key(PRIMARY_KEY))]
#[tokio::test]
async fn both_forms_of_credentials_work(#[case] login: Login<'static>) {
    let server = Server::start().await;
    let gem = Gem { server: &server, login };
    assert!(gem.verify_credentials().await);
    let sale = gem.purchase(500, CARD, &Options::order("o-1")).await;
    let auth = gem.authorize(500, CARD, &Options::order("o-2")).await;
    for response in [sale, auth] {
        assert!(response.success && response.authorization.ends_with("#creditcard"), "{response:?}");
        assert_eq!(response.message, "Succeeded");
    }
}

#[tokio::test]
async fn an_unknown_key_is_told_so_and_verifies_as_right() {
    let server = Server::start().await;
    let gem = Gem { server: &server, login: Login::Key("nobody-has-this-key") };
    let response = gem.purchase(500, CARD, &Options::order("o-1")).await;
    assert!(response.message.starts_with("Specified API key not found REFID:"), "{}", response.message);
    assert!(gem.verify_credentials().await);
}

#[rstest]
#[case::card(CARD)]
#[case::card_without_cvv(Payment::CardWithoutCvv(VISA))]
#[case::check(Payment::Check)]
#[case::apple_pay(Payment::ApplePay)]
#[case::google_pay(Payment::GooglePay)]
#[case::network_token(Payment::NetworkToken)]
#[tokio::test]
async fn every_way_to_pay_can_be_purchased_authorized_captured_voided_and_refunded(
    #[case] payment: Payment<'static>,
) {
    let server = Server::start().await;
    let gem = gem(&server);
    let sale = gem.purchase(501, payment, &Options::order("sale")).await;
    assert!(sale.success, "{sale:?}");
    assert!(gem.refund(501, &sale.authorization).await.success);
    let sale = gem.purchase(502, payment, &Options::order("void")).await;
    assert!(gem.void(&sale.authorization).await.success);
    let auth = gem.authorize(503, payment, &Options::order("auth")).await;
    assert!(auth.success, "{auth:?}");
    let capture = gem.capture(503, &auth.authorization).await;
    assert!(capture.success, "{capture:?}");
    assert!(gem.void(&capture.authorization).await.success);
    let auth = gem.authorize(504, payment, &Options::order("held")).await;
    assert!(gem.void(&auth.authorization).await.success);
}

#[rstest]
#[case::card(CARD, "DECLINE")]
#[case::check(Payment::Check, "FAILED")]
#[case::apple_pay(Payment::ApplePay, "DECLINE")]
#[case::google_pay(Payment::GooglePay, "DECLINE")]
#[tokio::test]
async fn amounts_under_one_decline(#[case] payment: Payment<'static>, #[case] text: &str) {
    let server = Server::start().await;
    for response in [
        gem(&server).purchase(99, payment, &Options::order("o-1")).await,
        gem(&server).authorize(99, payment, &Options::order("o-2")).await,
    ] {
        assert!(!response.success);
        assert_eq!(response.message, text);
        assert_eq!(response.reply.outcome(), ("2", "200", text));
        assert_eq!(response.reply.id().len(), 10, "declines have an id");
    }
    assert!(server.sandbox.ledger().is_empty());
}

#[tokio::test]
async fn a_number_that_is_no_card_fails_everywhere() {
    let server = Server::start().await;
    let gem = gem(&server);
    for response in [
        gem.credit(500, NOT_A_CARD, &Options::order("o-1")).await,
        gem.verify(NOT_A_CARD, &Options::default()).await,
        gem.store(NOT_A_CARD).await,
        gem.purchase(500, NOT_A_CARD, &Options::order("o-2")).await,
    ] {
        assert!(!response.success);
        assert!(response.message.starts_with("Invalid Credit Card Number REFID:"), "{}", response.message);
        assert_eq!(response.reply.id(), "");
    }
}

#[tokio::test]
async fn captures_voids_and_refunds_of_a_bad_id_fail() {
    let server = Server::start().await;
    let gem = gem(&server);
    for response in
        [gem.capture(500, "badauth").await, gem.void("badauth").await, gem.refund(500, "badauth").await]
    {
        assert!(!response.success);
        assert!(response.message.starts_with("Invalid Transaction ID specified REFID:"), "{response:?}");
    }
}

#[tokio::test]
async fn a_credit_and_a_verification_succeed() {
    let server = Server::start().await;
    let level3 = pairs(&[("tax", "5.25"), ("shipping", "10.51"), ("ponumber", "1002")]);
    let options = Options { rest: level3, ..Options::order("o-1") };
    let credit = gem(&server).credit(500, CARD, &options).await;
    let verify = gem(&server).verify(CARD, &options).await;
    assert!(credit.success && verify.success, "{credit:?} {verify:?}");
    assert_ne!(credit.authorization, verify.authorization);
    assert_eq!((credit.reply.get("authcode"), verify.reply.get("authcode")), ("", ""));
}

#[rstest]
#[case::card(CARD)]
#[case::check(Payment::Check)]
#[tokio::test]
async fn what_is_stored_can_be_charged_held_and_credited_by_its_id(#[case] payment: Payment<'static>) {
    let server = Server::start().await;
    let gem = gem(&server);
    let stored = gem.store(payment).await;
    assert!(stored.success, "{stored:?}");
    assert_eq!(stored.reply.outcome(), ("1", "100", "Customer Added"));
    assert_eq!(stored.reply.id(), "");
    assert!(stored.authorization.contains(stored.reply.get("customer_vault_id")));
    let vault = Payment::Vault(&stored.authorization);
    assert!(gem.purchase(601, vault, &Options::order("o-1")).await.success);
    assert!(gem.authorize(602, vault, &Options::order("o-2")).await.success);
    assert!(gem.credit(603, vault, &Options::order("o-3")).await.success);
}

#[rstest]
#[case::own_id("5f2d9c0b7a6e4d3c8b1a0f9e8d7c6b5a")]
#[case::given_id("")]
#[tokio::test]
async fn a_purchase_or_verification_can_store_the_card_on_the_way(#[case] id: &str) {
    let server = Server::start().await;
    let gem = gem(&server);
    for (place, cents) in [("purchase", 701), ("verify", 0)] {
        let vault = if id.is_empty() { String::new() } else { format!("{place}{id}") };
        let mut fields = pairs(&[("customer_vault", "add_customer")]);
        if !vault.is_empty() {
            fields.extend(pairs(&[("customer_vault_id", &vault)]));
        }
        let options = Options { vault: fields, ..Options::order(place) };
        let response = if place == "verify" {
            gem.verify(CARD, &options).await
        } else {
            gem.purchase(cents, CARD, &options).await
        };
        assert!(response.success, "{response:?}");
        let kept = response.reply.get("customer_vault_id");
        assert!(!kept.is_empty() && (vault.is_empty() || kept == vault));
        assert!(
            gem.purchase(702, Payment::Vault(kept), &Options::order(&format!("{place}-2"))).await.success
        );
    }
}

#[rstest]
#[case::recurring_cit("customer", "recurring")]
#[case::recurring_mit("merchant", "recurring")]
#[case::installment_cit("customer", "installment")]
#[case::installment_mit("merchant", "installment")]
#[case::unscheduled_cit("customer", "")]
#[case::unscheduled_mit("merchant", "")]
#[tokio::test]
async fn stored_credentials_are_taken_first_and_later(#[case] initiator: &str, #[case] billing: &str) {
    let server = Server::start().await;
    let gem = gem(&server);
    let credential = |indicator: &str, initial: Option<&str>| {
        let mut post = pairs(&[("initiated_by", initiator)]);
        if !billing.is_empty() {
            post.extend(pairs(&[("billing_method", billing)]));
        }
        post.extend(pairs(&[("stored_credential_indicator", indicator)]));
        post.extend(initial.map(|id| ("initial_transaction_id".to_owned(), id.to_owned())));
        post
    };
    let options = Options { stored_credential: credential("stored", None), ..Options::order("first") };
    let first = gem.purchase(805, CARD, &options).await;
    assert!(first.success, "{first:?}");
    assert_eq!(first.reply.get("cof_supported"), "stored");
    let initial = (initiator == "merchant").then_some(first.reply.id());
    for (orderid, initial) in [("later", initial), ("empty-id", Some(""))] {
        let options = Options { stored_credential: credential("used", initial), ..Options::order(orderid) };
        let later = gem.authorize(805, CARD, &options).await;
        assert!(later.success, "{later:?}");
        assert!(gem.capture(805, &later.authorization).await.success);
    }
}

#[rstest]
#[case::level3(Options { rest: pairs(&[("tax", "5.25"), ("shipping", "10.51"), ("ponumber", "1002")]), ..Options::default() })]
#[case::surcharge(Options { invoice: pairs(&[("surcharge", "1.00")]), ..Options::default() })]
#[case::recurring_vendor(Options { invoice: pairs(&[("billing_method", "recurring")]), rest: pairs(&[("vendor_id", "456")]), ..Options::default() })]
#[case::dup_seconds(Options { invoice: pairs(&[("industry", "retail"), ("dup_seconds", "15")]), ..Options::default() })]
#[case::processor(Options { rest: pairs(&[("processor_id", "ccprocessorb")]), ..Options::default() })]
#[case::three_d_secure(Options { rest: pairs(&[("cardholder_auth", "verified"), ("cavv", "jJ81HADVRtXfCBATEp01CJUAAAA"), ("xid", ""), ("three_ds_version", "2.1.0"), ("directory_server_id", "97267598-FAE6-48F2-8083-C23433990FBC")]), ..Options::default() })]
#[case::shipping(Options { customer: pairs(&[("shipping_firstname", "Jon"), ("shipping_address1", "1 Way"), ("shipping_phone", "1"), ("shipping_email", "test@example.com")]), ..Options::default() })]
#[case::descriptors(Options { customer: pairs(&[("descriptor", "test"), ("descriptor_phone", "123"), ("descriptor_url", "url")]), ..Options::default() })]
#[tokio::test]
async fn additional_fields_do_not_disturb(#[case] options: Options) {
    let server = Server::start().await;
    let options = Options { orderid: "o-1".to_owned(), ..options };
    let response = gem(&server).purchase(905, CARD, &options).await;
    assert!(response.success, "{response:?}");
    assert_eq!(server.movements().await, ["sale 905 o-1"]);
}

#[tokio::test]
async fn all_twenty_merchant_fields_may_be_used_also_ours() {
    let server = Server::start().await;
    let fields: Vec<_> =
        (1..=20).map(|n| (format!("merchant_defined_field_{n}"), format!("value {n}"))).collect();
    let response = gem(&server).purchase(905, CARD, &Options { rest: fields, ..Options::order("o-1") }).await;
    assert!(response.success, "{response:?}");
}

#[tokio::test]
async fn one_card_charged_twice_with_different_order_ids_is_no_duplicate_by_default() {
    let server = Server::start().await;
    assert!(gem(&server).purchase(905, CARD, &Options::order("o-1")).await.success);
    assert!(gem(&server).purchase(905, CARD, &Options::order("o-2")).await.success);
    let again = gem(&server).purchase(905, CARD, &Options::order("o-2")).await;
    assert_eq!(again.reply.outcome(), ("3", "300", "Duplicate transaction"));
}
