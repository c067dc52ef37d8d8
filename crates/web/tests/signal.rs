//! The process is told to end. Alone in its file: the handler is the whole process's.
#![cfg(test)]
#![cfg(unix)]

use std::process::{Command, id};

use rstest::rstest;

#[rstest]
#[case("-INT")]
#[case("-TERM")]
#[tokio::test]
async fn the_process_hears_that_it_is_told_to_end(#[case] signal: &str) {
    let received = recoup_web::shutdown::signal().unwrap();
    assert!(Command::new("kill").args([signal, &id().to_string()]).status().unwrap().success());
    received.await;
}
