//! Who buys, and where things go: names and addresses of an import.

use domain::card::mask_card_numbers;
use domain::contact::{Address, Contact, ip_address};

use super::reader::Reader;

/// Most characters of one of these fields.
const CHARS_MAX: usize = 255;
/// A telephone number has at most 15 digits (ITU-T E.164), and hardly ever more than 13; a card number has more.
const PHONE_DIGITS_MAX: usize = 13;

/// Names of the parameters read here.
pub(crate) const NAMES: [&str; 22] = [
    "firstName",
    "lastName",
    "companyName",
    "address1",
    "address2",
    "city",
    "state",
    "postalCode",
    "country",
    "shipFirstName",
    "shipLastName",
    "shipCompanyName",
    "shipAddress1",
    "shipAddress2",
    "shipCity",
    "shipState",
    "shipPostalCode",
    "shipCountry",
    "emailAddress",
    "phoneNumber",
    "ipAddress",
    "billShipSame",
];

/// Reads the buyer. Digits that look like a card number are masked (M33); an `ipAddress` that is none counts as absent
/// (Q7); without any shipping field the goods go to the billing address.
pub(crate) fn read(reader: &mut Reader<'_>) -> Contact {
    let billing = address(
        reader,
        [
            "firstName",
            "lastName",
            "companyName",
            "address1",
            "address2",
            "city",
            "state",
            "postalCode",
            "country",
        ],
    );
    let given = address(
        reader,
        [
            "shipFirstName",
            "shipLastName",
            "shipCompanyName",
            "shipAddress1",
            "shipAddress2",
            "shipCity",
            "shipState",
            "shipPostalCode",
            "shipCountry",
        ],
    );
    let same = reader.flag("billShipSame").unwrap_or(given == Address::default());
    Contact {
        shipping: if same { billing.clone() } else { given },
        billing,
        email: email(reader),
        phone: phone(reader),
        ip_address: ip_address(reader.raw("ipAddress")).unwrap_or_default(),
    }
}

/// An address by the names of its nine parts.
fn address(reader: &mut Reader<'_>, names: [&str; 9]) -> Address {
    let mut part = |name: &str| mask_card_numbers(&reader.text(name, CHARS_MAX));
    let [first, last, company, line1, line2, city, state, postal_code, country_name] = names;
    let mut address = Address {
        first_name: part(first),
        last_name: part(last),
        company: part(company),
        line1: part(line1),
        line2: part(line2),
        city: part(city),
        state: part(state),
        postal_code: part(postal_code),
        country: part(country_name).to_ascii_uppercase(),
    };
    let country = &mut address.country;
    let is_code = country.len() == 2 && country.bytes().all(|letter| letter.is_ascii_uppercase());
    if !country.is_empty() && !is_code {
        reader.refuse(country_name, "is no country code of two letters, such as US");
        country.clear();
    }
    address
}

fn email(reader: &mut Reader<'_>) -> String {
    let email = mask_card_numbers(&reader.text("emailAddress", CHARS_MAX));
    let parts = email.rsplit_once('@');
    let is_address = parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
        && !email.chars().any(char::is_whitespace);
    if !email.is_empty() && !is_address {
        reader.refuse("emailAddress", "is no e-mail address");
    }
    email
}

fn phone(reader: &mut Reader<'_>) -> String {
    let phone = reader.text("phoneNumber", CHARS_MAX);
    let digits = phone.chars().filter(char::is_ascii_digit).count();
    if digits > PHONE_DIGITS_MAX { mask_card_numbers(&phone) } else { phone }
}
