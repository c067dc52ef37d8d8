//! Another product for the same subscription.

use domain::calendar::next_bill_at;
use domain::configuration::Billing;
use domain::ids::{MerchantId, SubscriptionId};
use domain::order::OrderItem;
use domain::subscription::Subscription;

use super::edit::{Edited, invalid, refuse_while_open};
use crate::Hub;
use crate::billing::{billing_time, terms_of, zone_of};
use crate::people::PersonError;

impl Hub {
    /// Puts a subscription on another product of its campaign, by number: the new product's plan holds from the next
    /// cycle on, and the date of the next bill stays. Refused while an attempt is open (M23).
    pub async fn change_product(
        &self,
        merchant_id: MerchantId,
        id: SubscriptionId,
        product_number: i64,
        actor: &str,
        note: &str,
    ) -> Result<Subscription, PersonError> {
        let now = self.minter().now();
        self.edit(merchant_id, id, actor, note, |seen| {
            refuse_while_open(seen, "changing the product")?;
            let before = &seen.subscription;
            if !before.status.is_billable() {
                let status = before.status.as_str();
                return Err(PersonError::Conflict(format!(
                    "a subscription that is {status} keeps its product"
                )));
            }
            let campaign = seen.configuration.campaign(before.campaign_id);
            let product = campaign
                .and_then(|campaign| campaign.products.iter().find(|one| one.number == product_number));
            let Some(product) = product.filter(|product| product.billing != Billing::OneTime) else {
                let words =
                    format!("its campaign sells no recurring product with the number {product_number}");
                return Err(invalid("product", words));
            };
            let item = OrderItem {
                product_id: product.id,
                product_number: product.number,
                name: product.name.clone(),
                sku: product.sku.clone(),
                quantity: before.terms.quantity,
                price: product.price,
                shipping: product.shipping,
                is_shippable: product.is_shippable,
            };
            let terms = terms_of(product, &item, before.terms.sold_at);
            if terms.is_final(before.cycle) {
                let words =
                    format!("cycle {} is paid, and this product ends before the next one", before.cycle);
                return Err(invalid("product", words));
            }
            let zone = zone_of(&seen.configuration);
            let time = billing_time(&seen.configuration, &zone);
            let at = before.next_bill_at.or_else(|| next_bill_at(&terms, before.cycle, now, &time));
            let next = Subscription {
                product_id: product.id,
                terms,
                next_bill_at: at,
                next_action_at: at.map(|at| before.pause_at.map_or(at, |pause| pause.min(at))),
                updated_at: now,
                ..before.clone()
            };
            Ok(Edited::new(next, "", format!("Product {} ({}).", product.number, product.name)))
        })
        .await
    }
}
