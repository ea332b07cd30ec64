//! The shell lines of a page of the docs, by section.

use std::fs;

/// A block of shell, and the text before it.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) before: String,
    /// Each a whole command: a line that ends with `\` goes on.
    pub(super) lines: Vec<String>,
}

impl Block {
    /// Whether the page says that each server does it.
    pub(super) fn is_for_each(&self) -> bool {
        self.before.contains("each server")
    }
}

/// The blocks below a heading, up to the next one.
pub(super) fn blocks(page: &str, heading: &str) -> Vec<Block> {
    blocks_in(&fs::read_to_string(page).unwrap(), heading)
}

fn blocks_in(text: &str, heading: &str) -> Vec<Block> {
    let mut lines = text.lines().skip_while(|line| *line != heading).skip(1);
    let (mut blocks, mut before) = (Vec::new(), String::new());
    while let Some(line) = lines.next() {
        match line.trim() {
            heading if heading.starts_with("##") => break,
            "```sh" => {
                let inside = lines.by_ref().map(str::trim);
                let inside: Vec<_> = inside.take_while(|line| *line != "```").collect();
                blocks.push(Block {
                    before: std::mem::take(&mut before),
                    lines: commands(&inside),
                });
            }
            text => before = before + text + "\n",
        }
    }
    assert!(!blocks.is_empty(), "no shell below {heading}");
    blocks
}

fn commands(lines: &[&str]) -> Vec<String> {
    let joined = lines.join("\n").replace("\\\n", " ");
    joined.lines().map(str::to_owned).collect()
}

#[test]
fn blocks_are_those_of_the_section_with_whole_commands() {
    let text = "## A\n```sh\na\n```\n## B\nOn each server:\n\n   ```sh\n   b 1 \\\n       2\n   c\n   ```\n\nmore\n\n```sh\nd\n```\n```ini\n```\n## C\n";
    let found = blocks_in(text, "## B");
    let lines: Vec<_> = found.iter().map(|it| it.lines.clone()).collect();
    assert_eq!(lines, [vec!["b 1  2", "c"], vec!["d"]]);
    assert_eq!(
        (found[0].is_for_each(), found[1].is_for_each()),
        (true, false)
    );
}
