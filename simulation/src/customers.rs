//! Customers change their minds about a subscription.

use anyhow::Result;
use domain::ids::SubscriptionId;
use hub::{Hub, PersonError, RawCard};
use jiff::SignedDuration;
use storage::subscriptions::SubscriptionFilter;

use crate::buyers::{card_number, turn};
use crate::dice::Dice;
use crate::operations::Operations;
use crate::shop::RECURRING;
use crate::world::World;

/// Most subscriptions of a shop that are looked through.
const SEEN_MAX: i64 = 500;

fn words<T>(what: &str, done: Result<T, PersonError>) -> String {
    match done {
        Ok(_) => what.to_owned(),
        Err(error) => format!("{what} refused: {error}"),
    }
}

/// Somebody does something about a subscription of theirs.
pub(crate) async fn act(
    world: &World,
    dice: &Dice,
    serial: &mut u32,
    operations: &mut Operations,
) -> Result<()> {
    let Some(merchant) = dice.pick(&world.merchants).copied() else { return Ok(()) };
    let store = &world.hub_role.store;
    let all = store.list_subscriptions(merchant, &SubscriptionFilter::default(), SEEN_MAX, 0).await?;
    let Some(id) = dice.pick(&all).map(|one| one.id) else { return Ok(()) };
    let hub = world.hub(dice.place(2)).hub.clone();
    let later = world.clock_in(SignedDuration::from_hours(dice.between(12, 200)));
    let (who, note) = ("customer", "simulated");
    match dice.below(12) {
        0..=2 => {
            *serial += 1;
            let number = card_number(*serial, dice.one_in(3));
            if dice.one_in(2) {
                turn(dice, &world.sandbox, &number);
            }
            operations.begin("customer", async move { change_card(&hub, merchant, id, number).await });
        }
        3 => operations.begin("customer", async move {
            words("pause", hub.pause_subscription(merchant, id, None, who, note).await)
        }),
        4 => operations.begin("customer", async move {
            words("pause later", hub.pause_subscription(merchant, id, Some(later), who, note).await)
        }),
        5 | 6 => operations.begin("customer", async move {
            words("reactivate", hub.reactivate_subscription(merchant, id, who, note).await)
        }),
        7 => {
            let after_next = dice.one_in(2);
            operations.begin("customer", async move {
                words("cancel", hub.cancel_subscription(merchant, id, after_next, note, who).await)
            });
        }
        8 => operations.begin("customer", async move {
            words("bill now", hub.bill_subscription_now(merchant, id, who, note).await)
        }),
        9 => {
            let product = dice.pick(&RECURRING).copied().unwrap_or(9);
            operations.begin("customer", async move {
                words("product", hub.change_product(merchant, id, product, who, note).await)
            });
        }
        10 => operations.begin("customer", async move {
            words("skip trial", hub.skip_trial(merchant, id, who, note).await)
        }),
        _ => operations.begin("customer", async move {
            words("restart trial", hub.restart_trial(merchant, id, who, note).await)
        }),
    }
    Ok(())
}

async fn change_card(
    hub: &Hub,
    merchant: domain::ids::MerchantId,
    id: SubscriptionId,
    number: String,
) -> String {
    let card = RawCard {
        number: number.into(),
        month: "10".to_owned(),
        year: "2032".to_owned(),
        security_code: String::new().into(),
    };
    words("new card", hub.change_card(merchant, id, &card, "customer").await)
}
