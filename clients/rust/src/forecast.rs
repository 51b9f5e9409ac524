//! Forecasts of series.

use std::ops::Deref;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::client::Client;
use crate::error::{Error, Result};
use crate::pb::{self, Priority};

/// What is known of one series: values at equal distances, the oldest first; NaN is missing.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// Comes back with the answer.
    pub id: String,
    /// The values.
    pub values: Vec<f64>,
    /// When the first value was measured; none where it is not known.
    pub start: Option<SystemTime>,
    /// What is known of every step, the future ones included.
    pub covariates: Vec<pb::Covariate>,
}

/// What [`Client::forecast`] is asked.
#[derive(Clone, Debug, Default)]
pub struct Outlook {
    /// Who forecasts; empty for "auto".
    pub model: String,
    /// How much the call matters when not everything can be answered in time.
    pub priority: Priority,
    /// The number of steps, 1 to 1,024.
    pub horizon: u32,
    /// The levels of the quantiles, ascending, such as 0.1 and 0.9.
    pub levels: Vec<f64>,
    /// The time between two values, such as "h" or "5min"; empty where it is not known.
    pub frequency: String,
    /// The lengths of seasons in steps; none lets the server find them.
    pub seasons: Vec<f64>,
    /// Values are never below 0.
    pub non_negative: bool,
    /// Values are whole numbers.
    pub integer: bool,
    /// The series.
    pub series: Vec<Series>,
}

/// The reply; its methods take the series and the level by position.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast(pb::ForecastResponse);

impl Client {
    /// Forecasts series; none of them changes the answer of another one.
    ///
    /// # Errors
    ///
    /// What the server refuses, or that it cannot be reached.
    pub async fn forecast(&self, outlook: Outlook) -> Result<Forecast> {
        let request = outlook.request()?;
        let reply = self.forecasting().forecast(request).await?.into_inner();
        let steps = reply.series.len().saturating_mul(reply.horizon as usize);
        let times = reply.timestamps_ms.len();
        let levels = reply.quantile_levels.len();
        let sound =
            reply.points.len() == steps && reply.quantiles.len() == steps.saturating_mul(levels);
        if !sound || (times != 0 && times != steps) {
            let (points, series, horizon) = (reply.points.len(), reply.series.len(), reply.horizon);
            let what = format!("{points} points for {series} series of {horizon} steps");
            return Err(Error::malformed("Forecast", what));
        }
        Ok(Forecast(reply))
    }
}

impl Outlook {
    fn request(self) -> Result<pb::ForecastRequest> {
        let series = self
            .series
            .into_iter()
            .map(Series::sent)
            .collect::<Result<_>>()?;
        Ok(pb::ForecastRequest {
            model: self.model,
            priority: self.priority.into(),
            horizon: self.horizon,
            quantile_levels: self.levels,
            frequency: self.frequency,
            season_lengths: self.seasons,
            non_negative: self.non_negative,
            integer: self.integer,
            series,
        })
    }
}

impl Series {
    fn sent(self) -> Result<pb::Series> {
        Ok(pb::Series {
            start_ms: self.start.map(milliseconds).transpose()?,
            id: self.id,
            values: self.values,
            covariates: self.covariates,
            ..pb::Series::default()
        })
    }
}

fn milliseconds(time: SystemTime) -> Result<i64> {
    let ms = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).ok(),
        Err(before) => i64::try_from(before.duration().as_millis())
            .ok()
            .map(|ms| -ms),
    };
    ms.ok_or_else(|| Error::invalid("series.start", "it is too far away"))
}

fn time(ms: i64) -> SystemTime {
    let distance = Duration::from_millis(ms.unsigned_abs());
    let time = if ms < 0 {
        UNIX_EPOCH.checked_sub(distance)
    } else {
        UNIX_EPOCH.checked_add(distance)
    };
    time.unwrap_or(UNIX_EPOCH)
}

impl Deref for Forecast {
    type Target = pb::ForecastResponse;

    fn deref(&self) -> &pb::ForecastResponse {
        &self.0
    }
}

impl Forecast {
    /// The reply itself.
    #[must_use]
    pub fn into_inner(self) -> pb::ForecastResponse {
        self.0
    }

    /// The likeliest course of a series; empty where there is no such series.
    #[must_use]
    pub fn points(&self, series: usize) -> &[f64] {
        self.part(&self.0.points, series)
    }

    /// The course of a series at one of the levels that were asked for; none at any other.
    #[must_use]
    pub fn quantiles(&self, series: usize, level: f64) -> Option<&[f64]> {
        let levels = &self.0.quantile_levels;
        let position = levels
            .iter()
            .position(|one| one.to_bits() == level.to_bits())?;
        let part = self.part(
            &self.0.quantiles,
            series.checked_mul(levels.len())?.checked_add(position)?,
        );
        Some(part).filter(|part| !part.is_empty())
    }

    /// The times of the steps; none unless the series had a start and a known frequency.
    #[must_use]
    pub fn times(&self, series: usize) -> Vec<SystemTime> {
        self.part(&self.0.timestamps_ms, series)
            .iter()
            .map(|ms| time(*ms))
            .collect()
    }

    fn part<'a, T>(&self, all: &'a [T], number: usize) -> &'a [T] {
        all.chunks(self.0.horizon.max(1) as usize)
            .nth(number)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_and_after_1970() {
        for ms in [-86_400_001, 0, 1_767_571_200_000] {
            assert_eq!(milliseconds(time(ms)).unwrap(), ms);
        }
    }
}
