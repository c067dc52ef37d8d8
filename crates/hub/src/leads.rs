//! Leads: a checkout that has not submitted payment is a partial order (crm.md 12.3).

use domain::contact::Contact;
use domain::ids::{MerchantId, OrderId};
use domain::money::Money;
use domain::order::{Order, OrderStatus};
use domain::placement::Problem;
use storage::{Transaction, orders};

use crate::draft::merged;
use crate::view::OrderView;
use crate::{Hub, HubError};

/// A checkout that has begun.
#[derive(Debug, Clone)]
pub struct Lead {
    /// An earlier lead to renew.
    pub order_id: Option<OrderId>,
    /// The campaign's number.
    pub campaign_number: i64,
    /// Who may buy; first and last name, and e-mail or phone are required.
    pub contact: Contact,
    /// The merchant's own fields.
    pub extra: Vec<(String, String)>,
}

/// What became of a lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeadAnswer {
    /// The partial order.
    Order(Box<OrderView>),
    /// Nothing was saved.
    Refused(Vec<Problem>),
}

impl Hub {
    /// The contact of an import or lead that says "ship to the billing address": what an earlier lead knows of the billing
    /// address counts too.
    pub async fn ship_to_billing(
        &self,
        merchant_id: MerchantId,
        order_id: Option<OrderId>,
        contact: Contact,
    ) -> Result<Contact, HubError> {
        let known = match order_id {
            None => None,
            Some(id) => self.store().find_order(merchant_id, id).await?,
        };
        let billing = merged(&contact, known.as_ref().map(|order| &order.contact)).billing;
        Ok(Contact { shipping: billing.clone(), billing, ..contact })
    }

    /// Makes or renews a partial order.
    pub async fn import_lead(&self, merchant_id: MerchantId, lead: Lead) -> Result<LeadAnswer, HubError> {
        let configuration = self.configuration(merchant_id).await?;
        let mut problems = Vec::new();
        let known = match lead.order_id {
            None => None,
            Some(id) => self.store().find_order(merchant_id, id).await?,
        };
        match (&lead.order_id, &known) {
            (Some(_), None) => problems.push(Problem::new("orderId", "there is no order with this id")),
            (_, Some(order)) if order.status != OrderStatus::Partial => {
                let status = order.status.as_str();
                problems
                    .push(Problem::new("orderId", format!("this order is {status} and no lead any more")));
            }
            (_, Some(_) | None) => {}
        }
        let contact = merged(&lead.contact, known.as_ref().map(|order| &order.contact));
        if contact.billing.first_name.is_empty() || contact.billing.last_name.is_empty() {
            problems.push(Problem::new("firstName", "a lead has a first and a last name"));
        }
        if contact.email.is_empty() && contact.phone.is_empty() {
            problems.push(Problem::new("emailAddress", "a lead has an e-mail address or a phone number"));
        }
        let campaign = configuration.campaign_numbered(lead.campaign_number);
        if campaign.is_none() {
            problems.push(Problem::new("campaignId", "there is no campaign with this number"));
        }
        let (Some(campaign), true) = (campaign, problems.is_empty()) else {
            return Ok(LeadAnswer::Refused(problems));
        };
        let now = self.minter().now();
        let zero = Money::zero(campaign.currency);
        let mut extra = known.as_ref().map(|order| order.extra.clone()).unwrap_or_default();
        extra.retain(|(name, _)| !lead.extra.iter().any(|(fresh, _)| fresh == name));
        extra.extend(lead.extra);
        let order = Order {
            id: known.as_ref().map_or_else(|| self.minter().mint(), |order| order.id),
            merchant_id,
            customer_id: known.as_ref().map_or_else(|| self.minter().mint(), |order| order.customer_id),
            subscription_id: None,
            campaign_id: campaign.id,
            campaign_number: campaign.number,
            status: OrderStatus::Partial,
            total: zero,
            sales_tax: zero,
            items: Vec::new(),
            contact,
            routed: None,
            is_test: false,
            is_salvaged: false,
            cascade_note: String::new(),
            extra,
            card: None,
            created_at: known.as_ref().map_or(now, |order| order.created_at),
            updated_at: now,
        };
        let step = if known.is_some() { orders::update_partial(&order) } else { orders::insert(&order, "") };
        self.store().commit(Transaction::new("import_lead").with(step)).await?;
        Ok(LeadAnswer::Order(Box::new(self.view(order).await?)))
    }
}
