//! `customer_vault`: keeping a card or bank account for later, alone or with a transaction.

use super::{Call, Rejection, Reply, Stop, payment};
use crate::instrument::Instrument;

/// What a request wants done with the vault once its transaction (if any) is approved.
pub(super) enum Storing {
    /// Keep under this id, or a free one when `None`.
    Add(Option<String>),
    /// Replace what is kept under this id.
    Replace(String),
}

impl Storing {
    /// Keeps the instrument and returns its vault id.
    pub(super) fn carry_out(self, call: &mut Call<'_>, instrument: Instrument) -> String {
        let account = &call.account.name;
        let id = match self {
            Self::Add(None) => call.state.vault.free_id(account),
            Self::Add(Some(id)) | Self::Replace(id) => id,
        };
        call.state.vault.put(account, &id, instrument);
        id
    }
}

/// What `customer_vault` asks for beside a transaction; refused before anything is charged.
pub(super) fn intent(call: &Call<'_>) -> Result<Option<Storing>, Rejection> {
    let id = call.fields.get("customer_vault_id");
    let known = call.state.vault.find(&call.account.name, id).is_some();
    match (call.fields.get("customer_vault"), id) {
        ("", _) => Ok(None),
        ("add_customer", "") => Ok(Some(Storing::Add(None))),
        ("add_customer", _) if known => Err(Rejection::new("Duplicate Customer Vault Id")),
        ("add_customer", id) => Ok(Some(Storing::Add(Some(id.to_owned())))),
        ("update_customer", id) if known => Ok(Some(Storing::Replace(id.to_owned()))),
        ("update_customer", id) => Err(unknown(id)),
        (other, _) => {
            Err(Rejection::new(&format!("customer_vault={other} is not offered by this sandbox here")))
        }
    }
}

/// A pure vault call, without `type`.
pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, Stop> {
    let id = call.fields.get("customer_vault_id");
    if call.fields.get("customer_vault") == "delete_customer" {
        if !call.state.vault.remove(&call.account.name, id) {
            return Err(unknown(id).into());
        }
        return Ok(reply("Customer Deleted", id));
    }
    let Some(storing) = intent(call)? else { return Err(Rejection::new("Invalid Transaction Type").into()) };
    let text = match storing {
        Storing::Add(_) => "Customer Added",
        Storing::Replace(_) => "Customer Update Successful",
    };
    let instrument = source(call, &storing)?;
    let id = storing.carry_out(call, instrument);
    Ok(reply(text, &id))
}

/// What to keep: payment data, an earlier transaction's, or (an update of other data) what is kept already.
fn source(call: &Call<'_>, storing: &Storing) -> Result<Instrument, Rejection> {
    if !call.fields.get("source_transaction_id").is_empty() {
        let id = call.fields.get("source_transaction_id").parse::<u64>().ok();
        let owned = id.filter(|id| call.state.book.find(&call.account.name, *id).is_some());
        let found = owned.and_then(|id| call.state.instruments.get(&id)).cloned();
        return found.ok_or_else(|| Rejection::new("Transaction not found"));
    }
    let given = ["ccnumber", "checkaccount", "payment_token"];
    if given.iter().any(|name| !call.fields.get(name).is_empty()) {
        return payment::instrument(call);
    }
    let kept = match storing {
        Storing::Add(_) => None,
        Storing::Replace(id) => call.state.vault.find(&call.account.name, id).cloned(),
    };
    kept.ok_or_else(|| Rejection::new("Billing Information missing"))
}

fn unknown(id: &str) -> Rejection {
    Rejection { vault_id: Some(id.to_owned()), ..Rejection::new("Invalid Customer Vault Id") }
}

fn reply(text: &str, id: &str) -> Reply {
    let mut reply = Reply::new(100, text);
    reply.add("customer_vault_id", id);
    reply
}
