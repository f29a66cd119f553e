//! Values to and from PostgreSQL's types.

use tokio_postgres::{
    Row as PgRow, Statement,
    types::{FromSql, ToSql, Type},
};

use crate::{
    StoreError,
    sql::{Row, Sql, Value, engine::wrong_arity},
};

pub(super) type Parameter<'a> = Box<dyn ToSql + Sync + Send + 'a>;

/// Gives each value the type the server inferred for its placeholder.
pub(super) fn bind<'a>(
    sql: &Sql,
    prepared: &Statement,
    args: &'a [Value],
) -> Result<Vec<Parameter<'a>>, StoreError> {
    let wanted = prepared.params();
    if wanted.len() != args.len() {
        return Err(wrong_arity(sql, wanted.len(), args.len()));
    }
    let typed = wanted.iter().zip(args).zip(1..).map(|((ty, value), number)| {
        to_postgres(value, ty)
            .ok_or_else(|| StoreError::Internal(format!("{}: ${number} is not {ty}", sql.name)))
    });
    typed.collect()
}

pub(super) fn by_reference<'p>(parameters: &'p [Parameter<'_>]) -> Vec<&'p (dyn ToSql + Sync)> {
    parameters.iter().map(|parameter| parameter.as_ref() as &(dyn ToSql + Sync)).collect()
}

pub(super) fn to_postgres<'a>(value: &'a Value, ty: &Type) -> Option<Parameter<'a>> {
    Some(match (value, ty) {
        (Value::Null, &Type::INT8) => Box::new(None::<i64>),
        (Value::Null, &Type::INT4) => Box::new(None::<i32>),
        (Value::Null, &Type::BOOL) => Box::new(None::<bool>),
        (Value::Null, &Type::BYTEA) => Box::new(None::<&[u8]>),
        (Value::Null, &Type::TEXT) => Box::new(None::<&str>),
        (Value::Text(text), &Type::TEXT) => Box::new(text.as_str()),
        (Value::Int(int), &Type::INT8) => Box::new(*int),
        (Value::Int(int), &Type::INT4) => Box::new(i32::try_from(*int).ok()?),
        (Value::Bool(bool), &Type::BOOL) => Box::new(*bool),
        (Value::Bytes(bytes), &Type::BYTEA) => Box::new(bytes.as_slice()),
        _ => return None,
    })
}

/// One value for each row, as an array.
pub(super) fn list<'a>(values: &[&'a Value], ty: &Type) -> Option<Parameter<'a>> {
    Some(match *ty {
        Type::BYTEA_ARRAY => Box::new(each(values, |value| match value {
            Value::Bytes(bytes) => Some(bytes.as_slice()),
            _ => None,
        })?),
        Type::TEXT_ARRAY => Box::new(each(values, |value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })?),
        Type::INT8_ARRAY => Box::new(each(values, |value| match value {
            Value::Int(int) => Some(*int),
            _ => None,
        })?),
        Type::BOOL_ARRAY => Box::new(each(values, |value| match value {
            Value::Bool(bool) => Some(*bool),
            _ => None,
        })?),
        _ => return None,
    })
}

fn each<'a, T>(values: &[&'a Value], read: impl Fn(&'a Value) -> Option<T>) -> Option<Vec<Option<T>>> {
    let one = |value: &&'a Value| match value {
        Value::Null => Some(None),
        value => read(value).map(Some),
    };
    values.iter().map(one).collect()
}

pub(super) fn is_readable(ty: &Type) -> bool {
    [Type::TEXT, Type::INT8, Type::INT4, Type::BOOL, Type::BYTEA].contains(ty)
}

pub(super) fn from_postgres(sql: &Sql, row: &PgRow) -> Result<Row, StoreError> {
    from_postgres_after(sql, row, 0)
}

/// The row without its first columns.
pub(super) fn from_postgres_after(sql: &Sql, row: &PgRow, before: usize) -> Result<Row, StoreError> {
    let columns =
        row.columns().iter().enumerate().skip(before).map(|(index, column)| match *column.type_() {
            Type::TEXT => get(row, index, Value::Text),
            Type::INT8 => get(row, index, Value::Int),
            Type::INT4 => get(row, index, |int: i32| Value::Int(int.into())),
            Type::BOOL => get(row, index, Value::Bool),
            Type::BYTEA => get(row, index, Value::Bytes),
            _ => None,
        });
    let values = columns.zip(1..).map(|(value, number)| {
        value.ok_or_else(|| StoreError::corrupt(format!("{}: column {number} has a foreign type", sql.name)))
    });
    values.collect::<Result<_, _>>().map(Row)
}

fn get<'r, T: FromSql<'r>>(row: &'r PgRow, index: usize, wrap: impl Fn(T) -> Value) -> Option<Value> {
    row.try_get::<_, Option<T>>(index).ok().map(|value| value.map_or(Value::Null, wrap))
}
