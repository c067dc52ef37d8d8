//! The compiled tables equal the data files, and broken data does not compile.

use std::collections::BTreeSet;

use recoup_domain::declines::{
    Automatic, Class, CredentialChange, FraudFlag, NetworkClass, Reason, RetryClass, SOURCES, SalvageAdvice,
    lookup,
};
use rstest::rstest;

use crate::build_script::generate;

const REASONS: &str = include_str!("../../data/decline-reasons.csv");
const CODES: &str = include_str!("../../data/decline-codes.csv");

fn rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(String::from).collect()).collect()
}

fn optional<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

#[test]
fn all_40_reasons_equal_their_rows() {
    let rows = rows(REASONS);
    assert_eq!((rows.len(), Reason::ALL.len()), (40, 40));
    for (row, reason) in rows.iter().zip(Reason::ALL) {
        let facts = reason.facts();
        let hours = match facts.earliest_delay_minutes {
            None => String::new(),
            Some(15) => String::from("0.25"),
            Some(1) => String::from("0.02"),
            Some(minutes) => {
                assert_eq!(minutes % 60, 0);
                (minutes / 60).to_string()
            }
        };
        let compiled = [
            reason.as_str().into(),
            facts.class.as_str().into(),
            facts.network_class.as_str().into(),
            facts.automatic.as_str().into(),
            hours,
            facts.automatic_attempts_max.to_string(),
            facts.credential.as_str().into(),
            facts.fraud_flag.as_str().into(),
            facts.salvage_cit.as_str().into(),
            facts.salvage_mit.as_str().into(),
            optional(facts.implied_visa_category),
            facts.retry_class.as_str().into(),
            facts.meaning.into(),
            facts.delay_rule.into(),
        ];
        assert_eq!(row[..], compiled);
        assert_eq!(Reason::parse(reason.as_str()), Some(reason));
    }
    assert_eq!(Reason::parse("Unknown"), None);
    assert_eq!(Reason::parse("not_a_decline"), None);
}

#[test]
fn all_1096_codes_equal_their_rows() {
    let rows = rows(CODES);
    assert_eq!(rows.len(), 1_096);
    for row in &rows {
        let facts = lookup(&row[0], &row[1]).unwrap();
        let compiled = [
            facts.source.into(),
            facts.code.into(),
            facts.message.into(),
            facts.reason.map_or("not_a_decline", Reason::as_str).into(),
            facts.class.map_or("none", Class::as_str).into(),
            facts.retry_class.as_str().into(),
            optional(facts.visa_category),
            String::from(facts.notes),
        ];
        assert_eq!(row[..], compiled);
    }
    let sources: BTreeSet<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert!(sources.iter().eq(SOURCES));
    assert_eq!(lookup("nmi", "999"), None);
    assert_eq!(lookup("NMI", "200"), None);
}

#[test]
fn every_word_of_the_vocabularies_reads_back_and_is_used() {
    let used: BTreeSet<String> = rows(REASONS).into_iter().chain(rows(CODES)).flatten().collect();
    macro_rules! check {
        ($($words:ident)+) => {$(
            for word in $words::ALL {
                assert_eq!($words::parse(word.as_str()), Some(*word));
                assert!(used.contains(word.as_str()), "{word:?}");
            }
            assert_eq!($words::parse("Soft"), None);
        )+};
    }
    check!(Class NetworkClass Automatic CredentialChange FraudFlag SalvageAdvice RetryClass);
}

const REASONS_HEAD: &str = "canonical_reason,soft_hard,network_class,automatic,earliest_delay_hours,\
    automatic_attempts_max,credential,fraud_flag,salvage_cit,salvage_mit,implied_visa_category,retry_class,meaning,delay_rule\n";
const REASON: &str = "stolen,hard,never,no,,0,replace,confirmed,no,no,1,never,m,d\n";
const CODES_HEAD: &str = "source,code,message,canonical_reason,soft_hard,retry_class,visa_category,notes\n";
const CODE: &str = "nmi,252,Stolen,stolen,hard,never,1,\n";

fn refusal(reasons: &str, codes: &str) -> String {
    match generate(&format!("{REASONS_HEAD}{reasons}"), &format!("{CODES_HEAD}{codes}")) {
        Ok(_) => String::from("accepted"),
        Err(refused) => format!("{refused:?}"),
    }
}

#[test]
fn sound_data_is_accepted_and_delays_become_whole_minutes() {
    assert_eq!(refusal(REASON, CODE), "accepted");
    for (hours, minutes) in [("0.25", "15"), ("0.02", "1"), ("24", "1440"), ("0", "0"), ("1.5", "90")] {
        let reasons = format!("{REASONS_HEAD}{}", REASON.replace("no,,0", &format!("no,{hours},0")));
        let generated = generate(&reasons, CODES_HEAD).unwrap().reasons;
        assert!(generated.contains(&format!("earliest_delay_minutes: Some({minutes})")), "{hours}");
    }
}

#[rstest]
#[case::reason_twice(REASON, REASON, "", "decline-reasons.csv, line 3: duplicate reason \"stolen\"")]
#[case::key_twice(REASON, "", CODE, "decline-codes.csv, line 3: duplicate key: source \"nmi\", code \"252\"")]
fn a_key_given_twice_fails_the_build(
    #[case] reason: &str,
    #[case] second_reason: &str,
    #[case] second_code: &str,
    #[case] message: &str,
) {
    assert_eq!(refusal(&format!("{reason}{second_reason}"), &format!("{CODE}{second_code}")), message);
}

#[rstest]
#[case("hard,never,no", "hrad,never,no", "soft_hard is \"hrad\", not one of [\"soft\", \"hard\"]")]
#[case("never,no", "nver,no", "network_class is \"nver\"")]
#[case("never,no", "never,maybe", "automatic is \"maybe\"")]
#[case("no,,0", "no,1.2h,0", "earliest_delay_hours is \"1.2h\", not decimal hours")]
#[case("no,,0", "no,.5,0", "earliest_delay_hours is \".5\", not decimal hours")]
#[case("no,,0", "no,,-1", "automatic_attempts_max is \"-1\", not 0 to 255")]
#[case("replace", "swap", "credential is \"swap\"")]
#[case("confirmed", "sure", "fraud_flag is \"sure\"")]
#[case("no,no,1", "no,perhaps,1", "salvage_mit is \"perhaps\"")]
#[case("no,1,never", "no,5,never", "implied_visa_category is \"5\", not 1 to 4 or empty")]
#[case("1,never", "1,nver", "retry_class is \"nver\"")]
#[case("stolen,", "Stolen Card,", "canonical_reason \"Stolen Card\" is not lower-case")]
fn an_unknown_word_in_a_reason_fails_the_build(#[case] good: &str, #[case] bad: &str, #[case] says: &str) {
    let message = refusal(&REASON.replacen(good, bad, 1), "");
    assert!(message.starts_with("decline-reasons.csv, line 2: ") && message.contains(says), "{message}");
}

#[rstest]
#[case("stolen,hard", "stollen,hard", "unknown reason \"stollen\"")]
#[case("stolen,hard", "stolen,soft", "\"soft\", but its reason \"stolen\" is \"hard\"")]
#[case("hard,never", "hard,never_ever", "retry_class is \"never_ever\"")]
#[case("stolen,hard", "not_a_decline,hard", "soft_hard is \"hard\", not one of [\"none\"]")]
#[case("never,1", "never,x", "visa_category is \"x\"")]
#[case("252", "", "source and code may not be empty")]
fn a_bad_code_row_fails_the_build(#[case] good: &str, #[case] bad: &str, #[case] says: &str) {
    let message = refusal(REASON, &CODE.replacen(good, bad, 1));
    assert!(message.starts_with("decline-codes.csv, line 2: ") && message.contains(says), "{message}");
}
