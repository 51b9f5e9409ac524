//! Scores of rows.

use std::collections::BTreeMap;
use std::future::IntoFuture;
use std::ops::Deref;
use std::pin::Pin;

use crate::client::Client;
use crate::error::{Error, Result};
use crate::pb::{self, Priority, score_request};
use crate::rows::{Rows, Sent};

/// One call of [`Client::score`]: set what it should be, and await it.
#[derive(Clone, Debug)]
#[must_use = "await it"]
pub struct ScoreCall {
    client: Client,
    request: Result<pb::ScoreRequest>,
}

/// The answers in the order of the rows, as the columns of the reply: `scores.scores[i]` is the score of a
/// row, `scores.version` what answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores(pb::ScoreResponse);

/// One feature, or group of features, and how much it moved a score, in the unit of
/// `scores.explanation.link`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reason<'a> {
    /// Its name.
    pub feature: &'a str,
    /// How much it moved the score.
    pub contribution: f32,
}

impl Client {
    /// Scores rows with a model, `name` for its live version or `name@version`.
    pub fn score(&self, model: &str, rows: impl Into<Rows>) -> ScoreCall {
        ScoreCall {
            client: self.clone(),
            request: request(model, Vec::new(), rows.into()),
        }
    }

    /// Scores the same rows with 1 to 16 models in one trip. The answers are by the name that each was asked
    /// for; when one model fails, the call fails, and the error names it.
    ///
    /// # Errors
    ///
    /// What the server refuses, or that it cannot be reached.
    pub async fn score_models(
        &self,
        models: &[&str],
        rows: impl Into<Rows>,
    ) -> Result<BTreeMap<String, Scores>> {
        let names: Vec<String> = models.iter().map(|&name| name.to_owned()).collect();
        let request = request("", names.clone(), rows.into())?;
        let reply = self.scoring().score(request).await?.into_inner();
        if reply.results.len() != names.len() {
            let what = format!("{} results for {} models", reply.results.len(), names.len());
            return Err(Error::malformed("Score", what));
        }
        let scores = reply.results.into_iter().map(Scores::new);
        names
            .into_iter()
            .zip(scores)
            .map(|(name, one)| Ok((name, one?)))
            .collect()
    }
}

fn request(model: &str, models: Vec<String>, rows: Rows) -> Result<pb::ScoreRequest> {
    let rows = match rows.sent()? {
        Sent::Named(named) => score_request::Rows::Named(named),
        Sent::Dense(dense) => score_request::Rows::Dense(dense),
    };
    Ok(pb::ScoreRequest {
        model: model.to_owned(),
        models,
        rows: Some(rows),
        ..pb::ScoreRequest::default()
    })
}

impl ScoreCall {
    /// How much the call matters when not everything can be answered in time.
    pub fn priority(self, priority: Priority) -> Self {
        self.with(|request| request.set_priority(priority))
    }

    /// Asks for bounds that hold the true value in this share of rows, such as 0.9.
    pub fn coverage(self, share: f64) -> Self {
        self.with(|request| request.coverage = share)
    }

    /// Asks which features moved each score most; 0 for all of them. A row with reasons costs as much as some
    /// hundred without.
    pub fn reasons(self, top: u32) -> Self {
        self.with(|request| request.explain = Some(pb::Explain { top }))
    }

    fn with(mut self, change: impl FnOnce(&mut pb::ScoreRequest)) -> Self {
        if let Ok(request) = &mut self.request {
            change(request);
        }
        self
    }
}

impl IntoFuture for ScoreCall {
    type Output = Result<Scores>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<Scores>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let reply = self.client.scoring().score(self.request?).await?;
            Scores::new(reply.into_inner())
        })
    }
}

impl Deref for Scores {
    type Target = pb::ScoreResponse;

    fn deref(&self) -> &pb::ScoreResponse {
        &self.0
    }
}

impl Scores {
    /// Finds positions that lead nowhere, so that no method panics over a foreign reply.
    fn new(reply: pb::ScoreResponse) -> Result<Self> {
        let mut sound = within(&reply.label_indexes, &reply.classes)
            && within(&reply.level_indexes, &reply.levels);
        if let Some(told) = &reply.explanation {
            sound &= within(&told.name_indexes, &told.names)
                && told.name_indexes.len() == told.contributions.len();
        }
        if sound {
            Ok(Self(reply))
        } else {
            Err(Error::malformed("Score", "a position beyond the names"))
        }
    }

    /// The reply itself.
    #[must_use]
    pub fn into_inner(self) -> pb::ScoreResponse {
        self.0
    }

    /// The predicted class of a row, by the model's threshold; none where the model has no classes.
    #[must_use]
    pub fn label(&self, row: usize) -> Option<&str> {
        name(&self.0.classes, self.0.label_indexes.get(row))
    }

    /// The level of a row's score, such as "high"; none where the model has none.
    #[must_use]
    pub fn level(&self, row: usize) -> Option<&str> {
        name(&self.0.levels, self.0.level_indexes.get(row))
    }

    /// What moved the score of a row, the largest first; nothing unless it was asked for.
    pub fn reasons(&self, row: usize) -> impl Iterator<Item = Reason<'_>> {
        self.0.explanation.iter().flat_map(move |told| {
            let top = told.top as usize;
            let pairs = told.name_indexes.iter().zip(&told.contributions);
            pairs
                .skip(row.saturating_mul(top))
                .take(top)
                .filter_map(|(index, contribution)| {
                    Some(Reason {
                        feature: name(&told.names, Some(index))?,
                        contribution: *contribution,
                    })
                })
        })
    }
}

fn within(positions: &[u32], names: &[String]) -> bool {
    positions
        .iter()
        .all(|position| (*position as usize) < names.len())
}

fn name<'a>(names: &'a [String], position: Option<&u32>) -> Option<&'a str> {
    names.get(*position? as usize).map(String::as_str)
}
