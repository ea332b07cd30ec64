//! Owns the list of migrations, and what each product makes of a file.
//!
//! A file runs in one transaction with its row in `_sqlx_migrations`. A file whose first line is `-- no-transaction` runs
//! outside of one: it has one statement, `create [unique] index concurrently if not exists NAME on …`, which makes an index
//! over a big table while others write to it. SQLite has no such thing: there the word `concurrently` is left out, and the
//! file runs in a transaction as every other one.

use std::sync::LazyLock;

use sqlx::migrate::{Migration, MigrationType};
use sqlx::{AssertSqlSafe, SqlSafeStr};

macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../../migrations/", $name, ".sql")))),*]
    };
}

/// The names and texts. The text of a released one must not change: each database has the checksum of what was applied.
const FILES: &[(&str, &str)] = files![
    "0100_clients"
    "0101_signing_keys"
    "0102_revocations"
    "0103_replication"
    "0104_audit"
    "0105_usage"
    "0106_admins"
    "0107_idempotency"
    "0108_single_use"
    "0109_acme"
    "0110_installation"
    "0112_token_typ"
    "0113_client_identifiers"
    "0114_exchange_rules"
    "0115_exchange_usage"
    "0116_trusted_issuers"
    "0117_assertion_audience"
    "0118_identity_usage"
    "0119_spiffe_sequence"
    "0125_recovery_codes"
    "0129_vouched_secrets"
    "0130_explicit_scopes"
];

/// The first line of a file that runs outside of a transaction on Postgres.
const NO_TRANSACTION: &str = "-- no-transaction";

/// Begins a line that Postgres leaves out.
const SQLITE_ONLY: &str = "/* SQLite */";

pub(in crate::store) fn list_tables() -> impl Iterator<Item = &'static str> {
    let lines = FILES.iter().flat_map(|(_, text)| text.lines());
    let created = lines.filter_map(|line| line.strip_prefix("create table "));
    created.filter_map(|rest| rest.split_whitespace().next())
}

static RELEASED: LazyLock<Migrations> = LazyLock::new(|| Migrations::with(&[]));

/// The migrations of one version, in their order.
#[derive(Debug)]
pub struct Migrations {
    pub(super) list: Vec<File>,
}

#[derive(Debug)]
pub(super) struct File {
    /// `0100 clients`.
    pub(super) name: String,
    pub(super) postgres: Migration,
    pub(super) sqlite: Migration,
    /// The index that it makes on Postgres outside of a transaction.
    pub(super) index: Option<String>,
}

impl Migrations {
    pub(super) fn released() -> &'static Self {
        &RELEASED
    }

    /// Those of this version and further ones, each with a name as `0110_more` and a text.
    pub fn with(further: &[(&str, &str)]) -> Self {
        let files = FILES.iter().chain(further);
        Self {
            list: files
                .filter_map(|(name, text)| File::new(name, text))
                .collect(),
        }
    }
}

impl File {
    /// The checksums are of the file, whatever the products make of it.
    fn new(name: &str, text: &str) -> Option<Self> {
        let (version, description) = name.split_once('_')?;
        let version: i64 = version.parse().ok()?;
        let description = description.replace('_', " ");
        let concurrent = text.lines().next() == Some(NO_TRANSACTION);
        let migration = |adapted: String, no_tx| {
            let sql = AssertSqlSafe(text.to_owned()).into_sql_str();
            let kind = MigrationType::Simple;
            let mut migration =
                Migration::new(version, description.clone().into(), kind, sql, no_tx);
            migration.sql = AssertSqlSafe(adapted).into_sql_str();
            migration
        };
        Some(Self {
            name: format!("{version:04} {description}"),
            postgres: migration(for_postgres(text), concurrent),
            sqlite: migration(for_sqlite(text, concurrent), false),
            index: concurrent.then(|| concurrent_index(text)).flatten(),
        })
    }

    pub(super) fn version(&self) -> i64 {
        self.postgres.version
    }
}

/// Has Postgres compare and sort text columns by bytes, as SQLite does, whatever the collation of the database is.
fn for_postgres(sql: &str) -> String {
    let adapt = |line: &str| {
        let ends_here =
            |rest: &str| !rest.starts_with(|it: char| it.is_alphanumeric() || it == '_');
        match line.split_once(" text") {
            Some((before, after)) if !before.contains("--") && ends_here(after) => {
                format!("{before} text collate \"C\"{after}\n")
            }
            Some(_) | None => format!("{line}\n"),
        }
    };
    let lines = sql.lines().filter(|line| !line.starts_with(SQLITE_ONLY));
    lines.map(adapt).collect()
}

fn for_sqlite(sql: &str, concurrent: bool) -> String {
    if concurrent {
        sql.replacen(" index concurrently ", " index ", 1)
    } else {
        sql.to_owned()
    }
}

/// The name of the index that the only statement of a file makes concurrently, if it is there to stay when it is made again.
fn concurrent_index(sql: &str) -> Option<String> {
    let code = sql
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"));
    let words = code.flat_map(str::split_whitespace);
    let mut words = words.filter(|word| *word != "unique");
    let expected = ["create", "index", "concurrently", "if", "not", "exists"];
    if !expected.iter().all(|it| words.next() == Some(it)) {
        return None;
    }
    let name = words.next()?.to_owned();
    let rest: Vec<&str> = words.collect();
    let ends_once = rest.iter().filter(|word| word.contains(';')).count() <= 1;
    (rest.first() == Some(&"on") && ends_once).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_compares_each_text_column_by_bytes() {
        let sql = "-- Some text, not a column.\ncreate table t (\n    a text not null,\n    b bigint,\n    c text\n);\n\
                   /* SQLite */ create index x on t (a);\n";
        assert_eq!(
            for_postgres(sql),
            "-- Some text, not a column.\ncreate table t (\n    a text collate \"C\" not null,\n    b bigint,\n    c text collate \"C\"\n);\n"
        );
    }

    #[test]
    fn an_index_is_made_concurrently_by_postgres_alone() {
        let text = "-- no-transaction\n-- For x.\ncreate unique index concurrently if not exists t_a on t\n    (a);\n";
        let file = File::new("0200_index", text).unwrap();

        assert_eq!(file.index.as_deref(), Some("t_a"));
        assert!(file.postgres.no_tx && !file.sqlite.no_tx);
        assert_eq!(file.postgres.checksum, file.sqlite.checksum);
        assert_eq!(
            file.sqlite.sql.as_str(),
            "-- no-transaction\n-- For x.\ncreate unique index if not exists t_a on t\n    (a);\n"
        );
    }

    #[test]
    fn a_file_outside_of_a_transaction_makes_one_index() {
        for other in [
            "create index concurrently t_a on t (a);",
            "create index if not exists t_a on t (a);",
            "create index concurrently if not exists t_a on t (a); create table u (b bigint);",
            "update t set a = 1;",
        ] {
            assert_eq!(concurrent_index(other), None, "{other}");
        }
        for file in &Migrations::released().list {
            assert_eq!(file.postgres.no_tx, file.index.is_some(), "{}", file.name);
        }
    }

    #[test]
    fn every_file_is_in_the_list_in_order() {
        let versions: Vec<i64> = Migrations::released()
            .list
            .iter()
            .map(File::version)
            .collect();
        assert_eq!(versions.len(), FILES.len());
        assert!(
            versions.is_sorted_by(|one, next| one < next),
            "{versions:?}"
        );
    }
}
