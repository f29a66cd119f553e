//! Files of users.

use serde_json::Value;
use signet_web::{
    fuzzing::parse,
    manage::users::{
        export,
        fields::FieldProblem,
        import::{Format, Reader},
    },
};

/// A file of users in either format: it comes to an end, every line of it is a user or a problem that says where, and none
/// repeats a password. A user who is right is written and read again as the same.
pub fn file(data: &[u8]) {
    let lines = data.iter().filter(|byte| **byte == b'\n').count() + 1;
    for format in [Format::Csv, Format::JsonLines] {
        let Ok(mut reader) = Reader::new(data, format) else { continue };
        let mut last = 0;
        while let Some(next) = reader.read().expect("bytes in memory can be read") {
            let (line, problems) = match next {
                Ok(record) => {
                    let problems = record.fields.check();
                    if problems.is_empty() {
                        comes_back(&export::line(&record.fields, Format::JsonLines, true), &record.fields.0);
                    }
                    secret(&record.fields.0, &problems);
                    (record.line, problems)
                }
                Err(wrong) => (wrong.line, vec![wrong.problem]),
            };
            assert!(line > last && line <= lines && reader.line() >= line, "{line} of {lines}");
            last = line;
            for FieldProblem { message, .. } in problems {
                for text in [&message.en, &message.zh] {
                    assert!(text.len() <= 64 * 1024 && !text.contains('\n'), "{text}");
                }
            }
        }
        assert!(usize::try_from(reader.bytes()) == Ok(data.len()), "all of it was read");
    }
}

/// A form with a file: what is read of it stands in it, and a file that is sent comes back byte by byte.
pub fn upload(data: &[u8]) {
    let body = axum::body::Bytes::copy_from_slice(data);
    if let Some((form, upload)) = parse(&body, "B") {
        assert!(form.pairs().count() <= 16);
        let file = upload.map(|upload| upload.bytes).unwrap_or_default();
        assert!(
            file.len() <= data.len()
                && (file.is_empty() || data.windows(file.len()).any(|part| part == file))
        );
    }
    if data.is_empty() || data.windows(4).any(|part| part == b"--BB") {
        return;
    }
    let head = "--BB\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.csv\"\r\n\r\n";
    let sent = [head.as_bytes(), data, b"\r\n--BB--\r\n"].concat();
    let (_, upload) = parse(&sent.into(), "BB").expect("a form as browsers send it");
    assert_eq!(upload.expect("a file was sent").bytes, data);
}

fn comes_back(line: &str, fields: &serde_json::Map<String, Value>) {
    let mut reader = Reader::new(line.as_bytes(), Format::JsonLines).unwrap();
    let record = reader.read().unwrap().unwrap().unwrap_or_else(|wrong| panic!("{wrong:?}"));
    assert_eq!(&record.fields.0, fields);
}

/// A password that nothing else can explain stands in no problem.
fn secret(fields: &serde_json::Map<String, Value>, problems: &[FieldProblem]) {
    let all = Value::Object(fields.clone()).to_string();
    for password in ["password", "password_hash"].iter().filter_map(|key| fields.get(*key)?.as_str()) {
        if password.len() >= 6 && all.matches(password).count() == 1 {
            let told = |problem: &FieldProblem| {
                problem.message.en.contains(password) || problem.message.zh.contains(password)
            };
            assert!(!problems.iter().any(told), "{problems:?}");
        }
    }
}
