//! The control API's refusals, and the public credentials.

use rstest::rstest;
use serde_json::{Value, json};

use crate::client::{PRIMARY_KEY, Server, VISA};

#[rstest]
#[case::every_problem_of_a_card("POST", "cards", json!({"number": "1", "balance_minor": -1, "declines": [{"code": 999}]}), 3)]
#[case::unknown_field("POST", "cards", json!({"number": VISA, "colour": "red"}), 1)]
#[case::unknown_status("POST", "cards", json!({"number": VISA, "status": "sleepy"}), 1)]
#[case::unknown_fault("POST", "faults", json!({"kind": "earthquake"}), 1)]
#[case::status_out_of_range("POST", "faults", json!({"kind": {"status_5xx": {"status": 404}}}), 1)]
#[case::fault_for_nobody("POST", "faults", json!({"kind": "drop_before", "account": "nobody"}), 1)]
#[case::code_for_queries("POST", "faults", json!({"kind": {"code_420": {}}, "target": "query"}), 1)]
#[case::unknown_mode("PUT", "duplicates", json!({"mode": "sometimes"}), 1)]
#[case::rule_for_nobody("PUT", "duplicates", json!({"mode": "off", "account": "nobody"}), 1)]
#[tokio::test]
async fn a_wrong_request_is_refused_with_every_problem_and_changes_nothing(
    #[case] method: &str,
    #[case] path: &str,
    #[case] body: Value,
    #[case] problems: usize,
) {
    let server = Server::start().await;
    let (status, problem) = server.control(method, path, body).await;
    assert_eq!((status, problem["status"].as_u64()), (422, Some(422)), "{problem}");
    assert_eq!(problem["errors"].as_array().unwrap().len(), problems, "{problem}");
    assert!(server.sandbox.list_cards().is_empty() && server.sandbox.list_faults().is_empty());
}

#[test]
fn the_printed_credentials_are_the_primary_accounts() {
    let printed = serde_json::to_value(recoup_sandbox::credentials()).unwrap();
    assert_eq!(printed, json!({"security_key": PRIMARY_KEY, "username": "demo", "password": "password"}));
}
