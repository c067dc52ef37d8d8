//! Access tokens.

use rstest::rstest;
use serde_json::json;
use storage::testing::On;

use crate::app::App;
use crate::client::call;

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_token_ends_after_ten_minutes_and_stale_ones_do_not_bar_new_ones(#[case] on: On) {
    let app = App::sandbox(on).await;
    let token = app.token().await;
    let orders =
        |token: String| async move { call(app.address, "GET", "/v1/orders", Some(&token), None).await };
    assert_eq!(orders(token.clone()).await.status, 200);
    app.clock.advance(jiff::SignedDuration::from_secs(599));
    assert_eq!(orders(token.clone()).await.status, 200);
    app.clock.advance(jiff::SignedDuration::from_secs(1));
    let expired = orders(token.clone()).await;
    assert_eq!(expired.status, 401);
    assert!(expired.text("title").contains("access token"));

    // ActiveMerchant sends the stale token, or a bare word, along with the next token call.
    let body =
        json!({"appKey": app.credentials.app_key, "appSecret": app.credentials.app_secret}).to_string();
    for stale in [token.as_str(), ""] {
        let answer = call(app.address, "POST", "/v1//oauth2/token", Some(stale), Some(&body)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let now: jiff::Timestamp = "2030-01-02T03:14:05Z".parse().unwrap();
        assert_eq!(answer.json()["expires"], json!(now.as_millisecond() + 600_000));
        assert_eq!(answer.json()["success"], json!(true));
        assert!(answer.json()["session"].is_null() && !answer.text("refreshToken").is_empty());
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn bad_credentials_are_answered_400_and_bad_bearers_401(#[case] on: On) {
    let app = App::sandbox(on).await;
    for (key, secret) in [
        (app.credentials.app_key.as_str(), "wrong"),
        ("wrong", app.credentials.app_secret.as_str()),
        ("", ""),
    ] {
        let body = json!({"AppKey": key, "AppSecret": secret}).to_string();
        let answer = call(app.address, "POST", "/v1/oauth2/token", None, Some(&body)).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.text("accessToken").is_empty());
    }
    assert_eq!(call(app.address, "POST", "/v1/oauth2/token", None, Some("[1]")).await.status, 400);
    for bearer in [None, Some("x"), Some("a.b"), Some("")] {
        for (method, path) in [
            ("POST", "/v1/evaluate"),
            ("POST", "/v1/capture"),
            ("POST", "/v1/tokenize"),
            ("GET", "/v1/orders"),
            ("GET", "/v1/orders/x"),
            ("POST", "/v1/orders/x/refund"),
            ("POST", "/v1/orders/x/cancel"),
            ("POST", "/v1/orders/x/external-cancel"),
        ] {
            let answer = call(app.address, method, path, bearer, Some("{}")).await;
            assert_eq!(answer.status, 401, "{method} {path} {answer:?}");
        }
    }
    app.finish().await;
}
