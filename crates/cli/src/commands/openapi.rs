//! `recoup openapi`: the OpenAPI document of the native API.

use std::process::ExitCode;

use anyhow::Result;

pub(crate) fn run() -> Result<ExitCode> {
    print!("{}", api::v1::openapi());
    Ok(ExitCode::SUCCESS)
}
