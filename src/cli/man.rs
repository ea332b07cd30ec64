//! `man`: the manual pages, made from the same description of the commands as `--help`.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::output::Output;

/// What the program's own page says beside its help: a heading, and terms with their meaning.
const SECTIONS: [(&str, &[(&str, &str)]); 2] = [
    (
        "SIGNALS",
        &[
            (
                "SIGTERM, SIGINT",
                "Stop: requests in flight may end. The second one stops at once.",
            ),
            ("SIGHUP", "Read the certificate again."),
        ],
    ),
    (
        "FILES",
        &[
            (".env", "Settings, beside those in the environment."),
            (
                "/usr/share/doc/token-server/env.sample",
                "Every setting with its default and its meaning, where a package has put it.",
            ),
        ],
    ),
];

/// A page for the program and one for each command, as `token-server-client-create.1`.
pub(super) fn run(program: Command, folder: &Path) -> anyhow::Result<ExitCode> {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let written = fs::create_dir_all(folder)
        .and_then(|()| write_pages(&program, &sections_of_the_program(), folder));
    written.with_context(|| format!("cannot write manual pages into {}", folder.display()))?;
    Output::remark(&format!("the manual pages are in {}", folder.display()));
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
