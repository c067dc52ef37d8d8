//! `update`: adds order or shipping data to a transaction afterwards.

use super::{Call, Reply, Stop, booking::details};
use crate::action::{Action, ActionKind};

pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, Stop> {
    let mut transaction = call.original()?;
    let orderid = call.fields.get("orderid");
    if !orderid.is_empty() {
        orderid.clone_into(&mut transaction.orderid);
    }
    transaction.details.extend(details(call));
    transaction.push(Action::done(ActionKind::Update, 0, call.now));
    let reply = Reply::approved("SUCCESS", transaction.id);
    call.record(transaction, None)?;
    Ok(reply)
}
