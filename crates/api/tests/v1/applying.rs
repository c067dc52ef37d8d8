//! `apply`: the whole configuration as one file.

use api::apply::{Action, ApplyError, apply, json_schema, parse, plan};
use rstest::rstest;
use serde_json::Value;
use storage::testing::On;

use crate::support::App;

const FILE: &str = r#"
[account]
title = "Example Shop"

[[gateways]]
number = 1
kind = "nmi"
title = "Main MID"
direct_cascade = 5
settings = { base_url = "https://secure.nmi.com", security_key = "nmi-SECRET" }

[[gateways]]
number = 17
kind = "flexfactor"
title = "FlexFactor"
[gateways.settings]
app_key = "key-SECRET"
app_secret = "secret-SECRET"
mid = "mid-1"
site_id = "site-1"
environment_key = "tokenization-SECRET"
hmac_signing_key = "signing/SECRET++"
base_url = "https://api-sandbox.flexfactor.io/v1/"
expiry_days = 21

[[cascade_profiles]]
number = 5
title = "Salvage"
algorithm = "priority_queue"
members = [{ gateway = 17 }]

[[gateway_profiles]]
number = 3
title = "US"
algorithm = "weighted"
members = [{ gateway = 1, weight = 100 }]
cascade = 5

[[recycle_profiles]]
number = 2
title = "Recycle"
reduction_type = "percent"
gateways = [1]
slots = [{ days = 3 }, { days = 4, reduction = 10 }, { days = 7 }, { days = 7 }]
gateway_4_to_6 = 17
final_slot = { days = 10 }

[[decline_maps]]
gateway_kind = "nmi"
fragment = "limit exceeded"
class = "soft"

[[campaigns]]
number = 100
title = "Vitamins"
currency = "USD"

[[campaigns.products]]
number = 7
name = "Vitamin C"
price = { amount_minor = 2999, currency = "USD" }
is_shippable = true
gateway_profile = 3

[[campaigns.products]]
number = 8
name = "Vitamin C, monthly"
billing = "recurring"
price = { amount_minor = 495, currency = "USD" }
gateway = 1
[campaigns.products.plan]
trial = "standard"
cycles = [{ delay_days = 14 }, { delay_days = 30, price = { amount_minor = 2999, currency = "USD" } }]
final_cycle = 12
"#;

async fn applied(app: &App, text: &str) -> api::apply::Plan {
    apply(&app.hub, app.merchant_id, &parse(text).unwrap(), "tests", "first").await.unwrap()
}

async fn refused(app: &App, text: &str) -> Vec<(usize, String)> {
    match plan(&app.hub, app.merchant_id, &parse(text).unwrap()).await {
        Err(ApplyError::Problems(problems)) => {
            problems.into_iter().map(|one| (one.line, one.message)).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn line_of(text: &str, part: &str) -> usize {
    text.lines().position(|line| line.contains(part)).unwrap() + 1
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_file_makes_everything_and_applied_again_does_nothing(#[case] on: On) {
    let app = App::real(on).await;
    let first = applied(&app, FILE).await;
    assert_eq!((first.count(Action::Create), first.count(Action::Update)), (7, 1), "{:?}", first.lines);
    assert!(!format!("{first:?}{:?}", first.lines).contains("SECRET"));
    let version = app.hub.reload(app.merchant_id).await.unwrap().version;
    assert_eq!(version, 1, "one change of the configuration");
    let again = applied(&app, FILE).await;
    assert!(again.is_empty(), "{:?}", again.lines);
    assert_eq!(again.count(Action::Unchanged), 8);
    assert_eq!(app.hub.reload(app.merchant_id).await.unwrap().version, version);
    let shown = app.get("/v1/campaigns").await.expect(200);
    assert!(shown["items"][0]["products"][0]["gateway_profile"].as_str().unwrap().starts_with("gpr_"));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_changed_file_keeps_the_ids_of_numbers_and_removes_what_it_no_longer_names(#[case] on: On) {
    let app = App::real(on).await;
    applied(&app, FILE).await;
    let before = app.get("/v1/gateways").await.expect(200);
    let changed = FILE
        .replace("Main MID", "First MID")
        .replace("nmi-SECRET", "fresh-SECRET")
        .replace("amount_minor = 2999", "amount_minor = 3999")
        .replace("gateway_profile = 3", "gateway = 1");
    let start = changed.find("[[gateway_profiles]]").unwrap();
    let end = changed.find("[[campaigns]]").unwrap();
    let changed = format!("{}{}", &changed[..start], &changed[end..]);
    let planned = plan(&app.hub, app.merchant_id, &parse(&changed).unwrap()).await.unwrap();
    let text = planned.lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(text.contains("title: \"Main MID\" → \"First MID\""), "{text}");
    assert!(text.contains("credential security_key: changed") && !text.contains("SECRET"), "{text}");
    assert!(text.contains("products[0].price.amount_minor: 2999 → 3999"), "{text}");
    assert!(text.contains("- delete gateway_profiles[3]"), "{text}");
    assert!(text.contains("- delete recycle_profiles[2]"), "{text}");
    assert_eq!(planned.count(Action::Delete), 3);
    assert_eq!(app.get("/v1/gateways").await.expect(200), before, "a plan changes nothing");
    applied(&app, &changed).await;
    let after = app.get("/v1/gateways").await.expect(200);
    assert_eq!(after["items"][0]["id"], before["items"][0]["id"]);
    assert_eq!(after["items"][0]["title"], "First MID");
    assert_eq!(app.get("/v1/gateway-profiles").await.expect(200)["items"], serde_json::json!([]));
    assert!(applied(&app, &changed).await.is_empty());
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn what_the_rules_refuse_is_told_with_its_line_and_nothing_is_saved(#[case] on: On) {
    let app = App::real(on).await;
    let wrong = FILE
        .replace("expiry_days = 21", "expiry_days = 22")
        .replace("members = [{ gateway = 1, weight = 100 }]", "members = [{ gateway = 17, weight = 90 }]")
        .replace("direct_cascade = 5", "direct_cascade = 9")
        .replace("\"nmi-SECRET\"", "{ env = \"RECOUP_NO_SUCH_VARIABLE\" }");
    let problems = refused(&app, &wrong).await;
    let lines: Vec<usize> = problems.iter().map(|(line, _)| *line).collect();
    for part in ["expiry_days", "gateway = 17, weight", "direct_cascade", "RECOUP_NO_SUCH_VARIABLE"] {
        assert!(lines.contains(&line_of(&wrong, part)), "{part}: {problems:?}");
    }
    assert!(!format!("{problems:?}").contains("SECRET"));
    assert_eq!(app.get("/v1/gateways").await.expect(200)["items"], serde_json::json!([]));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_map_without_effect_is_planned_with_a_warning(#[case] on: On) {
    let app = App::real(on).await;
    let text = FILE.replace("limit exceeded", "stolen card");
    let planned = plan(&app.hub, app.merchant_id, &parse(&text).unwrap()).await.unwrap();
    let line = line_of(&text, "[[decline_maps]]");
    assert_eq!(planned.warnings.len(), 1);
    assert!(
        planned.warnings[0].starts_with(&format!("line {line}: decline_maps[0]")),
        "{:?}",
        planned.warnings
    );
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_sample_of_the_schema_is_a_file_and_json_is_taken_too(#[case] on: On) {
    let app = App::real(on).await;
    let schema: Value = serde_json::from_str(&json_schema()).unwrap();
    let sample = schema["examples"][0].to_string();
    let problems = refused(&app, &sample).await;
    let environment = problems.iter().filter(|(_, message)| message.contains("environment variable")).count();
    assert_eq!(environment, 5, "{problems:?}");
    let clear = sample
        .replace(r#"{"env":"#, "")
        .replace(r#"_KEY"}"#, r#"_KEY""#)
        .replace(r#"_SECRET"}"#, r#"_SECRET""#)
        .replace("FLEXFACTOR_SIGNING_KEY", "c2lnbmluZyBrZXk=");
    assert_eq!(applied(&app, &clear).await.count(Action::Create), 5);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_plan_tells_what_changes_in_plans_and_recycle_profiles(#[case] on: On) {
    let app = App::real(on).await;
    applied(&app, FILE).await;
    let changed = FILE
        .replace("{ days = 4, reduction = 10 }", "{ days = 5, skip = true }")
        .replace("gateway_4_to_6 = 17", "gateway_final = 17")
        .replace("final_cycle = 12", "final_cycle = 24")
        .replace("title = \"Example Shop\"", "title = \"Example Shop\"\ndaily_rebill_time = \"06:30\"");
    let planned = plan(&app.hub, app.merchant_id, &parse(&changed).unwrap()).await.unwrap();
    let text = planned.lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for part in [
        "~ update recycle_profiles[2]",
        "slots[1].days: 4 → 5",
        "slots[1].reduction: 10 → 0",
        "slots[1].skip: false → true",
        "gateway_4_to_6: 17 → none",
        "gateway_final: none → 17",
        "products[1].plan.final_cycle: 12 → 24",
        "daily_rebill_time: \"09:00\" → \"06:30\"",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!((planned.count(Action::Update), planned.count(Action::Unchanged)), (3, 5));
    applied(&app, &changed).await;
    assert!(applied(&app, &changed).await.is_empty());
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn r36_r46_what_recycle_profiles_and_plans_may_not_say_is_told_with_its_line(#[case] on: On) {
    let app = App::real(on).await;
    let wrong = FILE
        .replace("gateways = [1]", "gateways = [17]")
        .replace("reduction = 10 }", "reduction = 100 }")
        .replace("gateway_4_to_6 = 17", "gateway_4_to_6 = 98")
        .replace("final_slot = { days = 10 }", "final_slot = { days = 0 }")
        .replace("final_cycle = 12", "final_cycle = 1");
    let problems = refused(&app, &wrong).await;
    let lines: Vec<usize> = problems.iter().map(|(line, _)| *line).collect();
    for part in ["gateways = [17]", "gateway_4_to_6", "final_slot", "final_cycle"] {
        assert!(lines.contains(&line_of(&wrong, part)), "{part}: {problems:?}");
    }
    assert_eq!(app.get("/v1/recycle-profiles").await.expect(200)["items"], serde_json::json!([]));
    let early = FILE.replace("gateway_4_to_6 = 17", "gateway_1_to_3 = 17");
    let problems = parse(&early).unwrap_err();
    let line = line_of(&early, "gateway_1_to_3");
    assert_eq!((problems.len(), problems[0].line), (1, line), "{problems:?}");
    assert!(
        problems[0].message.starts_with("`gateway_1_to_3` is unknown in recycle_profiles"),
        "{problems:?}"
    );
    let misplaced = FILE.replace("title = \"US\"", "title = \"US\"\ndisable_recycle_billing = true");
    let problems = parse(&misplaced).unwrap_err();
    assert!(problems[0].message.ends_with("it belongs in campaigns"), "{problems:?}");
}

#[test]
fn unknown_and_misplaced_entries_are_refused_all_at_once_with_their_lines() {
    let text = "[account]\ntitle = \"x\"\ncolour = 1\n\n[[gateways]]\nnumber = 1\nkind = \"nmi\"\ntitle = \"x\"\n\
                single_transaction = true\n\n[[gateways]]\nid = \"gtw_1\"\n\n[[campaign]]\n";
    let problems: Vec<String> = parse(text).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 4, "{problems:?}");
    assert!(
        problems.iter().any(|one| one.starts_with("line 3: `colour` is unknown in account")),
        "{problems:?}"
    );
    let misplaced = problems.iter().find(|one| one.starts_with("line 9: ")).unwrap();
    assert!(
        misplaced.contains("`single_transaction`") && misplaced.ends_with("it belongs in campaigns"),
        "{misplaced}"
    );
    assert!(problems.iter().any(|one| one.starts_with("line 12: `id`")), "{problems:?}");
    assert!(
        problems.iter().any(|one| one.starts_with("line 14: `campaign` is unknown in the file")),
        "{problems:?}"
    );
}

#[rstest]
#[case::syntax("[account\n", 1)]
#[case::kind("\n[[gateways]]\nnumber = \"SECRET\"\nkind = \"nmi\"\ntitle = \"x\"\n", 3)]
#[case::no_number("\n\n[[gateways]]\nkind = \"nmi\"\ntitle = \"x\"\n", 3)]
#[case::json("{\n\"account\": {\"title\": 7}\n}", 2)]
#[case::json_unknown("{\n\"accounts\": {}\n}", 2)]
fn a_malformed_file_is_refused_with_its_line_and_without_its_values(#[case] text: &str, #[case] line: usize) {
    let problems = parse(text).unwrap_err();
    assert_eq!(problems[0].line, line, "{problems:?}");
    assert!(!problems[0].message.contains("SECRET"), "{problems:?}");
}

#[test]
fn two_of_one_number_are_refused() {
    let gateway = "[[gateways]]\nnumber = 1\nkind = \"nmi\"\ntitle = \"x\"\n";
    let problems = parse(&format!("{gateway}{gateway}")).unwrap_err();
    assert_eq!((problems.len(), problems[0].line), (1, 5), "{problems:?}");
}
