//! The reply line: nine standard fields in order, then conditional ones.

use form_urlencoded::Serializer;

use super::Fields;
use crate::codes;

/// A reply before it is written.
pub(crate) struct Reply {
    /// `response_code`; `response` follows from it.
    pub(crate) code: u16,
    text: String,
    authcode: String,
    transaction_id: String,
    /// `avsresponse`, maybe empty.
    pub(crate) avs: String,
    /// `cvvresponse`, maybe empty.
    pub(crate) cvv: String,
    orderid: String,
    transaction_type: String,
    extra: Vec<(&'static str, String)>,
}

impl Reply {
    /// A reply with all optional fields empty.
    pub(crate) fn new(code: u16, text: &str) -> Self {
        Self {
            code,
            text: text.to_owned(),
            authcode: String::new(),
            transaction_id: String::new(),
            avs: String::new(),
            cvv: String::new(),
            orderid: String::new(),
            transaction_type: String::new(),
            extra: Vec::new(),
        }
    }

    /// An approval of this transaction.
    pub(crate) fn approved(text: &str, transaction_id: u64) -> Self {
        Self::new(100, text).with_id(transaction_id)
    }

    /// The rate limit's refusal, which has no reference and echoes nothing.
    pub(crate) fn rate_limited() -> Self {
        Self::new(301, "Rate limit exceeded")
    }

    /// The processor's answer was lost; there may be a payment, but no id of it.
    pub(crate) fn processor_lost(code: u16) -> Self {
        Self::new(code, codes::text_of(code).unwrap_or_default())
    }

    /// With this transaction's id.
    pub(crate) fn with_id(self, transaction_id: u64) -> Self {
        Self { transaction_id: transaction_id.to_string(), ..self }
    }

    /// With this approval code.
    pub(crate) fn with_authcode(self, authcode: &str) -> Self {
        Self { authcode: authcode.to_owned(), ..self }
    }

    /// Adds a conditional field.
    pub(crate) fn add(&mut self, name: &'static str, value: &str) {
        self.extra.push((name, value.to_owned()));
    }

    /// Repeats the request's `orderid` and `type`, as every reply but the rate limit's does.
    pub(crate) fn echo(mut self, fields: &Fields) -> Self {
        if self.code != 301 {
            fields.get("orderid").clone_into(&mut self.orderid);
            fields.get("type").clone_into(&mut self.transaction_type);
        }
        self
    }

    /// The body. `response` is 1, 2 or 3 by the code's family.
    pub(crate) fn render(&self) -> String {
        let mut form = Serializer::new(String::new());
        form.append_pair("response", &codes::response_of(self.code).to_string())
            .append_pair("responsetext", &self.text)
            .append_pair("authcode", &self.authcode)
            .append_pair("transactionid", &self.transaction_id)
            .append_pair("avsresponse", &self.avs)
            .append_pair("cvvresponse", &self.cvv)
            .append_pair("orderid", &self.orderid)
            .append_pair("type", &self.transaction_type)
            .append_pair("response_code", &self.code.to_string())
            .extend_pairs(&self.extra);
        form.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nine_fields_stand_in_order_and_conditional_ones_behind() {
        let mut reply = Reply::new(200, "DECLINE");
        reply.add("merchant_advice_code", "03");
        assert_eq!(
            reply.echo(&Fields::parse(b"orderid=att-7&type=sale")).render(),
            "response=2&responsetext=DECLINE&authcode=&transactionid=&avsresponse=&cvvresponse=&orderid=att-7\
             &type=sale&response_code=200&merchant_advice_code=03"
        );
    }
}
