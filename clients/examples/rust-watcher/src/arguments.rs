//! The command line.

use std::path::PathBuf;

use stubtail::pb::WatchOptions;

const USAGE: &str = "rust-watcher [--server HOST:PORT] [--warm-up POINTS] [--all] [FILE.csv]";

/// What was asked for.
pub struct Arguments {
    /// Where stubtail answers.
    pub server: String,
    /// Points of a key before it is judged; 0 leaves it to the server.
    pub warm_up: u32,
    /// Tell every verdict.
    pub all: bool,
    /// Where the points are; none for standard input.
    pub file: Option<PathBuf>,
}

impl Arguments {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// How it is done, where it was not.
    pub fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut read = Self {
            server: "127.0.0.1:8500".to_owned(),
            warm_up: 0,
            all: false,
            file: None,
        };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--all" => read.all = true,
                "--server" => read.server = words.next().ok_or(USAGE)?,
                "--warm-up" => {
                    let points = words.next().and_then(|text| text.parse().ok());
                    read.warm_up = points.ok_or(USAGE)?;
                }
                _ if word.starts_with('-') || read.file.is_some() => return Err(USAGE.to_owned()),
                _ => read.file = Some(word.into()),
            }
        }
        Ok(read)
    }

    /// The options of a stream.
    pub fn options(&self) -> WatchOptions {
        WatchOptions {
            warm_up: self.warm_up,
            bands: self.all,
            ..WatchOptions::default()
        }
    }
}
