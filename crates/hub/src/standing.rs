//! What routing must know of the past, read only when the configuration asks for it.

use std::sync::PoisonError;

use domain::configuration::{Algorithm, Configuration, Member};
use domain::ids::{GatewayId, GatewayProfileId};
use domain::routing::Standing;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::{Hub, HubError};

/// Round-robin tickets taken at once per process: the pointer row is written once in so many sales.
const TICKET_BLOCK: i64 = 16;

/// The calendar month of an account's time zone, as year * 100 + month.
pub(crate) fn month_of(configuration: &Configuration, now: Timestamp) -> i64 {
    let zone = TimeZone::get(&configuration.account.time_zone).unwrap_or(TimeZone::UTC);
    let date = now.to_zoned(zone).date();
    i64::from(date.year()) * 100 + i64::from(date.month())
}

impl Hub {
    /// What routing through these members must know; `profile` is the gateway profile or cascade profile.
    pub(crate) async fn standing(
        &self,
        configuration: &Configuration,
        profile: Option<(Uuid, Algorithm, &[Member])>,
        gateway_profile: Option<GatewayProfileId>,
    ) -> Result<Standing, HubError> {
        let merchant_id = configuration.merchant_id;
        let mut standing = Standing::default();
        let members = profile.map_or(&[][..], |(_, _, members)| members);
        let capped = configuration.gateways.iter().any(|gateway| gateway.monthly_cap.is_some())
            || members.iter().any(|member| member.monthly_cap.is_some());
        if capped {
            let month = month_of(configuration, self.minter().now());
            for (gateway, of, minor) in self.store().list_volumes(merchant_id, month).await? {
                match of {
                    None => standing.month_minor.push((gateway, minor)),
                    Some(of) if Some(of) == gateway_profile => {
                        standing.profile_month_minor.push((gateway, minor));
                    }
                    Some(_) => {}
                }
            }
        }
        let limited =
            |member: &Member| member.max_total_declines.is_some() || member.max_hard_declines.is_some();
        if members.iter().any(limited) {
            let disabled: Vec<GatewayId> = self
                .store()
                .list_profile_members(merchant_id)
                .await?
                .into_iter()
                .filter(|one| Some(one.profile_id) == gateway_profile && one.disabled_at.is_some())
                .map(|one| one.gateway_id)
                .collect();
            standing.disabled_in_profile = disabled;
        }
        match profile {
            Some((id, Algorithm::RoundRobin, _)) => standing.ticket = self.ticket(configuration, id).await?,
            Some((_, Algorithm::Weighted, _)) => standing.draw = self.draw(),
            Some((_, Algorithm::PriorityQueue | Algorithm::Intelligent, _)) | None => {}
        }
        Ok(standing)
    }

    /// The next round-robin ticket of a profile.
    async fn ticket(&self, configuration: &Configuration, profile: Uuid) -> Result<u64, HubError> {
        let held = {
            let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
            tickets.get_mut(&profile).filter(|(next, end)| next < end).map(|(next, _)| {
                let ticket = *next;
                *next = next.saturating_add(1);
                ticket
            })
        };
        if let Some(ticket) = held {
            return Ok(ticket);
        }
        let first = self.store().take_tickets(configuration.merchant_id, profile, TICKET_BLOCK).await?;
        let first = u64::try_from(first).unwrap_or(0);
        let end = first.saturating_add(u64::try_from(TICKET_BLOCK).unwrap_or(1));
        let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.insert(profile, (first.saturating_add(1), end));
        Ok(first)
    }

    /// A random number.
    pub(crate) fn draw(&self) -> u64 {
        let mut bytes = [0_u8; 8];
        self.minter().entropy().fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}
