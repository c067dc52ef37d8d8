//! At the merchant's own gateways: answered at once, never cascaded.

use domain::attempt::{AttemptState, Initiator};
use domain::order::OrderStatus;
use gateways::fake::Act;
use recoup_hub::{PersonError, Rerun, SkipKind};
use rstest::rstest;
use storage::testing::On;

use crate::support::SOFT;
use crate::{Shop, kept};

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn without_a_gateway_it_goes_to_the_one_it_was_routed_to(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    let (paid, attempt) = shop.attempted(&view, &Shop::at_own()).await;
    assert_eq!((paid.order.status, paid.order.is_salvaged), (OrderStatus::Complete, false));
    assert_eq!((attempt.gateway_id, attempt.deadline), (shop.first.0, None));
    let request = &shop.first.1.requests()[1];
    assert_eq!(request.initiator, Initiator::Merchant);
    assert!(request.card.security_code.is_none() && request.open_salvage.is_none());
    assert_eq!(kept(&shop.first.1), 2_999);
    assert_eq!(shop.events(&view).await, ["decline", "new_sale"]);
    assert_eq!(shop.fulfilments(&view).await, 1);
    let audit = shop.app.hub.store().list_audit(shop.app.merchant, 1).await.unwrap();
    assert!(audit[0].actor == "ann" && audit[0].what.starts_with("reran order"), "{audit:?}");
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m25_a_declined_rerun_never_cascades(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    let cascade = shop.app.cascade(1, &[shop.salvage.0], 1).await;
    shop.app.edit_gateway(shop.first.0, |gateway| gateway.direct_cascade = Some(cascade)).await;
    shop.app.edit_gateway(shop.salvage.0, |gateway| gateway.cascade_all = true).await;
    shop.first.1.script([Act::Decline("", "Insufficient funds")]);
    let (declined, attempt) = shop.attempted(&view, &Shop::at_own()).await;
    assert!(matches!(attempt.state, AttemptState::Declined { .. }));
    assert_eq!((declined.order.status, declined.payment_status()), (OrderStatus::Declined, "declined"));
    assert_eq!(shop.salvage.1.requests().len(), 0);
    assert_eq!(shop.events(&view).await, ["decline", "decline"]);
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r39_r40_r111_a_profile_routes_to_its_own_gateways_and_is_never_named_with_a_gateway(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    let (third, gateway) = shop.app.gateway(3, "third").await;
    let profile = shop.app.profile(5, &[third]).await;
    let both = Rerun { gateway: Some(shop.salvage.0), gateway_profile: Some(profile), ..Rerun::default() };
    let refused = shop.app.hub.rerun_order(shop.app.merchant, view.order.id, &both, "ann").await;
    assert!(matches!(refused, Err(PersonError::Invalid(_))), "{refused:?}");
    assert_eq!((shop.salvage.1.requests().len(), gateway.requests().len()), (0, 0));
    let (paid, attempt) =
        shop.attempted(&view, &Rerun { gateway_profile: Some(profile), ..Rerun::default() }).await;
    assert_eq!((paid.order.status, attempt.gateway_id), (OrderStatus::Complete, third));
    assert_eq!(shop.salvage.1.requests().len(), 0);
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_of_an_ordinary_gateway_is_asked_about_and_has_its_effects_once(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    shop.first.1.script([Act::LoseAfter]);
    let (doubtful, attempt) = shop.attempted(&view, &Shop::at_own()).await;
    assert!(matches!(attempt.state, AttemptState::InDoubt { .. }));
    assert_eq!((doubtful.order.status, doubtful.salvage_status()), (OrderStatus::Declined, "in_doubt"));
    shop.app.pass(80).await;
    assert_eq!(shop.app.fresh(&view).await.order.status, OrderStatus::Complete);
    assert_eq!((kept(&shop.first.1), shop.fulfilments(&view).await), (2_999, 1));
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn m4_a_rerun_that_never_left_charges_nothing_and_may_come_again(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    shop.first.1.script([Act::FailBefore]);
    let (left, attempt) = shop.attempted(&view, &Shop::at_own()).await;
    assert!(matches!(attempt.state, AttemptState::NotExecuted { .. }));
    assert_eq!((left.order.status, left.payment_status()), (OrderStatus::Declined, "declined"));
    assert_eq!(shop.events(&view).await, ["decline"]);
    let (paid, _) = shop.attempted(&view, &Shop::at_own()).await;
    assert_eq!(paid.order.status, OrderStatus::Complete);
    shop.app.end().await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn r24_a_gateway_that_is_off_or_full_takes_no_rerun(#[case] on: On) {
    let shop = Shop::new(on).await;
    let view = shop.declined(SOFT).await;
    shop.app.edit_gateway(shop.salvage.0, |gateway| gateway.enabled = false).await;
    let answer = shop.app.hub.rerun_order(shop.app.merchant, view.order.id, &shop.at_salvage(), "ann").await;
    assert!(
        matches!(&answer, Err(PersonError::Invalid(problems)) if problems[0].message.contains("disabled"))
    );
    let cap = domain::Money::new(1_000, domain::Currency::USD);
    shop.app.edit_gateway(shop.first.0, |gateway| gateway.monthly_cap = Some(cap)).await;
    let skip = shop.skipped(&view, &Shop::at_own()).await;
    assert_eq!(
        (skip.kind, skip.words.as_str()),
        (SkipKind::NoGateway, "Gateway 1 has reached its monthly cap.")
    );
    assert_eq!(shop.first.1.requests().len(), 1);
    shop.app.end().await;
}
