//! Which gateway a rerun leads to (R39, R110, R111, crm.md 9.2).

use domain::configuration::{Algorithm, Configuration, Gateway, Target};
use domain::money::Money;
use domain::order::Order;
use domain::placement::{Place, may_stand};
use domain::rerun::RerunTarget;
use domain::routing::{decide_route, usable};

use crate::{Hub, HubError};

/// A gateway for a rerun, and why this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) gateway: Gateway,
    /// One sentence.
    pub(super) why: String,
}

impl Hub {
    /// The gateway of a rerun; the sentence says why there is none. A gateway that exists is given even when rules bar
    /// it: the verdict names the rule. `is_real` takes a round-robin ticket; a preview takes none.
    pub(super) async fn choose_rerun(
        &self,
        configuration: &Configuration,
        order: &Order,
        amount: Money,
        target: RerunTarget,
        is_real: bool,
    ) -> Result<Result<Chosen, String>, HubError> {
        match target {
            RerunTarget::Gateway(id) => {
                let Some(gateway) = configuration.gateway(id) else {
                    return Ok(Err("There is no such gateway.".to_owned()));
                };
                let why = format!("gateway {} ({}) was named", gateway.number, gateway.title);
                self.with_room(configuration, gateway, amount, Place::DirectRerun, why).await
            }
            RerunTarget::Profile(id) => {
                self.routed(configuration, Target::Profile(id), amount, is_real).await
            }
            RerunTarget::Items => {
                let routed = order.routed.and_then(|routed| configuration.gateway(routed.gateway_id));
                let own = routed.filter(|one| one.enabled && may_stand(&one.capabilities, Place::Offer));
                if let Some(gateway) = own {
                    let (number, title) = (gateway.number, &gateway.title);
                    let why = format!("gateway {number} ({title}) is the one that the order was routed to");
                    return self.with_room(configuration, gateway, amount, Place::Offer, why).await;
                }
                match own_target(configuration, order) {
                    Some(target) => self.routed(configuration, target, amount, is_real).await,
                    None => Ok(Err("The order's product is no longer sold.".to_owned())),
                }
            }
        }
    }

    /// A gateway by itself, unless its month is full.
    async fn with_room(
        &self,
        configuration: &Configuration,
        gateway: &Gateway,
        amount: Money,
        place: Place,
        why: String,
    ) -> Result<Result<Chosen, String>, HubError> {
        if gateway.monthly_cap.is_some() && gateway.enabled && may_stand(&gateway.capabilities, place) {
            let standing = self.standing(configuration, None, None).await?;
            if let Err(words) = usable(gateway, amount, &standing, place) {
                return Ok(Err(sentence(&words)));
            }
        }
        Ok(Ok(Chosen { gateway: gateway.clone(), why }))
    }

    /// By the algorithm of a profile, which holds no salvage gateway (R28, R39).
    async fn routed(
        &self,
        configuration: &Configuration,
        target: Target,
        amount: Money,
        is_real: bool,
    ) -> Result<Result<Chosen, String>, HubError> {
        let profile = match target {
            Target::Gateway(_) => None,
            Target::Profile(id) => configuration.gateway_profile(id),
        };
        let known = profile.map(|one| {
            let algorithm = if is_real { one.algorithm } else { Algorithm::PriorityQueue };
            (one.id.uuid(), algorithm, one.members.as_slice())
        });
        let standing = self.standing(configuration, known, profile.map(|one| one.id)).await?;
        let choice = match decide_route(configuration, target, amount, &standing) {
            Ok(choice) => choice,
            Err(why) => return Ok(Err(why.to_string())),
        };
        let why = choice.why.trim_end_matches('.').to_owned();
        let gateway = configuration.gateway(choice.gateway_id).cloned();
        Ok(gateway.map(|gateway| Chosen { gateway, why }).ok_or_else(|| "The gateway is gone.".to_owned()))
    }
}

/// Where the order's first product is sold today.
fn own_target(configuration: &Configuration, order: &Order) -> Option<Target> {
    let campaign = configuration.campaign(order.campaign_id)?;
    let first = order.items.first()?;
    campaign.products.iter().find(|one| one.id == first.product_id).map(|product| product.target)
}

/// Words as a sentence.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
