//! The Payment API, `POST /api/transact.php`: one form in, one line of `name=value` out, always HTTP 200.

mod authenticate;
mod booking;
mod capture;
mod charge;
mod fields;
mod payment;
mod refund;
mod reply;
mod special;
mod store;
mod update;
mod void;

use jiff::Timestamp;

pub(crate) use authenticate::{Caller, authenticate};
pub(crate) use fields::Fields;
pub(crate) use reply::Reply;
use special::Special;

use crate::{
    ledger::LedgerEntry,
    sandbox::Sandbox,
    settings::Account,
    state::State,
    transaction::{Kind, Transaction},
};

/// One request being carried out, with the state locked.
struct Call<'a> {
    account: &'a Account,
    fields: &'a Fields,
    state: &'a mut State,
    settles_at: Timestamp,
    now: Timestamp,
    special: Special,
    by_fault: bool,
}

/// Why a request ends without being carried out.
enum Stop {
    /// Refused by the gateway itself: code 300.
    Rejected(Rejection),
    /// The journal could not be written; nothing was done.
    Journal(std::io::Error),
}

/// A refusal by the gateway itself.
struct Rejection {
    text: String,
    /// Echoed where the real gateway echoes it.
    transaction_id: Option<u64>,
    /// Echoed for unknown vault ids.
    vault_id: Option<String>,
}

impl Rejection {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), transaction_id: None, vault_id: None }
    }

    fn echoing(text: &str, transaction_id: u64) -> Self {
        Self { transaction_id: Some(transaction_id), ..Self::new(text) }
    }
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Journal(error)
    }
}

/// Carries out a request. `forced` is a code that a fault puts in the issuer's place.
/// The error is the journal's: nothing was done, and the caller deserves an HTTP 500.
pub(crate) fn handle(sandbox: &Sandbox, fields: &Fields, forced: Option<u16>) -> std::io::Result<Reply> {
    let now = sandbox.clock.now();
    let mut state = sandbox.lock();
    state.book.settle(now, false)?;
    let account = match authenticate(sandbox, fields) {
        Ok(account) => account,
        Err(caller) => return Ok(authenticate::refuse(caller, fields, &mut state)),
    };
    let settles_at = now.checked_add(sandbox.settings.settlement_after).unwrap_or(Timestamp::MAX);
    let special = Special::of(fields, forced);
    let by_fault = forced.is_some();
    let mut call = Call { account, fields, state: &mut state, settles_at, now, special, by_fault };
    match call.dispatch() {
        Ok(reply) => Ok(reply.echo(fields)),
        Err(Stop::Rejected(rejection)) => Ok(call.reject(&rejection).echo(fields)),
        Err(Stop::Journal(error)) => Err(error),
    }
}

impl Call<'_> {
    fn dispatch(&mut self) -> Result<Reply, Stop> {
        if let Special::Rejected(code) = self.special {
            return Ok(self.reject_with_code(code));
        }
        if !self.fields.get("recurring").is_empty() {
            return Err(Rejection::new("Recurring billing is not offered by this sandbox").into());
        }
        match self.fields.get("type") {
            "sale" => charge::run(self, Kind::Sale),
            "auth" => charge::run(self, Kind::Auth),
            "credit" => charge::run(self, Kind::Credit),
            "validate" => charge::run(self, Kind::Validate),
            "offline" => charge::run(self, Kind::Offline),
            "capture" => capture::run(self),
            "void" => void::run(self),
            "refund" => refund::run(self),
            "update" => update::run(self),
            "" if !self.fields.get("customer_vault").is_empty() => store::run(self),
            _ => Err(Rejection::new("Invalid Transaction Type").into()),
        }
    }

    /// The transaction that `transactionid` names.
    fn original(&self) -> Result<Transaction, Rejection> {
        let text = self.fields.get("transactionid");
        let well_formed = (9..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let id = text.parse().ok().filter(|_| well_formed);
        let id = id.ok_or_else(|| Rejection::new("Invalid Transaction ID specified"))?;
        let found = self.state.book.find(&self.account.name, id);
        found.cloned().ok_or_else(|| Rejection::new("Transaction not found"))
    }

    /// Writes a transaction and what moved by it.
    fn record(&mut self, transaction: Transaction, entry: Option<LedgerEntry>) -> Result<(), Stop> {
        Ok(self.state.book.record(transaction, entry)?)
    }

    /// Takes money off the card behind a transaction, or puts it back when negative.
    /// After a restart the full number is gone, and so are the balances.
    fn post(&mut self, transaction_id: u64, charged_minor: i64) {
        let number = self.state.instruments.get(&transaction_id).and_then(|one| one.card().cloned());
        if let Some(number) = number {
            self.state.issuers.post(&number, charged_minor, self.now);
        }
    }

    fn reject(&mut self, rejection: &Rejection) -> Reply {
        let mut reply = Reply::new(300, &self.state.with_refid(&rejection.text));
        if let Some(id) = rejection.transaction_id {
            reply = reply.with_id(id);
        }
        if let Some(vault_id) = &rejection.vault_id {
            reply.add("customer_vault_id", vault_id);
        }
        reply
    }

    /// The gateway's own codes on demand: 300 with a reference, 301 without.
    fn reject_with_code(&mut self, code: u16) -> Reply {
        if code == 301 { Reply::rate_limited() } else { self.reject(&Rejection::new("Rejected by gateway")) }
    }
}
