//! Bodies of `transact.php`: a form out, a form back.
//!
//! Source: the integration portal's tables of request and response fields, and replies recorded in
//! <https://github.com/mfauveau/omnipay-nmi>.

use std::fmt;

use crate::scrub::Scrubber;

/// A form to be sent; prints its field names only.
pub(crate) struct Form(Vec<(&'static str, String)>);

impl Form {
    /// A form that asks for this `type` of transaction.
    pub(crate) fn of_type(kind: &str) -> Self {
        Self(vec![("type", kind.to_owned())])
    }

    /// A form without a type, as the Query API wants it.
    pub(crate) fn bare() -> Self {
        Self(Vec::new())
    }

    /// Adds a field; an empty value means absent on both sides.
    pub(crate) fn put(&mut self, name: &'static str, value: impl Into<String>) -> &mut Self {
        let value = value.into();
        if !value.is_empty() {
            self.0.push((name, value));
        }
        self
    }

    /// The encoded body with the key that authenticates it.
    pub(crate) fn body(self, security_key: &str) -> Vec<u8> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(self.0);
        form.append_pair("security_key", security_key);
        form.finish().into_bytes()
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// `response`: the only three values of a usable reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// 1.
    Approved,
    /// 2: the issuer's side.
    Declined,
    /// 3: the gateway or the processor.
    Error,
}

/// A usable reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// `response`.
    pub(crate) verdict: Verdict,
    /// `response_code`, e.g. `202`.
    pub(crate) code: String,
    /// `responsetext`, with credentials and card numbers removed.
    pub(crate) text: String,
    /// `authcode`.
    pub(crate) auth_code: String,
    /// `transactionid`; empty when there is none (bad credentials answer `0`).
    pub(crate) transaction_id: String,
    /// `avsresponse`.
    pub(crate) avs: String,
    /// `cvvresponse`.
    pub(crate) cvv: String,
    /// `amount_authorized`, when the account returns it.
    pub(crate) amount_authorized: String,
    /// `merchant_advice_code`, when the account returns it.
    pub(crate) advice_code: String,
}

impl Reply {
    /// Reads a body; `None` when it is no reply of the Payment API. The first value of a repeated name counts.
    pub(crate) fn read(body: &[u8], scrubber: &Scrubber) -> Option<Self> {
        let clean = |text: &str| scrubber.clean(text);
        let field = |name: &str| -> String {
            form_urlencoded::parse(body)
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.trim().to_owned())
                .unwrap_or_default()
        };
        let verdict = match field("response").as_str() {
            "1" => Verdict::Approved,
            "2" => Verdict::Declined,
            "3" => Verdict::Error,
            _ => return None,
        };
        let id = field("transactionid");
        Some(Self {
            verdict,
            code: clean(&field("response_code")),
            text: clean(&field("responsetext")),
            auth_code: clean(&field("authcode")),
            transaction_id: if id == "0" { String::new() } else { scrubber.id(&id) },
            avs: clean(&field("avsresponse")),
            cvv: clean(&field("cvvresponse")),
            amount_authorized: field("amount_authorized"),
            advice_code: clean(&field("merchant_advice_code")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Option<Reply> {
        Reply::read(body.as_bytes(), &Scrubber::new([]))
    }

    #[test]
    fn unescaped_and_escaped_texts_read_alike() {
        let plain =
            read("response=1&responsetext=Transaction Void Successful&transactionid=7&response_code=100");
        let escaped =
            read("response=1&responsetext=Transaction+Void%20Successful&transactionid=7&response_code=100");
        assert_eq!(plain, escaped);
        assert_eq!(plain.unwrap().text, "Transaction Void Successful");
    }

    #[test]
    fn only_1_2_and_3_are_replies_and_id_0_is_none() {
        for body in ["", "<html>busy</html>", "response=&response_code=100", "response=4", "response=11"] {
            assert_eq!(read(body), None, "{body}");
        }
        assert_eq!(read("response=3&transactionid=0&response_code=300").unwrap().transaction_id, "");
    }

    #[test]
    fn a_form_prints_no_values_and_leaves_empty_fields_out() {
        let mut form = Form::of_type("sale");
        form.put("ccnumber", "4111111111111111").put("email", "");
        assert_eq!(format!("{form:?}"), r#"["type", "ccnumber"]"#);
        assert_eq!(form.body("k&y"), b"type=sale&ccnumber=4111111111111111&security_key=k%26y");
    }
}
