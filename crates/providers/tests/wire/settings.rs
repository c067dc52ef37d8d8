//! Activation forms (R1–R22).

use domain::configuration::{Field, FieldKind, Provider, RecycleSlots};
use gateways::{Connect, SettingsError};
use rstest::rstest;

use crate::support::{Recorder, catalogue, flexfactor_settings, nmi_settings, now};

fn flexfactor() -> Provider {
    built_in().provider("flexfactor").unwrap()
}

fn built_in() -> recoup_providers::Catalogue {
    catalogue(Recorder::new(), std::sync::Arc::new(domain::ManualClock::new(now())))
}

fn field(name: &str) -> Field {
    *flexfactor().fields.iter().find(|field| field.name == name).unwrap()
}

const BASE: &str = "http://127.0.0.1:1/v1/";

fn messages_of_days(days: &str) -> Vec<String> {
    let mut settings = flexfactor_settings(BASE);
    settings.plain.insert("expiry_days".to_owned(), days.to_owned());
    settings.check(&flexfactor()).iter().map(ToString::to_string).collect()
}

#[test]
fn r1_the_catalogue_holds_flexfactor_after_nmi() {
    let titles: Vec<&str> = built_in().providers().iter().map(|provider| provider.title).collect();
    assert_eq!(titles, ["NMI", "FlexFactor"]);
}

#[rstest]
#[case::r3_app_key("app_key", "AppKey", FieldKind::Secret)]
#[case::r4_app_secret("app_secret", "AppSecret", FieldKind::Secret)]
#[case::r5_mid("mid", "MID", FieldKind::Text)]
#[case::r6_site_id("site_id", "SiteId", FieldKind::Text)]
#[case::r7_environment_key("environment_key", "EnvironmentKey", FieldKind::Secret)]
#[case::r9_hmac_signing_key("hmac_signing_key", "HMACSigningKey", FieldKind::SigningKey)]
fn r3_to_r9_the_form_asks_for_six_credentials(
    #[case] name: &str,
    #[case] label: &str,
    #[case] kind: FieldKind,
) {
    let field = field(name);
    assert_eq!((field.label, field.kind, field.required), (label, kind, true));
}

#[test]
fn r8_the_form_says_that_the_environment_key_is_the_tokenization_key() {
    let help = field("environment_key").help;
    assert!(help.contains("Tokenization Key") && help.contains("tokenization and nothing else"), "{help}");
}

#[rstest]
fn r10_a_missing_credential_is_refused_and_named(
    #[values("app_key", "app_secret", "mid", "site_id", "environment_key", "hmac_signing_key")] name: &str,
    #[values(None, Some(""), Some("  "))] value: Option<&str>,
) {
    let mut settings = flexfactor_settings(BASE);
    settings.plain.remove(name);
    settings.secret.remove(name);
    if let Some(value) = value {
        match field(name).kind {
            kind if kind.is_secret() => drop(settings.secret.insert(name.to_owned(), value.into())),
            _ => drop(settings.plain.insert(name.to_owned(), value.to_owned())),
        }
    }
    let error = built_in().connect("flexfactor", &settings).unwrap_err();
    let SettingsError::Invalid(problems) = &error else { panic!("{error:?}") };
    assert_eq!(problems.len(), 1, "{error}");
    assert!(error.to_string().contains(name) && error.to_string().contains(field(name).label), "{error}");
}

#[test]
fn r11_r12_expiry_days_is_optional_and_21_when_empty() {
    let settings = flexfactor_settings(BASE);
    assert!(!field("expiry_days").required);
    assert!(settings.check(&flexfactor()).is_empty());
    assert_eq!(settings.integer(&field("expiry_days")), 21);
    assert!(messages_of_days("").is_empty());
}

#[test]
fn r13_21_days_are_accepted_and_22_or_more_are_refused() {
    assert!(messages_of_days("21").is_empty());
    for days in ["22", "100", "99999999999999999999"] {
        let messages = messages_of_days(days);
        assert!(messages.len() == 1 && messages[0].contains("expiry_days"), "{days}: {messages:?}");
    }
}

#[test]
fn r14_days_are_whole_and_at_least_one() {
    assert!(messages_of_days("1").is_empty());
    for days in ["0", "-1", "1.5", "2,0", "ten", "1e1"] {
        assert_eq!(messages_of_days(days).len(), 1, "{days}");
    }
}

#[rstest]
#[case("", 21)]
#[case("1", 1)]
#[case("14", 14)]
#[case("21", 21)]
fn r12_an_open_salvage_stays_for_the_days_that_are_set(#[case] days: &str, #[case] expected: i64) {
    let mut settings = flexfactor_settings(BASE);
    settings.plain.insert("expiry_days".to_owned(), days.to_owned());
    let gateway = built_in().connect("flexfactor", &settings).unwrap();
    assert_eq!(gateway.salvage_days(), Some(expected));
    let nmi = built_in().connect("nmi", &nmi_settings(BASE)).unwrap();
    assert_eq!(nmi.salvage_days(), None);
}

#[test]
fn r15_the_form_says_what_expiry_days_counts() {
    assert!(
        field("expiry_days").help.contains("How many days FlexFactor may keep trying one submitted sale")
    );
}

#[test]
fn r20_chargebacks_are_an_option_that_is_off_when_new() {
    assert_eq!(
        (field("include_chargebacks").kind, field("include_chargebacks").required),
        (FieldKind::Flag, false)
    );
    assert!(!flexfactor_settings(BASE).flag("include_chargebacks"));
}

#[rstest]
#[case(None, false)]
#[case(Some("false"), false)]
#[case(Some("true"), true)]
fn r151_r154_chargebacks_are_taken_when_the_option_is_on(#[case] set: Option<&str>, #[case] taken: bool) {
    let mut settings = flexfactor_settings(BASE);
    settings.plain.extend(set.map(|value| ("include_chargebacks".to_owned(), value.to_owned())));
    assert_eq!(built_in().connect("flexfactor", &settings).unwrap().takes_chargebacks(), taken);
}

#[test]
fn r22_settings_and_gateways_print_no_credential() {
    for (kind, settings) in [("flexfactor", flexfactor_settings(BASE)), ("nmi", nmi_settings(BASE))] {
        let gateway = built_in().connect(kind, &settings).unwrap();
        let printed = format!("{settings:?} {gateway:?}");
        assert!(!printed.contains("planted"), "{printed}");
    }
}

#[test]
fn r23_two_gateways_of_one_kind_stand_side_by_side() {
    let mut second = flexfactor_settings(BASE);
    second.plain.insert("mid".to_owned(), "mid-2".to_owned());
    assert!(built_in().connect("flexfactor", &flexfactor_settings(BASE)).is_ok());
    assert!(built_in().connect("flexfactor", &second).is_ok());
}

#[test]
fn r25_flexfactor_never_makes_a_first_charge_and_stands_in_later_slots_only() {
    let capabilities = flexfactor().capabilities;
    assert!(capabilities.is_salvage_only() && capabilities.needs_ip && capabilities.fence);
    assert_eq!(capabilities.recycle_slots, RecycleSlots::Later);
    assert!(!capabilities.hold && !capabilities.account_check);
}

#[test]
fn nmi_needs_an_address_and_a_key_and_knows_no_other_fields() {
    let mut settings = nmi_settings("ftp://x");
    settings.secret.clear();
    settings.plain.insert("app_key".to_owned(), "x".to_owned());
    let error = built_in().connect("nmi", &settings).unwrap_err().to_string();
    for name in ["base_url", "security_key", "app_key"] {
        assert!(error.contains(name), "{error}");
    }
    assert!(matches!(built_in().connect("stripe", &settings), Err(SettingsError::UnknownKind(_))));
}

#[test]
fn m31_a_gateway_is_local_by_the_host_of_its_address() {
    let local = |base: &str| built_in().connect("nmi", &nmi_settings(base)).unwrap().is_local();
    assert!(local("http://127.0.0.1:8080"));
    assert!(!local("https://secure.nmi.com"));
}
