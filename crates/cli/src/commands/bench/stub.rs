//! A stand-in for the gateway that approves everything in a fixed time: what is measured is the hub, not an acquirer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::load::Load;

static TRANSACTIONS: AtomicU64 = AtomicU64::new(1_000_000_000);

/// A running stub.
pub(super) struct Stub {
    /// Its base address.
    pub(super) url: String,
    times: Arc<Times>,
    task: JoinHandle<()>,
}

/// How long answers really took: a timer is exact to a millisecond only, and that is not the hub's doing.
#[derive(Debug, Default)]
struct Times {
    count: AtomicU64,
    micros: AtomicU64,
}

impl Stub {
    /// How many requests it has answered.
    pub(super) fn answers(&self) -> u64 {
        self.times.count.load(Ordering::Relaxed)
    }

    /// What an answer really took, on average.
    pub(super) fn mean_delay(&self) -> Duration {
        let count = self.times.count.load(Ordering::Relaxed).max(1);
        Duration::from_micros(self.times.micros.load(Ordering::Relaxed) / count)
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts a stub that waits `delay` before each answer; `load` does the work.
pub(super) async fn start(delay: Duration, load: &Load) -> Result<Stub> {
    // Bound where it is served.
    let listener = load.spawn(TcpListener::bind("127.0.0.1:0")).await??;
    let url = format!("http://{}", listener.local_addr()?);
    let times = Arc::<Times>::default();
    let kept = Arc::clone(&times);
    let task = load.spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket, delay, Arc::clone(&kept)));
        }
    });
    Ok(Stub { url, times, task })
}

/// Answers requests of one connection, one after the other.
async fn serve(mut socket: TcpStream, delay: Duration, times: Arc<Times>) {
    let _ = socket.set_nodelay(true);
    let mut buffer = Vec::with_capacity(4096);
    loop {
        let Some(end) = whole_request(&buffer) else {
            match socket.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => continue,
            }
        };
        let began = Instant::now();
        buffer.drain(..end);
        if !delay.is_zero() {
            #[expect(clippy::disallowed_methods, reason = "the stub's delay is the benchmark's parameter")]
            tokio::time::sleep(delay).await;
        }
        let id = TRANSACTIONS.fetch_add(1, Ordering::Relaxed);
        let body = format!(
            "response=1&responsetext=SUCCESS&authcode=123456&transactionid={id}&avsresponse=N&cvvresponse=M&orderid=&type=sale&response_code=100"
        );
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=UTF-8\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        times.count.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        times.micros.fetch_add(micros, Ordering::Relaxed);
        if socket.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The length of the first whole request in the buffer.
fn whole_request(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(buffer.get(..head)?).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let whole = head + length.unwrap_or(0);
    (buffer.len() >= whole).then_some(whole)
}
