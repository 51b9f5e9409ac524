//! Which connection a call takes: pools take turns, and within one the addresses of the name.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

use crate::dns;
use crate::slot::{Link, Look, Shared, Slot};

const RESOLVE_MAX: Duration = Duration::from_secs(10);
/// A name is looked up again when a connection was lost, but not more often than this.
const RESOLVE_PAUSE: Duration = Duration::from_secs(1);
/// A name with more addresses than this has the first ones used.
const ADDRESSES_MAX: usize = 64;

/// All connections of a client: a row for each of `connections`, in it a slot for each address.
#[derive(Debug)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
    rows: RwLock<Arc<Vec<Row>>>,
    connections: usize,
    turn: AtomicUsize,
    lookup: Mutex<Lookup>,
}

#[derive(Debug)]
struct Row {
    slots: Vec<Arc<Slot>>,
    turn: AtomicUsize,
}

#[derive(Debug, Default)]
struct Lookup {
    running: bool,
    last: Option<Instant>,
    problem: Option<String>,
}

enum Picked {
    Ready(Link),
    Soon,
    Failed(String),
}

impl Pool {
    pub fn new(shared: Arc<Shared>, connections: usize) -> Arc<Self> {
        let pool = Self {
            rows: RwLock::default(),
            connections,
            turn: AtomicUsize::new(0),
            lookup: Mutex::default(),
            shared,
        };
        if let Some(address) = pool.shared.target.literal() {
            pool.arrange(&[address]);
        }
        Arc::new(pool)
    }

    /// A connection, as soon as there is one.
    ///
    /// # Errors
    ///
    /// Why there is none, where `fail_fast` is wanted and nothing could be reached.
    pub async fn pick(self: &Arc<Self>, fail_fast: bool) -> Result<Link, String> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        if let Picked::Ready(link) = self.look(turn) {
            return Ok(link);
        }
        loop {
            let mut changed = std::pin::pin!(self.shared.changed.notified());
            changed.as_mut().enable();
            match self.look(turn) {
                Picked::Ready(link) => return Ok(link),
                Picked::Failed(problem) if fail_fast => return Err(problem),
                Picked::Failed(_) | Picked::Soon => changed.await,
            }
            yield_now().await; // a runtime that ends can do so here
        }
    }

    /// Why a call that has waited got no connection.
    pub fn problem(&self) -> String {
        let rows = self.rows();
        let slots = rows.iter().flat_map(|row| &row.slots);
        let told = slots
            .map(|slot| slot.problem())
            .find(|problem| !problem.is_empty());
        let lookup = self.lookup.lock().unwrap_or_else(PoisonError::into_inner);
        told.or_else(|| lookup.problem.clone())
            .unwrap_or_else(|| "there was no time for one".to_owned())
    }

    fn look(self: &Arc<Self>, turn: usize) -> Picked {
        if self.shared.stale.load(Ordering::Relaxed) {
            self.resolve();
        }
        let rows = self.rows();
        if rows.is_empty() {
            return self.resolve().map_or(Picked::Soon, Picked::Failed);
        }
        for offset in 0..rows.len() {
            match rows[(turn + offset) % rows.len()].look() {
                Picked::Failed(_) => {}
                found => return found,
            }
        }
        Picked::Failed(self.problem())
    }

    fn rows(&self) -> Arc<Vec<Row>> {
        Arc::clone(&self.rows.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks the name up in the background, unless it was a moment ago. Returns why it last failed.
    fn resolve(self: &Arc<Self>) -> Option<String> {
        if self.shared.target.literal().is_some() {
            self.shared.stale.store(false, Ordering::Relaxed);
            return None;
        }
        let mut lookup = self.lookup.lock().unwrap_or_else(PoisonError::into_inner);
        let due = lookup
            .last
            .is_none_or(|last| last.elapsed() >= RESOLVE_PAUSE);
        let problem = lookup.problem.clone();
        if due && !lookup.running {
            lookup.running = true;
            drop(lookup); // a runtime that ends drops the task at once
            self.shared.stale.store(false, Ordering::Relaxed);
            let ended = Ended(Arc::clone(self));
            tokio::spawn(Arc::clone(self).look_up(ended));
        }
        problem
    }

    async fn look_up(self: Arc<Self>, ended: Ended) {
        let found = match timeout(RESOLVE_MAX, self.addresses()).await {
            Ok(found) => found.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no answer within {} s", RESOLVE_MAX.as_secs())),
        };
        let failed = found.is_err();
        let problem = found
            .map(|addresses| self.arrange(&addresses))
            .err()
            .map(|why| format!("{} has no address: {why}", self.shared.target.host));
        {
            let mut lookup = self.lookup.lock().unwrap_or_else(PoisonError::into_inner);
            lookup.last = Some(Instant::now());
            lookup.problem = problem;
        }
        drop(ended);
        if failed {
            sleep(RESOLVE_PAUSE).await; // then who still waits has it looked up again
            self.shared.changed.notify_waiters();
        }
    }

    async fn addresses(&self) -> std::io::Result<Vec<SocketAddr>> {
        let target = &self.shared.target;
        let Some(server) = target.resolver else {
            return Ok(tokio::net::lookup_host((target.host.as_str(), target.port))
                .await?
                .collect());
        };
        let found = dns::resolve(server, &target.host).await?;
        Ok(found
            .into_iter()
            .map(|ip| SocketAddr::new(ip, target.port))
            .collect())
    }

    /// Has a slot for each address; those that are still there keep their connections.
    fn arrange(&self, addresses: &[SocketAddr]) {
        let mut wanted: Vec<SocketAddr> = Vec::new();
        for address in addresses.iter().take(ADDRESSES_MAX) {
            if !wanted.contains(address) {
                wanted.push(*address);
            }
        }
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        let arranged = (0..self.connections).map(|number| {
            let before: &[Arc<Slot>] = rows.get(number).map_or(&[], |row| &row.slots);
            let slots = wanted.iter().map(|address| {
                let kept = before.iter().find(|slot| slot.address == *address);
                kept.map_or_else(|| Slot::new(*address, Arc::clone(&self.shared)), Arc::clone)
            });
            Row {
                slots: slots.collect(),
                turn: AtomicUsize::new(0),
            }
        });
        *rows = Arc::new(arranged.collect());
    }
}

/// When dropped, a name is no longer being looked up: also where the runtime has ended meanwhile.
struct Ended(Arc<Pool>);

impl Drop for Ended {
    fn drop(&mut self) {
        {
            let mut lookup = self.0.lookup.lock().unwrap_or_else(PoisonError::into_inner);
            lookup.running = false;
        }
        self.0.shared.changed.notify_waiters();
    }
}

impl Row {
    /// The next connection that is there; all others are begun.
    fn look(&self) -> Picked {
        if let [only] = self.slots.as_slice() {
            return match only.look() {
                Look::Ready(link) => Picked::Ready(link),
                Look::Soon => Picked::Soon,
                Look::Failed => Picked::Failed(String::new()),
            };
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut soon = false;
        let mut ready = None;
        for offset in 0..self.slots.len() {
            match self.slots[(turn + offset) % self.slots.len()].look() {
                Look::Ready(link) => ready = ready.or(Some(link)),
                Look::Soon => soon = true,
                Look::Failed => {}
            }
        }
        match ready {
            Some(link) => Picked::Ready(link),
            None if soon => Picked::Soon,
            None => Picked::Failed(String::new()),
        }
    }
}
