//! HTTP/1.1 by hand: what is sent is exactly what is written here.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The content type of a form.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The status line's number.
    pub(crate) status: u16,
    /// The header lines, lower case.
    pub(crate) head: String,
    /// The body.
    pub(crate) body: String,
}

/// The bytes of a request.
pub(crate) fn request(method: &str, target: &str, headers: &str, body: &str) -> String {
    format!(
        "{method} {target} HTTP/1.1\r\nhost: recoup\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

/// Sends and reads to the end.
pub(crate) async fn exchange(address: SocketAddr, request: &str) -> Reply {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    // A server may close before it has read all of a body that it refuses.
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line");
    Reply { status, head: head.to_lowercase(), body: body.to_owned() }
}

/// Posts a form and reads the envelope; its status is always 200.
pub(crate) async fn post(address: SocketAddr, path: &str, form: &str) -> Value {
    let headers = format!("content-type: {FORM}\r\n");
    let reply = exchange(address, &request("POST", path, &headers, form)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    serde_json::from_str(&reply.body).unwrap()
}
