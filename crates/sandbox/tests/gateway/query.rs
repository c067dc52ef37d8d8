//! The Query API.

use jiff::SignedDuration;
use roxmltree::{Document, Node};
use rstest::rstest;
use serde_json::json;

use crate::client::{Server, VISA};

fn text<'a>(node: Node<'a, '_>, name: &str) -> &'a str {
    node.children().find(|child| child.has_tag_name(name)).and_then(|child| child.text()).unwrap_or_default()
}

/// One line per transaction: order, condition, and its actions with amount, code and success.
async fn report(server: &Server, filter: &[(&str, &str)]) -> Vec<String> {
    let xml = server.query(filter).await;
    let document = Document::parse(&xml).unwrap();
    let transactions = document.root_element().children().filter(|node| node.has_tag_name("transaction"));
    transactions
        .map(|one| {
            let actions = one.children().filter(|node| node.has_tag_name("action")).map(|action| {
                ["action_type", "amount", "response_code", "success"].map(|name| text(action, name)).join("/")
            });
            let actions: Vec<_> = actions.collect();
            format!("{} {} {}", text(one, "order_id"), text(one, "condition"), actions.join(" "))
        })
        .collect()
}

#[tokio::test]
async fn every_condition_is_reported_with_its_actions() {
    let server = Server::start().await;
    let settled = server.sale(VISA, "1.00", "complete").await.approved();
    assert_eq!(server.control("POST", "settle", serde_json::Value::Null).await.1, json!({"settled": 1}));
    server.charge("auth", VISA, "2.00", "pending").await.approved();
    server.sale(VISA, "3.00", "pendingsettlement").await.approved();
    let voided = server.sale(VISA, "4.00", "canceled").await.approved();
    server.transact(&[("type", "void"), ("transactionid", voided.id())]).await.approved();
    server.sale(VISA, "0.50", "failed").await;
    let unknown = [
        ("type", "sale"),
        ("ccnumber", VISA),
        ("amount", "5.00"),
        ("orderid", "unknown"),
        ("merchant_defined_field_20", "code:420"),
    ];
    assert_eq!(server.transact(&unknown).await.outcome().1, "420");
    let refund = [("type", "refund"), ("transactionid", settled.id()), ("orderid", "refund")];
    server.transact(&refund).await.approved();
    server.charge("validate", VISA, "", "validate").await.approved();
    let all = [
        "complete complete sale/1.00/100/1 settle/1.00/100/1",
        "pending pending auth/2.00/100/1",
        "pendingsettlement pendingsettlement sale/3.00/100/1",
        "canceled canceled sale/4.00/100/1 void/-4.00/100/1",
        "failed failed sale/0.50/200/0",
        "unknown unknown sale/5.00/420/0",
        "refund pendingsettlement refund/-1.00/100/1",
        "validate complete validate/0.00/100/1",
    ];
    assert_eq!(report(&server, &[]).await, all);
    for (condition, count) in [
        ("pending", 1),
        ("pendingsettlement", 2),
        ("complete", 2),
        ("canceled", 1),
        ("failed", 1),
        ("unknown", 1),
        ("in_progress,abandoned", 0),
        ("failed, unknown", 2),
    ] {
        assert_eq!(report(&server, &[("condition", condition)]).await.len(), count, "{condition}");
    }
}

#[tokio::test]
async fn a_record_shows_what_was_sent_and_the_card_masked() {
    let server = Server::start().await;
    let sale = server
        .transact(&[
            ("type", "sale"),
            ("ccnumber", VISA),
            ("ccexp", "0930"),
            ("cvv", "999"),
            ("amount", "12.34"),
            ("orderid", "att-7"),
            ("firstname", "Ann & Co"),
            ("last_name", "Lee"),
            ("address1", "888"),
            ("zip", "77777"),
            ("orderdescription", "paid by 4111111111111111"),
            ("merchant_defined_field_3", "blue"),
            ("stored_credential_indicator", "stored"),
            ("initiated_by", "customer"),
        ])
        .await
        .approved();
    let xml = server.query(&[("transaction_id", sale.id())]).await;
    assert!(!xml.contains(VISA), "{xml}");
    let document = Document::parse(&xml).unwrap();
    let one = document.descendants().find(|node| node.has_tag_name("transaction")).unwrap();
    for (name, expected) in [
        ("transaction_id", sale.id()),
        ("transaction_type", "cc"),
        ("order_id", "att-7"),
        ("authorization_code", "123456"),
        ("order_description", "paid by 411111******1111"),
        ("first_name", "Ann & Co"),
        ("last_name", "Lee"),
        ("address_1", "888"),
        ("postal_code", "77777"),
        ("cc_number", "4xxxxxxxxxxx1111"),
        ("cc_exp", "0930"),
        ("avs_response", "Y"),
        ("csc_response", "M"),
        ("currency", "USD"),
        ("cc_bin", "411111"),
        ("cc_type", "visa"),
        ("initiated_by", "customer"),
        ("merchant_defined_field", "blue"),
    ] {
        assert_eq!(text(one, name), expected, "{name}");
    }
    let action = one.children().find(|node| node.has_tag_name("action")).unwrap();
    assert_eq!((text(action, "date"), text(action, "source")), ("20261121101500", "api"));
    assert_eq!((text(action, "requested_amount"), text(action, "response_text")), ("12.34", "SUCCESS"));
}

#[tokio::test]
async fn a_refund_is_its_own_record_found_by_its_order_its_id_and_its_originals_id() {
    let server = Server::start().await;
    let sale = server.sale(VISA, "5.00", "sale").await.approved();
    let refund = [("type", "refund"), ("transactionid", sale.id()), ("amount", "2.00"), ("orderid", "back")];
    let refund = server.transact(&refund).await.approved();
    let line = "back pendingsettlement refund/-2.00/100/1";
    assert_eq!(report(&server, &[("order_id", "back")]).await, [line]);
    assert_eq!(report(&server, &[("transaction_id", refund.id())]).await, [line]);
    assert_eq!(report(&server, &[("transaction_id", sale.id())]).await.len(), 2);
    let original = format!("<original_transaction_id>{}</original_transaction_id>", sale.id());
    assert!(server.query(&[("order_id", "back")]).await.contains(&original));
}

#[rstest]
#[case::card(&[("cc_number", VISA)], &["a"])]
#[case::last_four(&[("cc_number", "1111")], &["a", "b"])]
#[case::type_check(&[("transaction_type", "ck")], &["c"])]
#[case::action(&[("action_type", "auth,refund")], &["b"])]
#[case::name(&[("first_name", "Ann")], &["a"])]
#[case::email(&[("email", "c@example.com")], &["c"])]
#[case::merchant_field(&[("merchant_defined_field_1", "x")], &["c"])]
#[case::source(&[("source", "recurring")], &[])]
#[case::two_filters(&[("cc_number", "1111"), ("action_type", "sale")], &["a"])]
#[case::unknown_order(&[("order_id", "A")], &[])]
#[case::id_list(&[("transaction_id", "9000000001,9000000003")], &["a", "c"])]
#[case::code(&[("authorization_code", "123456")], &["a", "b", "c"])]
#[case::early(&[("end_date", "20261121101500")], &["a"])]
#[case::late(&[("start_date", "20261121111500"), ("end_date", "20261121121500")], &["b", "c"])]
#[case::first_page(&[("result_limit", "2")], &["a", "b"])]
#[case::second_page(&[("result_limit", "2"), ("page_number", "1")], &["c"])]
#[case::after_the_end(&[("result_limit", "2"), ("page_number", "2")], &[])]
#[case::newest_first(&[("result_limit", "2"), ("result_order", "reverse")], &["c", "b"])]
#[tokio::test]
async fn filters_narrow_and_pages_count_from_zero(#[case] filter: &[(&str, &str)], #[case] orders: &[&str]) {
    let server = Server::start().await;
    let sale = |kind, number, orderid| {
        [
            ("type", kind),
            ("ccnumber", number),
            ("amount", "5.00"),
            ("orderid", orderid),
            ("first_name", "Ann"),
        ]
    };
    server.transact(&sale("sale", VISA, "a")).await.approved();
    server.clock.advance(SignedDuration::from_hours(1));
    server.transact(&sale("auth", "5431111111111111", "b")[..4]).await.approved();
    server.clock.advance(SignedDuration::from_hours(1));
    let check = [
        ("type", "sale"),
        ("payment", "check"),
        ("checkaba", "123123123"),
        ("checkaccount", "123123123"),
        ("amount", "5.00"),
        ("orderid", "c"),
        ("email", "c@example.com"),
        ("merchant_defined_field_1", "x"),
    ];
    server.transact(&check).await.approved();
    let found: Vec<_> = report(&server, filter)
        .await
        .iter()
        .map(|line| line.split(' ').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(found, orders);
}

#[tokio::test]
async fn a_later_change_moves_a_transaction_into_a_later_window() {
    let server = Server::start().await;
    server.sale(VISA, "5.00", "o-1").await.approved();
    server.clock.advance(SignedDuration::from_hours(25));
    let window = [("start_date", "20261122000000"), ("end_date", "20261123000000")];
    assert_eq!(report(&server, &window).await, ["o-1 complete sale/5.00/100/1 settle/5.00/100/1"]);
}

#[tokio::test]
async fn no_match_is_an_empty_answer_and_not_an_error() {
    let server = Server::start().await;
    let xml = server.query(&[("order_id", "nothing")]).await;
    let document = Document::parse(&xml).unwrap();
    assert_eq!(document.root_element().tag_name().name(), "nm_response");
    assert_eq!(document.root_element().children().filter(Node::is_element).count(), 0);
}

#[rstest]
#[case::unknown_key(&[("security_key", "nobody")], "Specified API key not found REFID:")]
#[case::wrong_password(&[("username", "demo"), ("password", "x")], "Invalid Username/Password REFID:")]
#[case::nothing(&[], "Invalid Username/Password REFID:")]
#[case::date(&[("username", "demo"), ("password", "password"), ("start_date", "yesterday")], "Invalid start_date REFID:")]
#[case::limit(&[("username", "demo"), ("password", "password"), ("result_limit", "0")], "Invalid result_limit REFID:")]
#[case::report(&[("username", "demo"), ("password", "password"), ("report_type", "recurring")], "This report type is not offered by this sandbox REFID:")]
#[tokio::test]
async fn errors_are_said_in_an_error_response(#[case] form: &[(&str, &str)], #[case] text: &str) {
    let server = Server::start().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = client.post(server.url("/api/query.php")).form(form).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let xml = response.text().await.unwrap();
    let document = Document::parse(&xml).unwrap();
    let error = document.descendants().find(|node| node.has_tag_name("error_response")).unwrap();
    assert!(error.text().unwrap().starts_with(text), "{xml}");
}
