//! Which transactions a query asks for.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use crate::{book::Book, instrument::InstrumentKind, transact::Fields, transaction::Transaction};

/// Filters by equality: the parameter and the detail kept with the transaction.
const DETAILS: [&str; 9] =
    ["email", "first_name", "last_name", "address1", "city", "state", "zip", "phone", "order_description"];

/// A query's parameters, checked.
pub(super) struct Filter<'a> {
    fields: &'a Fields,
    account: &'a str,
    ids: Vec<u64>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    limit: Option<usize>,
    page: usize,
    newest_first: bool,
}

impl<'a> Filter<'a> {
    /// Reads the parameters; `Err` names the one that cannot be read.
    pub(super) fn read(fields: &'a Fields, account: &'a str) -> Result<Self, String> {
        let number = |name: &str| match fields.get(name) {
            "" => Ok(None),
            text => text.parse::<usize>().map(Some).map_err(|_| format!("Invalid {name}")),
        };
        let newest_first = match fields.get("result_order") {
            "" | "standard" => false,
            "reverse" => true,
            _ => return Err("Invalid result_order".to_owned()),
        };
        let limit = number("result_limit")?;
        if limit == Some(0) {
            return Err("Invalid result_limit".to_owned());
        }
        Ok(Self {
            fields,
            account,
            ids: list(fields.get("transaction_id")).filter_map(|id| id.parse().ok()).collect(),
            start: date(fields, "start_date")?,
            end: date(fields, "end_date")?,
            limit,
            page: number("page_number")?.unwrap_or(0),
            newest_first,
        })
    }

    /// The page asked for, in order.
    pub(super) fn apply<'b>(&self, book: &'b Book) -> Vec<&'b Transaction> {
        let order = self.fields.get("order_id");
        let mut found: Vec<&Transaction> = if order.is_empty() {
            book.all().filter(|one| self.wants(one)).collect()
        } else {
            book.of_order(order).filter(|one| self.wants(one)).collect()
        };
        if self.newest_first {
            found.reverse();
        }
        let limit = self.limit.unwrap_or(usize::MAX);
        let skipped = if self.page == 0 { 0 } else { self.page.saturating_mul(limit) };
        found.into_iter().skip(skipped).take(limit).collect()
    }

    fn wants(&self, one: &Transaction) -> bool {
        let text = |name: &str, actual: &str| matches!(self.fields.get(name), wanted if wanted.is_empty() || wanted == actual);
        let detail = |name: &str| text(name, one.details.get(name).map(String::as_str).unwrap_or_default());
        let merchant_fields =
            self.fields.iter().filter(|(name, _)| name.starts_with("merchant_defined_field_"));
        let kind = match one.instrument.kind {
            InstrumentKind::Card => "cc",
            InstrumentKind::Check => "ck",
        };
        one.account == self.account
            && self.wants_id(one)
            && text("order_id", &one.orderid)
            && any(self.fields.get("condition"), |word| word == one.condition.word())
            && text("transaction_type", kind)
            && any(self.fields.get("action_type"), |word| {
                one.actions.iter().any(|action| action.kind.word() == word)
            })
            && any(self.fields.get("source"), |word| word == "api")
            && self.start.is_none_or(|start| one.modified_at >= start)
            && self.end.is_none_or(|end| one.modified_at <= end)
            && self.wants_card(one)
            && text("authorization_code", &one.authcode)
            && DETAILS.iter().all(|name| detail(name))
            && merchant_fields.map(|(name, _)| name).all(detail)
    }

    /// Asking by a sale's id also finds its refunds.
    fn wants_id(&self, one: &Transaction) -> bool {
        self.fields.get("transaction_id").is_empty()
            || self.ids.iter().any(|id| *id == one.id || Some(*id) == one.original_id)
    }

    /// By full number or last four digits. Full numbers are not kept, so first six, last four and length must do.
    fn wants_card(&self, one: &Transaction) -> bool {
        let wanted = self.fields.get("cc_number");
        if wanted.len() <= 4 {
            return wanted.is_empty() || wanted == one.instrument.last4;
        }
        wanted.len() == one.instrument.masked.len()
            && wanted.starts_with(&one.instrument.first6)
            && wanted.ends_with(&one.instrument.last4)
    }
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty())
}

/// Whether one word of a comma list fits; an empty list fits everything.
fn any(text: &str, fits: impl Fn(&str) -> bool) -> bool {
    text.is_empty() || list(text).any(fits)
}

/// `YYYYMMDDhhmmss` in UTC.
fn date(fields: &Fields, name: &str) -> Result<Option<Timestamp>, String> {
    let text = fields.get(name);
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || format!("Invalid {name}");
    if text.len() != 14 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let civil = DateTime::strptime("%Y%m%d%H%M%S", text).map_err(|_| wrong())?;
    let zoned = civil.to_zoned(TimeZone::UTC).map_err(|_| wrong())?;
    Ok(Some(zoned.timestamp()))
}
