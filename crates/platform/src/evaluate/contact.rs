//! Who buys, as an evaluate tells it.

use domain::contact::{Address, Contact, ip_address};

use crate::body::{Body, storable};

/// Billing, shipping, e-mail, telephone and IP address.
pub(crate) fn contact(body: &Body) -> Contact {
    let billing = address(body, "billinginformation");
    let shipping = address(body, "shippinginformation");
    let email = body.text("payer.email");
    Contact {
        shipping: if body.has("shippinginformation") { shipping } else { billing.clone() },
        billing,
        // A client without an address sends this word.
        email: if email.eq_ignore_ascii_case("na") { String::new() } else { storable(&email) },
        // Not the address's: a client that leaves the payer's out means that there is none.
        phone: storable(&body.text("payer.phone")),
        ip_address: ip_address(&body.text("customerip")).unwrap_or_default(),
    }
}

fn address(body: &Body, part: &str) -> Address {
    let field = |name: &str| storable(&body.text(&format!("{part}.{name}")));
    let country = field("countrycode");
    Address {
        first_name: field("firstname"),
        last_name: field("lastname"),
        company: String::new(),
        line1: field("addressline1"),
        line2: field("addressline2"),
        city: field("city"),
        state: field("state"),
        postal_code: field("zipcode"),
        country: if country.is_empty() { field("country") } else { country },
    }
}
