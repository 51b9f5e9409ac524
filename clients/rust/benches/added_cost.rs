//! Compares the processor time of this process for a call through the client with that of a call through
//! tonic's own channel and stub, at 1,000 calls a second: `make bench-clients`.
//!
//! Both take turns, so that a noisy machine treats them alike.

use std::fs;
use std::time::Duration;

use stubtail::Client;
use stubtail::pb::scoring_service_client::ScoringServiceClient;
use stubtail::pb::{DenseRows, ScoreRequest, score_request::Rows};
use tokio::time::{Instant, sleep_until, timeout};
use tonic::Request;
use tonic::transport::Channel;

const CALLS_PER_SECOND: u32 = 1000;
const BLOCK: u32 = 250; // calls of one kind before the other kind has its turn
const BLOCKS: u32 = 40;
const PATIENCE: Duration = Duration::from_secs(1);

/// Through tonic, with a deadline as every caller should set one.
async fn raw(stub: &mut ScoringServiceClient<Channel>) {
    let mut request = Request::new(ScoreRequest {
        model: "risk".to_owned(),
        rows: Some(Rows::Dense(DenseRows {
            values: vec![1.0, 0.0],
        })),
        ..ScoreRequest::default()
    });
    request.set_timeout(PATIENCE);
    let reply = timeout(PATIENCE, stub.score(request)).await;
    reply.expect("an answer in time").expect("an answer");
}

async fn ours(client: &Client) {
    client.score("risk", [1.0, 0.0]).await.expect("an answer");
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let Ok(server) = std::env::var("STUBTAIL_TEST_SERVER") else {
        eprintln!("SKIPPED: STUBTAIL_TEST_SERVER is not set: run `make bench-clients`");
        return;
    };
    let channel = Channel::from_shared(format!("http://{server}")).expect("an address");
    let mut stub = ScoringServiceClient::new(channel.connect().await.expect("a server"));
    let client = Client::new(&server).expect("a target");
    raw(&mut stub).await;
    ours(&client).await;
    let mut spent = [Duration::ZERO; 2];
    for block in 0..2 * BLOCKS {
        let kind = (block % 2) as usize;
        let before = processor_time();
        let mut next = Instant::now();
        for _ in 0..BLOCK {
            next += Duration::from_secs(1) / CALLS_PER_SECOND;
            sleep_until(next).await;
            if kind == 0 {
                raw(&mut stub).await;
            } else {
                ours(&client).await;
            }
        }
        spent[kind] += processor_time().saturating_sub(before);
    }
    let [raw, ours] = spent.map(|spent| spent.as_secs_f64() * 1e6 / f64::from(BLOCK * BLOCKS));
    println!(
        "raw {raw:.1} us of processor time a call, client {ours:.1} us, added {:+.1} %",
        100.0 * (ours / raw - 1.0)
    );
}

/// What this process has used so far, in nanoseconds of its threads (Linux).
fn processor_time() -> Duration {
    let threads = fs::read_dir("/proc/self/task").expect("Linux");
    let each = threads.flatten().filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(each.sum())
}
