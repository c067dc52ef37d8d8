//! The numbers by which the CRM's API names gateways.

use domain::configuration::Configuration;
use domain::ids::GatewayId;

/// A gateway's number (`merchantId`, `billerId`); none when it was deleted.
pub(crate) fn number_of(configuration: &Configuration, id: Option<GatewayId>) -> Option<i64> {
    id.and_then(|id| configuration.gateway(id)).map(|gateway| gateway.number)
}
