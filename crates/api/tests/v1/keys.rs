//! Bearer keys: who may call, what, and from where.

use api::v1::auth::{KeyError, Scope, create_api_key};
use reqwest::Method;
use rstest::rstest;
use serde_json::json;
use storage::testing::On;
use web::AllowList;

use crate::support::{App, Call};

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn without_a_known_key_nothing_is_answered(#[case] on: On) {
    let app = App::new(on).await;
    for header in [None, Some("Bearer rk_unknown"), Some("Basic abc"), Some("Bearer")] {
        let headers = header.map(|text| ("authorization", text.to_owned())).into_iter().collect();
        let call = Call { method: Method::GET, path: "/v1/account".to_owned(), body: None, headers };
        let answer = app.send(call).await;
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert_eq!(answer.expect(401)["code"], "unauthorized");
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_key_permits_its_scopes_only(#[case] on: On) {
    let app = App::new(on).await;
    let nobody = "ord_00000000000000000000000000";
    let calls = [
        (Scope::Read, Method::GET, "/v1/orders".to_owned(), None, 200),
        (Scope::Write, Method::PATCH, "/v1/account".to_owned(), Some(json!({"title": "New"})), 200),
        (Scope::Operate, Method::POST, format!("/v1/orders/{nobody}/cancel"), Some(json!({})), 404),
    ];
    for scope in Scope::ALL {
        let none = AllowList::default();
        let key = create_api_key(&app.hub, app.merchant_id, "one scope", &[scope], &none).await.unwrap();
        for (needed, method, path, body, permitted) in &calls {
            let answer = app.call_as(&key, method.clone(), path, body.clone()).await;
            let expected = if *needed == scope { *permitted } else { 403 };
            assert_eq!(answer.status, expected, "{scope:?} {method} {path}");
        }
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_key_works_from_its_addresses_only(#[case] on: On) {
    let app = App::new(on).await;
    for (list, status) in [("192.0.2.0/24", 403), ("192.0.2.0/24, 127.0.0.0/8", 200)] {
        let list: AllowList = list.parse().unwrap();
        let key = create_api_key(&app.hub, app.merchant_id, "office", &[Scope::Read], &list).await.unwrap();
        app.call_as(&key, Method::GET, "/v1/account", None).await.expect(status);
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn keys_are_unlike_each_other_and_a_bad_wish_makes_none(#[case] on: On) {
    let app = App::new(on).await;
    let none = AllowList::default();
    let make = async |title: &str, scopes: &[Scope]| {
        create_api_key(&app.hub, app.merchant_id, title, scopes, &none).await
    };
    let (first, second) =
        (make("a", &[Scope::Read]).await.unwrap(), make("a", &[Scope::Read]).await.unwrap());
    assert!(first.starts_with("rk_") && first.len() == 46 && first != second);
    assert!(matches!(make(" ", &[Scope::Read]).await, Err(KeyError::Title)));
    assert!(matches!(make("a", &[]).await, Err(KeyError::NoScope)));
}
