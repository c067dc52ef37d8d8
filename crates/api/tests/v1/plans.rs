//! What products charge after the checkout, and when the account bills.

use rstest::rstest;
use serde_json::{Value, json};
use storage::testing::On;

use crate::support::{App, campaign, nmi};

async fn app(on: On) -> App {
    let app = App::real(on).await;
    app.make("/v1/gateways", nmi(1)).await;
    app
}

fn usd(minor: i64) -> Value {
    json!({"amount_minor": minor, "currency": "USD"})
}

/// Campaign 100 with product 7 at 29.99, billed so.
fn billed(billing: &str, plan: &Value) -> Value {
    let mut wanted = campaign(json!({"gateway": 1, "billing": billing}));
    if !plan.is_null() {
        wanted["products"][0]["plan"] = plan.clone();
    }
    wanted
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_recurring_product_without_a_plan_charges_its_price_every_30_days(#[case] on: On) {
    let app = app(on).await;
    let made = app.post("/v1/campaigns", billed("recurring", &Value::Null)).await.expect(201);
    let product = &made["products"][0];
    let cycles = json!([{"delay_days": 30, "price": usd(2_999), "shipping": usd(0)}]);
    assert_eq!((&product["billing"], &product["plan"]["cycles"]), (&json!("recurring"), &cycles));
    assert_eq!((product["plan"].get("trial"), product["plan"].get("final_cycle")), (None, None));
    assert_eq!(made["disable_recycle_billing"], false);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn trials_and_instalments_read_back_and_a_patch_keeps_them(#[case] on: On) {
    let app = app(on).await;
    let plan = json!({
        "trial": "accelerated",
        "cycles": [{"delay_days": 14}, {"delay_days": 30, "price": usd(4_999), "shipping": usd(495)}],
        "persistent_rebill_day": true
    });
    let mut wanted = billed("recurring", &plan);
    let instalments = json!({"cycles": [{"delay_days": 30}], "final_cycle": 3, "fixed_billing_day": 31, "ships_once": true});
    wanted["products"].as_array_mut().unwrap().push(json!({
        "number": 8, "name": "Juicer", "billing": "multi_pay", "price": usd(4_000), "plan": instalments, "gateway": 1
    }));
    wanted["disable_recycle_billing"] = json!(true);
    let made = app.post("/v1/campaigns", wanted).await.expect(201);
    let trial = &made["products"][0]["plan"];
    assert_eq!((&trial["trial"], &trial["persistent_rebill_day"]), (&json!("accelerated"), &json!(true)));
    assert_eq!(trial["cycles"][0], json!({"delay_days": 14, "price": usd(2_999), "shipping": usd(0)}));
    assert_eq!(trial["cycles"][1], json!({"delay_days": 30, "price": usd(4_999), "shipping": usd(495)}));
    let juicer = &made["products"][1]["plan"];
    assert_eq!((&juicer["final_cycle"], &juicer["fixed_billing_day"]), (&json!(3), &json!(31)));
    let one = format!("/v1/campaigns/{}", made["id"].as_str().unwrap());
    assert_eq!(app.put(&one, made.clone()).await.expect(200), made);
    let patched = app.patch(&one, json!({"disable_recycle_billing": false})).await.expect(200);
    assert_eq!(patched["products"], made["products"]);
    assert_eq!(patched["disable_recycle_billing"], false);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_impossible_plan_is_refused_with_the_path_of_each_fault(#[case] on: On) {
    let app = app(on).await;
    let monthly = json!({"cycles": [{"delay_days": 30}]});
    let cases: Vec<(&str, Value, &[&str])> = vec![
        ("one_time", monthly.clone(), &["plan"]),
        ("multi_pay", Value::Null, &["plan"]),
        ("multi_pay", monthly, &["plan.final_cycle", "plan.ships_once"]),
        ("recurring", json!({"cycles": []}), &["plan.cycles"]),
        ("recurring", json!({"cycles": vec![json!({"delay_days": 1}); 25]}), &["plan.cycles"]),
        ("recurring", json!({"cycles": [{"delay_days": 0}]}), &["plan.cycles[0].delay_days"]),
        ("recurring", json!({"cycles": [{"delay_days": 731}]}), &["plan.cycles[0].delay_days"]),
        ("recurring", json!({"cycles": [{"delay_days": 9, "price": usd(1)}]}), &["plan.cycles[0].price"]),
        (
            "recurring",
            json!({"cycles": [{"delay_days": 9}, {"delay_days": 9, "price": {"amount_minor": 1, "currency": "EUR"}}]}),
            &["plan.cycles[1].price"],
        ),
        ("recurring", json!({"cycles": [{"delay_days": 9}], "final_cycle": 1}), &["plan.final_cycle"]),
        (
            "recurring",
            json!({"cycles": [{"delay_days": 9}], "fixed_billing_day": 32}),
            &["plan.fixed_billing_day"],
        ),
        ("recurring", json!({"cycles": [{"delay_days": 9}], "trial": "free"}), &["plan.trial"]),
        ("recurring", json!({"cycles": [{"delay_days": 9, "prize": 1}]}), &["plan.cycles[0].prize"]),
        ("recurring", json!({"final_cycle": 3}), &["plan.cycles"]),
        ("forever", Value::Null, &["billing"]),
    ];
    for (billing, plan, expected) in cases {
        let wrong = app.post("/v1/campaigns", billed(billing, &plan)).await.wrong();
        let expected: Vec<String> = expected.iter().map(|field| format!("products[0].{field}")).collect();
        assert_eq!(wrong, expected, "{billing} {plan}");
    }
    assert_eq!(app.get("/v1/campaigns").await.expect(200)["items"], json!([]));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_account_says_when_rebills_run_and_how_long_card_numbers_are_kept(#[case] on: On) {
    let app = app(on).await;
    let account = app.get("/v1/account").await.expect(200);
    assert_eq!(
        (&account["daily_rebill_time"], &account["card_retention_days"]),
        (&json!("09:00"), &json!(90))
    );
    assert_eq!(
        (&account["cancel_on_chargeback"], &account["cancel_on_refund"]),
        (&json!(false), &json!(false))
    );
    let wish = json!({
        "daily_rebill_time": "23:59",
        "rebill_at_sale_time": true,
        "cancel_on_chargeback": true,
        "cancel_on_refund": true,
        "card_retention_days": 3_650
    });
    let saved = app.patch("/v1/account", wish.clone()).await.expect(200);
    for (name, value) in wish.as_object().unwrap() {
        assert_eq!(&saved[name], value, "{name}");
    }
    assert_eq!(app.hub.reload(app.merchant_id).await.unwrap().account.daily_rebill_minute, 1_439);
    for (field, value) in [
        ("daily_rebill_time", json!("24:00")),
        ("daily_rebill_time", json!("9:00")),
        ("daily_rebill_time", json!(540)),
        ("card_retention_days", json!(0)),
        ("card_retention_days", json!(3_651)),
    ] {
        assert_eq!(app.patch("/v1/account", json!({field: value})).await.wrong(), [field], "{value}");
    }
    assert_eq!(app.get("/v1/account").await.expect(200), saved);
}
