//! What docs/secret-scanners.md gives to scanners for leaked secrets is right for the secrets that this server makes.

use std::fs;
use std::process::Command;

use tempfile::TempDir;
use token_server::domain::GeneratedSecret;

use super::{ran, read};

const PAGE: &str = "docs/secret-scanners.md";

/// The first block of the page in a language.
fn block(language: &str) -> String {
    let page = read(PAGE);
    let (_, behind) = page.split_once(&format!("```{language}\n")).unwrap();
    behind.split("```\n").next().unwrap().to_owned()
}

/// The first vector is a secret, the second one is none.
fn vectors() -> [String; 2] {
    let page = read(PAGE);
    let find = |checksum: &str| {
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
        let mut rows = rows.filter_map(|row| row.split_once("` | "));
        let found = rows.find(|(_, judged)| *judged == format!("{checksum} |"));
        found.unwrap().0.to_owned()
    };
    [find("right"), find("wrong")]
}

/// How many of the lines `grep` finds by the pattern.
fn found(pattern: &str, lines: &[String]) -> usize {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("leaked");
    fs::write(&file, lines.join("\n") + "\n").unwrap();
    let (_, said) = ran(Command::new("grep").args(["-cE", pattern]).arg(file));
    said.trim().parse().unwrap()
}

#[test]
fn the_pattern_finds_every_generated_secret_in_any_text_and_nothing_longer() {
    let pattern = block("");
    let pattern = pattern.trim();
    let secrets: Vec<_> = (0..50).map(|_| GeneratedSecret::random()).collect();
    let plain: Vec<_> = secrets.iter().map(|it| it.plain.expose()).collect();
    let leaked = plain.iter().flat_map(|plain| {
        [
            (*plain).clone(),
            format!("CLIENT_SECRET=\"{plain}\""),
            format!("https://billing:{plain}@tokens.example.com/"),
        ]
    });
    assert_eq!(found(pattern, &leaked.collect::<Vec<_>>()), 150);
    let others = plain.iter().flat_map(|plain| {
        [
            format!("{plain}A"),
            format!("x{plain}"),
            plain[..60].to_owned(),
        ]
    });
    assert_eq!(found(pattern, &others.collect::<Vec<_>>()), 0);
    assert_eq!(found(pattern, &vectors()), 2);
}

#[test]
fn the_rules_of_the_scanners_have_the_pattern_of_the_page() {
    let pattern = block("");
    let bare = pattern.trim().trim_matches(['\\', 'b']);
    assert!(block("toml").contains(&format!("regex = '''{}'''", pattern.trim())));
    assert!(block("yaml").contains(&format!("secret: '\\b({bare})\\b'")));
    let [right, _] = vectors();
    assert!(right.starts_with("tks_EXAMPLE0") && block("toml").contains("'''tks_EXAMPLE0'''"));
}

#[test]
fn the_checksum_of_the_page_is_the_servers() {
    let [right, wrong] = vectors();
    assert!(GeneratedSecret::find_id(&right).is_some());
    assert!(GeneratedSecret::find_id(&wrong).is_none());

    let made = GeneratedSecret::random();
    let made = made.plain.expose();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("judge.py");
    fs::write(&file, block("python")).unwrap();
    let input = folder.path().join("input");
    let swapped = format!(
        "{}{}",
        &made[..55],
        made[55..].chars().rev().collect::<String>()
    );
    let texts = [&right, &wrong, made, &made[..60].to_owned(), &swapped];
    fs::write(&input, texts.map(|text| format!("{text}\n")).concat()).unwrap();
    let mut judge = Command::new("python3");
    let (is_done, said) = ran(judge.arg(&file).stdin(fs::File::open(&input).unwrap()));
    assert!(is_done, "{said}");
    let is_same = GeneratedSecret::find_id(&swapped).is_some();
    let expected =
        [true, false, true, false, is_same].map(|it| if it { "True\n" } else { "False\n" });
    assert_eq!(said, expected.concat());
}
