//! `recoup platform webhook`: where an account's events are sent.

use serde_json::Value;

use crate::running::{Server, err, out, recoup};

const NO_ACCOUNT: &str = "7e1a4f7c-0000-4000-8000-000000000000";

/// A data folder with one account; its MID.
fn account(folder: &std::path::Path) -> (String, String) {
    let data = folder.join("platform").display().to_string();
    drop(Server::start(&["platform", "--sandbox", "--data", &data, "--listen", "127.0.0.1:0"]));
    let known = out(&recoup(&["platform", "--sandbox", "--print-credentials"]));
    let known: Value = serde_json::from_str(&known).unwrap();
    (data, known["mid"].as_str().unwrap().to_owned())
}

#[test]
fn an_accounts_webhook_url_is_set_shown_and_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let (data, mid) = account(folder.path());
    let webhook = |more: &[&str]| recoup(&[&["platform", "webhook", "--data", &data], more].concat());
    let nowhere = format!("The events of account {mid} are sent nowhere\n");
    assert_eq!(out(&webhook(&["--mid", &mid])), nowhere);
    let url = "https://shop.example/hooks?from=platform";
    let set = webhook(&["--mid", &mid, url]);
    assert_eq!(out(&set), format!("The events of account {mid} are sent to {url}\n"), "{}", err(&set));
    assert_eq!(out(&webhook(&[])), out(&set), "kept; and the only account need not be named");
    for (wrong, words) in [
        ("http://shop.example/hooks", "begins with https://"),
        ("ftp://shop.example/hooks", "begins with https://"),
        ("shop.example", "is a whole web address"),
        ("https://ann:pw@shop.example/", "names a host and no user"),
        ("https://shop.example/#x", "without a fragment"),
    ] {
        let refused = webhook(&[wrong]);
        assert!(!refused.status.success(), "{wrong}");
        let said = err(&refused);
        assert!(
            said.contains("nothing was changed: webhook_url: ") && said.contains(words),
            "{wrong}: {said}"
        );
    }
    assert_eq!(out(&webhook(&[])), out(&set), "what was refused changed nothing");
    let local = webhook(&["http://127.0.0.1:8090/webhooks/gtw_1"]);
    assert!(local.status.success(), "this machine is reached without TLS: {}", err(&local));
    assert_eq!(out(&webhook(&["--none"])), nowhere);
}

#[test]
fn an_account_that_is_not_there_is_said_plainly() {
    let folder = tempfile::tempdir().unwrap();
    let (data, _) = account(folder.path());
    let url = "https://shop.example/hooks";
    let unknown = recoup(&["platform", "webhook", "--data", &data, "--mid", NO_ACCOUNT, url]);
    assert!(err(&unknown).contains("there is no account with the MID") && !unknown.status.success());
    let empty = folder.path().join("empty").display().to_string();
    let none = recoup(&["platform", "webhook", "--data", &empty, url]);
    assert!(err(&none).contains("there is no account here; check --data"), "{}", err(&none));
    let odd = recoup(&["platform", "webhook", "--data", &data, "--mid", "x", url]);
    assert!(err(&odd).contains("--mid"), "{}", err(&odd));
    let both = recoup(&["platform", "webhook", "--data", &data, "--none", url]);
    assert!(err(&both).contains("cannot be used with"), "{}", err(&both));
}

#[test]
fn a_running_platform_keeps_its_folder_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (data, _) = account(folder.path());
    let running = Server::start(&["platform", "--sandbox", "--data", &data, "--listen", "127.0.0.1:0"]);
    let refused = recoup(&["platform", "webhook", "--data", &data, "https://shop.example/hooks"]);
    assert!(err(&refused).contains("in use by a running server"), "{}", err(&refused));
    drop(running);
}

#[test]
fn the_command_has_help() {
    let help = recoup(&["platform", "webhook", "--help"]);
    let text = out(&help);
    assert!(help.status.success() && text.contains("Usage: recoup platform webhook"), "{text}");
    for word in ["--mid", "--none", "[URL]", "https://"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let above = out(&recoup(&["platform", "--help"]));
    assert!(above.contains("webhook") && above.contains("--sandbox"), "{above}");
}
