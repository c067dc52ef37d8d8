//! A merchant's receiver of webhooks: answers as it is told to and keeps what came.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// Names in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn kind(&self) -> String {
        self.json()["Event"].as_str().unwrap().to_owned()
    }

    /// Whether both signatures fit, computed apart from the code that makes them.
    pub(crate) fn is_signed(&self, key: &str, host: &str) -> bool {
        let header = |name: &str| self.headers[name].as_str();
        let key = hmac::Key::new(hmac::HMAC_SHA512, &STANDARD.decode(key).unwrap());
        let content = STANDARD.encode(digest::digest(&digest::SHA512, &self.body));
        let parts = ["POST\n", header("x-fc-nonce"), ";", header("x-fc-date"), ";", host, ";", &content];
        let (_, given) = header("x-fc-authorization").split_once("&Signature=").unwrap();
        content == header("x-fc-content-sha512")
            && STANDARD.encode(hmac::sign(&key, parts.concat().as_bytes())) == given
            && STANDARD.encode(hmac::sign(&key, &self.body)) == header("x-fc-signature")
    }
}

#[derive(Debug, Default)]
struct State {
    received: Vec<Received>,
    statuses: VecDeque<u16>,
}

/// Answers 200 unless it is told otherwise.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks/recoup", listener.local_addr().unwrap());
        let state = Arc::<Mutex<State>>::default();
        let kept = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                tokio::spawn(async move { answer(stream, &kept).await });
            }
        });
        Self { url, state }
    }

    /// Statuses of the next answers; 0 hangs up without one.
    pub(crate) fn answer_next(&self, statuses: impl IntoIterator<Item = u16>) {
        self.state.lock().unwrap().statuses.extend(statuses);
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    pub(crate) fn kinds(&self) -> Vec<String> {
        self.received().iter().map(Received::kind).collect()
    }
}

async fn answer(mut stream: TcpStream, state: &Mutex<State>) {
    let mut bytes = Vec::new();
    let (head, length) = loop {
        let mut chunk = [0_u8; 4096];
        let read = stream.read(&mut chunk).await.unwrap_or(0);
        if read == 0 {
            return;
        }
        bytes.extend_from_slice(&chunk[..read]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let headers: HashMap<String, String> = head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let length: usize = headers["content-length"].parse().unwrap();
        if bytes.len() >= end + 4 + length {
            break (headers, end + 4);
        }
    };
    let status = {
        let mut state = state.lock().unwrap();
        state.received.push(Received { headers: head, body: bytes[length..].to_vec() });
        state.statuses.pop_front().unwrap_or(200)
    };
    if status != 0 {
        let text = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        let _ = stream.write_all(text.as_bytes()).await;
    }
}
