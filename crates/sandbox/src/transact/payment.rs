//! Reading what is to be charged, and how much.

use super::{Call, Fields, Rejection};
use crate::{
    amount,
    card_number::CardNumber,
    instrument::{BankAccount, Instrument},
};

/// The documented test token of a card, and the card it stands for.
const CARD_TOKEN: (&str, &str) = ("00000000-000000-000000-000000000000", "4111111111111111");

/// The documented test token of a bank account, with its routing and account number.
const CHECK_TOKEN: (&str, &str, &str) = ("11111111-111111-111111-111111111111", "490000018", "24413815");

/// An amount with its currency.
pub(super) struct Asked {
    pub(super) minor: i64,
    pub(super) currency: String,
    pub(super) exponent: u32,
}

/// The card or bank account of the request: in its fields, behind a token, or in the customer vault.
pub(super) fn instrument(call: &Call<'_>) -> Result<Instrument, Rejection> {
    let fields = call.fields;
    let vault_id = fields.get("customer_vault_id");
    if fields.get("customer_vault").is_empty() && !vault_id.is_empty() {
        let stored = call.state.vault.find(&call.account.name, vault_id);
        return stored.cloned().ok_or_else(|| Rejection {
            vault_id: Some(vault_id.to_owned()),
            ..Rejection::new("Invalid Customer Vault Id")
        });
    }
    if !fields.get("payment_token").is_empty() {
        return token(fields);
    }
    if fields.get("payment") == "check" {
        return check(fields);
    }
    match fields.get("ccnumber") {
        "" => Err(Rejection::new("Required Field cc_number is Missing or Empty")),
        text => card(text, fields),
    }
}

fn card(text: &str, fields: &Fields) -> Result<Instrument, Rejection> {
    let number = CardNumber::parse(text).ok_or_else(|| Rejection::new("Invalid Credit Card Number"))?;
    Ok(Instrument::Card { number, expiry: fields.get("ccexp").to_owned() })
}

fn token(fields: &Fields) -> Result<Instrument, Rejection> {
    match fields.get("payment_token") {
        token if token == CARD_TOKEN.0 => card(CARD_TOKEN.1, fields),
        token if token == CHECK_TOKEN.0 => Ok(Instrument::Check(BankAccount {
            aba: CHECK_TOKEN.1.to_owned(),
            account: CHECK_TOKEN.2.to_owned(),
            ..bank_account(fields)
        })),
        _ => Err(Rejection::new("Payment Token does not exist")),
    }
}

fn check(fields: &Fields) -> Result<Instrument, Rejection> {
    let bank = bank_account(fields);
    if bank.account.is_empty() {
        return Err(Rejection::new("Required Field checkaccount is Missing or Empty"));
    }
    if !routing_number_is_valid(&bank.aba) {
        return Err(Rejection::new("Invalid ABA number"));
    }
    Ok(Instrument::Check(bank))
}

fn bank_account(fields: &Fields) -> BankAccount {
    let text = |name: &str| fields.get(name).to_owned();
    BankAccount {
        name: text("checkname"),
        aba: text("checkaba"),
        account: text("checkaccount"),
        holder_type: text("account_holder_type"),
        account_type: text("account_type"),
        sec_code: text("sec_code"),
    }
}

/// Nine digits whose weighted sum (3, 7, 1, …) is a multiple of ten: the check digit rule of ABA routing numbers.
fn routing_number_is_valid(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let sum: u32 = digits.iter().zip([3, 7, 1].iter().cycle()).map(|(digit, weight)| digit * weight).sum();
    text.len() == 9 && digits.len() == 9 && sum.is_multiple_of(10)
}

/// `currency`, USD when absent, and its digits after the point.
pub(super) fn currency(fields: &Fields) -> Result<(String, u32), Rejection> {
    let code = match fields.get("currency") {
        "" => "USD".to_owned(),
        code => code.to_ascii_uppercase(),
    };
    let exponent = amount::exponent(&code).ok_or_else(|| Rejection::new("Invalid currency"))?;
    Ok((code, exponent))
}

/// The amount of a charge: positive, in major units.
pub(super) fn asked(fields: &Fields) -> Result<Asked, Rejection> {
    let (currency, exponent) = currency(fields)?;
    let minor = amount::parse(fields.get("amount"), exponent).filter(|minor| *minor > 0);
    let minor = minor.ok_or_else(|| Rejection::new("Invalid amount"))?;
    Ok(Asked { minor, currency, exponent })
}

/// The amount of an account check: none, or zero.
pub(super) fn nothing_asked(fields: &Fields) -> Result<Asked, Rejection> {
    let (currency, exponent) = currency(fields)?;
    let text = fields.get("amount");
    if !text.is_empty() && amount::parse(text, exponent) != Some(0) {
        return Err(Rejection::new("Invalid amount"));
    }
    Ok(Asked { minor: 0, currency, exponent })
}

/// AVS and CVV letters of test mode: empty when nothing was sent, and for bank accounts.
///
/// `address1=888` with `zip=77777` matches and `cvv=999` matches, by the documents; the letters of half matches are ours.
pub(super) fn letters(fields: &Fields, instrument: &Instrument) -> (String, String) {
    if instrument.card().is_none() {
        return (String::new(), String::new());
    }
    let street = fields.get("address1") == "888";
    let zip = fields.get("zip") == "77777";
    let avs = match (street, zip) {
        (true, true) => "Y",
        (true, false) => "A",
        (false, true) => "Z",
        (false, false) if fields.get("address1").is_empty() && fields.get("zip").is_empty() => "",
        (false, false) => "N",
    };
    let cvv = match fields.get("cvv") {
        "" if fields.get("payment_token") == CARD_TOKEN.0 => "M",
        "" => "",
        "999" => "M",
        _ => "N",
    };
    (avs.to_owned(), cvv.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routing_numbers_are_checked() {
        assert!(routing_number_is_valid("123123123"));
        assert!(routing_number_is_valid("490000018"));
        assert!(!routing_number_is_valid("123123124"));
        assert!(!routing_number_is_valid("12312312"));
    }
}
