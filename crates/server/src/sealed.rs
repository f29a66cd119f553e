//! Exports under a passphrase. The passphrase itself goes nowhere: only the key that it opens is handed on, through the socket
//! that is its owner's alone.

use std::path::Path;

use signet_store::{
    MasterKey, StoreError,
    dump::{PASSPHRASE_BYTES, SealedKey},
};
use signet_web::{
    clock::SystemEntropy,
    manage::{description::Description, export::table, problem::Problem},
};

use crate::{failure::Failure, password};

/// The key of a new export. It has no `Debug`.
pub struct NewKey {
    /// The key.
    pub key: String,
    /// The end of the export, which has it under the passphrase.
    pub table: String,
}

/// Makes a key for an export, under the passphrase on standard input.
pub fn new_key() -> Result<NewKey, Failure> {
    let passphrase = password::from_stdin()?;
    if !PASSPHRASE_BYTES.contains(&passphrase.len()) {
        let (least, most) = (PASSPHRASE_BYTES.start(), PASSPHRASE_BYTES.end());
        let help = "Pipe it in: the first line of standard input is the passphrase.";
        return Err(Failure::new(format!("the passphrase must be {least} to {most} bytes")).help(help));
    }
    let key = MasterKey::generate(&mut SystemEntropy);
    let sealed = tokio::task::block_in_place(|| SealedKey::seal(&key, &passphrase, &mut SystemEntropy));
    let sealed = sealed.map_err(|error| Failure::new(error.to_string()))?;
    Ok(NewKey { table: table(&key, &sealed), key: key.encode().to_string() })
}

/// The key of an export, which the passphrase on standard input opens.
pub fn key_of(file: &Path, text: &str) -> Result<String, Failure> {
    if file.to_str() == Some("-") {
        let what = "the description and the passphrase cannot both come from standard input";
        return Err(Failure::new(what).help("Name the file."));
    }
    let description = Description::parse(text).map_err(|problems| {
        let told = |problem: Problem| (problem.line, problem.message.to_string());
        let problems: Vec<_> = problems.into_iter().map(told).collect();
        refused(file, &problems)
    })?;
    let name = file.display();
    let Some(wrapped) = description.sealed_with else {
        let what = format!("{name} has no `sealed_with`: it was not exported under a passphrase");
        return Err(Failure::new(what).help("Apply it without --passphrase-stdin."));
    };
    let passphrase = password::from_stdin()?;
    let opened = tokio::task::block_in_place(|| wrapped.open(&passphrase));
    let opened = opened.map_err(|error| match error {
        StoreError::KeyMismatch => {
            Failure::new(format!("nothing was changed: the passphrase does not open the secrets in {name}"))
                .help("It is the one that was given to signet export --passphrase-stdin.")
        }
        _ => refused(file, &[(wrapped.line, "`sealed_with` was changed since; export it again".to_owned())]),
    })?;
    Ok(opened.encode().to_string())
}

/// What is wrong with a description, line by line.
pub fn refused(file: &Path, problems: &[(usize, String)]) -> Failure {
    let file = file.display();
    let lines: Vec<String> = problems.iter().map(|(line, text)| format!("{file}:{line}: {text}")).collect();
    Failure::new(format!("nothing was changed\n{}", lines.join("\n")))
}
