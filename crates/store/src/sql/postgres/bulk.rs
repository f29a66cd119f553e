//! Many statements of one text as one.
//!
//! Where batches of a group say the same of other rows, the server need not be told once for each of them: much of what a
//! small statement costs is to be sent, begun and ended. What a text is when it is said of many rows is a [`Bulk`], which
//! stands beside the text.

use std::collections::HashMap;

use deadpool_postgres::ClientWrapper;
use tokio_postgres::types::Type;

use super::{
    prepare, prepare_bulk,
    values::{Parameter, bind, list, to_postgres},
};
use crate::{
    StoreError,
    sql::{Batch, Bulk, Expect, Statement, Value},
};

/// What is sent in one go.
pub(super) enum Step<'a> {
    /// A statement.
    One(&'a Statement),
    /// Several that differ only in the rows they are about.
    Many(Many<'a>),
}

/// Statements of one text that are about different rows.
pub(super) struct Many<'a> {
    rank: usize,
    bulk: &'static Bulk,
    rows: Vec<&'a Statement>,
    /// The place of each in `rows`, by the key of the row it is about.
    places: HashMap<&'a Value, usize>,
}

/// A step that is ready to be sent.
pub(super) type Prepared<'a> = (tokio_postgres::Statement, Vec<Parameter<'a>>);

impl<'a> Step<'a> {
    /// The steps of a batch that goes alone.
    pub(super) fn of(batch: &'a Batch) -> Vec<Step<'a>> {
        batch.0.iter().map(Step::One).collect()
    }

    /// The steps of batches that go together. Those all of whose statements can be said in bulk are done first, in the order
    /// of `bulks`; as no two of them change the same row, it is as if they were done one after the other.
    pub(super) fn of_group(
        batches: impl Iterator<Item = &'a Batch>,
        bulks: &'static [Bulk],
    ) -> Vec<Step<'a>> {
        let (mut many, mut others) = (Vec::new(), Vec::new());
        for batch in batches {
            match places(&mut many, batch, bulks) {
                Some(places) => places.into_iter().zip(&batch.0).for_each(|(place, statement)| {
                    many.get_mut(place).into_iter().for_each(|many: &mut Many<'a>| many.add(statement));
                }),
                None => others.extend(batch.0.iter().map(Step::One)),
            }
        }
        many.sort_by_key(|many| many.rank);
        many.into_iter().filter_map(Many::step).chain(others).collect()
    }

    pub(super) async fn prepare(&self, client: &ClientWrapper) -> Result<Prepared<'a>, StoreError> {
        match self {
            Step::One(statement) => {
                let text = prepare(client, statement.sql, statement.expect).await?;
                let args = bind(statement.sql, &text, &statement.args)?;
                Ok((text, args))
            }
            Step::Many(many) => many.prepare(client).await,
        }
    }
}

/// Where each statement of a batch belongs, if all of them can be said in bulk.
fn places<'a>(many: &mut Vec<Many<'a>>, batch: &'a Batch, bulks: &'static [Bulk]) -> Option<Vec<usize>> {
    let mut taken = Vec::with_capacity(batch.len());
    for statement in &batch.0 {
        let place = place(many, statement, bulks)?;
        if taken.contains(&place) {
            return None;
        }
        taken.push(place);
    }
    Some(taken)
}

fn place<'a>(many: &mut Vec<Many<'a>>, statement: &'a Statement, bulks: &'static [Bulk]) -> Option<usize> {
    let (rank, bulk) = bulks.iter().enumerate().find(|(_, bulk)| bulk.one.name == statement.sql.name)?;
    match many.iter().position(|many| many.rank == rank && many.is_like(statement)) {
        Some(place) => many.get(place)?.has_room(statement).then_some(place),
        None => {
            many.push(Many { rank, bulk, rows: Vec::new(), places: HashMap::new() });
            many.len().checked_sub(1)
        }
    }
}

impl<'a> Many<'a> {
    /// Whether the statement differs from these only in what differs by row.
    fn is_like(&self, statement: &Statement) -> bool {
        let Some(first) = self.rows.first() else { return true };
        let mut values = first.args.iter().zip(&statement.args).zip(1..);
        first.expect == statement.expect
            && values.all(|((one, other), number)| self.bulk.each.contains(&number) || one == other)
    }

    /// Whether nothing else is said of its row. A row can be held for several.
    fn has_room(&self, statement: &Statement) -> bool {
        self.of_row(statement).is_none_or(|same| same.expect == Expect::Held && same.args == statement.args)
    }

    fn of_row(&self, statement: &Statement) -> Option<&'a Statement> {
        self.places.get(self.key(statement)?).and_then(|place| self.rows.get(*place)).copied()
    }

    fn key<'s>(&self, statement: &'s Statement) -> Option<&'s Value> {
        statement.args.get(self.bulk.each.first()?.checked_sub(1)?)
    }

    fn add(&mut self, statement: &'a Statement) {
        if let (None, Some(key)) = (self.of_row(statement), self.key(statement)) {
            self.places.insert(key, self.rows.len());
            self.rows.push(statement);
        }
    }

    fn step(self) -> Option<Step<'a>> {
        match self.rows.as_slice() {
            [] => None,
            [one] => Some(Step::One(one)),
            _ => Some(Step::Many(self)),
        }
    }

    /// Of what differs by row a list is sent, of the rest one value, and last how many rows a guard must find.
    async fn prepare(&self, client: &ClientWrapper) -> Result<Prepared<'a>, StoreError> {
        let (expect, args) =
            self.rows.first().map_or((Expect::Any, 0), |first| (first.expect, first.args.len()));
        let text = prepare_bulk(client, self.bulk, expect, args).await?;
        let arg = |(ty, number): (&Type, usize)| {
            let values = self.rows.iter().map(|row| row.args.get(number - 1)).collect::<Option<Vec<_>>>();
            let arg = match values {
                Some(values) if self.bulk.each.contains(&number) => list(&values, ty),
                Some(values) => values.first().and_then(|value| to_postgres(value, ty)),
                None => i64::try_from(self.rows.len()).ok().map(|count| Box::new(count) as Parameter<'a>),
            };
            arg.ok_or_else(|| StoreError::Internal(format!("{}: ${number} is not {ty}", self.bulk.one.name)))
        };
        let args: Result<Vec<_>, StoreError> = text.params().iter().zip(1..).map(arg).collect();
        Ok((text.clone(), args?))
    }
}
