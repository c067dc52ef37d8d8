//! Turns `data/decline-reasons.csv` and `data/decline-codes.csv` into Rust tables, and refuses data that contradicts itself.
//!
//! [`generate`] is pure, so that `tests/declines.rs` can feed it broken tables and read what it says.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::{self, Write as _},
    fs,
    path::Path,
};

const CLASSES: &[&str] = &["soft", "hard"];
const NETWORK_CLASSES: &[&str] = &["never", "later", "fix_data", "generic", "by_mac", "own"];
const AUTOMATIC: &[&str] = &["yes", "limited", "other_route", "after_query", "no"];
const CREDENTIALS: &[&str] = &["no", "reenter", "update", "new_token", "replace", "new_agreement"];
const FRAUD_FLAGS: &[&str] = &["none", "suspected", "confirmed"];
const SALVAGE: &[&str] = &["yes", "no", "review", "after_update", "with_3ds", "with_pan", "after_query"];
const RETRY_CLASSES: &[&str] = &[
    "immediate",
    "short_wait",
    "funds_wait",
    "limit_reset",
    "long_wait",
    "customer_action",
    "after_update",
    "fix_request",
    "other_route",
    "query_first",
    "manual_review",
    "never",
];

/// What is wrong with the data, with file and line. Its `Debug` is the sentence itself: that is what a failed build prints.
pub(crate) struct Refused(pub(crate) String);

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Refused {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// The two generated files.
pub(crate) struct Generated {
    pub(crate) reasons: String,
    pub(crate) codes: String,
}

fn main() -> Result<(), Refused> {
    let root = env::var("CARGO_MANIFEST_DIR")?;
    let data = Path::new(&root).join("data");
    let generated = generate(
        &fs::read_to_string(data.join("decline-reasons.csv"))?,
        &fs::read_to_string(data.join("decline-codes.csv"))?,
    )?;
    let out = env::var("OUT_DIR")?;
    fs::write(Path::new(&out).join("decline_reasons.rs"), generated.reasons)?;
    fs::write(Path::new(&out).join("decline_codes.rs"), generated.codes)?;
    announce();
    Ok(())
}

/// Tells cargo when to run this again.
fn announce() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=data/decline-reasons.csv");
    println!("cargo::rerun-if-changed=data/decline-codes.csv");
}

/// Checks both tables and writes them as Rust.
pub(crate) fn generate(reasons_csv: &str, codes_csv: &str) -> Result<Generated, Refused> {
    let reasons = read("decline-reasons.csv", reasons_csv)?;
    let classes = reason_classes(&reasons)?;
    let codes = read("decline-codes.csv", codes_csv)?;
    Ok(Generated { reasons: write_reasons(&reasons)?, codes: write_codes(&codes, &classes)? })
}

/// One line of a table, its columns by name.
struct Row {
    place: String,
    columns: BTreeMap<String, String>,
}

impl Row {
    fn get(&self, column: &str) -> Result<&str, Refused> {
        self.columns
            .get(column)
            .map(String::as_str)
            .ok_or_else(|| self.refuse(&format!("no column {column:?}")))
    }

    /// The cell as an enum variant, if it is one of the words known for that column.
    fn word(&self, column: &str, words: &[&str]) -> Result<String, Refused> {
        let value = self.get(column)?;
        if words.contains(&value) {
            return Ok(pascal(value));
        }
        Err(self.refuse(&format!("{column} is {value:?}, not one of {words:?}")))
    }

    fn visa_category(&self, column: &str) -> Result<String, Refused> {
        match self.get(column)? {
            "" => Ok(String::from("None")),
            category @ ("1" | "2" | "3" | "4") => Ok(format!("Some({category})")),
            other => Err(self.refuse(&format!("{column} is {other:?}, not 1 to 4 or empty"))),
        }
    }

    fn refuse(&self, what: &str) -> Refused {
        Refused(format!("{}: {what}", self.place))
    }
}

fn read(file: &str, text: &str) -> Result<Vec<Row>, Refused> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names = reader.headers()?.clone();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        let columns =
            names.iter().zip(&record).map(|(name, cell)| (String::from(name), String::from(cell))).collect();
        rows.push(Row { place: format!("{file}, line {line}"), columns });
    }
    Ok(rows)
}

fn reason_classes(rows: &[Row]) -> Result<BTreeMap<String, String>, Refused> {
    let mut classes = BTreeMap::new();
    for row in rows {
        let name = row.get("canonical_reason")?;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
            return Err(row.refuse(&format!("canonical_reason {name:?} is not lower-case words joined by _")));
        }
        if classes.insert(String::from(name), String::from(row.get("soft_hard")?)).is_some() {
            return Err(row.refuse(&format!("duplicate reason {name:?}")));
        }
    }
    Ok(classes)
}

fn write_reasons(rows: &[Row]) -> Result<String, Refused> {
    let (mut variants, mut all, mut names, mut parses, mut facts, mut statics) =
        (String::new(), String::new(), String::new(), String::new(), String::new(), String::new());
    for row in rows {
        let name = row.get("canonical_reason")?;
        let (variant, constant) = (pascal(name), name.to_uppercase());
        writeln!(
            variants,
            "    /// `{name}` ({}): {}.\n    {variant},",
            row.get("soft_hard")?,
            row.get("meaning")?
        )?;
        writeln!(all, "        Self::{variant},")?;
        writeln!(names, "            Self::{variant} => {name:?},")?;
        writeln!(parses, "            {name:?} => Some(Self::{variant}),")?;
        writeln!(facts, "            Self::{variant} => &{constant},")?;
        writeln!(statics, "static {constant}: ReasonFacts = {};", reason_facts(row)?)?;
    }
    Ok(format!(
        "/// Why a payment was refused, in our own vocabulary, or why it is not known whether it was.\n\
         ///\n/// Source of the list: `data/decline-reasons.csv`.\n\
         #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]\npub enum Reason {{\n{variants}}}\n\n\
         impl Reason {{\n    /// Every reason, in the order of the table.\n    pub const ALL: [Self; {}] = [\n{all}    ];\n\n\
         \x20   /// The name that is stored and shown, in snake case.\n    pub const fn as_str(self) -> &'static str {{\n\
         \x20       match self {{\n{names}        }}\n    }}\n\n\
         \x20   /// The reason of that exact name; `None` for any other text.\n    pub fn parse(name: &str) -> Option<Self> {{\n\
         \x20       match name {{\n{parses}            _ => None,\n        }}\n    }}\n\n\
         \x20   /// What the table says about this reason.\n    pub const fn facts(self) -> &'static ReasonFacts {{\n\
         \x20       match self {{\n{facts}        }}\n    }}\n}}\n\n{statics}",
        rows.len()
    ))
}

fn reason_facts(row: &Row) -> Result<String, Refused> {
    let attempts = row.get("automatic_attempts_max")?;
    let attempts: u8 = attempts
        .parse()
        .map_err(|_| row.refuse(&format!("automatic_attempts_max is {attempts:?}, not 0 to 255")))?;
    Ok(format!(
        "ReasonFacts {{ class: Class::{}, network_class: NetworkClass::{}, automatic: Automatic::{}, \
         earliest_delay_minutes: {}, automatic_attempts_max: {attempts}, credential: CredentialChange::{}, \
         fraud_flag: FraudFlag::{}, salvage_cit: SalvageAdvice::{}, salvage_mit: SalvageAdvice::{}, \
         implied_visa_category: {}, retry_class: RetryClass::{}, meaning: {:?}, delay_rule: {:?} }}",
        row.word("soft_hard", CLASSES)?,
        row.word("network_class", NETWORK_CLASSES)?,
        row.word("automatic", AUTOMATIC)?,
        minutes(row)?,
        row.word("credential", CREDENTIALS)?,
        row.word("fraud_flag", FRAUD_FLAGS)?,
        row.word("salvage_cit", SALVAGE)?,
        row.word("salvage_mit", SALVAGE)?,
        row.visa_category("implied_visa_category")?,
        row.word("retry_class", RETRY_CLASSES)?,
        row.get("meaning")?,
        row.get("delay_rule")?,
    ))
}

fn write_codes(rows: &[Row], classes: &BTreeMap<String, String>) -> Result<String, Refused> {
    let mut codes = BTreeMap::new();
    let mut ranges = String::new();
    let mut sources = BTreeSet::new();
    for row in rows {
        let (source, code) = (row.get("source")?, row.get("code")?);
        if source.is_empty() || code.is_empty() {
            return Err(row.refuse("source and code may not be empty"));
        }
        if let Some((low, high)) = range(code) {
            writeln!(ranges, "    ({source:?}, {low}, {high}, {code:?}),")?;
        }
        sources.insert(String::from(source));
        if codes.insert((String::from(source), String::from(code)), code_facts(row, classes)?).is_some() {
            return Err(row.refuse(&format!("duplicate key: source {source:?}, code {code:?}")));
        }
    }
    let count = codes.len();
    let lines: Vec<String> = codes.into_values().collect();
    let (lines, sources) =
        (lines.join(",\n    "), sources.into_iter().collect::<Vec<_>>().join("\",\n    \""));
    Ok(format!(
        "/// Sorted by source, then code, both by their bytes.\nstatic CODES: [CodeFacts; {count}] = [\n    {lines},\n];\n\n\
         /// Rows that stand for a range of numbers: source, first, last, the row's code.\n\
         static RANGES: &[(&str, u32, u32, &str)] = &[\n{ranges}];\n\n\
         /// Every source that the table knows, sorted.\npub static SOURCES: &[&str] = &[\n    \"{sources}\",\n];\n"
    ))
}

fn code_facts(row: &Row, classes: &BTreeMap<String, String>) -> Result<String, Refused> {
    let (reason, class) = (row.get("canonical_reason")?, row.get("soft_hard")?);
    let (reason, class, retry_class) = match classes.get(reason) {
        _ if reason == "not_a_decline" => {
            row.word("soft_hard", &["none"])?;
            let retry_class = row.word("retry_class", &["none"])?;
            (String::from("None"), String::from("None"), retry_class)
        }
        None => return Err(row.refuse(&format!("unknown reason {reason:?}"))),
        Some(of_reason) if of_reason != class => {
            return Err(row.refuse(&format!("{class:?}, but its reason {reason:?} is {of_reason:?}")));
        }
        Some(_) => (
            format!("Some(Reason::{})", pascal(reason)),
            format!("Some(Class::{})", row.word("soft_hard", CLASSES)?),
            row.word("retry_class", RETRY_CLASSES)?,
        ),
    };
    Ok(format!(
        "CodeFacts {{ source: {:?}, code: {:?}, message: {:?}, reason: {reason}, class: {class}, \
         retry_class: RetryClass::{retry_class}, visa_category: {}, notes: {:?} }}",
        row.get("source")?,
        row.get("code")?,
        row.get("message")?,
        row.visa_category("visa_category")?,
        row.get("notes")?,
    ))
}

/// `2109-2999` as two numbers; `None` for an ordinary code.
fn range(code: &str) -> Option<(u32, u32)> {
    let (low, high) = code.split_once('-')?;
    Some((low.parse().ok()?, high.parse().ok()?))
}

/// Decimal hours as whole minutes, rounded to the nearest, without floating point: `0.25` is 15, `0.02` is 1.
fn minutes(row: &Row) -> Result<String, Refused> {
    let hours = row.get("earliest_delay_hours")?;
    if hours.is_empty() {
        return Ok(String::from("None"));
    }
    let refused = || row.refuse(&format!("earliest_delay_hours is {hours:?}, not decimal hours"));
    let (whole, fraction) = hours.split_once('.').unwrap_or((hours, ""));
    let digits = format!("{whole}{fraction}");
    if whole.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(refused());
    }
    let scale = 10_i64.pow(u32::try_from(fraction.len()).map_err(|_| refused())?);
    let scaled: i64 = digits.parse().map_err(|_| refused())?;
    Ok(format!("Some({})", (scaled * 60 + scale / 2) / scale))
}

/// `with_3ds` becomes `With3ds`.
fn pascal(word: &str) -> String {
    word.split('_')
        .flat_map(|part| {
            let mut letters = part.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters)
        })
        .collect()
}
