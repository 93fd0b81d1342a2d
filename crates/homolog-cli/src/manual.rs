//! Pages of the manual, in the format of `man`, from the definition of the command line.
//!
//! What stands below a command's options in `--help` is laid out here: clap_mangen would fill its examples into paragraphs.

use std::io;

use clap::Command;
use clap_mangen::{
    Man,
    roff::{Roff, roman},
};

/// A page: `homolog-run.1` and its text.
pub(crate) struct Page {
    pub(crate) file_name: String,
    pub(crate) text: Vec<u8>,
}

/// The page of the command, then one of every subcommand that is not hidden.
pub(crate) fn pages(command: Command) -> io::Result<Vec<Page>> {
    // `homolog help run` is `homolog run --help`, and gets no page.
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let subcommands = command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set());
    std::iter::once(&command).chain(subcommands).map(|each| page(each, &command)).collect()
}

fn page(command: &Command, root: &Command) -> io::Result<Page> {
    let version = root.get_version().unwrap_or_default();
    let source = format!("{} {version}", root.get_name());
    // An empty date would be left out, and the rest taken for it.
    let man = Man::new(command.clone()).date(" ").source(source).manual("Homolog");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    let mut roff = Roff::new();
    if let Some(help) = command.get_after_help() {
        examples(&mut roff, &help.to_string());
    }
    if command.get_name() != root.get_name() {
        roff.control("SH", ["SEE ALSO"]).text([roman(format!("{}(1)", root.get_name()))]);
    }
    roff.to_writer(&mut text)?;
    Ok(Page { file_name: man.get_filename(), text })
}

/// A line at the margin that ends in a colon is a heading, any other there a paragraph; what is indented keeps its lines.
fn examples(roff: &mut Roff, help: &str) {
    let mut lines = help.lines().filter(|line| !line.is_empty()).peekable();
    let is_verbatim = |line: &&str| line.starts_with(' ');
    while let Some(line) = lines.next() {
        if is_verbatim(&line) {
            roff.control("nf", []).text([roman(line)]);
            while let Some(line) = lines.next_if(is_verbatim) {
                roff.text([roman(line)]);
            }
            roff.control("fi", []);
        } else if let Some(heading) = line.strip_suffix(':') {
            roff.control("SH", [heading.to_uppercase().as_str()]);
        } else {
            roff.control("PP", []).text([roman(line)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Args;

    #[test]
    fn every_command_has_a_page_with_what_its_help_says() {
        let pages = pages(Args::command()).expect("written to memory");
        let names: Vec<&str> = pages.iter().map(|page| page.file_name.as_str()).collect();
        let wanted: Vec<String> = Args::command()
            .get_subcommands()
            .filter(|subcommand| !subcommand.is_hide_set())
            .map(|subcommand| format!("homolog-{}.1", subcommand.get_name()))
            .collect();
        assert_eq!(names[0], "homolog.1");
        assert_eq!(names[1..], wanted);
        assert!(wanted.len() > 5 && wanted.contains(&"homolog-run.1".to_owned()), "{wanted:?}");
        for page in &pages {
            let text = str::from_utf8(&page.text).expect("utf-8");
            for section in [".TH", ".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION", ".SH OPTIONS", r"\-\-threads"] {
                assert!(text.contains(section), "{}: no {section}", page.file_name);
            }
            assert_eq!(text.matches("\n.nf\n").count(), text.matches("\n.fi\n").count(), "{}", page.file_name);
        }
        let run = pages.iter().find(|page| page.file_name == "homolog-run.1").expect("a page of run");
        let run = str::from_utf8(&run.text).expect("utf-8");
        assert!(run.contains(".SH EXAMPLES\n.nf\n  homolog run study.toml "), "{run}");
        assert!(run.contains(".SH \"A STUDY FILE\"\n.nf\n  [study]\n"), "{run}");
        assert!(run.contains(".fi\n.PP\nEvery other setting has a default;"), "{run}");
        assert!(!names.contains(&"homolog-help.1"));
    }

    #[test]
    fn only_what_is_indented_keeps_its_lines() {
        let mut roff = Roff::new();
        examples(&mut roff, "Examples:\n  one\n  two\n\nA paragraph.\nAnother.\n\nmine.csv:\n  3,1");
        let wanted =
            ".SH EXAMPLES\n.nf\n  one\n  two\n.fi\n.PP\nA paragraph.\n.PP\nAnother.\n.SH MINE.CSV\n.nf\n  3,1\n.fi\n";
        assert_eq!(roff.to_roff(), wanted);
    }
}
