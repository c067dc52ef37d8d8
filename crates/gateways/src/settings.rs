//! The settings of one gateway: plain ones and secret ones.

use std::collections::BTreeMap;

use domain::configuration::{Field, FieldKind, Provider};
use domain::placement::Problem;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

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
            let value = match field.kind {
                FieldKind::Secret => self.expose(field.name),
                FieldKind::Text | FieldKind::Url | FieldKind::Integer { .. } | FieldKind::Flag => {
                    self.text(field.name)
                }
            };
            if let Some(message) = problem_of(field, value) {
                problems.push(Problem::new(field.name, message));
            }
        }
        let known = |name: &str| provider.fields.iter().any(|field| field.name == name);
        for name in self.plain.keys().chain(self.secret.keys()).filter(|name| !known(name)) {
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
        FieldKind::Text | FieldKind::Secret => {
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
