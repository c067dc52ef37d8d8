//! The catalogue of fakes.

use std::sync::{Arc, Mutex, PoisonError};

use domain::configuration::{Capabilities, Field, FieldKind, Provider};
use secrecy::SecretString;

use super::{FakeGateway, ORDINARY, SALVAGE, SIGNING_KEY};
use crate::port::{Connect, Gateway};
use crate::settings::{Settings, SettingsError};
use crate::signing::SigningKeys;

/// The catalogue of a test: kinds `fake` and `fake_salvage`, each gateway by its `name` setting.
///
/// A `fake_salvage` also takes what a salvage gateway is configured with: `expiry_days`, `include_chargebacks` and
/// `report_signing_key` ([`super::SIGNING_KEY`] when empty).
#[derive(Debug, Default)]
pub struct FakeConnect {
    gateways: Mutex<Vec<(String, Arc<FakeGateway>)>>,
}

const NAME: Field =
    Field { name: "name", label: "Name", help: "Any text.", kind: FieldKind::Text, required: true };
const FAKE_FIELDS: &[Field] = &[NAME];
const EXPIRY_DAYS: Field = Field {
    name: "expiry_days",
    label: "Days",
    help: "How long an open salvage may stay.",
    kind: FieldKind::Integer { min: 1, max: 21, default: 21 },
    required: false,
};
const INCLUDE_CHARGEBACKS: &str = "include_chargebacks";
const REPORT_SIGNING_KEY: &str = "report_signing_key";
const SALVAGE_FIELDS: &[Field] = &[
    NAME,
    EXPIRY_DAYS,
    Field {
        name: INCLUDE_CHARGEBACKS,
        label: "Chargebacks",
        help: "On to mark them.",
        kind: FieldKind::Flag,
        required: false,
    },
    Field {
        name: REPORT_SIGNING_KEY,
        label: "Key",
        help: "Any text; reports are signed with it.",
        kind: FieldKind::SigningKey,
        required: false,
    },
];

impl FakeConnect {
    /// The fake that gateways with this `name` setting talk to; made on first use.
    pub fn gateway(&self, name: &str, capabilities: Capabilities) -> Arc<FakeGateway> {
        let mut gateways = self.gateways.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = gateways.iter().find(|(known, _)| known == name) {
            return Arc::clone(found);
        }
        let made = Arc::new(FakeGateway::new(capabilities));
        gateways.push((name.to_owned(), Arc::clone(&made)));
        made
    }
}

impl Connect for FakeConnect {
    fn providers(&self) -> Vec<Provider> {
        vec![
            Provider { kind: "fake", title: "Fake", capabilities: ORDINARY, fields: FAKE_FIELDS },
            Provider {
                kind: "fake_salvage",
                title: "Fake salvage",
                capabilities: SALVAGE,
                fields: SALVAGE_FIELDS,
            },
        ]
    }

    fn connect(&self, kind: &str, settings: &Settings) -> Result<Arc<dyn Gateway>, SettingsError> {
        let provider = self.provider(kind).ok_or_else(|| SettingsError::UnknownKind(kind.to_owned()))?;
        let problems = settings.check(&provider);
        if !problems.is_empty() {
            return Err(SettingsError::Invalid(problems));
        }
        let gateway = self.gateway(settings.text("name"), provider.capabilities);
        if provider.capabilities.asynchronous {
            let mut keys = SigningKeys::read(settings, REPORT_SIGNING_KEY);
            if settings.expose(REPORT_SIGNING_KEY).is_empty() {
                keys = SigningKeys::only(SecretString::from(SIGNING_KEY));
            }
            gateway.set_up(settings.integer(&EXPIRY_DAYS), settings.flag(INCLUDE_CHARGEBACKS), keys);
        }
        Ok(gateway)
    }
}
