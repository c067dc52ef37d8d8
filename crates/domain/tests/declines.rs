//! Declines from the outside: the compiled tables against their data files, the readings, and the maps.
#![cfg(test)]

#[path = "../build.rs"]
#[expect(dead_code, reason = "its main belongs to cargo; its checks are tested here")]
mod build_script;
#[path = "declines/maps.rs"]
mod maps;
#[path = "declines/readings.rs"]
mod readings;
#[path = "declines/tables.rs"]
mod tables;
