//! Parameters in the query string.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::Problem;
use crate::rejection::{field_error, innermost};

/// The query string as a structure. What does not fit is a 422 that names the parameter and not its value.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<T>(pub T);

impl<T, S> FromRequestParts<S> for Query<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let extracted = axum::extract::Query::from_request_parts(parts, state).await;
        let axum::extract::Query(value) =
            extracted.map_err(|rejection| Problem::invalid([field_error(&innermost(&rejection))]))?;
        Ok(Self(value))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use rstest::rstest;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Page {
        limit: u8,
        order: Option<Direction>,
    }

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Direction {
        Newest,
        Oldest,
    }

    async fn read(uri: &str) -> Result<Query<Page>, Problem> {
        let (mut parts, ()) = Request::get(uri).body(()).unwrap().into_parts();
        Query::from_request_parts(&mut parts, &()).await
    }

    #[tokio::test]
    async fn a_query_that_fits_is_read() {
        let Query(page) = read("/?limit=20&order=oldest").await.unwrap();
        assert_eq!((page.limit, page.order), (20, Some(Direction::Oldest)));
        assert_eq!(read("/?limit=1&order=newest").await.unwrap().0.order, Some(Direction::Newest));
    }

    #[rstest]
    #[case("/?limit=4111111111111111", "limit", "number too large to fit in target type")]
    #[case("/?limit=1&order=4111111111111111", "order", "expected `newest` or `oldest`")]
    #[case("/", "limit", "is missing")]
    #[case("/?limit=1&page=2", "page", "is not a known field; expected `limit` or `order`")]
    #[tokio::test]
    async fn a_parameter_that_does_not_fit_is_named(
        #[case] uri: &str,
        #[case] field: &str,
        #[case] message: &str,
    ) {
        let problem = read(uri).await.unwrap_err();
        assert_eq!(problem.status(), 422);
        assert_eq!(problem.errors(), [(field, message).into()]);
    }
}
