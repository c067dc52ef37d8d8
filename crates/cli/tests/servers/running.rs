//! The binary, run to its end or as a server, and plain HTTP to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// Longest wait for one answer, seconds.
const ANSWER_SECS_MAX: u64 = 30;

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_recoup"));
    command.args(arguments);
    for name in ["RECOUP_DATA", "RECOUP_DATABASE", "RECOUP_PUBLIC_HOST", "RECOUP_PLATFORM_WEBHOOK_URL"] {
        command.env_remove(name);
    }
    command
}

/// Runs it to its end.
pub(crate) fn recoup(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the binary runs")
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A server, ended when it is dropped.
pub(crate) struct Server {
    child: Child,
    /// Address and port.
    pub(crate) address: String,
}

impl Server {
    /// Starts one that says its address in a line such as `Hub on http://127.0.0.1:8090`.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let started = command(arguments).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
        let mut child = started.expect("the server starts");
        let lines = BufReader::new(child.stdout.take().expect("its output is read")).lines();
        let said = lines.map_while(Result::ok).find_map(|line| {
            let (_, rest) = line.split_once(" on http://")?;
            Some(rest.trim_end_matches("/v1/").to_owned())
        });
        let mut server = Self { child, address: String::new() };
        server.address = said.expect("it says where it listens");
        server
    }

    /// Sends one request with these headers; the status and the body of the answer.
    pub(crate) fn send(&self, line: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let length = body.len().to_string();
        let mut all = vec![("Connection", "close"), ("Content-Length", length.as_str())];
        if !headers.iter().any(|(name, _)| *name == "Host") {
            all.push(("Host", &self.address));
        }
        all.extend(headers);
        let all: String = all.iter().flat_map(|(name, value)| [*name, ": ", *value, "\r\n"]).collect();
        let request = format!("{line} HTTP/1.1\r\n{all}");
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(ANSWER_SECS_MAX))).expect("a time limit");
        stream.write_all(format!("{request}\r\n{body}").as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        (status.expect("a status"), body.to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
