//! Gateways: configured accounts at providers. Making one is the CRM's "+Activate" (R2).

use std::collections::BTreeMap;

use domain::configuration as d;
use domain::configuration::FieldKind;
use domain::ids::GatewayId;
use domain::placement::Problem as Wrong;
use hub::Change;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::directory::Names;
use super::endpoints::endpoints;
use super::providers::Capabilities;
use super::resource::{Resource, Saved};
use super::setting::Setting;
use super::values::{Money, Reference, yes};

/// One configured account at a provider.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gateway {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(read_only, pattern = "^gtw_[0-9a-hjkmnp-tv-z]{26}$")]
    pub(crate) id: Option<String>,
    /// Its number in the CRM-compatible API (merchantId, billerId); the next free one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub(crate) number: Option<i64>,
    /// The provider's kind, e.g. `nmi`; cannot be changed.
    pub(crate) kind: String,
    /// Its title.
    #[schema(min_length = 1, max_length = 100)]
    pub(crate) title: String,
    /// Off: no new submission by any route.
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
    /// Its provider's form. Credentials are written here and never shown: one that is left out keeps its value.
    #[serde(default)]
    pub(crate) settings: BTreeMap<String, Setting>,
    /// Which credentials are set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub(crate) credentials: Option<BTreeMap<String, bool>>,
    /// The cascade profile that its soft declines of initial sales go through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) direct_cascade: Option<Reference>,
    /// Most that it may take in a calendar month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) monthly_cap: Option<Money>,
    /// Takes every soft decline of an initial sale; salvage gateways only.
    #[serde(default)]
    pub(crate) cascade_all: bool,
    /// What its kind can do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub(crate) capabilities: Option<Capabilities>,
}

/// A setting as it is shown: typed, with the form's default when it was left empty (R12).
fn shown(field: &d::Field, stored: Option<&String>) -> Option<Setting> {
    let text = stored.map(|text| text.trim()).filter(|text| !text.is_empty());
    match field.kind {
        FieldKind::Secret | FieldKind::SigningKey => None,
        FieldKind::Text | FieldKind::Url => text.map(|text| Setting::Text(text.to_owned())),
        FieldKind::Flag => Some(Setting::Flag(text == Some("true"))),
        FieldKind::Integer { default, .. } => {
            Some(Setting::Integer(text.and_then(|text| text.parse().ok()).unwrap_or(default)))
        }
    }
}

impl Resource for Gateway {
    type Id = GatewayId;
    type Domain = d::Gateway;
    const PLURAL: &'static str = "gateways";

    fn all(configuration: &d::Configuration) -> &[d::Gateway] {
        &configuration.gateways
    }

    fn id_of(one: &d::Gateway) -> GatewayId {
        one.id
    }

    fn number_of(one: &d::Gateway) -> Option<i64> {
        Some(one.number)
    }

    fn own_id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    fn own_number(&self) -> Option<i64> {
        self.number
    }

    fn show(one: &d::Gateway, names: &Names) -> Self {
        let fields = names.fields(&one.kind);
        let setting = |field: &d::Field| {
            shown(field, one.settings.get(field.name)).map(|setting| (field.name.to_owned(), setting))
        };
        let secrets = fields.iter().filter(|field| field.kind.is_secret());
        let credentials =
            secrets.map(|field| (field.name.to_owned(), names.is_set(one.id, field.name))).collect();
        Self {
            id: names.id(one.id),
            number: Some(one.number),
            kind: one.kind.clone(),
            title: one.title.clone(),
            enabled: one.enabled,
            settings: fields.iter().filter_map(setting).collect(),
            credentials: names.shows_ids().then_some(credentials),
            direct_cascade: one.direct_cascade.map(|id| names.cascade_profile(id)),
            monthly_cap: one.monthly_cap.map(Money::from),
            cascade_all: one.cascade_all,
            capabilities: names.shows_ids().then(|| Capabilities::from(one.capabilities)),
        }
    }

    fn change(&self, saved: &Saved<'_, Self>, problems: &mut Vec<Wrong>) -> Change {
        let at = saved.directory;
        let provider = at.provider(&self.kind);
        let mut settings = BTreeMap::new();
        let mut secrets = BTreeMap::new();
        for (name, setting) in &self.settings {
            let Some(text) = setting.text() else {
                let words = "only a configuration file may name an environment variable";
                problems.push(Wrong::new(format!("settings.{name}"), words));
                continue;
            };
            let field = provider.and_then(|one| one.fields.iter().find(|field| field.name == name));
            match field.map(|field| field.kind) {
                Some(FieldKind::Secret | FieldKind::SigningKey) => {
                    secrets.insert(name.clone(), SecretString::from(text));
                }
                Some(FieldKind::Flag) if text == "false" => {}
                Some(FieldKind::Integer { default, .. }) if text.trim() == default.to_string() => {}
                Some(FieldKind::Text | FieldKind::Url) if text.trim().is_empty() => {}
                Some(_) | None => {
                    settings.insert(name.clone(), text);
                }
            }
        }
        let gateway = d::Gateway {
            id: saved.id,
            number: saved.number,
            kind: self.kind.clone(),
            title: self.title.clone(),
            enabled: self.enabled,
            settings,
            direct_cascade: self
                .direct_cascade
                .as_ref()
                .map(|to| at.cascade_profile(to, "direct_cascade", problems)),
            monthly_cap: self.monthly_cap.map(domain::Money::from),
            cascade_all: self.cascade_all,
            capabilities: provider.map_or(NONE, |provider| provider.capabilities),
        };
        Change::Gateway(Box::new(gateway), secrets)
    }

    fn changed(change: &Change) -> Option<&d::Gateway> {
        if let Change::Gateway(gateway, _) = change { Some(gateway) } else { None }
    }

    fn removal(id: GatewayId) -> Change {
        Change::DeleteGateway(id)
    }
}

/// Of a kind that this build does not know; the hub refuses it.
const NONE: d::Capabilities = d::Capabilities {
    first_charge: false,
    cascade: false,
    recycle_slots: d::RecycleSlots::None,
    direct_rerun: false,
    needs_ip: false,
    asynchronous: false,
    inquire: false,
    fence: false,
    idempotent_replay: false,
    account_check: false,
    hold: false,
    void: false,
    refund: false,
    partial_refund: false,
};

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![json!({
        "number": 17,
        "kind": "flexfactor",
        "title": "FlexFactor",
        "settings": {
            "app_key": "example-app-key",
            "app_secret": "example-app-secret",
            "mid": "d7f3a9c0-0000-4000-8000-000000000001",
            "site_id": "d7f3a9c0-0000-4000-8000-000000000002",
            "environment_key": "example-tokenization-key",
            "hmac_signing_key": "ZXhhbXBsZSBzaWduaW5nIGtleQ==",
            "base_url": "https://api-sandbox.flexfactor.io/v1/",
            "expiry_days": 21
        },
        "cascade_all": false
    })]
}

endpoints!(Gateway, "gateways", "/v1/gateways", "/v1/gateways/{id}");
