//! `recoup openapi`: the OpenAPI document of the native API.

use std::process::ExitCode;

pub(crate) fn run() -> ExitCode {
    print!("{}", api::v1::openapi());
    ExitCode::SUCCESS
}
