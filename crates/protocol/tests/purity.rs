//! The protocol is pure: nothing it depends on reads a socket, a clock, a database or a page template.

use std::process::Command;

/// What would let a rule do I/O, or know of HTTP, HTML or SQL.
const KEPT_OUT: &[&str] =
    &["askama", "axum", "http", "hyper", "rusqlite", "tokio", "tokio-postgres", "tracing"];

/// The crates named in the output of `cargo tree --prefix none`: one a line, `name version …`.
fn names(tree: &str) -> Vec<&str> {
    tree.lines().filter_map(|line| line.split_whitespace().next()).collect()
}

fn kept_out(tree: &str) -> Vec<&str> {
    names(tree).into_iter().filter(|name| KEPT_OUT.contains(name)).collect()
}

#[test]
fn no_runtime_server_driver_or_template_is_in_the_dependency_tree() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "-p", "signet-protocol", "-e", "normal", "--prefix", "none"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8_lossy(&output.stdout);
    for own in ["signet-protocol", "serde_json", "aws-lc-rs"] {
        assert!(names(&tree).contains(&own), "{own} is missing, so this is not the tree:\n{tree}");
    }
    assert_eq!(kept_out(&tree), Vec::<&str>::new(), "in the dependency tree");
}

#[test]
fn a_forbidden_crate_would_be_found() {
    let tree = "signet-protocol v0.1.0 (/x)\nhttp v1.3.1\nhttparse v1.0.0\ntokio v1.54.0 (*)\n";
    assert_eq!(kept_out(tree), ["http", "tokio"]);
}
