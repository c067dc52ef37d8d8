//! Requests that never left their machine.

use domain::attempt::Route;
use domain::configuration::Target;
use domain::order::OrderStatus;
use gateways::fake::Act;
use rstest::rstest;
use storage::testing::On;

use crate::support::{TestHub, tea};
use crate::{kept, routes, with_salvage};

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m4_a_request_that_never_left_is_repeated_once_then_goes_to_the_next_ordinary_gateway(
    #[case] on: On,
) {
    let app = TestHub::new(on).await;
    let (a, first) = app.gateway(1, "first").await;
    let (b, second) = app.gateway(2, "second").await;
    let profile = app.profile(1, &[a, b]).await;
    app.campaign(Target::Profile(profile)).await;
    first.script([Act::FailBefore, Act::FailBefore]);
    let view = app.import(tea()).await;
    assert_eq!(routes(&view), [Route::First, Route::Repeat, Route::NextGateway]);
    assert_eq!(view.order.status, OrderStatus::Complete);
    assert_eq!((kept(&first), kept(&second)), (0, 2_999));
    app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m4_without_another_gateway_the_order_is_declined_and_never_goes_to_a_salvage_gateway(
    #[case] on: On,
) {
    let (app, gateway, salvage) = with_salvage(on).await;
    gateway.script([Act::FailBefore, Act::FailBefore]);
    let view = app.import(tea()).await;
    assert_eq!(view.order.status, OrderStatus::Declined);
    assert_eq!(salvage.requests().len(), 0, "nothing was declined, so nothing is salvaged");
    app.end().await;
}
