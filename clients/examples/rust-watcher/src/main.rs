//! Follows metrics from standard input or a CSV file and tells what is unusual in them as it happens. What
//! it has learned goes on over a restart of the server; Ctrl-C ends it.
//!
//! ```text
//! cargo run -- --server 127.0.0.1:8500 metrics.csv      # columns key, time and value
//! tail -f metrics.csv | cargo run -- --all              # every verdict, not the alarms alone
//! ```

mod arguments;
mod points;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use stubtail::pb::{WatchOptions, WatchState, WatchVerdicts};
use stubtail::{Client, Code, Error, Status, Watcher};
use tokio::sync::mpsc;
use tokio::time::sleep;

use arguments::Arguments;
use points::Point;

/// Points that may have to be sent again after a restart: so often is the state asked for.
const EXPORT_EVERY: usize = 1000;
const BATCH: usize = 256;
const PAUSE: Duration = Duration::from_millis(200);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    let mut told = Told::default();
    let ended = tokio::select! {
        ended = follow(&arguments, &mut told) => ended,
        stopped = stopped() => stopped.map_err(|error| error.to_string()),
    };
    let (points, alarms) = (told.points, told.alarms);
    let summary = writeln!(io::stdout(), "{points} points, {alarms} alarms");
    match ended.and(summary.map_err(|error| error.to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// What has been told so far.
#[derive(Default)]
struct Told {
    points: usize,
    alarms: usize,
}

/// Waits for Ctrl-C, or for the end that a supervisor asks for.
async fn stopped() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut ended = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = ended.recv() => Ok(()),
    }
}

/// Follows the points to their end.
async fn follow(arguments: &Arguments, told: &mut Told) -> Result<(), String> {
    let client = Client::new(&arguments.server).map_err(|error| error.to_string())?;
    let (sender, mut receiver) = mpsc::channel(BATCH);
    points::read(arguments.file.clone(), sender);
    let mut session = Session::new(client, arguments.options());
    let mut read = Vec::new();
    while receiver.recv_many(&mut read, BATCH).await > 0 {
        let batch = read.drain(..).collect::<Result<Vec<Point>, String>>()?;
        let verdicts = session
            .judge(&batch)
            .await
            .map_err(|error| error.to_string())?;
        told.points += batch.len();
        told.alarms += verdicts.alarms.len();
        tell(&batch, &verdicts, arguments.all).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// One stream after the other, with what was learned.
struct Session {
    client: Client,
    options: WatchOptions,
    watcher: Option<Watcher>,
    /// What was learned when it was last asked for.
    state: Vec<WatchState>,
    /// What has come since.
    since: Vec<Point>,
}

impl Session {
    fn new(client: Client, options: WatchOptions) -> Self {
        Self {
            client,
            options,
            watcher: None,
            state: Vec::new(),
            since: Vec::new(),
        }
    }

    /// The verdicts on points, over as many restarts of the server as there are.
    async fn judge(&mut self, batch: &[Point]) -> Result<WatchVerdicts, Error> {
        loop {
            match self.ask(batch).await {
                Ok(verdicts) => return Ok(verdicts),
                Err(error) if passes(&error) => {
                    eprintln!("again, with what was learned: {error}");
                    self.watcher = None;
                    sleep(error.retry_after().unwrap_or(PAUSE)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn ask(&mut self, batch: &[Point]) -> Result<WatchVerdicts, Error> {
        let mut watcher = match self.watcher.take() {
            Some(watcher) => watcher,
            None => self.begin().await?,
        };
        let verdicts = verdicts(&mut watcher, batch).await?;
        self.since.extend_from_slice(batch);
        if self.since.len() >= EXPORT_EVERY {
            self.state = watcher.export().await?;
            self.since.clear();
        }
        self.watcher = Some(watcher);
        Ok(verdicts)
    }

    /// A stream that knows all that came before.
    async fn begin(&self) -> Result<Watcher, Error> {
        let mut watcher = self
            .client
            .watch(Some(self.options), self.state.clone())
            .await?;
        for part in self.since.chunks(BATCH) {
            verdicts(&mut watcher, part).await?; // they were told before
        }
        Ok(watcher)
    }
}

async fn verdicts(watcher: &mut Watcher, batch: &[Point]) -> Result<WatchVerdicts, Error> {
    let keys = batch.iter().map(|point| point.key.as_str());
    let values: Vec<f64> = batch.iter().map(|point| point.value).collect();
    watcher.send(0, keys, values).await?;
    let ended = || Status::unavailable("the server has ended the stream");
    watcher.next().await.unwrap_or_else(|| Err(ended().into()))
}

/// Whether an error is one of a moment: the server restarts, or its connection was lost.
fn passes(error: &Error) -> bool {
    matches!(error.code(), Code::Unavailable | Code::Cancelled) || error.retry_after().is_some()
}

/// Prints the verdicts; whoever reads them may have left, as `head` does.
fn tell(batch: &[Point], verdicts: &WatchVerdicts, all: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (index, point) in batch.iter().enumerate() {
        let alarm = verdicts
            .alarms
            .iter()
            .find(|alarm| alarm.index as usize == index);
        if let Some(alarm) = alarm {
            let (kind, severity) = (alarm.kind(), alarm.severity());
            let (lower, upper) = (alarm.lower, alarm.upper);
            writeln!(
                out,
                "ALARM {point}: {kind:?}, {severity:?}, expected {lower:.4} to {upper:.4}"
            )?;
        } else if all {
            let at = |values: &[f32]| values.get(index).copied().filter(|value| value.is_finite());
            match at(&verdicts.lower).zip(at(&verdicts.upper)) {
                Some((lower, upper)) => {
                    writeln!(out, "{point}: as expected, {lower:.4} to {upper:.4}")?;
                }
                None => writeln!(out, "{point}: learning")?,
            }
        }
    }
    Ok(())
}
