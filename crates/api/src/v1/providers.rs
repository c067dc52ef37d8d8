//! The catalogue of providers: what there is to activate, and what each asks for (R1–R9).

use axum::extract::State;
use domain::configuration as d;
use hub::Hub;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Problem};

use super::auth::{Caller, Read};
use super::page::Page;
use super::values::words;

words!(
    /// In which recycle slots a gateway may stand.
    RecycleSlots of domain::configuration::RecycleSlots {
        /// None.
        None,
        /// Re-Attempts 4-6, 7-9 and the Final Attempt.
        Later,
        /// All of them.
        All,
    }
);

/// Declares a structure of flags that mirrors the domain's.
macro_rules! capabilities {
    ($($(#[$doc:meta])* $flag:ident),+ $(,)?) => {
        /// What a kind of gateway can do.
        #[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct Capabilities {
            /// In which recycle slots it may stand.
            recycle_slots: RecycleSlots,
            $($(#[$doc])* $flag: bool),+
        }

        impl From<d::Capabilities> for Capabilities {
            fn from(of: d::Capabilities) -> Self {
                Self { recycle_slots: of.recycle_slots.into(), $($flag: of.$flag),+ }
            }
        }
    };
}

capabilities!(
    /// May make the first attempt of a charge.
    first_charge,
    /// May be a step of a cascade.
    cascade,
    /// May be named directly for a rerun.
    direct_rerun,
    /// Needs the buyer's IP address inside a checkout.
    needs_ip,
    /// May answer "pending" and report days later.
    asynchronous,
    /// Can be asked about an attempt by our reference.
    inquire,
    /// Can be made to refuse an attempt by our reference.
    fence,
    /// Repeats its first answer when the same idempotency key comes again.
    idempotent_replay,
    /// Can check a card without money.
    account_check,
    /// Can hold money and capture it later.
    hold,
    /// Can undo an approval before settlement.
    void,
    /// Can give money back.
    refund,
    /// Can give back a part.
    partial_refund,
);

/// What is typed into a field.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FieldType {
    /// A text.
    Text,
    /// A credential: written, never shown.
    Secret,
    /// The address of an API.
    Url,
    /// A whole number.
    Integer,
    /// On or off.
    Flag,
}

/// A field of a provider's activation form.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Field {
    /// Its name in `settings`.
    name: String,
    /// Its label as the provider calls it.
    label: String,
    /// What to type.
    help: String,
    /// What is typed.
    r#type: FieldType,
    /// Whether it may not be left empty.
    required: bool,
    /// Smallest whole number.
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<i64>,
    /// Largest whole number.
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum: Option<i64>,
    /// What holds when it is left empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<i64>,
}

impl From<&d::Field> for Field {
    fn from(field: &d::Field) -> Self {
        let (r#type, bounds) = match field.kind {
            d::FieldKind::Text => (FieldType::Text, None),
            d::FieldKind::Secret | d::FieldKind::SigningKey => (FieldType::Secret, None),
            d::FieldKind::Url => (FieldType::Url, None),
            d::FieldKind::Integer { min, max, default } => (FieldType::Integer, Some((min, max, default))),
            d::FieldKind::Flag => (FieldType::Flag, None),
        };
        Self {
            name: field.name.to_owned(),
            label: field.label.to_owned(),
            help: field.help.to_owned(),
            r#type,
            required: field.required,
            minimum: bounds.map(|(min, _, _)| min),
            maximum: bounds.map(|(_, max, _)| max),
            default: bounds.map(|(_, _, default)| default),
        }
    }
}

/// A provider of gateways.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Provider {
    /// The kind of its gateways.
    kind: String,
    /// Its name.
    title: String,
    /// What its gateways can do.
    capabilities: Capabilities,
    /// What it takes to activate one.
    fields: Vec<Field>,
}

/// Lists what can be activated; `POST /v1/gateways` activates one.
#[utoipa::path(get, path = "/v1/providers", tag = "gateways",
    responses((status = 200, description = "The catalogue.", body = inline(Page<Provider>))))]
async fn list(State(hub): State<Hub>, _: Caller<Read>) -> Result<Json<Page<Provider>>, Problem> {
    let shown = |provider: d::Provider| Provider {
        kind: provider.kind.to_owned(),
        title: provider.title.to_owned(),
        capabilities: provider.capabilities.into(),
        fields: provider.fields.iter().map(Field::from).collect(),
    };
    Ok(Json(Page::whole(hub.charging().connections.providers().into_iter().map(shown).collect())))
}

/// Its routes.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Examples for the description.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![json!({
        "name": "expiry_days",
        "label": "expiryDays",
        "help": "How many days FlexFactor may keep trying one submitted sale, 1 to 21; 21 when empty.",
        "type": "integer",
        "required": false,
        "minimum": 1,
        "maximum": 21,
        "default": 21
    })]
}
