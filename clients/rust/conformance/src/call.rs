//! One call of a case: made, in time or given up, and reported.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use prost::Message;
use prost_reflect::MethodDescriptor;
use serde::Deserialize;
use serde_json::Value;
use stubtail::Client;
use tokio::time::sleep;
use tonic::Status;

use crate::messages::{self, Messages};
use crate::methods;
use crate::seen::{Seen, told};

pub type Failed = Box<dyn Error>;

/// A call as a case has it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Call {
    pub method: String,
    pub request: Value,
    pub requests: Vec<Value>,
    pub dense_values: usize,
    pub timeout_ms: Option<u64>,
    pub cancel_after_ms: Option<u64>,
    pub wait_ms: u64,
    pub pause_ms: u64,
    pub concurrent: usize,
    pub repeat: usize,
    pub read: usize,
    pub size_only: bool,
    pub trace: Option<String>,
    pub decode: Option<String>,
    pub bytes: String,
}

/// The replies so far, which a call that is given up leaves behind.
pub struct Replies<'a> {
    call: &'a Call,
    pub method: &'a MethodDescriptor,
    got: Mutex<(Vec<Value>, usize)>,
}

impl Call {
    /// Makes a call once, many times, or many times at once.
    pub async fn many(&self, client: &Client, messages: &Messages) -> Result<Seen, Failed> {
        if self.concurrent == 0 && self.repeat == 0 {
            return self.once(client, messages).await;
        }
        let mut statuses = BTreeMap::new();
        let at_once = (0..self.concurrent).map(|_| self.once(client, messages));
        for seen in futures_util::future::join_all(at_once).await {
            *statuses.entry(seen?.status).or_default() += 1;
        }
        for _ in 0..self.repeat {
            *statuses
                .entry(self.once(client, messages).await?.status)
                .or_default() += 1;
            sleep(Duration::from_millis(self.pause_ms)).await;
        }
        Ok(Seen {
            statuses: Some(statuses),
            ..Seen::default()
        })
    }

    /// Makes a call and reports it. An error is one of the runner, not of the call.
    async fn once(&self, client: &Client, messages: &Messages) -> Result<Seen, Failed> {
        if let Some(name) = &self.decode {
            return self.read(&messages.message(name)?);
        }
        let method = messages.method(&self.method)?;
        sleep(Duration::from_millis(self.wait_ms)).await;
        let mut client = client.clone();
        if let Some(trace) = &self.trace {
            client = client.with_trace(trace, "")?;
        }
        if let Some(ms) = self.timeout_ms {
            client = client.within(Duration::from_millis(ms));
        }
        let replies = Replies {
            call: self,
            method: &method,
            got: Mutex::default(),
        };
        let begun = Instant::now();
        let work = methods::make(self, client, &replies);
        let done = match self.cancel_after_ms {
            None => work.await,
            Some(ms) => match tokio::time::timeout(Duration::from_millis(ms), work).await {
                Ok(done) => done,
                Err(_) => Err(Status::cancelled("given up").into()),
            },
        };
        let elapsed_ms = begun.elapsed().as_secs_f64() * 1000.0;
        let mut seen = match done {
            Ok(()) => Seen {
                status: "OK",
                ..Seen::default()
            },
            Err(error) => told(*error.downcast::<Status>()?),
        };
        seen.elapsed_ms = elapsed_ms;
        let got = replies.got.into_inner()?;
        seen.count = got.0.len();
        if self.size_only {
            seen.reply_bytes = Some(got.1);
        } else {
            seen.replies = got.0;
        }
        Ok(seen)
    }

    fn read(&self, kind: &prost_reflect::MessageDescriptor) -> Result<Seen, Failed> {
        let digits = self
            .bytes
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(str::from_utf8(pair)?, 16).map_err(Failed::from));
        let bytes = digits.collect::<Result<Vec<u8>, Failed>>()?;
        let read = messages::decode(kind, &bytes)?;
        Ok(Seen {
            status: if read.is_some() { "OK" } else { "INVALID" },
            replies: read.into_iter().collect(),
            ..Seen::default()
        })
    }
}

impl Replies<'_> {
    /// Notes a reply; returns how many there are.
    pub fn take<M: Message>(&self, reply: &M) -> Result<usize, Failed> {
        let text = if self.call.size_only {
            Value::Null
        } else {
            messages::to_json(&self.method.output(), reply)?
        };
        let mut got = self.got.lock().map_err(|_| "a reply was lost")?;
        got.0.push(text);
        got.1 += reply.encoded_len();
        Ok(got.0.len())
    }
}
