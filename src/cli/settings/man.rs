//! `man`: the manual pages, made from the same description of the commands as `--help`.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli::output::Output;
use crate::config::describe_settings;

/// What the program's own page says beside its help: a heading, and terms with their meaning.
const SECTIONS: [(&str, &[(&str, &str)]); 2] = [
    (
        "SIGNALS",
        &[
            (
                "SIGTERM, SIGINT",
                "Stop, after the requests in flight. A second signal stops at once.",
            ),
            ("SIGHUP", "Read the certificate again."),
        ],
    ),
    (
        "FILES",
        &[
            (".env", "Settings; the environment takes precedence."),
            (
                "/usr/share/doc/token-server/env.sample",
                "Every setting with its default and its meaning, as installed by a package; see token-server.env(5).",
            ),
        ],
    ),
];

/// What the page of the settings says before them.
const SETTINGS: [&str; 3] = [
    "token-server reads its settings from the environment and from the file .env in its working directory, one NAME=value a line. \
     The environment takes precedence. This page shows the default after the name.",
    "A duration is in seconds, or a number with s, m, h or d. A size is in bytes, or a number with KiB, MiB or GiB.",
    "NAME_FILE names a file that contains the value of NAME. Set one of the two, not both.",
];

/// A page for the program, one for each command, as `token-server-client-create.1`, and `token-server.env.5`.
pub(in crate::cli) fn run(program: Command, folder: &Path) -> anyhow::Result<ExitCode> {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let written = fs::create_dir_all(folder)
        .and_then(|()| write_pages(&program, &sections_of_the_program(), folder))
        .and_then(|()| write_settings(folder));
    written.with_context(|| format!("cannot write manual pages into {}", folder.display()))?;
    Output::remark(&format!("wrote the manual pages into {}", folder.display()));
    Ok(ExitCode::SUCCESS)
}

/// The page of a command, which ends with `more`, and those of the commands below it.
fn write_pages(command: &Command, more: &Roff, folder: &Path) -> io::Result<()> {
    let man = Man::new(command.clone())
        .source(concat!("token-server ", env!("CARGO_PKG_VERSION")))
        .manual("token-server");
    let mut page = Vec::new();
    man.render(&mut page)?;
    more.to_writer(&mut page)?;
    fs::write(folder.join(man.get_filename()), page)?;
    let mut see_also = Roff::new();
    see_also.control("SH", ["SEE ALSO"]);
    see_also.text([bold("token-server"), roman("(1)")]);
    for command in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        write_pages(command, &see_also, folder)?;
    }
    Ok(())
}

/// The page of the settings.
fn write_settings(folder: &Path) -> io::Result<()> {
    let mut roff = Roff::new();
    let source = concat!("token-server ", env!("CARGO_PKG_VERSION"));
    roff.control("TH", ["token-server.env", "5", "", source, "token-server"]);
    roff.control("SH", ["NAME"]);
    roff.text([roman("token-server.env - the settings of token-server")]);
    roff.control("SH", ["DESCRIPTION"]);
    for paragraph in SETTINGS {
        roff.control("PP", []);
        roff.text([roman(paragraph)]);
    }
    let mut section = "";
    for setting in describe_settings() {
        if setting.section != section {
            section = setting.section;
            roff.control("SH", [section.to_uppercase().as_str()]);
        }
        roff.control("TP", []);
        roff.text([bold(setting.name), roman(format!("={}", setting.default))]);
        roff.text([roman(setting.text)]);
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text([bold("token-server"), roman("(1)")]);
    let mut page = Vec::new();
    roff.to_writer(&mut page)?;
    fs::write(folder.join("token-server.env.5"), page)
}

fn sections_of_the_program() -> Roff {
    let mut roff = Roff::new();
    for (heading, terms) in SECTIONS {
        roff.control("SH", [heading]);
        for (term, meaning) in terms {
            roff.control("TP", []);
            roff.text([bold(*term)]);
            roff.text([roman(*meaning)]);
        }
    }
    roff
}
