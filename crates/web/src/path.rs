//! Parameters in the path.

use axum::extract::FromRequestParts;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The parameters of the path. What is no id of ours names nothing, so it is answered like an unknown id: 404.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T, S> FromRequestParts<S> for Path<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let extracted = axum::extract::Path::from_request_parts(parts, state).await;
        let axum::extract::Path(value) = extracted.map_err(|rejection| problem(&rejection))?;
        Ok(Self(value))
    }
}

fn problem(rejection: &PathRejection) -> Problem {
    let PathRejection::FailedToDeserializePathParams(error) = rejection else {
        return Problem::internal("a handler takes path parameters that its route does not have");
    };
    match error.kind() {
        ErrorKind::WrongNumberOfParameters { .. } | ErrorKind::UnsupportedType { .. } => {
            Problem::internal("a handler's path parameters do not fit its route")
        }
        _ => Problem::not_found(),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::Request;
    use axum::routing::get;
    use rstest::rstest;
    use tower::ServiceExt as _;

    use super::*;

    #[rstest]
    #[case("/orders/17", 200)]
    #[case("/orders/seventeen", 404)]
    #[case("/orders/%FF", 404)]
    #[case("/broken/17", 500)]
    #[tokio::test]
    async fn a_parameter_that_cannot_be_an_id_is_not_found(#[case] uri: &str, #[case] status: u16) {
        let router = Router::new()
            .route("/orders/{id}", get(async |Path(id): Path<u32>| id.to_string()))
            .route("/broken/{id}", get(async |Path((_, _)): Path<(u32, u32)>| "never"));
        let response = router.oneshot(Request::get(uri).body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), status);
        let is_problem = response.headers()["content-type"] == crate::problem::CONTENT_TYPE;
        assert_eq!(is_problem, status != 200);
    }
}
