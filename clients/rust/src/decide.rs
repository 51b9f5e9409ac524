//! What would be best to do, by a model and under constraints.

use std::ops::Deref;

use crate::client::Client;
use crate::error::{Error, Result};
use crate::pb::{
    self, Direction, Priority, axis, constraint, decide_request, max_change, objective,
};
use crate::rows::{Row, Table, Value};

/// What [`Client::decide`] is asked: a row as it is, what could be changed in it, and what is wanted.
/// `clients/README.md` tells of expressions.
#[derive(Clone, Debug, Default)]
#[must_use = "give it to Client::decide"]
pub struct Question {
    request: pb::DecideRequest,
    axes: Vec<pb::Axis>,
    candidates: Table,
}

impl Question {
    /// About a row as it is, to a model.
    pub fn new(model: &str, context: Row) -> Self {
        let request = pb::DecideRequest {
            model: model.to_owned(),
            context: context.values(),
            ..pb::DecideRequest::default()
        };
        Self {
            request,
            ..Self::default()
        }
    }

    /// Values that expressions use and the model does not.
    pub fn parameters(mut self, values: Row) -> Self {
        self.request.parameters = values.values();
        self
    }

    /// Tries numbers at equal distances, both ends included; all combinations with other axes.
    pub fn span(self, name: &str, first: f64, last: f64, steps: u32) -> Self {
        self.axis(name, axis::Values::Range(pb::Range { first, last, steps }))
    }

    /// Tries these numbers; all combinations with other axes.
    pub fn numbers(self, name: &str, values: impl Into<Vec<f64>>) -> Self {
        let values = values.into();
        self.axis(name, axis::Values::Numbers(pb::Numbers { values }))
    }

    /// Tries these categories; all combinations with other axes.
    pub fn one_of<T: Into<String>>(self, name: &str, values: impl IntoIterator<Item = T>) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.axis(name, axis::Values::Texts(pb::Texts { values }))
    }

    /// Tries candidates one by one instead of axes. NaN and "" leave the context's value.
    pub fn candidates(mut self, table: Table) -> Self {
        self.candidates = table;
        self
    }

    /// Wants an expression high.
    pub fn maximise(self, expression: &str) -> Self {
        self.expression(Direction::Maximise, expression)
    }

    /// Wants an expression low.
    pub fn minimise(self, expression: &str) -> Self {
        self.expression(Direction::Minimise, expression)
    }

    /// Wants any other form, such as revenue.
    pub fn objective(mut self, objective: pb::Objective) -> Self {
        self.request.objective = Some(objective);
        self
    }

    /// Keeps an expression down.
    pub fn at_most(self, expression: &str, most: f64) -> Self {
        self.limit(expression, None, Some(most))
    }

    /// Keeps an expression up.
    pub fn at_least(self, expression: &str, least: f64) -> Self {
        self.limit(expression, Some(least), None)
    }

    /// Keeps a feature or parameter between two numbers.
    pub fn between(self, name: &str, minimum: f64, maximum: f64) -> Self {
        self.constraint(constraint::Kind::Bounds(pb::Bounds {
            name: name.to_owned(),
            minimum: Some(minimum),
            maximum: Some(maximum),
        }))
    }

    /// Keeps a feature or parameter within a share of its value in the context: 0.1 is 10 %.
    pub fn max_change(self, name: &str, share: f64) -> Self {
        self.constraint(constraint::Kind::MaxChange(pb::MaxChange {
            name: name.to_owned(),
            change: Some(max_change::Change::Relative(share)),
        }))
    }

    /// Asks for bounds of the outcome, such as 0.9.
    pub fn coverage(mut self, share: f64) -> Self {
        self.request.coverage = share;
        self
    }

    /// How many of the best to return; 10 where it is not given.
    pub fn top(mut self, count: u32) -> Self {
        self.request.top = count;
        self
    }

    /// How much the call matters when not everything can be answered in time.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.request.set_priority(priority);
        self
    }

    fn axis(mut self, name: &str, values: axis::Values) -> Self {
        self.axes.push(pb::Axis {
            name: name.to_owned(),
            values: Some(values),
        });
        self
    }

    fn expression(self, direction: Direction, expression: &str) -> Self {
        self.objective(pb::Objective {
            direction: direction.into(),
            objective: Some(objective::Objective::Expression(expression.to_owned())),
            ..pb::Objective::default()
        })
    }

    fn limit(self, expression: &str, at_least: Option<f64>, at_most: Option<f64>) -> Self {
        self.constraint(constraint::Kind::Limit(pb::Limit {
            expression: expression.to_owned(),
            at_least,
            at_most,
        }))
    }

    fn constraint(mut self, kind: constraint::Kind) -> Self {
        self.request.constraints.push(pb::Constraint {
            kind: Some(kind),
            ..pb::Constraint::default()
        });
        self
    }

    fn request(self) -> Result<pb::DecideRequest> {
        let mut request = self.request;
        if request.objective.is_none() {
            return Err(Error::invalid(
                "objective",
                "expected maximise, minimise or objective",
            ));
        }
        request.candidates = Some(if self.axes.is_empty() {
            let columns = self.candidates.0;
            decide_request::Candidates::List(pb::CandidateList { columns })
        } else {
            decide_request::Candidates::Grid(pb::CandidateGrid { axes: self.axes })
        });
        Ok(request)
    }
}

/// The reply with its columns; [`Decision::ranked`] has them as rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision(pb::DecideResponse);

/// One candidate and what is predicted for it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Choice {
    /// That in the question, from 0.
    pub position: u32,
    /// What the candidate changes.
    pub values: Row,
    /// The main output of the model.
    pub predicted: f64,
    /// Bounds of it; none without a coverage.
    pub bounds: Option<(f64, f64)>,
    /// What orders the candidates.
    pub objective: f64,
}

impl Client {
    /// Scores every candidate with the model in one run and ranks those that keep all constraints. That none
    /// does is an answer: then nothing is ranked, and `decision.nearest` says what comes closest.
    ///
    /// # Errors
    ///
    /// What the server refuses, or that it cannot be reached.
    pub async fn decide(&self, question: Question) -> Result<Decision> {
        let reply = self.decision().decide(question.request()?).await?;
        Ok(Decision(reply.into_inner()))
    }
}

impl Deref for Decision {
    type Target = pb::DecideResponse;

    fn deref(&self) -> &pb::DecideResponse {
        &self.0
    }
}

impl Decision {
    /// The reply itself.
    #[must_use]
    pub fn into_inner(self) -> pb::DecideResponse {
        self.0
    }

    /// The best candidates, best first.
    #[must_use]
    pub fn ranked(&self) -> Vec<Choice> {
        let Some(outcomes) = &self.0.ranked else {
            return Vec::new();
        };
        let places = outcomes.positions.iter().enumerate();
        places
            .map(|(place, position)| choice(outcomes, place, *position))
            .collect()
    }
}

fn choice(outcomes: &pb::Outcomes, place: usize, position: u32) -> Choice {
    let at = |values: &[f64]| values.get(place).copied();
    let changed = outcomes.changes.iter().filter_map(|column| {
        let number = at(&column.numbers).map(Value::Number);
        let value = number.or_else(|| column.strings.get(place).cloned().map(Value::Text))?;
        Some((column.name.clone(), value))
    });
    Choice {
        position,
        values: changed.collect(),
        predicted: at(&outcomes.predicted).unwrap_or_default(),
        bounds: at(&outcomes.lower).zip(at(&outcomes.upper)),
        objective: at(&outcomes.objective).unwrap_or_default(),
    }
}
