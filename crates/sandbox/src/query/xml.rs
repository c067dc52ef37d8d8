//! Writing the report, element by element in the documented order.

use std::fmt::Write as _;

use crate::{action::Action, amount, instrument::InstrumentKind, transaction::Transaction};

/// An `<nm_response>` with these transactions; empty when there are none.
pub(super) fn report(transactions: &[&Transaction]) -> String {
    let mut xml = Xml::new();
    for one in transactions {
        xml.transaction(one);
    }
    xml.end()
}

/// An `<nm_response>` that says what is wrong.
pub(super) fn error(text: &str) -> String {
    let mut xml = Xml::new();
    xml.element("error_response", text);
    xml.end()
}

struct Xml(String);

impl Xml {
    fn new() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<nm_response>\n".to_owned())
    }

    fn end(mut self) -> String {
        self.0.push_str("</nm_response>\n");
        self.0
    }

    fn element(&mut self, name: &str, text: &str) {
        self.put(if text.is_empty() {
            format!("<{name}/>")
        } else {
            format!("<{name}>{}</{name}>", escape(text))
        });
    }

    fn put(&mut self, line: impl AsRef<str>) {
        self.0.push_str(line.as_ref());
        self.0.push('\n');
    }

    /// Elements named after details, `(element, detail)`.
    fn details(&mut self, one: &Transaction, elements: &[(&str, &str)]) {
        for (element, detail) in elements {
            self.element(element, one.details.get(*detail).map(String::as_str).unwrap_or_default());
        }
    }

    fn transaction(&mut self, one: &Transaction) {
        let card = one.instrument.kind == InstrumentKind::Card;
        self.put("<transaction>");
        self.element("transaction_id", &one.id.to_string());
        self.element("partial_payment_id", "");
        self.element("partial_payment_balance", "");
        self.element("platform_id", "");
        self.element("transaction_type", if card { "cc" } else { "ck" });
        self.element("condition", one.condition.word());
        self.element("order_id", &one.orderid);
        self.element("authorization_code", &one.authcode);
        self.details(one, &[("ponumber", "ponumber"), ("order_description", "order_description")]);
        if let Some(original) = one.original_id {
            self.element("original_transaction_id", &original.to_string());
        }
        self.details(one, &PAYER);
        self.details(one, &SHIPPING);
        self.instrument(one, card);
        let processor = one.details.get("processor_id").map(String::as_str);
        self.element("processor_id", processor.unwrap_or(if card { "ccprocessora" } else { "ckprocessora" }));
        self.details(one, &[("tax", "tax")]);
        self.element("currency", &one.currency);
        self.details(one, &[("surcharge", "surcharge")]);
        self.element("cc_bin", &one.instrument.first6);
        self.element("cc_type", &one.instrument.brand);
        if one.details.contains_key("stored_credential_indicator") {
            self.element("cof_supported", "stored");
            self.details(one, &CREDENTIAL);
        }
        for (name, value) in &one.details {
            if let Some(number) = name.strip_prefix("merchant_defined_field_") {
                let (number, value) = (escape(number), escape(value));
                self.put(format!("<merchant_defined_field id=\"{number}\">{value}</merchant_defined_field>"));
            }
        }
        let exponent = amount::exponent(&one.currency).unwrap_or(2);
        for action in &one.actions {
            self.action(action, exponent);
        }
        self.put("</transaction>");
    }

    fn instrument(&mut self, one: &Transaction, card: bool) {
        let view = &one.instrument;
        let (cc, ck) = if card { (view.masked.as_str(), "") } else { ("", view.masked.as_str()) };
        self.element("cc_number", cc);
        self.element("cc_hash", "");
        self.element("cc_exp", &view.expiry);
        for name in ["cavv", "cavv_result", "xid"] {
            self.element(name, "");
        }
        self.details(one, &[("eci", "eci"), ("directory_server_id", "directory_server_id")]);
        self.details(one, &[("three_ds_version", "three_ds_version")]);
        self.element("avs_response", &one.avs);
        self.element("csc_response", &one.cvv);
        self.details(one, &[("cardholder_auth", "cardholder_auth")]);
        self.element("check_account", ck);
        self.element("check_hash", "");
        self.element("check_aba", &view.check_aba);
        self.element("check_name", &view.check_name);
        self.element("account_holder_type", &view.holder_type);
        self.element("account_type", &view.account_type);
        self.element("sec_code", &view.sec_code);
    }

    fn action(&mut self, action: &Action, exponent: u32) {
        self.put("<action>");
        self.element("amount", &amount::format(action.amount_minor, exponent));
        self.element("action_type", action.kind.word());
        self.element("date", &action.at.strftime("%Y%m%d%H%M%S").to_string());
        self.element("success", if action.success { "1" } else { "0" });
        for (name, text) in
            [("ip_address", ""), ("source", "api"), ("api_method", "direct_post"), ("username", "")]
        {
            self.element(name, text);
        }
        self.element("response_text", &action.text);
        self.element("batch_id", "0");
        self.element("processor_batch_id", "");
        self.element("response_code", &action.code.to_string());
        self.element("processor_response_text", "");
        self.element("processor_response_code", "");
        self.element("requested_amount", &amount::format(action.requested_minor, exponent));
        self.put("</action>");
    }
}

const PAYER: [(&str, &str); 12] = [
    ("first_name", "first_name"),
    ("last_name", "last_name"),
    ("address_1", "address1"),
    ("address_2", "address2"),
    ("company", "company"),
    ("city", "city"),
    ("state", "state"),
    ("postal_code", "zip"),
    ("country", "country"),
    ("email", "email"),
    ("phone", "phone"),
    ("fax", "fax"),
];

const SHIPPING: [(&str, &str); 10] = [
    ("shipping_first_name", "shipping_firstname"),
    ("shipping_last_name", "shipping_lastname"),
    ("shipping_address_1", "shipping_address1"),
    ("shipping_address_2", "shipping_address2"),
    ("shipping_company", "shipping_company"),
    ("shipping_city", "shipping_city"),
    ("shipping_state", "shipping_state"),
    ("shipping_postal_code", "shipping_zip"),
    ("shipping_country", "shipping_country"),
    ("shipping_email", "shipping_email"),
];

const CREDENTIAL: [(&str, &str); 2] =
    [("stored_credential_indicator", "stored_credential_indicator"), ("initiated_by", "initiated_by")];

/// The text with markup escaped and characters that XML 1.0 forbids left out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(escaped, "&#{};", u32::from(c));
            }
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_makes_well_formed_xml() {
        let text = "a<b>&\"c\"\u{0}\u{1}\u{FFFF}\tü]]>";
        let xml = error(text);
        let parsed = roxmltree::Document::parse(&xml).unwrap();
        let node = parsed.descendants().find(|node| node.has_tag_name("error_response")).unwrap();
        assert_eq!(node.text().unwrap(), "a<b>&\"c\"\tü]]>");
    }
}
