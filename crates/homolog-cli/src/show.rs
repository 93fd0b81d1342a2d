//! What a finished run is shown with: figures, report, explorer, and its export to other formats.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::Context;
use homolog_report::{EXPLORER_FILE, ExportFormat, Figure, REPORT_FILE, Run, Server, Theme};
use homolog_study::Progress;

use crate::args::{ExportArgs, ExportTo, FiguresArgs, ReportArgs, ServeArgs};
use crate::commands::print;
use crate::reporter::Reporter;

/// Folder of figures in a run folder.
const FIGURES: &str = "figures";

/// `homolog figures`
pub(crate) fn figures(args: &FiguresArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let run = Run::open(&args.folder)?;
    let theme = theme(args.theme.as_deref())?;
    let all = homolog_report::figures(&run);
    let chosen: Vec<Figure> = all.iter().filter(|figure| is_asked(figure, &args.only)).cloned().collect();
    let names = || all.iter().map(|figure| figure.name.as_str()).collect::<Vec<_>>().join(", ");
    for name in &args.only {
        if !chosen.iter().any(|figure| is_asked(figure, std::slice::from_ref(name))) {
            anyhow::bail!("this run has no figure `{name}`; it has {}", names());
        }
    }
    let drawn = if args.only.is_empty() {
        drawn(&args.folder, reporter, |folder, progress| homolog_report::draw_all(&chosen, &theme, folder, progress))?
    } else {
        drawn(&args.folder, reporter, |folder, progress| homolog_report::draw(&chosen, &theme, folder, progress))?
    };
    let n_files = drawn.len();
    print(&format!("{} figures ({n_files} files) in {}\n", chosen.len(), args.folder.join(FIGURES).display()))
}

/// Whether a figure is among those asked for, by its name or what it begins with; nothing asked for is all.
fn is_asked(figure: &Figure, only: &[String]) -> bool {
    only.is_empty() || only.iter().any(|name| figure.name == *name || figure.name.starts_with(&format!("{name}-")))
}

/// `homolog report`
pub(crate) fn report(args: &ReportArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let theme = theme(args.theme.as_deref())?;
    print(&made(&args.folder, &theme, reporter)?)
}

/// Figures, explorer and report of the run in `folder`, unless the report there is of these very tables; what to tell of them.
pub(crate) fn report_unless_current(folder: &Path, reporter: &Reporter) -> anyhow::Result<String> {
    if homolog_report::is_report_current(folder)? {
        return Ok(places(folder));
    }
    made(folder, &Theme::default(), reporter)
}

/// The report last: where it is, the rest is.
fn made(folder: &Path, theme: &Theme, reporter: &Reporter) -> anyhow::Result<String> {
    let run = Run::open(folder)?;
    homolog_report::forget_report(folder)?;
    let figures = homolog_report::figures(&run);
    drawn(folder, reporter, |folder, progress| homolog_report::draw_all(&figures, theme, folder, progress))?;
    let page = folder.join(EXPLORER_FILE);
    let explorer = page.parent().expect("the page lies in a folder");
    told(reporter, "explorer", "files", |progress| homolog_report::write_explorer(&run, explorer, progress))?;
    let drawn = figures
        .into_iter()
        .map(|figure| {
            let svg = homolog_report::svg(&figure, theme)?;
            Ok((figure, svg))
        })
        .collect::<Result<Vec<_>, homolog_report::Error>>()?;
    let report = folder.join(REPORT_FILE);
    homolog_report::write_report(&run, &drawn, &report)?;
    Ok(places(folder))
}

/// Where report, figures and explorer of a run are.
fn places(folder: &Path) -> String {
    let [report, figures, page] = [REPORT_FILE, FIGURES, EXPLORER_FILE].map(|file| folder.join(file));
    format!("Report: {}  figures: {}  every neuron: {}\n", report.display(), figures.display(), page.display())
}

/// Draws into the folder of figures, with progress.
fn drawn(
    run: &Path,
    reporter: &Reporter,
    draw: impl FnOnce(&Path, &homolog_report::Progress) -> Result<Vec<PathBuf>, homolog_report::Error>,
) -> anyhow::Result<Vec<PathBuf>> {
    let folder = run.join(FIGURES);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}; make the run folder writable", folder.display()))?;
    told(reporter, "figures", "figures", |progress| draw(&folder, progress))
}

/// Runs `work` with its progress told as `name`, in `unit`s.
fn told<T>(
    reporter: &Reporter,
    name: &str,
    unit: &'static str,
    work: impl FnOnce(&homolog_report::Progress) -> Result<T, homolog_report::Error>,
) -> anyhow::Result<T> {
    let has_begun = AtomicBool::new(false);
    let n_told = AtomicU64::new(0);
    let done = work(&|n_done, n| {
        if !has_begun.swap(true, Ordering::Relaxed) {
            Progress::begin(reporter, name, n, unit);
        }
        let before = n_told.fetch_max(n_done, Ordering::Relaxed);
        Progress::advance(reporter, n_done.saturating_sub(before));
        !Progress::is_cancelled(reporter)
    })?;
    if has_begun.into_inner() {
        Progress::end(reporter);
    }
    Ok(done)
}

fn theme(file: Option<&Path>) -> anyhow::Result<Theme> {
    Ok(file.map_or_else(|| Ok(Theme::default()), Theme::read)?)
}

/// `homolog export`
pub(crate) fn export(args: &ExportArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let (format, name) = match args.to {
        ExportTo::Csv => (ExportFormat::Csv, "csv"),
        ExportTo::Neuronpedia => (ExportFormat::Neuronpedia, "neuronpedia"),
        ExportTo::Gurnee => (ExportFormat::Gurnee, "gurnee"),
    };
    let output = args.output.clone().unwrap_or_else(|| args.folder.join("export").join(name));
    let written = homolog_report::export(&args.folder, format, &output, &|what| Progress::say(reporter, what))?;
    print(&format!("{} files, {} bytes in {}\n", written.n_files, written.n_bytes, output.display()))
}

/// `homolog serve`
pub(crate) fn serve(args: &ServeArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let server = Server::bind(&args.folder, args.port)?;
    print(&format!("{} shows {}; Ctrl-C ends it\n", server.url(), args.folder.display()))?;
    Ok(server.run(&|| Progress::is_cancelled(reporter))?)
}
