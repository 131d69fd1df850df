//! `wasmime manual`: the manual as man pages, one for each command and one for
//! the configuration.

use std::fs;
use std::io;
use std::path::Path;

use clap::CommandFactory as _;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli;
use crate::exit::{Failure, Status};

/// What wasmime.toml(5) says; written by hand. The other pages bear its date.
const CONFIGURATION: &str = include_str!("../../../packaging/man/wasmime.toml.5");

/// Writes all pages into a folder, which is made if it is missing.
pub fn run(arguments: &cli::Manual) -> Result<Status, Failure> {
    let folder = &arguments.folder;
    let mut command = cli::Arguments::command().disable_help_subcommand(true);
    command.build();
    fs::create_dir_all(folder)
        .and_then(|()| commands(&command, folder))
        .and_then(|()| fs::write(folder.join("wasmime.toml.5"), CONFIGURATION))
        .map_err(|error| Failure::new(Status::Failed, format!("{} cannot be written: {error}", folder.display())))?;
    Ok(Status::Ok)
}

/// Writes the page of a command and those of its subcommands.
fn commands(command: &clap::Command, folder: &Path) -> io::Result<()> {
    let page = Man::new(command.clone())
        .date(CONFIGURATION.lines().find_map(|line| line.strip_prefix(".Dd ")).unwrap_or_default())
        .source(concat!("wasmime ", env!("CARGO_PKG_VERSION")))
        .manual("Wasmime");
    fs::write(folder.join(page.get_filename()), render(&page, command)?)?;
    command.get_subcommands().try_for_each(|subcommand| commands(subcommand, folder))
}

fn render(page: &Man, command: &clap::Command) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if command.has_subcommands() {
        page.render_subcommands_section(&mut text)?;
    }
    if command.get_after_help().is_some() {
        let mut notes = Vec::new();
        page.render_extra_section(&mut notes)?;
        // The library calls it by a name that no other manual has.
        text.extend(String::from_utf8_lossy(&notes).replacen(".SH EXTRA", ".SH NOTES", 1).bytes());
    }
    see_also(command).to_writer(&mut text)?;
    Ok(text)
}

/// Points to the program's own page, the configuration and the subcommands.
fn see_also(command: &clap::Command) -> Roff {
    let own = command.get_display_name().unwrap_or(command.get_name());
    let mut pages = vec![("wasmime".to_owned(), 1), ("wasmime.toml".to_owned(), 5)];
    pages.extend(command.get_subcommands().map(|sub| (sub.get_display_name().unwrap_or_default().to_owned(), 1)));
    pages.retain(|(name, _)| name != own);
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]);
    let mut line = Vec::new();
    for (name, section) in pages {
        if !line.is_empty() {
            line.push(roman(", "));
        }
        line.extend([bold(name), roman(format!("({section})"))]);
    }
    roff.text(line);
    roff
}
