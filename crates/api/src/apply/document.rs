//! The file: read, and refused with line and reason.

use std::fmt;

use serde::{Deserialize, Serialize};
use toml::de::DeTable;
use utoipa::ToSchema;

use super::lines::{Lines, line_at};
use super::schema::cut;
use super::unknown::list_unknown;
use crate::v1::{
    Account, Campaign, CascadeProfile, DeclineMap, Gateway, GatewayProfile, RecycleProfile, Resource,
};

/// The whole configuration of a merchant as one file. Resources refer to each other by number.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Settings of the account; they stay as they are when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<Account>,
    /// Gateways; `number` is required.
    #[serde(default)]
    pub(crate) gateways: Vec<Gateway>,
    /// Gateway profiles; `number` is required.
    #[serde(default)]
    pub(crate) gateway_profiles: Vec<GatewayProfile>,
    /// Cascade profiles; `number` is required.
    #[serde(default)]
    pub(crate) cascade_profiles: Vec<CascadeProfile>,
    /// Recycle profiles; `number` is required.
    #[serde(default)]
    pub(crate) recycle_profiles: Vec<RecycleProfile>,
    /// Decline maps; gateway or kind, orders and fragment together say which is which.
    #[serde(default)]
    pub(crate) decline_maps: Vec<DeclineMap>,
    /// Campaigns with their products; `number` is required.
    #[serde(default)]
    pub(crate) campaigns: Vec<Campaign>,
    /// Where things stand in the file.
    #[serde(skip)]
    #[schema(ignore)]
    pub(crate) lines: Lines,
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyProblem {
    /// The line, from 1; 1 also for what concerns the file as a whole.
    pub line: usize,
    /// What is wrong and how to mend it. Never a value of the file.
    pub message: String,
}

impl fmt::Display for ApplyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// Reads a file, TOML or (when it begins with a brace) JSON. Whatever is unknown, misplaced or malformed is refused.
pub fn parse(text: &str) -> Result<Document, Vec<ApplyProblem>> {
    let document =
        if text.trim_start().starts_with('{') { json_document(text)? } else { toml_document(text)? };
    let problems = document.check();
    if problems.is_empty() { Ok(document) } else { Err(problems) }
}

fn json_document(text: &str) -> Result<Document, Vec<ApplyProblem>> {
    let problem = |error: serde_json::Error| {
        let words = error.to_string();
        let message = words.rsplit_once(" at line ").map_or(words.as_str(), |(message, _)| message);
        vec![ApplyProblem { line: error.line().max(1), message: unquoted(message) }]
    };
    serde_json::from_str(text).map_err(problem)
}

fn toml_document(text: &str) -> Result<Document, Vec<ApplyProblem>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let problem = |error: &toml::de::Error| ApplyProblem {
        line: error.span().map_or(1, |span| line_at(text, span.start)),
        message: unquoted(error.message()),
    };
    if !errors.is_empty() {
        return Err(errors.iter().map(problem).collect());
    }
    let unknown = list_unknown(text, table.get_ref(), &cut());
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let mut document: Document = toml::from_str(text).map_err(|error| vec![problem(&error)])?;
    document.lines = Lines::read(text, table.get_ref());
    Ok(document)
}

/// Serde quotes what it could not take, and that may be a credential: only what it expected is kept.
fn unquoted(message: &str) -> String {
    let quotes = ["invalid type: ", "invalid value: ", "unknown variant `"];
    match message.rsplit_once(", expected ") {
        Some((given, expected)) if quotes.iter().any(|quote| given.starts_with(quote)) => {
            format!("expected {expected}")
        }
        Some(_) | None => message.lines().next().unwrap_or_default().to_owned(),
    }
}

impl Document {
    /// The problem at a place, with its line.
    pub(crate) fn problem(&self, place: &str, message: &str) -> ApplyProblem {
        let message = if place.is_empty() { message.to_owned() } else { format!("{place}: {message}") };
        ApplyProblem { line: self.lines.line(place), message }
    }

    /// What a file must say beyond a request: numbers, and no ids.
    fn check(&self) -> Vec<ApplyProblem> {
        let mut problems = Vec::new();
        self.check_numbers(&self.gateways, &mut problems);
        self.check_numbers(&self.gateway_profiles, &mut problems);
        self.check_numbers(&self.cascade_profiles, &mut problems);
        self.check_numbers(&self.recycle_profiles, &mut problems);
        self.check_numbers(&self.campaigns, &mut problems);
        for (at, map) in self.decline_maps.iter().enumerate() {
            if map.own_id().is_some() {
                let place = format!("decline_maps[{at}].id");
                problems.push(self.problem(&place, "ids are given by the server; leave it out"));
            }
        }
        problems
    }

    fn check_numbers<R: Resource>(&self, list: &[R], problems: &mut Vec<ApplyProblem>) {
        for (at, one) in list.iter().enumerate() {
            let place = format!("{}[#{at}]", R::PLURAL);
            let words = match one.own_number() {
                None => "give it a number; it is known by it",
                Some(_) if one.own_id().is_some() => "ids are given by the server; leave `id` out",
                Some(number) if list.iter().take(at).any(|other| other.own_number() == Some(number)) => {
                    "another one has this number; numbers are unique"
                }
                Some(_) => continue,
            };
            let line = self.lines.line(&place);
            problems.push(ApplyProblem { line, message: format!("{}: {words}", R::PLURAL) });
        }
    }
}
