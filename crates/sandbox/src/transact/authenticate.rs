//! Who is calling.

use super::{Fields, Reply};
use crate::{sandbox::Sandbox, settings::Account, state::State};

/// A caller that is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// No key, an empty key, or a wrong user name or password.
    Unknown,
    /// A key that no account has.
    UnknownKey,
    /// Key and password together.
    TwoMethods,
}

/// The calling account, by key or by user name and password.
pub(crate) fn authenticate<'a>(sandbox: &'a Sandbox, fields: &Fields) -> Result<&'a Account, Caller> {
    let key = fields.get("security_key");
    let (username, password) = (fields.get("username"), fields.get("password"));
    match (key.is_empty(), username.is_empty() && password.is_empty()) {
        (false, false) => Err(Caller::TwoMethods),
        (false, true) => sandbox.account_by_key(key).ok_or(Caller::UnknownKey),
        (true, false) => sandbox.account_by_login(username, password).ok_or(Caller::Unknown),
        (true, true) => Err(Caller::Unknown),
    }
}

/// The Payment API's answer to such a caller.
pub(super) fn refuse(caller: Caller, fields: &Fields, state: &mut State) -> Reply {
    let reply = match caller {
        Caller::Unknown => Reply::new(300, "Authentication Failed").with_id(0),
        Caller::UnknownKey => Reply::new(300, &state.with_refid("Specified API key not found")),
        Caller::TwoMethods => {
            Reply::new(300, &state.with_refid("Only one authentication method may be used."))
        }
    };
    reply.echo(fields)
}
