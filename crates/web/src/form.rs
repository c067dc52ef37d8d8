//! Calls in the manner of the CRM's API: flat parameters, in the query string, in a form-encoded body, or in both.

use std::fmt;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::header;

use crate::json::unreadable;
use crate::problem::Problem;
use crate::rejection::shown;

/// Largest form-encoded body unless [`PairLimits`] says otherwise, bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// Most parameters of one call unless [`PairLimits`] says otherwise, repeated names counted each time.
pub const PARAMETER_COUNT_MAX: usize = 300;

/// The only content type of a body that is taken.
const FORM: &str = "application/x-www-form-urlencoded";

/// Limits of [`Pairs`], put on a router with `Extension(PairLimits { … })`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairLimits {
    /// Largest body, bytes.
    pub body_bytes_max: usize,
    /// Most parameters, repeated names counted each time.
    pub parameter_count_max: usize,
}

impl Default for PairLimits {
    fn default() -> Self {
        Self { body_bytes_max: BODY_BYTES_MAX, parameter_count_max: PARAMETER_COUNT_MAX }
    }
}

/// The parameters of a call, in the order sent, the body's before the query string's. The first value of a name counts.
///
/// Values may be card numbers and security codes, so `Debug` prints names only (M33).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// The value of a parameter, without blanks around it; empty when it was not sent.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
    }

    /// The names sent, each once, exactly as sent. Before a name goes into a log, pass it through [`printable`].
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Names and untrimmed values, each name once.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Reads form-encoded sources, the more important first. Bytes that are not UTF-8 become U+FFFD.
    fn read(sources: [&[u8]; 2], parameter_count_max: usize) -> Result<Self, Problem> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let parameters = sources.into_iter().flat_map(form_urlencoded::parse);
        for (count, (name, value)) in parameters.enumerate() {
            if count >= parameter_count_max {
                let detail = format!("A call takes at most {parameter_count_max} parameters.");
                return Err(Problem::bad_request("too_many_parameters", detail));
            }
            if pairs.iter().all(|(known, _)| *known != name) {
                pairs.push((name.into_owned(), value.into_owned()));
            }
        }
        Ok(Self(pairs))
    }
}

/// A parameter's name fit for a log: shortened, digits that look like a card number masked. A body that is not what it
/// claims to be can turn up as a name.
pub fn printable(name: &str) -> String {
    shown(name)
}

impl fmt::Debug for Pairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pairs")?;
        f.debug_set().entries(self.names().map(printable)).finish()
    }
}

impl<S: Send + Sync> FromRequest<S> for Pairs {
    type Rejection = Problem;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Problem> {
        let limits = request.extensions().get::<PairLimits>().copied().unwrap_or_default();
        let query = request.uri().query().unwrap_or_default().to_owned();
        let is_form = is_form(&request);
        DefaultBodyLimit::max(limits.body_bytes_max).apply(&mut request);
        let body = Bytes::from_request(request, state).await.map_err(|error| unreadable(error.status()))?;
        if !body.is_empty() && !is_form {
            return Err(Problem::unsupported_media_type(FORM));
        }
        Self::read([&body, query.as_bytes()], limits.parameter_count_max)
    }
}

/// Whether the body is form-encoded by its content type, whatever its case and parameters.
fn is_form(request: &Request) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|text| text.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(FORM)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use rstest::rstest;

    use super::*;

    async fn read(uri: &str, content_type: &str, body: impl Into<Body>) -> Result<Pairs, Problem> {
        let mut request = Request::post(uri).body(body.into()).unwrap();
        if !content_type.is_empty() {
            request.headers_mut().insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        }
        Pairs::from_request(request, &()).await
    }

    #[tokio::test]
    async fn the_body_comes_before_the_query_and_the_first_value_counts() {
        let pairs = read("/?b=query&c=+3%20&c=4", FORM, "b=body&a=1&a=2").await.unwrap();
        assert_eq!(pairs.names().collect::<Vec<_>>(), ["b", "a", "c"]);
        assert_eq!((pairs.get("b"), pairs.get("a"), pairs.get("c")), ("body", "1", "3"));
        assert_eq!(pairs.iter().last(), Some(("c", " 3 ")));
        assert_eq!(pairs.get("d"), "");
    }

    #[tokio::test]
    async fn names_are_told_apart_by_case_and_may_hold_brackets() {
        let pairs = read("/", FORM, "orderId=1&orderid=2&offers%5B0%5D=3").await.unwrap();
        assert_eq!((pairs.get("orderId"), pairs.get("orderid"), pairs.get("offers[0]")), ("1", "2", "3"));
    }

    #[rstest]
    #[case("application/x-www-form-urlencoded")]
    #[case("Application/X-WWW-Form-URLEncoded; charset=UTF-8")]
    #[tokio::test]
    async fn the_content_type_is_known_in_any_case(#[case] content_type: &str) {
        assert_eq!(read("/", content_type, "a=1").await.unwrap().get("a"), "1");
    }

    #[rstest]
    #[case("multipart/form-data; boundary=x")]
    #[case("application/json")]
    #[case("")]
    #[tokio::test]
    async fn a_body_of_another_kind_is_refused_and_an_empty_one_is_not(#[case] content_type: &str) {
        let problem = read("/?a=1", content_type, r#"{"a": 1}"#).await.unwrap_err();
        assert_eq!(problem.status(), 415);
        assert!(problem.detail().contains(FORM), "{problem}");
        assert_eq!(read("/?a=1", content_type, "").await.unwrap().get("a"), "1");
    }

    #[tokio::test]
    async fn parameters_and_bytes_are_counted() {
        let many = |count: usize| "a=1&".repeat(count);
        assert!(read("/?b=2", FORM, many(PARAMETER_COUNT_MAX - 1)).await.is_ok());
        let problem = read("/?b=2", FORM, many(PARAMETER_COUNT_MAX)).await.unwrap_err();
        assert_eq!((problem.status().as_u16(), problem.code()), (400, "too_many_parameters"));

        let body = |bytes: usize| format!("a={}", "x".repeat(bytes - 2));
        assert!(read("/", FORM, body(BODY_BYTES_MAX)).await.is_ok());
        assert_eq!(read("/", FORM, body(BODY_BYTES_MAX + 1)).await.unwrap_err().code(), "too_large");
    }

    #[tokio::test]
    async fn limits_can_be_set_for_a_router() {
        let mut request = Request::post("/?a=1&b=2").body(Body::empty()).unwrap();
        request.extensions_mut().insert(PairLimits { parameter_count_max: 1, ..PairLimits::default() });
        assert_eq!(Pairs::from_request(request, &()).await.unwrap_err().code(), "too_many_parameters");
    }

    #[tokio::test]
    async fn m33_debug_prints_names_and_no_value() {
        let pairs =
            read("/?CVV=987", FORM, "creditCardNumber=4111111111111111&4012888888881881").await.unwrap();
        let text = format!("{pairs:?} {pairs:#?}");
        assert!(text.contains("creditCardNumber") && text.contains("CVV"), "{text}");
        for secret in ["987", "4111111111111111", "4012888888881881"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
