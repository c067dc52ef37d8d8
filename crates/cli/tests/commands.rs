//! The binary as its users run it.
#![cfg(test)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn recoup(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_recoup"))
        .args(arguments)
        .env_remove("RECOUP_DATA")
        .env_remove("RECOUP_DATABASE")
        .output()
        .expect("the binary runs")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn data(folder: &Path) -> String {
    folder.join("shop").display().to_string()
}

const SHOP: &str = r#"
[account]
title = "Shop"

[[gateways]]
number = 1
kind = "nmi"
title = "Main"
settings = { base_url = "https://secure.nmi.com", security_key = "planted-secret-key" }

[[campaigns]]
number = 1
title = "Tea"
currency = "USD"
products = [{ number = 7, name = "Tea", price = { amount_minor = 2999, currency = "USD" }, gateway = 1 }]
"#;

#[test]
fn the_demo_recovers_declines_and_its_books_are_right() {
    let output = recoup(&["demo", "--once", "--json"]);
    assert!(output.status.success(), "{}", err(&output));
    let report: Value = serde_json::from_str(&out(&output)).expect("one JSON object");
    let count = |name: &str| report[name].as_u64().unwrap_or_else(|| panic!("{name} is missing: {report}"));
    assert_eq!(count("invariants_broken"), 0);
    assert_eq!(count("ledger_mismatches"), 0);
    assert_eq!(count("in_doubt"), 0);
    assert!(count("recovered") >= 10, "{report}");
    assert_eq!(count("approved_first") + count("recovered") + count("declined"), count("orders"));
}

#[test]
fn well_known_credentials_are_one_json_object() {
    let acquirer: Value = serde_json::from_str(&out(&recoup(&["sandbox", "--print-credentials"]))).unwrap();
    let names: Vec<&String> = acquirer.as_object().unwrap().keys().collect();
    assert_eq!(names, ["password", "security_key", "username"]);
    let salvage = recoup(&["platform", "--sandbox", "--print-credentials"]);
    let salvage: Value = serde_json::from_str(&out(&salvage)).unwrap();
    let names: Vec<&String> = salvage.as_object().unwrap().keys().collect();
    assert_eq!(names, ["app_key", "app_secret", "environment_key", "hmac_signing_key", "mid", "site_id"]);
}

#[test]
fn a_wrong_file_is_refused_with_its_line_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.toml");
    std::fs::write(&file, SHOP.replace("kind = \"nmi\"", "kind = \"nmi\"\ncolour = \"red\"")).unwrap();
    let path = file.display().to_string();
    let output = recoup(&["apply", "--data", &data(folder.path()), &path]);
    assert!(!output.status.success());
    assert!(err(&output).contains(&format!("{path}:8: ")), "{}", err(&output));
    assert!(err(&output).contains("nothing was changed"), "{}", err(&output));
    assert!(!folder.path().join("shop").exists(), "not even the folder is made");
}

#[test]
fn a_shop_is_set_up_by_file_user_and_doctor() {
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (folder.path().join("shop.toml"), data(folder.path()));
    std::fs::write(&file, SHOP).unwrap();
    let path = file.display().to_string();
    let first = recoup(&["apply", "--data", &data, &path]);
    assert!(first.status.success(), "{}", err(&first));
    assert!(out(&first).contains("+ create gateways[1]"), "{}", out(&first));
    assert!(!out(&first).contains("planted-secret-key"), "credentials are never printed");
    let again = recoup(&["apply", "--data", &data, &path]);
    assert!(out(&again).contains("0 to create, 0 to update, 0 to delete"), "{}", out(&again));
    let user = recoup(&["user", "--data", &data, "add", "storefront"]);
    assert!(out(&user).contains("password: "), "{}", err(&user));
    let key = recoup(&["user", "--data", &data, "key", "tests", "--scopes", "read"]);
    assert!(out(&key).starts_with("rk_"), "{}", err(&key));
    let wrong = recoup(&["user", "--data", &data, "key", "tests", "--scopes", "everything"]);
    assert!(err(&wrong).contains("read, write and operate"), "{}", err(&wrong));
    let doctor = recoup(&["doctor", "--data", &data, "--json"]);
    let doctor: Value = serde_json::from_str(&out(&doctor)).unwrap();
    assert_eq!(doctor["invariants_broken"], 0);
    #[cfg(unix)]
    for name in ["recoup.sqlite", "keys.json"] {
        let rights = std::fs::metadata(Path::new(&data).join(name)).unwrap().permissions();
        let mode = std::os::unix::fs::PermissionsExt::mode(&rights) & 0o777;
        assert_eq!(mode, 0o600, "{name} is its owner's alone");
    }
}

#[test]
fn keys_are_rotated_and_old_ones_retired_only_when_nothing_needs_them() {
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (folder.path().join("shop.toml"), data(folder.path()));
    std::fs::write(&file, SHOP).unwrap();
    assert!(recoup(&["apply", "--data", &data, &file.display().to_string()]).status.success());
    let early = recoup(&["keys", "--data", &data, "retire", "1"]);
    assert!(!early.status.success(), "{}", out(&early));
    let rotated = recoup(&["keys", "--data", &data, "rotate"]);
    assert!(out(&rotated).contains("1 of 1 sealed values"), "{} {}", out(&rotated), err(&rotated));
    let retired = recoup(&["keys", "--data", &data, "retire", "1"]);
    assert!(retired.status.success(), "{}", err(&retired));
    let again = recoup(&["apply", "--data", &data, &file.display().to_string()]);
    assert!(
        out(&again).contains("0 to update"),
        "the credentials still open: {} {}",
        out(&again),
        err(&again)
    );
}

#[test]
fn wrong_words_are_answered_with_what_would_be_right() {
    let unknown = recoup(&["serve", "--database", "mysql://localhost/x"]);
    assert!(err(&unknown).contains("postgres://"), "{}", err(&unknown));
    let missing = recoup(&["apply", "/nonexistent/shop.toml"]);
    assert!(err(&missing).contains("cannot be read"), "{}", err(&missing));
    let empty = tempfile::tempdir().unwrap();
    let user = recoup(&["user", "--data", &data(empty.path()), "add", "x"]);
    assert!(err(&user).contains("run `recoup apply FILE` first"), "{}", err(&user));
}

#[test]
fn m18_what_cannot_be_resolved_is_said_plainly() {
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (folder.path().join("shop.toml"), data(folder.path()));
    std::fs::write(&file, SHOP).unwrap();
    assert!(recoup(&["apply", "--data", &data, &file.display().to_string()]).status.success());
    let id = "att_01m7yzmhg0e01r12nwc35k2drx";
    let missing = recoup(&["resolve", "--data", &data, "attempt", id, "declined", "--note", "seen"]);
    assert!(err(&missing).contains("there is no attempt with this id"), "{}", err(&missing));
    let wrong = recoup(&["resolve", "--data", &data, "attempt", "att_x", "declined", "--note", "seen"]);
    assert!(err(&wrong).contains("att_ and 26 letters"), "{}", err(&wrong));
}

#[test]
fn every_command_has_help() {
    for command in [
        "serve", "platform", "sandbox", "demo", "apply", "user", "keys", "resolve", "doctor", "migrate",
        "openapi",
    ] {
        let output = recoup(&[command, "--help"]);
        assert!(output.status.success() && out(&output).contains("Usage: recoup"), "{command}");
    }
}

#[test]
fn what_waits_for_a_person_is_shown_and_decided_at_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (folder.path().join("shop.toml"), data(folder.path()));
    std::fs::write(&file, SHOP).unwrap();
    assert!(recoup(&["apply", "--data", &data, &file.display().to_string()]).status.success());
    let nowhere = recoup(&["alerts", "--data", "no-such-folder"]);
    assert!(err(&nowhere).contains("there is no database at no-such-folder"), "{}", err(&nowhere));
    let none = recoup(&["alerts", "--data", &data]);
    assert_eq!((none.status.success(), out(&none)), (true, "Nothing waits for a person.\n".to_owned()));
    let json = recoup(&["alerts", "--data", &data, "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&out(&json)).unwrap(), serde_json::json!([]));
    let stranger = recoup(&["alerts", "--data", &data, "--merchant", "mer_0000000000000000000000000g"]);
    assert!(err(&stranger).contains("merchant"), "{}", err(&stranger));
    let attempt = "att_0000000000000000000000000g";
    let unknown =
        recoup(&["resolve", "--data", &data, "attempt", attempt, "not-executed", "--note", "not there"]);
    assert!(!unknown.status.success() && err(&unknown).contains("there is no attempt"), "{}", err(&unknown));
}

#[test]
fn keys_of_another_installation_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.toml");
    std::fs::write(&file, SHOP).unwrap();
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    for home in [&one, &other] {
        let home = home.display().to_string();
        assert!(recoup(&["apply", "--data", &home, &file.display().to_string()]).status.success());
    }
    std::fs::copy(other.join("keys.json"), one.join("keys.json")).unwrap();
    for command in [&["serve"][..], &["keys"]] {
        let mut arguments = command.to_vec();
        let home = one.display().to_string();
        arguments.extend(["--data", &home]);
        if command == ["keys"] {
            arguments.push("rotate");
        }
        let refused = recoup(&arguments);
        assert!(!refused.status.success(), "{}", out(&refused));
        assert!(err(&refused).contains("belongs to another installation"), "{}", err(&refused));
    }
}

#[test]
fn what_only_looks_at_a_database_does_not_make_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("typo").display().to_string();
    for command in ["doctor", "reconcile", "alerts"] {
        let refused = recoup(&[command, "--data", &data]);
        assert!(!refused.status.success(), "{command}: {}", out(&refused));
        assert!(err(&refused).contains("there is no database at"), "{}", err(&refused));
    }
    assert!(!folder.path().join("typo").exists());
}
