//! Comma-separated values (RFC 4180), read strictly: what can mean two things is refused.

use std::io::BufRead;

use signet_protocol::says;

/// Why a row cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CsvError {
    StrayQuote,
    AfterQuote,
    OpenQuote,
    Encoding,
    TooLong,
    TooMany,
}

says!(CsvError {
    CsvError::StrayQuote =>
        "has a quote in the middle of a value; put the whole value in quotes and double the quotes in it",
        "在值的中间有引号；请用引号括住整个值，并将其中的引号写成两个";
    CsvError::AfterQuote =>
        "has something behind the quote that ends a value; double the quotes within a value",
        "在结束引号之后还有内容；值中的引号请写成两个";
    CsvError::OpenQuote =>
        "has a quote that begins a value and is never closed",
        "有一个值的起始引号没有闭合";
    CsvError::Encoding =>
        "is not UTF-8; save the file as UTF-8",
        "不是 UTF-8；请将文件保存为 UTF-8";
    CsvError::TooLong =>
        "is longer than 64 KiB, which a user may have",
        "超过 64 KiB，即单个用户的上限";
    CsvError::TooMany =>
        "has more than 300 values",
        "超过 300 个值";
});

/// What a row is made of, and how many lines it has.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub values: Vec<String>,
    pub lines: usize,
}

/// Reads the line that comes next as far as `most` bytes; beyond them the rest of it is passed over and it is too long.
pub(super) fn line(source: &mut impl BufRead, most: usize, into: &mut Vec<u8>) -> std::io::Result<Line> {
    let before = into.len();
    loop {
        let buffer = source.fill_buf()?;
        if buffer.is_empty() {
            return Ok(if into.len() == before { Line::End } else { Line::Whole });
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(buffer.len(), |end| end + 1);
        if into.len() + taken > most {
            source.consume(taken);
            if end.is_none() {
                skip(source)?;
            }
            return Ok(Line::TooLong);
        }
        into.extend_from_slice(buffer.get(..taken).unwrap_or_default());
        source.consume(taken);
        if end.is_some() {
            return Ok(Line::Whole);
        }
    }
}

/// What was read of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Whole,
    TooLong,
    End,
}

fn skip(source: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = source.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(buffer.len(), |end| end + 1);
        if taken == 0 {
            return Ok(());
        }
        source.consume(taken);
        if end.is_some() {
            return Ok(());
        }
    }
}

/// Reads the next row; `None` at the end. An empty line is a row of one empty value.
pub(super) fn row(
    source: &mut impl BufRead,
    most: usize,
    columns: usize,
) -> std::io::Result<Option<Result<Row, (CsvError, usize)>>> {
    let (mut text, mut lines) = (Vec::new(), 0);
    loop {
        match line(source, most, &mut text)? {
            Line::End if text.is_empty() => return Ok(None),
            Line::End => return Ok(Some(Err((CsvError::OpenQuote, lines)))),
            Line::TooLong => return Ok(Some(Err((CsvError::TooLong, lines + 1)))),
            Line::Whole => lines += 1,
        }
        let Ok(whole) = std::str::from_utf8(&text) else {
            return Ok(Some(Err((CsvError::Encoding, lines))));
        };
        match split(whole, columns) {
            // The value goes on in the next line.
            Err(CsvError::OpenQuote) => {}
            Err(error) => return Ok(Some(Err((error, lines)))),
            Ok(values) => return Ok(Some(Ok(Row { values, lines }))),
        }
    }
}

/// The values of a row with its line break.
fn split(row: &str, columns: usize) -> Result<Vec<String>, CsvError> {
    let row = row.strip_suffix('\n').unwrap_or(row);
    let mut rest = row.strip_suffix('\r').unwrap_or(row);
    let mut values = Vec::new();
    loop {
        if values.len() == columns {
            return Err(CsvError::TooMany);
        }
        let (value, after) = match rest.strip_prefix('"') {
            Some(quoted_rest) => quoted(quoted_rest)?,
            None => bare(rest)?,
        };
        values.push(value);
        match after {
            Some(after) => rest = after,
            None => return Ok(values),
        }
    }
}

/// A value, and what follows the comma behind it.
type Value<'r> = (String, Option<&'r str>);

fn bare(rest: &str) -> Result<Value<'_>, CsvError> {
    let (value, after) = match rest.split_once(',') {
        Some((value, after)) => (value, Some(after)),
        None => (rest, None),
    };
    if value.contains('"') { Err(CsvError::StrayQuote) } else { Ok((value.to_owned(), after)) }
}

fn quoted(mut rest: &str) -> Result<Value<'_>, CsvError> {
    let mut value = String::new();
    loop {
        let (part, after) = rest.split_once('"').ok_or(CsvError::OpenQuote)?;
        value.push_str(part);
        if let Some(after) = after.strip_prefix('"') {
            value.push('"');
            rest = after;
        } else if after.is_empty() {
            return Ok((value, None));
        } else {
            return after.strip_prefix(',').map(|after| (value, Some(after))).ok_or(CsvError::AfterQuote);
        }
    }
}

/// A row as it is written, with its line break.
pub(in crate::manage::users) fn write(values: &[String]) -> String {
    let quoted = |value: &String| {
        let bare = !value.is_empty() && !value.contains(['"', ',', '\n', '\r']);
        if bare { value.clone() } else { format!("\"{}\"", value.replace('"', "\"\"")) }
    };
    let bare_or_empty = |value: &String| if value.is_empty() { String::new() } else { quoted(value) };
    match values {
        // A row of one empty value would be an empty line.
        [one] => quoted(one) + "\n",
        many => many.iter().map(bare_or_empty).collect::<Vec<_>>().join(",") + "\n",
    }
}
