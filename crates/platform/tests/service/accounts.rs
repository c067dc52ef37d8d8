//! Accounts and their routes.

use std::collections::BTreeMap;

use recoup_platform::{AccountError, Credentials, Route, sandbox_credentials};
use rstest::rstest;
use storage::testing::On;

use crate::app::{App, evaluate};

fn route(number: i64, kind: &str, name: &str, enabled: bool) -> Route {
    let plain = BTreeMap::from([("name".to_owned(), name.to_owned())]);
    let settings = gateways::Settings { plain, ..gateways::Settings::default() };
    Route { number, title: name.to_owned(), kind: kind.to_owned(), enabled, settings }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn routes_are_replaced_by_number_and_only_enabled_ones_are_tried(#[case] on: On) {
    let app = App::with_routes(on, 2).await;
    let first = app.platform.list_routes(app.mid).await.unwrap()[0].id;
    let off = route(1, "fake", "acquirer-1", false);
    assert_eq!(app.platform.save_route(app.mid, &off).await.unwrap(), first);
    let listed = app.platform.list_routes(app.mid).await.unwrap();
    assert_eq!(
        listed.iter().map(|one| (one.number, one.enabled)).collect::<Vec<_>>(),
        [(1, false), (2, true)]
    );
    assert_eq!(app.post("evaluate", &evaluate("a")).await.text("status"), "APPROVED");
    assert_eq!((app.acquirer(1).requests().len(), app.acquirer(2).requests().len()), (0, 1));

    app.platform.save_route(app.mid, &route(2, "fake", "acquirer-2", false)).await.unwrap();
    let none = app.post("evaluate", &evaluate("b")).await;
    assert_eq!(none.text("status"), "DECLINED");
    assert!(none.json()["customProperties"]["reason"].as_str().unwrap().contains("no acquirer"));

    let wrong = |route: Route| {
        let (platform, mid) = (&app.platform, app.mid);
        async move { platform.save_route(mid, &route).await.unwrap_err() }
    };
    assert!(matches!(wrong(route(3, "fake_salvage", "x", true)).await, AccountError::NotAnAcquirer(_)));
    assert!(matches!(wrong(route(3, "unknown", "x", true)).await, AccountError::Gateway(_)));
    assert!(matches!(wrong(route(3, "fake", "", true)).await, AccountError::Gateway(_)));
    assert!(matches!(wrong(route(0, "fake", "x", true)).await, AccountError::Invalid(_)));
    app.finish().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_sandbox_account_is_made_once_and_wrong_credentials_are_all_named(#[case] on: On) {
    let app = App::sandbox(on).await;
    app.platform.prepare().await.unwrap();
    app.platform.prepare().await.unwrap();
    assert_eq!(app.store.list_merchants().await.unwrap().len(), 1);
    let wrong = Credentials {
        app_key: "short".to_owned(),
        mid: "x".to_owned(),
        site_id: "y".to_owned(),
        hmac_signing_key: "z".to_owned(),
        ..sandbox_credentials()
    };
    let error = app.platform.create_account("Wrong", &wrong).await.unwrap_err();
    let AccountError::Invalid(problems) = error else { panic!("{error}") };
    assert_eq!(problems.len(), 4, "{problems:?}");
    app.finish().await;
}
