//! The endpoints that all resources of a configuration have.

/// The six endpoints of a resource, as `fn routes()` of the module that uses it.
macro_rules! endpoints {
    ($resource:ty, $tag:literal, $all:literal, $one:literal) => {
        use $crate::v1::page::Page;

        /// Lists all.
        #[utoipa::path(get, path = $all, tag = $tag,
            responses((status = 200, description = "All of them.", body = inline(Page<$resource>))))]
        async fn list(
            axum::extract::State(hub): axum::extract::State<hub::Hub>,
            caller: $crate::v1::auth::Caller<$crate::v1::auth::Read>,
        ) -> Result<web::Json<Page<$resource>>, web::Problem> {
            $crate::v1::resource::list(&hub, &caller).await
        }

        /// Makes one.
        #[utoipa::path(post, path = $all, tag = $tag, request_body = $resource,
            responses((status = 201, description = "Made.", body = $resource)))]
        async fn create(
            axum::extract::State(hub): axum::extract::State<hub::Hub>,
            caller: $crate::v1::auth::Caller<$crate::v1::auth::Write>,
            web::Json(body): web::Json<$resource>,
        ) -> Result<axum::response::Response, web::Problem> {
            $crate::v1::resource::create(&hub, &caller, body).await
        }

        /// Shows one.
        #[utoipa::path(get, path = $one, tag = $tag, params(("id" = String, Path, description = "Its id.")),
            responses((status = 200, description = "As it stands.", body = $resource)))]
        async fn get(
            axum::extract::State(hub): axum::extract::State<hub::Hub>,
            caller: $crate::v1::auth::Caller<$crate::v1::auth::Read>,
            web::Path(id): web::Path<String>,
        ) -> Result<web::Json<$resource>, web::Problem> {
            $crate::v1::resource::get(&hub, &caller, &id).await
        }

        /// Replaces one.
        #[utoipa::path(put, path = $one, tag = $tag, params(("id" = String, Path, description = "Its id.")),
            request_body = $resource, responses((status = 200, description = "As it stands now.", body = $resource)))]
        async fn replace(
            axum::extract::State(hub): axum::extract::State<hub::Hub>,
            caller: $crate::v1::auth::Caller<$crate::v1::auth::Write>,
            web::Path(id): web::Path<String>,
            web::Json(body): web::Json<$resource>,
        ) -> Result<web::Json<$resource>, web::Problem> {
            $crate::v1::resource::replace(&hub, &caller, &id, body).await
        }

        /// Changes one by a merge patch (RFC 7396): what is named is replaced, null removes, the rest stays.
        #[utoipa::path(patch, path = $one, tag = $tag, params(("id" = String, Path, description = "Its id.")),
            request_body(content = Object, content_type = "application/json"),
            responses((status = 200, description = "As it stands now.", body = $resource)))]
        async fn patch(
            axum::extract::State(hub): axum::extract::State<hub::Hub>,
            caller: $crate::v1::auth::Caller<$crate::v1::auth::Write>,
            web::Path(id): web::Path<String>,
            web::Json(body): web::Json<serde_json::Value>,
        ) -> Result<web::Json<$resource>, web::Problem> {
            $crate::v1::resource::patch(&hub, &caller, &id, body).await
        }

        /// Removes one; refused with 409 `in_use` while something depends on it.
        #[utoipa::path(delete, path = $one, tag = $tag, params(("id" = String, Path, description = "Its id.")),
            responses((status = 204, description = "Removed.")))]
        async fn remove(
            axum::extract::State(hub): axum::extract::State<hub::Hub>,
            caller: $crate::v1::auth::Caller<$crate::v1::auth::Write>,
            web::Path(id): web::Path<String>,
        ) -> Result<axum::http::StatusCode, web::Problem> {
            $crate::v1::resource::remove::<$resource>(&hub, &caller, &id).await
        }

        /// Its routes.
        pub(crate) fn routes() -> utoipa_axum::router::OpenApiRouter<hub::Hub> {
            utoipa_axum::router::OpenApiRouter::new()
                .routes(utoipa_axum::routes!(list, create))
                .routes(utoipa_axum::routes!(get, replace, patch, remove))
        }
    };
}
pub(crate) use endpoints;
