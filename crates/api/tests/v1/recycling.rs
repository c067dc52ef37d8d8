//! Recycle profiles: what they may say, and where FlexFactor may stand in them (R33–R36, R46, R47, R49).

use domain::ids::{GatewayId, Id};
use domain::money::{Currency, Money};
use domain::plan::Plan;
use domain::subscription::{Subscription, SubscriptionStatus, Terms};
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};
use storage::testing::On;
use storage::{Transaction, configuration, merchants, subscriptions};

use crate::support::{App, Call, flexfactor, nmi};

const PATH: &str = "/v1/recycle-profiles";

/// Ordinary gateways 1 and 2, FlexFactor as gateway 17.
async fn app(on: On) -> App {
    let app = App::real(on).await;
    app.make("/v1/gateways", nmi(1)).await;
    app.make("/v1/gateways", nmi(2)).await;
    app.make("/v1/gateways", flexfactor(17)).await;
    app
}

/// All ten attempts for gateway 1's subscriptions, on their own gateway.
fn profile() -> Value {
    json!({"number": 3, "title": "Ten tries", "gateways": [1], "slots": vec![json!({"days": 3}); 9], "final_slot": {"days": 5}})
}

fn with(mut profile: Value, name: &str, value: Value) -> Value {
    profile[name] = value;
    profile
}

async fn gateway_id(app: &App, number: i64) -> String {
    let gateways = app.get("/v1/gateways").await.expect(200);
    let one = gateways["items"].as_array().unwrap().iter().find(|one| one["number"] == number).unwrap();
    one["id"].as_str().unwrap().to_owned()
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_recycle_profile_is_made_shown_changed_and_removed(#[case] on: On) {
    let app = app(on).await;
    let mut wanted = profile();
    wanted["reduction_type"] = json!("percent");
    wanted["minimum_price"] = json!({"amount_minor": 999, "currency": "USD"});
    wanted["bill_on_saturday"] = json!(true);
    wanted["slots"][1] = json!({"skip": true});
    wanted["slots"][2]["reduction"] = json!(10);
    let answer = app.post(PATH, wanted).await;
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let made = answer.expect(201);
    assert!(made["id"].as_str().unwrap().starts_with("rpr_"), "{made}");
    assert_eq!(location, format!("{PATH}/{}", made["id"].as_str().unwrap()));
    assert_eq!(made["gateways"], json!([gateway_id(&app, 1).await]));
    assert_eq!(made["slots"][1], json!({"days": 0, "reduction": 0, "skip": true}));
    assert_eq!((&made["hold_recycle_price"], &made["final_slot"]["days"]), (&json!(false), &json!(5)));
    assert_eq!(app.get(&location).await.expect(200), made);
    assert_eq!(app.put(&location, made.clone()).await.expect(200), made);
    let patched = app.patch(&location, json!({"final_slot": null, "gateways": [1, 2]})).await.expect(200);
    assert_eq!((patched.get("final_slot"), &patched["slots"]), (None, &made["slots"]));
    assert_eq!(app.get(PATH).await.expect(200)["items"], json!([patched]));
    app.delete(&location).await.expect(204);
    app.get(&location).await.expect(404);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r33_flexfactor_takes_re_attempts_4_to_6(#[case] on: On) {
    let app = app(on).await;
    let made = app.post(PATH, with(profile(), "gateway_4_to_6", json!(17))).await.expect(201);
    assert_eq!(made["gateway_4_to_6"], json!(gateway_id(&app, 17).await));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r34_flexfactor_takes_re_attempts_7_to_9(#[case] on: On) {
    let app = app(on).await;
    let made = app.post(PATH, with(profile(), "gateway_7_to_9", json!(17))).await.expect(201);
    assert_eq!(made["gateway_7_to_9"], json!(gateway_id(&app, 17).await));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r35_flexfactor_takes_the_final_attempt(#[case] on: On) {
    let app = app(on).await;
    let made = app.post(PATH, with(profile(), "gateway_final", json!(17))).await.expect(201);
    assert_eq!(made["gateway_final"], json!(gateway_id(&app, 17).await));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r36_no_gateway_is_chosen_for_re_attempts_1_to_3(#[case] on: On) {
    let app = app(on).await;
    let early = with(profile(), "gateway_1_to_3", json!(17));
    assert_eq!(app.post(PATH, early).await.wrong(), ["gateway_1_to_3"]);
    let mut slot = profile();
    slot["slots"][0]["gateway"] = json!(17);
    assert_eq!(app.post(PATH, slot).await.wrong(), ["slots[0].gateway"]);
    assert_eq!(app.get(PATH).await.expect(200)["items"], json!([]));
    let gateways = app.get("/v1/gateways").await.expect(200);
    let offered = |at: usize| gateways["items"][at]["capabilities"]["recycle_slots"].clone();
    assert_eq!((offered(0), offered(2)), (json!("all"), json!("later")));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r46_a_recycle_profile_does_not_apply_to_flexfactor_and_a_gateway_is_in_one_profile(#[case] on: On) {
    let app = app(on).await;
    let refused = app.post(PATH, with(profile(), "gateways", json!([1, 17]))).await.expect(422);
    assert_eq!(refused["errors"][0]["field"], "gateways[1]");
    assert!(
        refused["errors"][0]["message"].as_str().unwrap().contains("no subscription rests on it"),
        "{refused}"
    );
    app.make(PATH, profile()).await;
    let second = json!({"title": "Second", "gateways": [2, 1], "slots": [{"days": 1}]});
    assert_eq!(app.post(PATH, second).await.wrong(), ["gateways[1]"]);
    let second = json!({"title": "Second", "gateways": [2], "slots": [{"days": 1}]});
    assert_eq!(app.post(PATH, second).await.expect(201)["number"], 4, "the next free number");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn what_is_impossible_is_told_all_at_once_and_nothing_is_saved(#[case] on: On) {
    let app = app(on).await;
    let wrong = json!({
        "number": 3,
        "title": "",
        "reduction_type": "percent",
        "minimum_price": {"amount_minor": -1, "currency": "USD"},
        "gateways": [99],
        "slots": [{"days": 0}, {"days": 3, "reduction": -5}, {"days": 3, "reduction": 101}],
        "gateway_4_to_6": 98,
        "gateway_7_to_9": 17
    });
    let mut fields = app.post(PATH, wrong).await.wrong();
    fields.sort();
    let expected = [
        "gateway_4_to_6",
        "gateway_7_to_9",
        "gateways[0]",
        "minimum_price",
        "slots",
        "slots[0].days",
        "slots[1].reduction",
        "title",
    ];
    assert_eq!(fields, expected);
    let unknown = with(profile(), "minimum_price", json!({"amount_minor": 1, "currency": "XXQ"}));
    assert_eq!(app.post(PATH, unknown).await.wrong(), ["minimum_price.currency"]);
    let ten = with(profile(), "slots", json!(vec![json!({"days": 1}); 10]));
    assert_eq!(app.post(PATH, ten).await.wrong(), ["slots"]);
    let none = json!({"title": "Nothing", "gateways": [1], "slots": [{"skip": true}]});
    assert_eq!(app.post(PATH, none).await.wrong(), ["slots"]);
    assert_eq!(app.get(PATH).await.expect(200)["items"], json!([]));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r49_a_gateway_is_not_removed_while_a_recycle_profile_names_it(#[case] on: On) {
    let app = app(on).await;
    let id = app.make(PATH, with(profile(), "gateway_final", json!(17))).await;
    let salvage = format!("/v1/gateways/{}", gateway_id(&app, 17).await);
    let own = format!("/v1/gateways/{}", gateway_id(&app, 1).await);
    let refused = app.delete(&salvage).await.expect(409);
    assert_eq!(refused["code"], "in_use");
    assert!(refused["detail"].to_string().contains("a slot of recycle profile 3"), "{refused}");
    let refused = app.delete(&own).await.expect(409);
    assert!(refused["detail"].to_string().contains("recycle profile 3 still applies to it"), "{refused}");
    app.patch(&format!("{PATH}/{id}"), json!({"gateway_final": null})).await.expect(200);
    app.delete(&salvage).await.expect(204);
    app.delete(&format!("{PATH}/{id}")).await.expect(204);
    app.delete(&own).await.expect(204);
}

/// A running subscription of nobody in particular that rests on a gateway.
fn resting_on(app: &App, gateway_id: GatewayId) -> Subscription {
    let minter = app.hub.minter();
    let (now, usd) = (minter.now(), |minor| Money::new(minor, Currency::USD));
    Subscription {
        id: minter.mint(),
        merchant_id: app.merchant_id,
        customer_id: minter.mint(),
        order_id: minter.mint(),
        campaign_id: minter.mint(),
        product_id: minter.mint(),
        status: SubscriptionStatus::Active,
        stop_reason: String::new(),
        gateway_id,
        card_id: minter.mint(),
        card_fingerprint: "f".to_owned(),
        terms: Terms {
            product_number: 7,
            name: "Vitamin C".to_owned(),
            sku: String::new(),
            quantity: 1,
            currency: Currency::USD,
            is_shippable: false,
            plan: Plan::every(30, usd(999), usd(0)),
            price: None,
            price_once: false,
            shipping: None,
            interval_days: None,
            final_cycle: None,
            sold_at: now,
        },
        cycle: 1,
        collecting: None,
        slot: 0,
        tries: 0,
        next_bill_at: None,
        next_action_at: None,
        pause_at: None,
        initial: None,
        held: String::new(),
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r49_a_gateway_is_not_removed_while_subscriptions_rest_on_it(#[case] on: On) {
    let app = app(on).await;
    let gateway = gateway_id(&app, 2).await;
    let mut subscription = resting_on(&app, gateway.parse().unwrap());
    let transaction = Transaction::new("plant").with(subscriptions::insert(&subscription));
    app.hub.store().commit(transaction).await.unwrap();
    let path = format!("/v1/gateways/{gateway}");
    let refused = app.delete(&path).await.expect(409);
    assert!(refused["detail"].to_string().contains("1 running subscriptions rest on it"), "{refused}");
    subscription.status = SubscriptionStatus::Cancelled;
    let transaction = Transaction::new("end").with(subscriptions::update(&subscription, None));
    app.hub.store().commit(transaction).await.unwrap();
    app.delete(&path).await.expect(204);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r47_a_slot_whose_gateway_is_gone_is_reported_until_it_is_mended(#[case] on: On) {
    let app = app(on).await;
    let id = app.make(PATH, with(profile(), "gateway_final", json!(17))).await;
    // Past the checks, as an import or an older version may have left it.
    let known = app.hub.reload(app.merchant_id).await.unwrap();
    let gone = known.gateway_numbered(17).unwrap().id;
    let transaction = Transaction::new("unchecked")
        .with(merchants::raise_version(app.merchant_id, known.version, "Shop"))
        .with(configuration::delete(app.merchant_id, "gateway", Id::uuid(gone)));
    app.hub.store().commit(transaction).await.unwrap();
    let (problems, _) = app.hub.check_changes(app.merchant_id, Vec::new()).await.unwrap();
    let places: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(places, ["recycle_profiles[3].gateway_final"]);
    let one = format!("{PATH}/{id}");
    assert_eq!(app.patch(&one, json!({"title": "Still broken"})).await.wrong(), ["gateway_final"]);
    app.patch(&one, json!({"gateway_final": null})).await.expect(200);
    let (problems, _) = app.hub.check_changes(app.merchant_id, Vec::new()).await.unwrap();
    assert_eq!(problems, []);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn recycle_profiles_are_the_merchants_own_and_need_a_key(#[case] on: On) {
    let app = app(on).await;
    let one = format!("{PATH}/{}", app.make(PATH, profile()).await);
    let stranger = app.stranger().await;
    assert_eq!(app.call_as(&stranger, Method::GET, PATH, None).await.expect(200)["items"], json!([]));
    for method in [Method::GET, Method::DELETE] {
        app.call_as(&stranger, method, &one, None).await.expect(404);
    }
    app.call_as(&stranger, Method::PATCH, &one, Some(json!({"title": "Mine"}))).await.expect(404);
    let call = Call { method: Method::GET, path: one.clone(), body: None, headers: Vec::new() };
    app.send(call).await.expect(401);
    assert_eq!(app.get(&one).await.expect(200)["title"], "Ten tries");
}
