//! The dependency rule of `src/lib.rs`, held: nothing points back.

use std::fs;
use std::path::{Path, PathBuf};

/// A layer, and what may not be named in its files.
const RULES: &[(&str, &[&str])] = &[
    (
        "domain",
        &[
            "axum",
            "sqlx",
            "tokio",
            "jsonwebtoken",
            "crate::token",
            "crate::store",
            "crate::app",
            "crate::http",
            "crate::cli",
            "crate::config",
            "crate::error",
            "async fn",
        ],
    ),
    (
        "token",
        &[
            "axum",
            "sqlx",
            "tokio",
            "crate::store",
            "crate::app",
            "crate::http",
            "crate::cli",
            "crate::config",
            "crate::error",
            "async fn",
        ],
    ),
    (
        "store",
        &[
            "axum",
            "jsonwebtoken",
            "crate::token",
            "crate::app",
            "crate::http",
            "crate::cli",
            "crate::config",
            "crate::error",
        ],
    ),
    (
        "app",
        &[
            "axum",
            "sqlx",
            "reqwest",
            "instant_acme",
            "crate::http",
            "crate::cli",
        ],
    ),
    (
        "acme",
        &[
            "axum",
            "sqlx",
            "crate::app",
            "crate::cli",
            "crate::http",
            "crate::store",
            "crate::token",
        ],
    ),
    (
        "fetch.rs",
        &[
            "axum",
            "sqlx",
            "crate::app",
            "crate::cli",
            "crate::http",
            "crate::store",
            "crate::token",
        ],
    ),
    (
        "http",
        &[
            "sqlx",
            "jsonwebtoken",
            "argon2::",
            "reqwest",
            "instant_acme",
            "crate::acme",
            "crate::cli",
            "crate::fetch",
            "crate::store",
        ],
    ),
    (
        "cli",
        &[
            "sqlx",
            "jsonwebtoken",
            "argon2::",
            "axum",
            "reqwest",
            "instant_acme",
            "crate::acme",
            "crate::fetch",
        ],
    ),
    ("clock.rs", &["crate::"]),
    ("metric.rs", &["crate::"]),
    ("span.rs", &["crate::"]),
    ("secret.rs", &["crate::"]),
    ("private_file.rs", &["crate::"]),
    (
        "redact",
        &["crate::app", "crate::http", "crate::cli", "crate::store"],
    ),
    ("pem.rs", &["crate::"]),
    ("json.rs", &["crate::"]),
    ("json_object.rs", &["crate::"]),
    (
        "config",
        &["crate::app", "crate::http", "crate::cli", "crate::token"],
    ),
];

#[test]
fn no_layer_names_what_it_may_not_know() {
    for (layer, forbidden) in RULES {
        let files = rust_files(&Path::new("src").join(layer));
        assert!(!files.is_empty(), "{layer} has no files");
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let code = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            for (number, line) in (1..).zip(code) {
                for name in *forbidden {
                    assert!(
                        !line.contains(name),
                        "{}: {name}: {number}: {line}",
                        file.display()
                    );
                }
            }
        }
    }
}

#[test]
fn only_one_crypto_library_is_built() {
    let lock = fs::read_to_string("Cargo.lock").unwrap();
    for banned in ["ring", "openssl", "openssl-sys", "native-tls"] {
        // sqlx and rustls name optional back ends in the lock file; what counts is what is built.
        let tree = std::process::Command::new(env!("CARGO"))
            .args([
                "tree",
                "--offline",
                "--edges",
                "normal,build",
                "--invert",
                banned,
            ])
            .output()
            .unwrap();
        let listed = String::from_utf8_lossy(&tree.stdout);
        assert!(
            !listed.contains("token-server"),
            "{banned} is built:\n{listed}"
        );
    }
    assert!(lock.contains("name = \"aws-lc-rs\""));
}

/// Every Rust file in a folder and the folders in it.
pub(crate) fn rust_files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() || path.extension().is_some_and(|extension| extension == "rs") {
            files.extend(rust_files(&path));
        }
    }
    files
}
