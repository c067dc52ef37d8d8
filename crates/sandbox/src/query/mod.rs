//! The Query API, `POST /api/query.php`: one form in, XML out, always HTTP 200.

mod filter;
mod xml;

use filter::Filter;

use crate::{
    sandbox::Sandbox,
    transact::{Caller, Fields, authenticate},
};

/// Answers a query. The error is the journal's, which settlement may have to write.
pub(crate) fn handle(sandbox: &Sandbox, fields: &Fields) -> std::io::Result<String> {
    let mut state = sandbox.lock();
    state.book.settle(sandbox.clock.now(), false)?;
    let account = match authenticate(sandbox, fields) {
        Ok(account) => account,
        Err(caller) => {
            let text = match caller {
                Caller::UnknownKey => "Specified API key not found",
                Caller::Unknown => "Invalid Username/Password",
                Caller::TwoMethods => "Only one authentication method may be used.",
            };
            return Ok(xml::error(&state.with_refid(text)));
        }
    };
    let report = fields.get("report_type");
    if !matches!(report, "" | "transactions") {
        return Ok(xml::error(&state.with_refid("This report type is not offered by this sandbox")));
    }
    match Filter::read(fields, &account.name) {
        Ok(filter) => Ok(xml::report(&filter.apply(&state.book))),
        Err(problem) => Ok(xml::error(&state.with_refid(&problem))),
    }
}

/// The answer while the rate limit holds.
pub(crate) fn rate_limited() -> String {
    xml::error("Rate limit exceeded")
}
