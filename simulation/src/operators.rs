//! Operators: reruns, refunds, cancellations, decisions about doubt.

use std::sync::Arc;

use anyhow::Result;
use domain::Money;
use domain::ids::OrderId;
use domain::order::OrderStatus;
use hub::PersonError;
use storage::orders::OrderFilter;

use crate::buyers::call;
use crate::dice::Dice;
use crate::operations::Operations;
use crate::shop::{ORDINARY, SALVAGE};
use crate::world::World;

/// Most orders of a shop that are looked through.
const SEEN_MAX: i64 = 300;
const NOTE: &str = "simulated";
const WHO: &str = "operator";

fn words<T>(what: &str, done: Result<T, PersonError>) -> String {
    match done {
        Ok(_) => what.to_owned(),
        Err(error) => format!("{what} refused: {error}"),
    }
}

/// An order in this state, when the shop has one.
pub(crate) async fn order_in(
    world: &World,
    dice: &Dice,
    shop: usize,
    status: OrderStatus,
) -> Result<Option<(OrderId, Money)>> {
    let Some(merchant) = world.merchants.get(shop).copied() else { return Ok(None) };
    let filter = OrderFilter { status: Some(status), ..OrderFilter::default() };
    let found = world.hub_role.store.list_orders(merchant, &filter, SEEN_MAX, 0).await?;
    Ok(dice.pick(&found).map(|order| (order.id, order.total)))
}

/// Somebody in an office does something about an order.
pub(crate) async fn act(world: &World, dice: &Dice, operations: &mut Operations) -> Result<()> {
    let shop = dice.place(world.merchants.len());
    let Some(merchant) = world.merchants.get(shop).copied() else { return Ok(()) };
    let at = dice.place(2);
    let hub = world.hub(at).hub.clone();
    match dice.below(10) {
        0..=4 => {
            let Some((id, _)) = order_in(world, dice, shop, OrderStatus::Declined).await? else {
                return Ok(());
            };
            rerun(world, dice, shop, at, id, operations);
        }
        5 | 6 => {
            let Some((id, total)) = order_in(world, dice, shop, OrderStatus::Complete).await? else {
                return Ok(());
            };
            let half = Money::new(total.minor() / 2, total.currency());
            let amount = if dice.one_in(2) { None } else { Some(half) };
            operations.begin("operator", async move {
                words("refund", hub.refund_order(merchant, id, amount, NOTE, WHO).await)
            });
        }
        7 | 8 => {
            let status = *dice
                .pick(&[OrderStatus::Complete, OrderStatus::Pending, OrderStatus::Declined])
                .unwrap_or(&OrderStatus::Pending);
            let Some((id, _)) = order_in(world, dice, shop, status).await? else { return Ok(()) };
            operations.begin("operator", async move {
                words("cancel order", hub.cancel_order(merchant, id, NOTE, WHO).await)
            });
        }
        _ => {
            let rerun = hub::Rerun { note: NOTE.to_owned(), ..hub::Rerun::default() };
            operations.begin("operator", async move {
                let orders = hub::RunOrders::Found(OrderFilter::default());
                words("batch of reruns", hub.begin_reruns(merchant, orders, &rerun, WHO).await)
            });
        }
    }
    Ok(())
}

fn rerun(world: &World, dice: &Dice, shop: usize, at: usize, id: OrderId, operations: &mut Operations) {
    let network = Arc::clone(&world.network);
    let gateway = if dice.one_in(2) { SALVAGE } else { *dice.pick(&ORDINARY).unwrap_or(&1) };
    operations.begin_call("operator", async move {
        let (id, gateway) = (id.base32(), gateway.to_string());
        let fields = [("orderId", id.as_str()), ("forceBillerId", gateway.as_str())];
        let answer = call(&network, at, shop, "/order/rerun/", &fields).await;
        format!("rerun {}", answer.to_string().chars().take(120).collect::<String>())
    });
}
