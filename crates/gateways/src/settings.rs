//! The settings of one gateway: plain ones and secret ones.

use std::collections::BTreeMap;

use domain::configuration::{Field, FieldKind, Provider};
use domain::placement::Problem;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::signing::{changed_name, previous_name};

/// Settings by field name; secrets cannot be printed.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Fields that may be shown.
    pub plain: BTreeMap<String, String>,
    /// Credentials.
    pub secret: BTreeMap<String, SecretString>,
}

/// Settings that make no gateway.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// No provider of this kind is built in.
    #[error("there is no provider of kind {0:?}")]
    UnknownKind(String),
    /// Fields are missing or wrong.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Problem>),
}

impl Settings {
    /// The plain field, or an empty text.
    pub fn text(&self, name: &str) -> &str {
        self.plain.get(name).map_or("", String::as_str)
    }

    /// The secret field, or an empty text. Only for the body of a request to the gateway.
    pub fn expose(&self, name: &str) -> &str {
        self.secret.get(name).map_or("", |secret| secret.expose_secret())
    }

    /// The whole number in a field, or the field's default.
    pub fn integer(&self, field: &Field) -> i64 {
        let FieldKind::Integer { default, .. } = field.kind else { return 0 };
        self.text(field.name).trim().parse().unwrap_or(default)
    }

    /// Whether a flag is on.
    pub fn flag(&self, name: &str) -> bool {
        self.text(name) == "true"
    }

    /// Everything wrong with these settings under a provider's form; each problem names its field (R10, R13, R14).
    pub fn check(&self, provider: &Provider) -> Vec<Problem> {
        let mut problems = Vec::new();
        for field in provider.fields {
            let value = if field.kind.is_secret() { self.expose(field.name) } else { self.text(field.name) };
            if let Some(message) = problem_of(field, value) {
                problems.push(Problem::new(field.name, message));
            }
        }
        let known = |name: &str| provider.fields.iter().any(|field| field.name == name);
        // Kept by us beside a key that signs reports; no form shows them.
        let keys = || provider.fields.iter().filter(|field| field.kind == FieldKind::SigningKey);
        let moment = |name: &str| keys().any(|field| changed_name(field.name) == name);
        let before = |name: &str| keys().any(|field| previous_name(field.name) == name);
        let plain = self.plain.keys().filter(|name| !known(name) && !moment(name));
        let secret = self.secret.keys().filter(|name| !known(name) && !before(name));
        for name in plain.chain(secret) {
            let names: Vec<&str> = provider.fields.iter().map(|field| field.name).collect();
            problems.push(Problem::new(
                name,
                format!("{} has no such setting; it has {}", provider.title, names.join(", ")),
            ));
        }
        problems
    }
}

fn problem_of(field: &Field, value: &str) -> Option<String> {
    let value = value.trim();
    if value.is_empty() {
        return field.required.then(|| format!("{} is required. {}", field.label, field.help));
    }
    match field.kind {
        FieldKind::Text | FieldKind::Secret | FieldKind::SigningKey => {
            (value.len() > 512).then(|| format!("{} has at most 512 characters", field.label))
        }
        FieldKind::Url => {
            let right = value.starts_with("https://") || value.starts_with("http://");
            (!right).then(|| format!("{} is an address that begins with https://", field.label))
        }
        FieldKind::Integer { min, max, .. } => {
            let inside = value.parse::<i64>().is_ok_and(|number| (min..=max).contains(&number));
            (!inside).then(|| format!("{} is a whole number from {min} to {max}", field.label))
        }
        FieldKind::Flag => {
            (!matches!(value, "true" | "false")).then(|| format!("{} is true or false", field.label))
        }
    }
}
