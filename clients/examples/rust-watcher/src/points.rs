//! Points from CSV: a first line with the names `key`, `time` and `value` in any order, then points.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;

use tokio::sync::mpsc;

/// One value of one key.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Whose value it is.
    pub key: String,
    /// When it was measured, as it was written.
    pub time: String,
    /// NaN where it is missing.
    pub value: f64,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.time, self.key, self.value)
    }
}

/// Where the columns are.
struct Columns {
    key: usize,
    time: usize,
    value: usize,
}

impl Columns {
    fn read(line: &str) -> Result<Self, String> {
        let at = |name: &str| {
            let place = line.split(',').position(|column| column.trim() == name);
            place.ok_or_else(|| format!("the first line names no column {name}: {line}"))
        };
        Ok(Self {
            key: at("key")?,
            time: at("time")?,
            value: at("value")?,
        })
    }

    fn point(&self, line: &str) -> Option<Point> {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let text = *cells.get(self.value)?;
        Some(Point {
            key: (*cells.get(self.key)?).to_owned(),
            time: (*cells.get(self.time)?).to_owned(),
            value: if text.is_empty() {
                f64::NAN
            } else {
                text.parse().ok()?
            },
        })
    }
}

/// What comes of the input: points, or why there are no more.
pub type Read = Result<Point, String>;

/// Reads points as they come, on a thread of its own, which ends with the process: nothing can interrupt a
/// thread that waits for standard input. It waits while nobody takes the points.
pub fn read(file: Option<PathBuf>, points: mpsc::Sender<Read>) {
    std::thread::spawn(move || {
        let ended = match &file {
            None => lines(io::stdin().lock(), &points),
            Some(path) => match File::open(path) {
                Ok(file) => lines(BufReader::new(file), &points),
                Err(error) => Err(format!("{}: {error}", path.display())),
            },
        };
        if let Err(problem) = ended {
            let _ = points.blocking_send(Err(problem)); // or nobody listens any more
        }
    });
}

fn lines(input: impl BufRead, points: &mpsc::Sender<Read>) -> Result<(), String> {
    let mut columns = None;
    for (number, line) in (1..).zip(input.lines()) {
        let line = line.map_err(|error| error.to_string())?;
        let Some(columns) = &columns else {
            columns = Some(Columns::read(&line)?);
            continue;
        };
        match columns.point(&line) {
            Some(point) => {
                if points.blocking_send(Ok(point)).is_err() {
                    return Ok(()); // nobody wants any more
                }
            }
            None if line.trim().is_empty() => {}
            None => eprintln!("line {number} is no point: {line}"),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read() {
        let (sender, mut receiver) = mpsc::channel(8);
        let text = "time,value,key\n1,2.5,a\n\n2,x,a\n3,,b\n";
        lines(text.as_bytes(), &sender).unwrap();
        let first = receiver.blocking_recv().unwrap().unwrap();
        assert_eq!(first.to_string(), "1 a 2.5");
        let second = receiver.blocking_recv().unwrap().unwrap();
        assert!(second.key == "b" && second.value.is_nan());
        assert!(receiver.try_recv().is_err());
    }

    #[test]
    fn columns_are_named() {
        let (sender, _receiver) = mpsc::channel(1);
        assert!(lines("a,b\n".as_bytes(), &sender).is_err());
    }
}
