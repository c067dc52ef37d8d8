//! The form of a charge.

use domain::attempt::Purpose;
use domain::contact::{Address, Contact};
use gateways::{ChargeRequest, StoredCredential};

use super::settings::Options;
use super::wire::Form;

/// The form of a sale, an authorization, or, for amount 0, a check of the card.
pub(crate) fn form(options: &Options, request: &ChargeRequest) -> Form {
    let kind = match request.purpose {
        _ if request.amount.is_zero() => "validate",
        Purpose::Collect => "sale",
        Purpose::Hold => "auth",
    };
    let mut form = Form::of_type(kind);
    if !request.amount.is_zero() {
        form.put("amount", request.amount.decimal());
        if options.switch_duplicate_check_off {
            form.put("dup_seconds", "0");
        }
    }
    form.put("currency", request.amount.currency().code())
        .put("orderid", request.reference.as_str())
        .put("order_description", request.order_reference.as_str())
        .put("processor_id", options.processor_id.as_str())
        .put("ccnumber", request.card.number.expose())
        .put("ccexp", request.card.expiry.mmyy());
    if let Some(code) = &request.card.security_code {
        form.put("cvv", code.expose());
    }
    put_agreement(&mut form, &request.stored_credential);
    put_contact(&mut form, &request.contact);
    form
}

/// The agreement under which a stored card is used (M30). `initial_transaction_id` is NMI's own id of the first charge,
/// not the card network's; without one, the approved rebill becomes the initial one and is sent as `stored`.
fn put_agreement(form: &mut Form, agreement: &StoredCredential) {
    let (initiated_by, indicator, initial) = match agreement {
        StoredCredential::None => return,
        StoredCredential::FirstRecurring => ("customer", "stored", ""),
        StoredCredential::Rebill { initial_reference } => match initial_reference.as_deref() {
            None | Some("") => ("merchant", "stored", ""),
            Some(id) => ("merchant", "used", id),
        },
    };
    form.put("billing_method", "recurring")
        .put("initiated_by", initiated_by)
        .put("stored_credential_indicator", indicator)
        .put("initial_transaction_id", initial);
}

fn put_contact(form: &mut Form, contact: &Contact) {
    let Address { first_name, last_name, company, line1, line2, city, state, postal_code, country } =
        &contact.billing;
    form.put("first_name", first_name.as_str())
        .put("last_name", last_name.as_str())
        .put("company", company.as_str())
        .put("address1", line1.as_str())
        .put("address2", line2.as_str())
        .put("city", city.as_str())
        .put("state", state.as_str())
        .put("zip", postal_code.as_str())
        .put("country", country.as_str())
        .put("phone", contact.phone.as_str())
        .put("email", contact.email.as_str())
        .put("ipaddress", contact.ip_address.as_str());
    let to = &contact.shipping;
    form.put("shipping_firstname", to.first_name.as_str())
        .put("shipping_lastname", to.last_name.as_str())
        .put("shipping_company", to.company.as_str())
        .put("shipping_address1", to.line1.as_str())
        .put("shipping_address2", to.line2.as_str())
        .put("shipping_city", to.city.as_str())
        .put("shipping_state", to.state.as_str())
        .put("shipping_zip", to.postal_code.as_str())
        .put("shipping_country", to.country.as_str());
}
