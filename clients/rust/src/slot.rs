//! One connection to one address: made when it is needed, made again when it is lost.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use crate::connect::{self, Driver, Sender};
use crate::credentials::Tls;
use crate::random;
use crate::retry::jittered;
use crate::target::Target;

const CONNECT_MAX: Duration = Duration::from_secs(5);
/// gRPC would wait for 1 s before it connects again, as long as a whole call may take here.
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_FACTOR: f64 = 1.6;
const BACKOFF_MAX: Duration = Duration::from_secs(2);
const BACKOFF_JITTER: f64 = 0.2;

/// What all connections of a client share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub target: Target,
    pub tls: Option<Tls>,
    /// Something has changed: who waits for a connection looks again.
    pub changed: Notify,
    /// A connection was lost or not had: the name may have other addresses now.
    pub stale: AtomicBool,
}

/// One place for a connection.
#[derive(Debug)]
pub(crate) struct Slot {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    link: Option<Link>,
    connecting: bool,
    /// In a row; a connection counts as one until something has come over it.
    failures: u32,
    retry_at: Option<Instant>,
    problem: String,
}

/// A connection that can be used.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub sender: Sender,
    /// Whether anything has come over it: a server may refuse a certificate after the handshake.
    proven: Arc<AtomicBool>,
}

impl Link {
    /// Something has come over it.
    pub fn prove(&self) {
        self.proven.store(true, Ordering::Relaxed);
    }
}

/// What there is at a slot.
pub(crate) enum Look {
    Ready(Link),
    /// It is being connected for the first time, or after it was lost.
    Soon,
    /// It could not be connected; it is tried again after a while.
    Failed,
}

impl Slot {
    pub fn new(address: SocketAddr, shared: Arc<Shared>) -> Arc<Self> {
        let state = Mutex::default();
        Arc::new(Self {
            address,
            shared,
            state,
        })
    }

    /// The connection, which is begun where there is none. Needs a runtime of tokio.
    pub fn look(self: &Arc<Self>) -> Look {
        let mut state = self.state();
        if let Some(link) = &state.link {
            if !link.sender.is_closed() {
                return Look::Ready(link.clone());
            }
            state.link = None;
        }
        let due = state.retry_at.is_none_or(|at| at <= Instant::now());
        let failed = state.failures > 0;
        if due && !state.connecting {
            state.connecting = true;
            drop(state); // a runtime that ends drops the task at once
            let ended = Ended(Arc::clone(self));
            tokio::spawn(Arc::clone(self).connect(ended));
        }
        if failed { Look::Failed } else { Look::Soon }
    }

    /// Why there is no connection.
    pub fn problem(&self) -> String {
        self.state().problem.clone()
    }

    async fn connect(self: Arc<Self>, ended: Ended) {
        let shared = &self.shared;
        let opening = connect::open(self.address, &shared.target, shared.tls.as_ref());
        let problem = match timeout(CONNECT_MAX, opening).await {
            Ok(Ok((sender, driver))) => {
                let proven = Arc::new(AtomicBool::new(false));
                tokio::spawn(drive(Arc::downgrade(&self), driver, Arc::clone(&proven)));
                let mut state = self.state();
                state.link = Some(Link { sender, proven });
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!(
                "{} does not answer within {} s",
                self.address,
                CONNECT_MAX.as_secs()
            ),
        };
        let retry_at = self.note(problem);
        drop(ended);
        sleep_until(retry_at).await;
        self.shared.changed.notify_waiters();
    }

    /// Notes a failure; returns when it is time for another try.
    fn note(&self, problem: String) -> Instant {
        let mut state = self.state();
        state.failures += 1;
        state.problem = problem;
        let at = Instant::now() + backoff(state.failures, random());
        state.retry_at = Some(at);
        self.shared.stale.store(true, Ordering::Relaxed);
        at
    }

    /// The connection has ended.
    async fn lost(self: Arc<Self>, proven: bool, problem: String) {
        if !proven {
            let retry_at = self.note(problem);
            self.shared.changed.notify_waiters();
            sleep_until(retry_at).await;
            return self.shared.changed.notify_waiters();
        }
        {
            let mut state = self.state();
            state.failures = 0;
            state.retry_at = None;
            state.problem = problem;
        }
        self.shared.stale.store(true, Ordering::Relaxed);
        self.shared.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When dropped, a connection is no longer being made: also where its runtime has ended meanwhile.
struct Ended(Arc<Slot>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.state().connecting = false;
        self.0.shared.changed.notify_waiters();
    }
}

/// Moves the bytes of a connection until it ends: by either side, or with the last user of its sender.
async fn drive(slot: Weak<Slot>, driver: Driver, proven: Arc<AtomicBool>) {
    let problem = match driver.await {
        Ok(()) => "the server has closed the connection".to_owned(),
        Err(error) => crate::ends::Lost::from(&error).message,
    };
    if let Some(slot) = slot.upgrade() {
        slot.lost(proven.load(Ordering::Relaxed), problem).await;
    }
}

/// The wait after so many failures in a row, from 1.
fn backoff(failures: u32, random: f64) -> Duration {
    let exponent = i32::try_from(failures.min(20)).unwrap_or(20) - 1;
    let middle = BACKOFF_FIRST
        .mul_f64(BACKOFF_FACTOR.powi(exponent))
        .min(BACKOFF_MAX);
    jittered(middle, BACKOFF_JITTER, random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoffs_grow_to_a_bound() {
        let ms = Duration::from_millis;
        assert_eq!(backoff(1, 0.5), ms(100));
        assert_eq!(backoff(2, 0.5), ms(160));
        assert_eq!(backoff(100, 0.5), ms(2000));
        assert_eq!(backoff(100, 1.0), ms(2400));
    }
}
