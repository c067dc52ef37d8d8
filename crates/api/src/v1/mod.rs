//! The native API: `/v1/…`, JSON, problem documents, bearer keys.

pub mod auth;

mod document;

mod account;
mod campaigns;
mod cascade_profiles;
mod decline_maps;
mod gateway_profiles;
mod gateways;
mod providers;
mod recycle_profiles;

mod alerts;
mod attempts;
mod chargebacks;
mod doctor;
mod external_refunds;
mod inbound_reports;
mod late_approvals;
mod orders;
mod reruns;
mod subscriptions;

mod directory;
mod endpoints;
mod errors;
mod idempotency;
mod page;
mod patch;
mod resource;
mod setting;
mod values;

pub use document::openapi;

pub(crate) use account::Account;
pub(crate) use campaigns::Campaign;
pub(crate) use cascade_profiles::CascadeProfile;
pub(crate) use decline_maps::DeclineMap;
pub(crate) use directory::{Directory, Names, Style};
pub(crate) use document::value as described_document;
pub(crate) use gateway_profiles::GatewayProfile;
pub(crate) use gateways::Gateway;
pub(crate) use recycle_profiles::RecycleProfile;
pub(crate) use resource::{Resource, Saved};
pub(crate) use setting::Setting;

use axum::Router;
use hub::Hub;
use utoipa_axum::router::OpenApiRouter;

/// All routes of the native API over one hub. The caller puts fallbacks and layers around it.
pub fn router(hub: Hub) -> Router {
    let (router, _) = described().split_for_parts();
    router.with_state(hub)
}

/// The routes with their description.
pub(crate) fn described() -> OpenApiRouter<Hub> {
    OpenApiRouter::new()
        .merge(providers::routes())
        .merge(account::routes())
        .merge(gateways::routes())
        .merge(gateway_profiles::routes())
        .merge(cascade_profiles::routes())
        .merge(recycle_profiles::routes())
        .merge(decline_maps::routes())
        .merge(campaigns::routes())
        .merge(orders::routes())
        .merge(reruns::routes())
        .merge(subscriptions::routes())
        .merge(attempts::routes())
        .merge(chargebacks::routes())
        .merge(external_refunds::routes())
        .merge(alerts::routes())
        .merge(inbound_reports::routes())
        .merge(late_approvals::routes())
        .merge(doctor::routes())
        .merge(document::routes())
}
