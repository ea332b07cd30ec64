//! Databases as text.

use std::process::Command;

use sqlx::AssertSqlSafe;

use crate::harness::{Connection, Database};

/// The part of a file's name that says of which kind of database it is.
pub(super) fn kind(database: &Database) -> &'static str {
    if database.is_postgres() {
        "postgres"
    } else {
        "sqlite"
    }
}

/// SQL that makes the tables and their rows anew.
pub(super) async fn dump(database: &Database) -> String {
    if kind(database) == "sqlite" {
        return dump_sqlite(database).await;
    }
    let options = ["--no-owner", "--no-privileges", "--rows-per-insert=1000"];
    let done = Command::new("pg_dump")
        .args(options)
        .arg(&database.url)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    let text = String::from_utf8(done.stdout).unwrap();
    // Those with a backslash are for the program psql.
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("--") && !line.starts_with('\\'));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The names of all tables, in the order in which they were made on SQLite.
pub(super) async fn tables(database: &Database) -> Vec<String> {
    let list = if kind(database) == "sqlite" {
        "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by rowid"
    } else {
        "select tablename::text from pg_tables where schemaname = 'public'"
    };
    strings(database, list).await
}

pub(super) async fn is_empty(database: &Database, table: &str) -> bool {
    let sql = format!("select 'a row' from {table} limit 1");
    strings(database, &sql).await.is_empty()
}

async fn dump_sqlite(database: &Database) -> String {
    let mut text = "pragma foreign_keys = off;\n".to_owned();
    for table in tables(database).await {
        let sql = format!("select sql from sqlite_master where name = '{table}'");
        text += &format!("{};\n", strings(database, &sql).await.concat());
        let columns = format!("select name from pragma_table_info('{table}') order by cid");
        let columns = strings(database, &columns).await;
        let values = columns.iter().map(|name| format!("quote({name})"));
        let values = values.collect::<Vec<_>>().join(" || ', ' || ");
        let rows = format!("select {values} from {table} order by rowid");
        for row in strings(database, &rows).await {
            let columns = columns.join(", ");
            text += &format!("insert into {table} ({columns}) values ({row});\n");
        }
    }
    let rest =
        "select sql from sqlite_master where type <> 'table' and sql is not null order by rowid";
    for sql in strings(database, rest).await {
        text += &format!("{sql};\n");
    }
    text
}

/// Tables, columns, constraints and indexes, whatever the order in which they were made.
pub(super) async fn schema(database: &Database) -> Vec<String> {
    let sql = if kind(database) == "sqlite" {
        "select m.name || '.' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' || c.pk || ' ' || coalesce(c.dflt_value, '')
           from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table'
         union all
         select m.name || ' -> ' || f.\"table\" || '.' || f.\"to\" || ' ' || f.\"from\" || ' ' || f.on_delete
           from sqlite_master m, pragma_foreign_key_list(m.name) f where m.type = 'table'
         union all
         select m.name || ' ' || i.name || ' ' || i.\"unique\" || ' ' || coalesce(s.sql, (select group_concat(x.name) from pragma_index_info(i.name) x))
           from sqlite_master m, pragma_index_list(m.name) i left join sqlite_master s on s.name = i.name where m.type = 'table'
         order by 1"
    } else {
        "select format('%s.%s %s %s %s %s', table_name, column_name, data_type, is_nullable, collation_name, column_default)
           from information_schema.columns where table_schema = 'public'
         union all
         select format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
           from pg_constraint where connamespace = 'public'::regnamespace
         union all
         select indexdef from pg_indexes where schemaname = 'public'
         order by 1"
    };
    strings(database, sql).await
}

async fn strings(database: &Database, sql: &str) -> Vec<String> {
    let query = AssertSqlSafe(sql.to_owned());
    match database.connect().await {
        Connection::Postgres(mut it) => sqlx::query_scalar(query).fetch_all(&mut it).await,
        Connection::Sqlite(mut it) => sqlx::query_scalar(query).fetch_all(&mut it).await,
    }
    .unwrap()
}
