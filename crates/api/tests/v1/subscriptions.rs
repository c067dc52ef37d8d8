//! Subscriptions: listed, shown with their attempt plan, and acted on.

use gateways::fake::Act;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};
use storage::testing::On;

use crate::support::{App, Call, campaign, order};

/// A soft decline.
const SOFT: Act = Act::Decline("200", "Do not honor");

fn usd(minor: i64) -> Value {
    json!({"amount_minor": minor, "currency": "USD"})
}

/// The shop, whose product 7 is billed every 30 days, 8 after a trial, and 9 every 90 days; gateway 2 is a second
/// ordinary one; a declined rebill is tried again after 1 day, after 2 days for 10 percent less, and is then handed over.
pub(crate) async fn shop(app: &App) {
    app.shop().await;
    let second = json!({"number": 2, "kind": "fake", "title": "Second", "settings": {"name": "second"}});
    app.make("/v1/gateways", second).await;
    let mut sells = campaign(json!({"gateway": 1}));
    let product = sells["products"][0].clone();
    let with = |number: i64, plan: Value| {
        let mut one = product.clone();
        one["number"] = json!(number);
        one["name"] = json!(format!("Product {number}"));
        one["billing"] = json!("recurring");
        one["plan"] = plan;
        one
    };
    let trial =
        json!({"trial": "standard", "cycles": [{"delay_days": 14}, {"delay_days": 30, "price": usd(4999)}]});
    sells["products"] = json!([
        with(7, json!({"cycles": [{"delay_days": 30}]})),
        with(8, trial),
        with(9, json!({"cycles": [{"delay_days": 90, "price": usd(2999)}]})),
    ]);
    let known = app.get("/v1/campaigns").await.expect(200);
    let path = format!("/v1/campaigns/{}", known["items"][0]["id"].as_str().unwrap());
    app.put(&path, sells).await.expect(200);
    let recycling = json!({
        "number": 3, "title": "Tries", "reduction_type": "percent", "gateways": [1],
        "slots": [{"days": 1}, {"days": 2, "reduction": 10}, {"days": 1, "skip": true}, {"days": 5}],
        "gateway_4_to_6": 17
    });
    app.make("/v1/recycle-profiles", recycling).await;
}

/// Sells a product to somebody; the order.
pub(crate) async fn sell(app: &App, product: i64, email: &str) -> Value {
    let mut one = order();
    one["items"] = json!([{"product": product}]);
    one["email"] = json!(email);
    app.order(email, one).await.expect(201)
}

/// Sells product 7; its address.
async fn sold(app: &App) -> String {
    let order = sell(app, 7, "ada@example.com").await;
    format!("/v1/subscriptions/{}", order["subscriptions"][0]["id"].as_str().expect("a subscription"))
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_sale_shows_its_subscription_and_the_subscription_its_plan(#[case] on: On) {
    let app = App::new(on).await;
    shop(&app).await;
    let made = sell(&app, 7, "ada@example.com").await;
    let begun = &made["subscriptions"][0];
    assert_eq!(
        (&begun["status"], &begun["cycle"], &begun["product_number"]),
        (&json!("active"), &json!(1), &json!(7))
    );
    assert_eq!(made.get("subscription_id"), None);
    let shown = app.get(&format!("/v1/subscriptions/{}", begun["id"].as_str().unwrap())).await.expect(200);
    assert_eq!((&shown["order_id"], &shown["customer_id"]), (&made["id"], &made["customer_id"]));
    assert_eq!((&shown["next_bill_at"], &shown["next_amount"]), (&begun["next_bill_at"], &usd(2999)));
    assert_eq!(shown["terms"]["plan"]["cycles"][0]["delay_days"], 30);
    assert_eq!(shown["card"]["last_four"], "1111");
    let plan = &shown["attempt_plan"];
    assert_eq!(
        (&plan["cycle"], &plan["payment_state"], &plan["attempts"]),
        (&json!(2), &json!("none"), &json!([]))
    );
    let steps: Vec<Value> = plan["next"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            json!([
                step["slot"],
                step["at"],
                step["amount"]["amount_minor"],
                step["gateway_number"],
                step["is_handed_over"]
            ])
        })
        .collect();
    let at = |text: &str| json!(text);
    let first = shown["next_bill_at"].as_str().unwrap();
    assert_eq!(steps[0], json!([0, first, 2999, 1, false]));
    assert_eq!(steps[1..].iter().map(|step| &step[0]).collect::<Vec<_>>(), [&json!(1), &json!(2), &json!(4)]);
    assert_eq!(
        steps[1..].iter().map(|step| &step[2]).collect::<Vec<_>>(),
        [&json!(2999), &json!(2699), &json!(2699)]
    );
    assert_eq!((&steps[3][3], &steps[3][4]), (&json!(17), &json!(true)));
    let days: Vec<Value> = steps.iter().map(|step| at(&step[1].as_str().unwrap()[..10])).collect();
    assert_eq!(days, ["2026-12-21", "2026-12-22", "2026-12-24", "2026-12-29"].map(at));
    assert!(plan["then"].as_str().unwrap().contains("salvage gateway"), "{plan}");
    assert_eq!(plan.get("held"), None);
    let paid = &shown["history"][0];
    assert_eq!((&paid["cycle"], &paid["state"], &paid["order_id"]), (&json!(1), &json!("paid"), &made["id"]));
    assert_eq!(shown["history"].as_array().unwrap().len(), 1);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn lists_are_filtered_and_turned_page_by_page(#[case] on: On) {
    let app = App::new(on).await;
    shop(&app).await;
    let mut orders = Vec::new();
    for (product, email) in [(7, "a@example.com"), (8, "b@example.com"), (9, "c@example.com")] {
        orders.push(sell(&app, product, email).await);
    }
    let count = async |query: &str| {
        let page = app.get(&format!("/v1/subscriptions?{query}")).await.expect(200);
        page["items"].as_array().unwrap().len()
    };
    let text = |at: usize, name: &str| orders[at][name].as_str().unwrap().to_owned();
    let cases = [
        (String::new(), 3),
        ("status=active".to_owned(), 2),
        ("status=trial".to_owned(), 1),
        ("status=paused".to_owned(), 0),
        (format!("customer={}", text(0, "customer_id")), 1),
        (format!("order={}", text(1, "id")), 1),
        ("gateway=1".to_owned(), 3),
        ("gateway=2".to_owned(), 0),
        ("gateway=99".to_owned(), 0),
        ("campaign=100".to_owned(), 3),
        ("campaign=5".to_owned(), 0),
        ("email=B@Example.com".to_owned(), 1),
        ("created_before=2026-11-21T10:00:00Z".to_owned(), 0),
        ("created_from=2026-11-21T10:00:00Z&status=trial".to_owned(), 1),
    ];
    for (query, expected) in cases {
        assert_eq!(count(&query).await, expected, "{query}");
    }
    let mut seen = Vec::new();
    let mut path = "/v1/subscriptions?limit=1".to_owned();
    loop {
        let page = app.get(&path).await.expect(200);
        seen.extend(page["items"].as_array().unwrap().iter().map(|one| one["product_number"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/subscriptions?limit=1&cursor={cursor}");
        assert!(seen.len() <= 3);
    }
    seen.sort_by_key(Value::as_i64);
    assert_eq!(seen, [7, 8, 9], "all of one moment, each once");
    for query in ["status=gone", "customer=x", "order=y", "gateway=one", "limit=0", "cursor=x", "page=2"] {
        assert_eq!(app.get(&format!("/v1/subscriptions?{query}")).await.status, 422, "{query}");
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_bill_is_made_once_per_key_and_its_decline_is_on_the_plan(#[case] on: On) {
    let app = App::new(on).await;
    shop(&app).await;
    let path = sold(&app).await;
    let main = app.fakes.gateway("main", gateways::fake::ORDINARY);
    let bill = format!("{path}/bill");
    assert_eq!(app.post(&bill, json!({})).await.expect(400)["code"], "idempotency_key_missing");
    main.script([SOFT]);
    let declined = app.keyed(&bill, "b-1", json!({"note": "Asked."})).await.expect(200);
    let again = app.keyed(&bill, "b-1", json!({"note": "Asked."})).await;
    assert_eq!((again.headers["idempotency-replayed"].as_bytes(), &again.body), (&b"true"[..], &declined));
    assert_eq!(main.requests().len(), 2);
    assert_eq!(app.keyed(&bill, "b-1", json!({})).await.expect(422)["code"], "idempotency_key_reused");
    assert_eq!(
        (&declined["status"], &declined["slot"], &declined["cycle"]),
        (&json!("recycle_billing"), &json!(1), &json!(1))
    );
    let plan = &declined["attempt_plan"];
    assert_eq!((&plan["payment_state"], &plan["cycle"]), (&json!("declined"), &json!(2)));
    let made = &plan["attempts"][0];
    assert_eq!((&made["slot"], &made["attempt"]["decline"]["class"]), (&json!(0), &json!("soft")));
    assert_eq!(made["attempt"]["decline"]["reason"], "do_not_honor");
    let slots: Vec<&Value> = plan["next"].as_array().unwrap().iter().map(|step| &step["slot"]).collect();
    assert_eq!(slots, [1, 2, 4]);

    let paid = app.keyed(&bill, "b-2", json!({})).await.expect(200);
    assert_eq!((&paid["status"], &paid["cycle"], &paid["slot"]), (&json!("active"), &json!(2), &json!(0)));
    let cycle = &paid["history"][0];
    assert_eq!(
        (&cycle["cycle"], &cycle["attempt_count"], &cycle["state"]),
        (&json!(2), &json!(2), &json!("paid"))
    );
    let rebill = app.get(&format!("/v1/orders/{}", cycle["order_id"].as_str().unwrap())).await.expect(200);
    assert_eq!((&rebill["subscription_id"], &rebill["subscriptions"]), (&paid["id"], &json!([])));
    assert_eq!(
        (&rebill["payments"][0]["cycle"], &rebill["payments"][0]["subscription_id"]),
        (&json!(2), &paid["id"])
    );
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn what_a_rule_holds_back_is_on_the_plan(#[case] on: On) {
    let app = App::new(on).await;
    shop(&app).await;
    let path = sold(&app).await;
    let main = app.fakes.gateway("main", gateways::fake::ORDINARY);
    main.set_equal_charge_spacing(1_200);
    let held = app.keyed(&format!("{path}/bill"), "b-1", json!({})).await.expect(200);
    assert_eq!(main.requests().len(), 1, "only the sale was sent");
    let plan = &held["attempt_plan"];
    assert!(plan["held"]["why"].as_str().unwrap().contains("moments ago"), "{plan}");
    assert_eq!(plan["held"]["until"], plan["next"][0]["at"]);
    assert_eq!(held["held"], plan["held"]["why"]);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r43_terms_change_and_a_gateway_that_only_salvages_is_refused(#[case] on: On) {
    let app = App::new(on).await;
    shop(&app).await;
    let path = sold(&app).await;
    let before = app.get(&path).await.expect(200);
    let wrong = json!({
        "price": {"amount_minor": 100, "currency": "EUR"}, "shipping": usd(-1), "interval_days": 731, "final_cycle": 1,
        "next_bill_at": "2026-11-21T09:00:00Z", "gateway": 17
    });
    let mut fields = app.patch(&path, wrong).await.wrong();
    fields.sort();
    assert_eq!(fields, ["final_cycle", "gateway", "interval_days", "next_bill_at", "price", "shipping"]);
    for (body, field) in [
        (json!({"price_once": true}), "price"),
        (json!({"gateway": 99}), "gateway"),
        (json!({"gateway": "gtw_00000000000000000000000000"}), "gateway"),
        (json!({"status": "active"}), "status"),
        (json!({"colour": "red"}), "colour"),
        (json!({"price": 12}), "price"),
    ] {
        assert_eq!(app.patch(&path, body).await.wrong(), [field]);
    }
    let conflict = app.patch(&path, json!({"status": "recycle_billing"})).await.expect(409);
    assert_eq!(conflict["code"], "wrong_state");
    assert_eq!(app.get(&path).await.expect(200), before);
    assert_eq!(app.patch(&path, json!({})).await.expect(200), before);
    let change = json!({
        "price": usd(1000), "price_once": true, "shipping": usd(250), "interval_days": 7, "final_cycle": 4,
        "next_bill_at": "2026-12-01T12:00:00Z", "gateway": 2
    });
    let changed = app.patch(&path, change).await.expect(200);
    assert_eq!(
        (&changed["next_amount"], &changed["next_bill_at"]),
        (&usd(1250), &json!("2026-12-01T12:00:00Z"))
    );
    let terms = &changed["terms"];
    assert_eq!(
        (&terms["price_once"], &terms["interval_days"], &terms["final_cycle"]),
        (&json!(true), &json!(7), &json!(4))
    );
    let step = &changed["attempt_plan"]["next"];
    assert_eq!((&step[0]["gateway_number"], step.as_array().unwrap().len()), (&json!(2), 1));
    assert!(changed["attempt_plan"]["then"].as_str().unwrap().contains("no recycle profile"), "{changed}");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn pausing_cancelling_and_reactivating_follow_the_table_of_statuses(#[case] on: On) {
    let app = App::new(on).await;
    shop(&app).await;
    let path = sold(&app).await;
    let act = async |part: &str, body: Value| app.post(&format!("{path}/{part}"), body).await;
    assert_eq!(act("pause", json!({"from": "2026-11-20T00:00:00Z"})).await.wrong(), ["from"]);
    assert_eq!(act("pause", json!({"note": "x".repeat(501)})).await.wrong(), ["note"]);
    let scheduled = act("pause", json!({"from": "2026-12-01T00:00:00Z", "note": "Away"})).await.expect(200);
    assert_eq!(
        (&scheduled["status"], &scheduled["pause_at"]),
        (&json!("pause_scheduled"), &json!("2026-12-01T00:00:00Z"))
    );
    assert!(
        scheduled["attempt_plan"]["then"].as_str().unwrap().contains("paused at 2026-12-01"),
        "{scheduled}"
    );
    let undone = act("reactivate", json!({})).await.expect(200);
    assert_eq!((&undone["status"], undone.get("pause_at")), (&json!("active"), None));
    let paused = act("pause", json!({})).await.expect(200);
    assert_eq!((&paused["status"], &paused["attempt_plan"]["next"]), (&json!("paused"), &json!([])));
    assert_eq!(act("pause", json!({})).await.expect(409)["code"], "wrong_state");
    let bill = app.keyed(&format!("{path}/bill"), "b-1", json!({})).await;
    assert_eq!(bill.expect(409)["code"], "wrong_state");
    act("reactivate", json!({})).await.expect(200);
    assert_eq!(act("reactivate", json!({})).await.expect(409)["code"], "wrong_state");
    assert_eq!(act("cancel", json!({"reason": " "})).await.wrong(), ["reason"]);
    assert_eq!(act("cancel", json!({})).await.wrong(), ["reason"]);
    let body = json!({"after_next_bill": true, "reason": "Enough."});
    let ends = app.keyed(&format!("{path}/cancel"), "c-1", body.clone()).await.expect(200);
    assert_eq!(
        (&ends["status"], &ends["stop_reason"]),
        (&json!("cancellation_scheduled"), &json!("Enough."))
    );
    assert_eq!(
        app.keyed(&format!("{path}/cancel"), "c-1", body).await.expect(200),
        ends,
        "the same cancellation"
    );
    let over = act("cancel", json!({"reason": "Now."})).await.expect(200);
    assert_eq!((&over["status"], over.get("next_bill_at")), (&json!("cancelled"), None));
    let kinds = app
        .hub
        .store()
        .list_timeline_of_order(app.merchant_id, over["order_id"].as_str().unwrap().parse().unwrap());
    let words: Vec<String> = kinds.await.unwrap().into_iter().map(|line| line.words).collect();
    assert!(
        words.iter().any(|line| line.contains("(tests)") && line.contains("Cancelled: Now.")),
        "{words:?}"
    );
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_trial_is_skipped_or_begun_again_and_a_product_changed(#[case] on: On) {
    let app = App::new(on).await;
    shop(&app).await;
    let order = sell(&app, 8, "t@example.com").await;
    let path = format!("/v1/subscriptions/{}", order["subscriptions"][0]["id"].as_str().unwrap());
    let begun = app.get(&path).await.expect(200);
    assert_eq!((&begun["status"], &begun["next_amount"]), (&json!("trial"), &usd(4999)));
    let skipped = app.post(&format!("{path}/skip-trial"), json!({})).await.expect(200);
    assert_eq!(&skipped["next_bill_at"].as_str().unwrap()[..10], "2026-11-22");
    let restarted = app.post(&format!("{path}/restart-trial"), json!({})).await.expect(200);
    assert_eq!(restarted["next_bill_at"], begun["next_bill_at"]);
    for (body, field) in [
        (json!({"product": 99}), "product"),
        (json!({"product": "prd_00000000000000000000000000"}), "product"),
    ] {
        assert_eq!(app.post(&format!("{path}/product"), body).await.wrong(), [field]);
    }
    let changed =
        app.post(&format!("{path}/product"), json!({"product": 9, "note": "Wants it."})).await.expect(200);
    assert_eq!((&changed["product_number"], &changed["next_amount"]), (&json!(9), &usd(2999)));
    assert_eq!(changed["next_bill_at"], begun["next_bill_at"], "the date of the next bill stays");
    let plain = sold(&app).await;
    assert_eq!(app.post(&format!("{plain}/skip-trial"), json!({})).await.expect(409)["code"], "wrong_state");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn another_card_is_taken_and_never_shown(#[case] on: On) {
    let app = App::new(on).await;
    shop(&app).await;
    let path = format!("{}/card", sold(&app).await);
    let card = |number: &str, month: i64, code: &str| json!({"card": {"number": number, "expires_month": month, "expires_year": 2031, "security_code": code}});
    let mut fields = app.post(&path, card("4111111111111112", 13, "1")).await.wrong();
    fields.sort();
    assert_eq!(fields, ["card.expires_month", "card.number", "card.security_code"]);
    let changed = app.keyed(&path, "c-1", card("4012888888881881", 5, "4321")).await.expect(200);
    assert_eq!(
        changed["card"],
        json!({"brand": "visa", "bin": "401288", "last_four": "1881", "expires": "2031-05"})
    );
    let kept = app.hub.store().find_idempotency_key(app.merchant_id, "c-1").await.unwrap().unwrap();
    let kept = format!("{} {}", kept.fingerprint, kept.answer.unwrap().1);
    assert!(!kept.contains("4012888888881881") && !kept.contains("4321\""), "{kept}");
    let other = app.keyed(&path, "c-1", card("4111111111111111", 5, "4321")).await;
    assert_eq!(other.expect(422)["code"], "idempotency_key_reused", "another card is another request");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r44_a_batch_onto_a_gateway_that_only_salvages_is_refused_as_a_whole(#[case] on: On) {
    let app = App::new(on).await;
    shop(&app).await;
    let path = "/v1/subscriptions/batch-change";
    let first = sold(&app).await;
    let before = app.get(&first).await.expect(200);
    let id = before["id"].clone();
    for (body, fields) in [
        (json!({"ids": [id], "gateway": 17}), vec!["gateway"]),
        (json!({"filter": {}, "gateway": 17}), vec!["gateway"]),
        (json!({"ids": [id], "gateway": 99}), vec!["gateway"]),
        (json!({"ids": [id]}), vec!["gateway"]),
        (json!({"gateway": 2}), vec!["ids"]),
        (json!({"ids": [id], "filter": {}, "gateway": 2}), vec!["ids"]),
        (json!({"ids": vec![id.clone(); 1001], "gateway": 2}), vec!["ids"]),
        (
            json!({"ids": [id], "next_bill_at": "2026-11-21T09:00:00Z", "gateway": 17}),
            vec!["next_bill_at", "gateway"],
        ),
        (
            json!({"ids": [id], "status": "recycle_failed", "next_bill_at": "2026-12-21T09:00:00Z"}),
            vec!["status"],
        ),
        (json!({"ids": [id], "status": "paused"}), vec!["status"]),
        (
            json!({"filter": {"gateway": 99, "campaign": 98}, "gateway": 2}),
            vec!["filter.gateway", "filter.campaign"],
        ),
        (json!({"ids": [id], "gateway": 2, "note": "x".repeat(501)}), vec!["note"]),
    ] {
        assert_eq!(app.post(path, body).await.wrong(), fields);
    }
    assert_eq!(app.get(&first).await.expect(200), before);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_batch_judges_each_subscription_on_its_own(#[case] on: On) {
    let app = App::new(on).await;
    shop(&app).await;
    let path = "/v1/subscriptions/batch-change";
    let (first, second) = (sold(&app).await, sell(&app, 8, "b@example.com").await);
    let first_id = first.rsplit('/').next().unwrap().to_owned();
    let second_id = second["subscriptions"][0]["id"].as_str().unwrap().to_owned();
    app.post(&format!("{first}/pause"), json!({})).await.expect(200);
    let missing = "sub_00000000000000000000000000";
    let body = json!({
        "ids": [first_id, second_id, missing, "nonsense"], "gateway": 2, "next_bill_at": "2026-12-01T12:00:00Z",
        "note": "Gateway 1 closes."
    });
    let done = app.keyed(path, "x-1", body.clone()).await.expect(200);
    assert_eq!((&done["changed"], &done["refused"]), (&json!(1), &json!(3)));
    let verdicts: Vec<&Value> =
        done["items"].as_array().unwrap().iter().map(|item| &item["verdict"]).collect();
    assert_eq!(verdicts, ["invalid", "changed", "not_found", "not_found"]);
    assert!(done["items"][0]["why"].as_str().unwrap().contains("has no next bill"), "{done}");
    assert_eq!(app.keyed(path, "x-1", body).await.expect(200), done, "the same batch again");
    let shown = app.get(&format!("/v1/subscriptions/{second_id}")).await.expect(200);
    assert_eq!(shown["next_bill_at"], "2026-12-01T12:00:00Z");
    assert_eq!(app.get("/v1/subscriptions?gateway=2").await.expect(200)["items"][0]["id"], json!(second_id));
    let by_filter = json!({"filter": {"gateway": 1, "campaign": 100, "status": "paused"}, "gateway": 2});
    let done = app.post(path, by_filter).await.expect(200);
    assert_eq!((&done["changed"], &done["items"][0]["id"]), (&json!(1), &json!(first_id)));
    let none = app.post(path, json!({"filter": {"status": "complete"}, "gateway": 2})).await.expect(200);
    assert_eq!((&none["changed"], &none["items"]), (&json!(0), &json!([])));
    let wrong = app.post(path, json!({"ids": [second_id], "status": "recycle_billing"})).await.expect(200);
    assert_eq!(wrong["items"][0]["verdict"], "wrong_state");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_strangers_key_and_a_key_without_the_scope_change_nothing(#[case] on: On) {
    use api::v1::auth::{Scope, create_api_key};
    use web::AllowList;
    let app = App::new(on).await;
    shop(&app).await;
    let path = sold(&app).await;
    let before = app.get(&path).await.expect(200);
    let stranger = app.stranger().await;
    let scopes = [Scope::Read, Scope::Write];
    let reader =
        create_api_key(&app.hub, app.merchant_id, "r", &scopes, &AllowList::default()).await.unwrap();
    let bodies = [
        ("pause", json!({})),
        ("cancel", json!({"reason": "Mine."})),
        ("reactivate", json!({})),
        ("bill", json!({})),
        ("product", json!({"product": 8})),
        ("card", json!({"card": {"number": "4012888888881881", "expires_month": 5, "expires_year": 2031}})),
        ("skip-trial", json!({})),
        ("restart-trial", json!({})),
    ];
    for (key, status) in [(&stranger, 404), (&reader, 403)] {
        for (part, body) in &bodies {
            let headers = vec![
                ("authorization", format!("Bearer {key}")),
                ("idempotency-key", format!("{part}-{status}")),
            ];
            let call = Call {
                method: Method::POST,
                path: format!("{path}/{part}"),
                body: Some(body.clone()),
                headers,
            };
            assert_eq!(app.send(call).await.status, status, "{part}");
        }
        let patched = app.call_as(key, Method::PATCH, &path, Some(json!({"final_cycle": 5}))).await;
        assert_eq!(patched.status, status);
    }
    let batch = json!({"ids": [before["id"]], "status": "recycle_failed"});
    let judged = app.call_as(&stranger, Method::POST, "/v1/subscriptions/batch-change", Some(batch)).await;
    assert_eq!(judged.expect(200)["items"][0]["verdict"], "not_found");
    let all = app
        .call_as(
            &stranger,
            Method::POST,
            "/v1/subscriptions/batch-change",
            Some(json!({"filter": {}, "status": "recycle_failed"})),
        )
        .await;
    assert_eq!(all.expect(200)["items"], json!([]));
    assert_eq!(app.call_as(&stranger, Method::GET, &path, None).await.status, 404);
    assert_eq!(
        app.call_as(&stranger, Method::GET, "/v1/subscriptions", None).await.expect(200)["items"],
        json!([])
    );
    assert_eq!(app.get(&path).await.expect(200), before);
}
