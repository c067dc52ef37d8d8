//! Who may call, and from where.

use recoup_api::auth::{SaveUserError, save_api_user};
use rstest::rstest;
use storage::testing::On;
use uuid::Uuid;

use crate::app::{TestApp, error, success};
use crate::form::{Form, call, sale};

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn wrong_credentials_are_refused_alike_and_nothing_happens(#[case] on: On) {
    let app = TestApp::new(on).await.with_gateways(&[1]).await.with_campaign().await;
    let cases = [
        sale().with("password", "wrong-horse"),
        sale().with("loginId", "nobody"),
        sale().without("password"),
        sale().without("loginId"),
        sale().with("loginId", "SHOP"),
    ];
    for form in cases {
        assert_eq!(error(&app.import(&form).await), "Invalid credentials");
    }
    assert_eq!((app.order_count().await, app.asked(1)), (0, 0));
    app.approved(&sale()).await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_changed_password_or_list_of_addresses_holds_from_the_next_call(#[case] on: On) {
    let app = TestApp::new(on).await.with_gateways(&[1]).await;
    let query = async |form: &Form| app.call("/merchant/query/", form).await;
    success(&query(&call()).await);
    let save = async |password: &str, list: &[&str]| {
        let list: Vec<String> = list.iter().map(|one| (*one).to_owned()).collect();
        save_api_user(&app.hub, app.merchant_id, "shop", &password.into(), &list).await.unwrap();
    };
    save("another-horse", &[]).await;
    assert_eq!(error(&query(&call()).await), "Invalid credentials");
    let fresh = call().with("password", "another-horse");
    success(&query(&fresh).await);
    save("another-horse", &["192.0.2.0/24"]).await;
    assert_eq!(error(&query(&fresh).await), "IP must be whitelisted - 127.0.0.1");
    // Where a caller stands is told to those who know the password only.
    assert_eq!(error(&query(&call()).await), "Invalid credentials");
    save("another-horse", &["192.0.2.0/24", "127.0.0.0/8"]).await;
    success(&query(&fresh).await);
    app.clock.advance(301);
    success(&query(&fresh).await);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_login_belongs_to_one_merchant(#[case] on: On) {
    let app = TestApp::new(on).await;
    let other = domain::ids::MerchantId::from_uuid(Uuid::from_u128(2));
    app.hub.create_merchant(other, "Other").await.unwrap();
    let taken = save_api_user(&app.hub, other, "shop", &"other-horse".into(), &[]).await;
    assert!(matches!(taken, Err(SaveUserError::Taken)), "{taken:?}");
    let wrong = save_api_user(&app.hub, other, "", &"x&y".into(), &["nowhere".to_owned()]).await.unwrap_err();
    for field in ["login", "password", "ip_allow[0]"] {
        assert!(wrong.to_string().contains(field), "{wrong}");
    }
    error(&app.call("/merchant/query/", &call()).await);
}
