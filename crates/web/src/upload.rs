//! A form with a file: the one body that may be larger than a form's.

use std::{collections::BTreeMap, str::Utf8Error, time::Duration};

use axum::{
    body::Bytes,
    extract::{
        DefaultBodyLimit, FromRequest, Request,
        rejection::{BytesRejection, FailedToBufferBody},
    },
};
use http::header::CONTENT_TYPE;
use signet_protocol::{
    error::{ErrorCode, Refusal, refuse},
    params::RawParams,
};
use tokio::{sync::Semaphore, time::timeout};

use crate::{
    edge::Form,
    error::{FILE_TOO_LARGE, Failure, TOO_SLOW},
    hashing::Busy,
};

/// Bytes of a form with a file.
pub const UPLOAD_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of a form with a description of the pool.
pub const DESCRIPTION_BYTES: usize = 1024 * 1024;
/// How long it may take to arrive.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(50);
/// Forms with a file that are read at once.
const UPLOADS: usize = 2;
/// Parts of one.
const PARTS: usize = 16;
/// Bytes of the headers of a part.
const PART_HEAD_BYTES: usize = 1024;

static READING: Semaphore = Semaphore::const_new(UPLOADS);

const MALFORMED: Refusal = refuse(
    ErrorCode::InvalidRequest,
    "the body is no multipart form as browsers send it; send Content-Type multipart/form-data with its boundary",
)
.by("multipart", "RFC 7578 §4");

/// A file that was sent along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// What it is called where it comes from.
    pub name: String,
    /// What is in it.
    pub bytes: Bytes,
}

impl Upload {
    /// It as a text.
    ///
    /// # Errors
    /// It is not UTF-8.
    pub fn text(&self) -> Result<&str, Utf8Error> {
        std::str::from_utf8(&self.bytes)
    }
}

/// Reads a form of at most so many bytes, whose part `area` may be as large as a file, and the file in it if there is one. Whoever may
/// not send one has been turned away before.
pub async fn read(request: Request, area: &str, most: usize) -> Result<(RawParams, Option<Upload>), Failure> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some(boundary) = kind.and_then(boundary) else {
        let Ok(form) = Form::from_request(request, &()).await;
        return Ok((form.params()?, None));
    };
    let _reading = READING.try_acquire().map_err(|_| Failure::Busy(Busy))?;
    let bytes = read_body(request, most).await?;
    let parts = parts(&bytes, &boundary).ok_or(MALFORMED)?;
    Ok(sort(parts, area))
}

async fn read_body(mut request: Request, most: usize) -> Result<Bytes, Refusal> {
    DefaultBodyLimit::max(most).apply(&mut request);
    match timeout(UPLOAD_TIMEOUT, Bytes::from_request(request, &())).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)))) => {
            Err(FILE_TOO_LARGE)
        }
        Ok(Err(_)) => Err(MALFORMED),
        Err(_) => Err(TOO_SLOW),
    }
}

/// What is read of a body whose boundary is `boundary`, for the fuzzer: its fields and its file.
#[cfg(feature = "fuzzing")]
pub fn parse(body: &Bytes, boundary: &str) -> Option<(RawParams, Option<Upload>)> {
    parts(body, boundary).map(|parts| sort(parts, "text"))
}

/// The boundary of a multipart form (RFC 2046 §5.1.1); `None` for anything else.
fn boundary(content_type: &str) -> Option<String> {
    let (essence, parameters) = content_type.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let value = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
    })?;
    (1..=70).contains(&value.len()).then_some(value)
}

/// One part of a form.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    name: String,
    file: Option<String>,
    bytes: Bytes,
}

/// The parts of a body, or nothing of one that is not as it has to be.
fn parts(body: &Bytes, boundary: &str) -> Option<Vec<Part>> {
    let delimiter = format!("\r\n--{boundary}");
    let first = delimiter.as_bytes().get(2..)?;
    // What stands before the first delimiter means nothing; browsers send nothing.
    let mut at = if body.starts_with(first) { first.len() } else { find(body, delimiter.as_bytes())?.1 };
    let mut all = Vec::new();
    loop {
        let rest = body.get(at..)?;
        if rest.starts_with(b"--") {
            return Some(all);
        }
        if !rest.starts_with(b"\r\n") || all.len() == PARTS {
            return None;
        }
        let (end, next) = find(rest, delimiter.as_bytes())?;
        all.push(part(body, (at, at + end))?);
        at += next;
    }
}

/// A part between its delimiters, the line break of the first one included.
fn part(body: &Bytes, (from, to): (usize, usize)) -> Option<Part> {
    let whole = body.get(from..to)?;
    let (end, begin) = find(whole, b"\r\n\r\n")?;
    let head = std::str::from_utf8(whole.get(..end)?).ok().filter(|head| head.len() <= PART_HEAD_BYTES)?;
    let disposition = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then(|| value.trim())
    })?;
    let parameters: BTreeMap<String, String> = disposition_parameters(disposition)?;
    Some(Part {
        name: parameters.get("name")?.clone(),
        file: parameters.get("filename").cloned(),
        bytes: body.slice(from + begin..to),
    })
}

/// The parameters of `form-data; name="x"; filename="y"`. Browsers write a quote in a name as `%22`.
fn disposition_parameters(text: &str) -> Option<BTreeMap<String, String>> {
    let mut rest = text.strip_prefix("form-data")?;
    let mut all = BTreeMap::new();
    while let Some(parameter) = rest.trim_start().strip_prefix(';') {
        let (name, value) = parameter.split_once('=')?;
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => value.split_at(value.find(';').unwrap_or(value.len())),
        };
        all.insert(name.trim().to_ascii_lowercase(), value.trim().replace("%22", "\""));
        rest = after;
    }
    Some(all)
}

/// Where `wanted` begins, and where what follows it does.
fn find(within: &[u8], wanted: &[u8]) -> Option<(usize, usize)> {
    let first = *wanted.first()?;
    let mut from = 0;
    loop {
        let found = from + within.get(from..)?.iter().position(|byte| *byte == first)?;
        if within.get(found..).is_some_and(|rest| rest.starts_with(wanted)) {
            return Some((found, found + wanted.len()));
        }
        from = found + 1;
    }
}

/// Fields go to the form, but `area`, which is a file that somebody pasted.
fn sort(parts: Vec<Part>, area: &str) -> (RawParams, Option<Upload>) {
    let (mut form, mut upload) = (RawParams::default(), None);
    for part in parts {
        match part.file {
            Some(name) if !part.bytes.is_empty() => upload = Some(Upload { name, bytes: part.bytes }),
            Some(_) => {}
            None if part.name == area => {
                if !part.bytes.trim_ascii().is_empty() && upload.is_none() {
                    upload = Some(Upload { name: String::new(), bytes: part.bytes });
                }
            }
            None => form.add(&part.name, &String::from_utf8_lossy(&part.bytes)),
        }
    }
    (form, upload)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "--B\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nt\u{f6}k\r\n\
        --B\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a;\u{e9}%22.csv\"\r\nContent-Type: text/csv\r\n\r\nusername\r\n--Bob\r\n\r\n\
        --B--\r\n";

    fn read(body: &str) -> Option<Vec<(String, Option<String>, String)>> {
        let parts = parts(&Bytes::copy_from_slice(body.as_bytes()), "B")?;
        Some(
            parts
                .into_iter()
                .map(|p| (p.name, p.file, String::from_utf8(p.bytes.to_vec()).unwrap()))
                .collect(),
        )
    }

    #[test]
    fn a_form_is_read_as_browsers_send_it() {
        let read = read(&BODY.replace("--Bob", "-- Bob")).unwrap();
        assert_eq!(read[0], ("csrf".into(), None, "t\u{f6}k".into()));
        assert_eq!(read[1].1.as_deref(), Some("a;\u{e9}\".csv"));
        assert_eq!(read[1].2, "username\r\n-- Bob\r\n");
        let (form, upload) = sort(parts(&Bytes::from(BODY.replace("--Bob", "Bob")), "B").unwrap(), "text");
        assert_eq!(form.get("csrf"), Some("t\u{f6}k"));
        assert_eq!(upload.unwrap().bytes, "username\r\nBob\r\n");
    }

    #[test]
    fn attack_21_what_is_no_form_is_refused() {
        for wrong in [
            "",
            "--",
            "--B",
            "--B\r\n",
            "--B\r\n\r\nx\r\n--B--",
            "--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--",
            "--B\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx\r\n--B--",
            "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx",
            &format!(
                "--B\r\nX: {}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--B--",
                "y".repeat(1100)
            ),
            &format!("{}--B--", "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n".repeat(17)),
            // A delimiter with something behind it.
            BODY,
        ] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_boundary_is_found_in_its_header() {
        for (header, expected) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            ("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"", Some("a b")),
            ("multipart/form-data", None),
            ("multipart/mixed; boundary=a", None),
            ("multipart/form-data; boundary=", None),
            ("application/x-www-form-urlencoded", None),
        ] {
            assert_eq!(boundary(header).as_deref(), expected, "{header}");
        }
        assert_eq!(boundary(&format!("multipart/form-data; boundary={}", "a".repeat(71))), None);
    }
}
