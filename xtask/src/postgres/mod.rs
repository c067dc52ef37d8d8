//! A PostgreSQL server for one run of tests or benchmarks.

mod folder;
mod install;
mod programs;
mod server;
mod user;

use std::env;
use std::net::TcpStream;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

#[cfg(test)]
pub(crate) use self::folder::scratch;
pub(crate) use self::server::{Durability, Server};

/// The environment variable by which tests learn the server's address.
pub(crate) const ADDRESS_VARIABLE: &str = "RECOUP_TEST_POSTGRES";

/// Serves until Ctrl-C, which ends this process; the server and its folder go with it.
pub(crate) fn serve(durable: bool) -> Result<ExitCode> {
    let durability = if durable { Durability::Durable } else { Durability::Fast };
    let server = Server::start(durability)?;
    println!("export {ADDRESS_VARIABLE}={}", server.url());
    eprintln!("serving until Ctrl-C");
    server.wait()
}

/// The server that tests use: one of our own, or the one that a `cargo xtask postgres` elsewhere already serves.
pub(crate) enum TestServer {
    /// Started for this run.
    Own(Server),
    /// Named by the environment; its address.
    Given(String),
}

impl TestServer {
    /// Takes the server that the environment names, or else starts one.
    ///
    /// # Errors
    /// The named one does not answer, or ours does not start.
    pub(crate) fn start() -> Result<Self> {
        let Ok(address) = env::var(ADDRESS_VARIABLE) else {
            return Ok(Self::Own(Server::start(Durability::Fast)?));
        };
        let host =
            host_of(&address).with_context(|| format!("{ADDRESS_VARIABLE} is no address: {address}"))?;
        TcpStream::connect(&host).with_context(|| {
            format!("nothing answers at {ADDRESS_VARIABLE}={address}: unset it, or start `cargo xtask postgres` again")
        })?;
        Ok(Self::Given(address))
    }

    /// The address of its maintenance database.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Own(server) => server.url(),
            Self::Given(address) => address.clone(),
        }
    }
}

/// Host and port of `postgres://user:password@host:port/database`.
fn host_of(address: &str) -> Option<String> {
    let authority = address.split_once("://")?.1.split('/').next()?;
    let host = authority.rsplit('@').next().filter(|it| !it.is_empty())?;
    Some(if host.contains(':') { host.to_owned() } else { format!("{host}:5432") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_s_host_is_found() {
        assert_eq!(host_of("postgres://recoup@127.0.0.1:5433/postgres").unwrap(), "127.0.0.1:5433");
        assert_eq!(host_of("postgres://a:b@db.local/x").unwrap(), "db.local:5432");
        assert_eq!(host_of("localhost"), None);
        assert_eq!(host_of("postgres:///x"), None);
    }
}
