//! Keys that sign reports: the current one, and for a while the one before it (M32).

use std::collections::BTreeMap;

use domain::configuration::{FieldKind, Provider};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use crate::settings::Settings;

/// For how many days the key before the current one is still believed (M32).
pub const PREVIOUS_KEY_DAYS: i64 = 30;

/// The secret that holds the key before the current one of this field: `hmac_signing_key` gives
/// `hmac_signing_key_previous`. No form shows it.
pub fn previous_name(field: &str) -> String {
    format!("{field}_previous")
}

/// The plain setting that holds when the key of this field was replaced (RFC 3339): `hmac_signing_key` gives
/// `hmac_key_changed_at`. No form shows it.
pub fn changed_name(field: &str) -> String {
    format!("{}_key_changed_at", field.strip_suffix("_signing_key").unwrap_or(field))
}

fn ends(changed_at: &str) -> Option<Timestamp> {
    let changed: Timestamp = changed_at.parse().ok()?;
    changed.saturating_add(SignedDuration::from_hours(PREVIOUS_KEY_DAYS.saturating_mul(24))).ok()
}

/// The keys of one field. Cannot be printed.
#[derive(Debug, Clone)]
pub struct SigningKeys {
    current: SecretString,
    previous: Option<(SecretString, Timestamp)>,
}

impl SigningKeys {
    /// One key that was never replaced.
    pub fn only(key: SecretString) -> Self {
        Self { current: key, previous: None }
    }

    /// The keys that stand in these settings under this field.
    pub fn read(settings: &Settings, field: &str) -> Self {
        let key = |name: &str| SecretString::from(settings.expose(name).trim().to_owned());
        let previous = key(&previous_name(field));
        let until = ends(settings.text(&changed_name(field)));
        let previous = until.filter(|_| !previous.expose_secret().is_empty()).map(|until| (previous, until));
        Self { current: key(field), previous }
    }

    /// The keys that are believed at this moment, the current one first; an empty one never is.
    pub fn believed_at(&self, at: Timestamp) -> impl Iterator<Item = &SecretString> {
        let previous = self.previous.as_ref().filter(|(_, until)| at < *until).map(|(key, _)| key);
        std::iter::once(&self.current).chain(previous).filter(|key| !key.expose_secret().is_empty())
    }
}

impl Settings {
    /// Takes new credentials in; those that are not named stay. A key that signs reports and is replaced by another one is
    /// kept as its previous key, with the moment of the change; a previous key that is believed no more is dropped.
    ///
    /// `kept` are the plain settings as they were saved before: the moments of changes come from there, never from a form.
    pub fn renew(
        &mut self,
        provider: &Provider,
        kept: &BTreeMap<String, String>,
        mut new: BTreeMap<String, SecretString>,
        now: Timestamp,
    ) {
        for field in provider.fields.iter().filter(|field| field.kind == FieldKind::SigningKey) {
            let (previous, changed) = (previous_name(field.name), changed_name(field.name));
            new.remove(&previous);
            self.plain.remove(&changed);
            if let Some(moment) = kept.get(&changed).filter(|moment| ends(moment) > Some(now)) {
                self.plain.insert(changed.clone(), moment.clone());
            } else {
                self.secret.remove(&previous);
            }
            let replaced = new.get(field.name).map_or("", |key| key.expose_secret().trim());
            let held = self.expose(field.name).trim();
            if !held.is_empty() && !replaced.is_empty() && held != replaced {
                let held = SecretString::from(held.to_owned());
                self.secret.insert(previous, held);
                self.plain.insert(changed, now.to_string());
            }
        }
        self.secret.extend(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::configuration::Field;

    const FIELDS: &[Field] = &[
        Field { name: "api_key", label: "Key", help: "", kind: FieldKind::Secret, required: true },
        Field {
            name: "hmac_signing_key",
            label: "Signs",
            help: "",
            kind: FieldKind::SigningKey,
            required: true,
        },
    ];
    const PROVIDER: Provider =
        Provider { kind: "x", title: "X", capabilities: crate::fake::SALVAGE, fields: FIELDS };

    fn day(days: i64) -> Timestamp {
        Timestamp::from_second(days * 86_400).unwrap()
    }

    fn secrets(pairs: &[(&str, &str)]) -> BTreeMap<String, SecretString> {
        pairs.iter().map(|(name, key)| ((*name).to_owned(), SecretString::from(*key))).collect()
    }

    /// The settings after the form was saved with this signing key on this day.
    fn saved(before: &Settings, key: &str, on: i64) -> Settings {
        let mut after = Settings { plain: BTreeMap::new(), secret: before.secret.clone() };
        after.renew(&PROVIDER, &before.plain, secrets(&[("hmac_signing_key", key)]), day(on));
        after
    }

    fn believed(settings: &Settings, on: Timestamp) -> Vec<String> {
        let keys = SigningKeys::read(settings, "hmac_signing_key");
        keys.believed_at(on).map(|key| key.expose_secret().to_owned()).collect()
    }

    fn first() -> Settings {
        let mut settings = Settings::default();
        let new = secrets(&[("api_key", "k"), ("hmac_signing_key", "one")]);
        settings.renew(&PROVIDER, &BTreeMap::new(), new, day(0));
        settings
    }

    #[test]
    fn m32_a_replaced_key_is_believed_for_thirty_days() {
        let second = saved(&first(), "two", 10);
        assert_eq!(second.text("hmac_key_changed_at"), "1970-01-11T00:00:00Z");
        assert_eq!(believed(&second, day(10)), ["two", "one"]);
        let last = day(40) - SignedDuration::from_micros(1);
        assert_eq!(believed(&second, last), ["two", "one"]);
        assert_eq!(believed(&second, day(40)), ["two"]);
    }

    #[test]
    fn m32_saving_the_same_key_again_changes_nothing_and_a_third_key_pushes_the_first_out() {
        assert_eq!(believed(&first(), day(0)), ["one"]);
        assert_eq!(believed(&saved(&first(), " one ", 5), day(5)), [" one ".trim()]);
        let second = saved(&first(), "two", 10);
        let same = saved(&second, "two", 20);
        assert_eq!(same.text("hmac_key_changed_at"), "1970-01-11T00:00:00Z");
        assert_eq!(believed(&same, day(39)), ["two", "one"]);
        assert_eq!(believed(&saved(&second, "three", 20), day(21)), ["three", "two"]);
    }

    #[test]
    fn a_previous_key_that_is_believed_no_more_is_dropped() {
        let second = saved(&first(), "two", 10);
        let later = saved(&second, "two", 40);
        assert!(!later.secret.contains_key("hmac_signing_key_previous"));
        assert!(!later.plain.contains_key("hmac_key_changed_at"));
    }

    #[test]
    fn other_credentials_stay_and_have_no_previous_value() {
        let mut settings = first();
        settings.renew(&PROVIDER, &BTreeMap::new(), secrets(&[("api_key", "new")]), day(1));
        assert_eq!((settings.expose("api_key"), settings.expose("hmac_signing_key")), ("new", "one"));
        assert_eq!(settings.secret.len(), 2);
    }

    #[test]
    fn hidden_settings_are_no_problem_where_we_put_them_and_unknown_anywhere_else() {
        let mut settings = saved(&first(), "two", 10);
        assert_eq!(settings.check(&PROVIDER), vec![]);
        settings.plain.insert("hmac_signing_key_previous".to_owned(), "x".to_owned());
        settings.secret.extend(secrets(&[("hmac_key_changed_at", "x")]));
        assert_eq!(settings.check(&PROVIDER).len(), 2);
    }

    #[test]
    fn m32_neither_a_moment_nor_a_previous_key_is_taken_from_a_form() {
        let mut settings = Settings { plain: BTreeMap::new(), secret: first().secret };
        settings.plain.insert("hmac_key_changed_at".to_owned(), day(99).to_string());
        let new = secrets(&[("hmac_signing_key_previous", "planted")]);
        settings.renew(&PROVIDER, &BTreeMap::new(), new, day(10));
        assert_eq!(believed(&settings, day(10)), ["one"]);
        assert!(settings.plain.is_empty());
    }

    #[test]
    fn r22_keys_are_not_printed() {
        let keys = SigningKeys::read(&saved(&first(), "two-planted", 1), "hmac_signing_key");
        assert!(!format!("{keys:?}").contains("planted"));
    }
}
