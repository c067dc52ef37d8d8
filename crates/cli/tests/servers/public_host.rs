//! `recoup serve --public-host`: reports are signed for the host by which gateways know this server (M32).

use serde_json::Value;

use crate::running::{Server, err, out, recoup};

/// The webhook key of the protocol's test vector: the bytes 0 to 63.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==";
/// The vector's report, signed for `hooks.example.test`.
const BODY: &str = r#"{"Event":"order.completed","TimeStamp":"2026-01-02T03:04:05.678901Z","EventData":null,"ExternalOrderId":"ORDER-100045","OrderId":"11111111-2222-4333-8444-555555555555","ConfirmationId":"A1B2C3D4","IsTestMode":true,"IsResent":false}"#;
const SIGNED: [(&str, &str); 5] = [
    ("Content-Type", "application/json"),
    ("x-fc-nonce", "0123456789abcdef0123456789abcdef"),
    ("x-fc-date", "Fri, 02 Jan 2026 03:04:06 GMT"),
    (
        "x-fc-content-sha512",
        "U6ZMFYxFE8RW05xONd+0Rrgtm28xHtGKtCUSSfbN4ApwdHoVYORfmzCOXeabg7ro97wvdD7alVFylXStuNkHhA==",
    ),
    (
        "x-fc-authorization",
        "HMAC-SHA512 SignedHeaders=x-fc-nonce;x-fc-date;host;x-fc-content-sha512&Signature=\
         q/oIEuvBtQGrQw9X/9LEk+TJgR+o8hgwSlrtQYPfcopJkPnFACP/U/7fFKVwEbHiNSRkOO5X2lqOI1kUB93fEg==",
    ),
];

/// A shop with a FlexFactor gateway on this data folder, and a key that reads it.
fn set_up(folder: &std::path::Path) -> (String, String) {
    let (file, data) = (folder.join("shop.toml"), folder.join("shop").display().to_string());
    let shop = format!(
        "[account]\ntitle = \"Shop\"\n[[gateways]]\nnumber = 17\nkind = \"flexfactor\"\ntitle = \"Salvage\"\n\
         [gateways.settings]\nbase_url = \"http://127.0.0.1:1/v1/\"\napp_key = \"k\"\napp_secret = \"s\"\n\
         mid = \"m\"\nsite_id = \"i\"\nenvironment_key = \"e\"\nhmac_signing_key = \"{KEY}\"\n"
    );
    std::fs::write(&file, shop).unwrap();
    let applied = recoup(&["apply", "--data", &data, &file.display().to_string()]);
    assert!(applied.status.success(), "{}", err(&applied));
    let made = recoup(&["user", "--data", &data, "key", "tests", "--scopes", "read"]);
    let key = out(&made).lines().next().expect("a key").to_owned();
    (data, key)
}

fn serve(data: &str, more: &[&str]) -> Server {
    let arguments = [&["serve", "--data", data, "--listen", "127.0.0.1:0"], more].concat();
    Server::start(&arguments)
}

/// The status that the signed report is answered with when it comes in for the shop's gateway.
fn reported(server: &Server, key: &str, host: Option<&str>) -> u16 {
    let bearer = format!("Bearer {key}");
    let (status, body) = server.send("GET /v1/gateways", &[("Authorization", &bearer)], "");
    let listed: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{status}: {body}"));
    let id = listed["items"][0]["id"].as_str().expect("the gateway");
    let mut headers = SIGNED.to_vec();
    headers.extend(host.map(|host| ("Host", host)));
    server.send(&format!("POST /webhooks/{id}"), &headers, BODY).0
}

#[test]
fn m32_a_report_is_believed_when_it_is_signed_for_the_public_host_whatever_host_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let (data, key) = set_up(folder.path());
    let server = serve(&data, &["--public-host", "other.example.test"]);
    assert_eq!(reported(&server, &key, None), 401, "signed for another host");
    assert_eq!(reported(&server, &key, Some("hooks.example.test")), 401, "the public host alone counts");
    drop(server);
    let server = serve(&data, &["--public-host", "Hooks.Example.Test"]);
    assert_eq!(reported(&server, &key, None), 200, "a proxy may have named it otherwise");
    assert_eq!(reported(&server, &key, Some("other.example.test:8443")), 200);
}

#[test]
fn m32_without_a_public_host_the_host_that_a_report_names_counts() {
    let folder = tempfile::tempdir().unwrap();
    let (data, key) = set_up(folder.path());
    let server = serve(&data, &[]);
    assert_eq!(reported(&server, &key, None), 401);
    assert_eq!(reported(&server, &key, Some("hooks.example.test:8443")), 200, "without its port");
}

#[test]
fn a_public_host_is_a_host_and_nothing_else() {
    for wrong in
        ["https://hooks.example.test", "hooks.example.test:443", "hooks.example.test/x", "", "a b", "::1"]
    {
        let refused = recoup(&["serve", "--public-host", wrong]);
        assert!(!refused.status.success(), "{wrong}");
        assert!(err(&refused).contains("name the host only, e.g. hooks.example.com"), "{}", err(&refused));
    }
    let help = out(&recoup(&["serve", "--help"]));
    assert!(help.contains("--public-host") && help.contains("RECOUP_PUBLIC_HOST"), "{help}");
}
