//! Progress on stderr: a bar with rate and time left on a terminal, else a line every 30 seconds.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use homolog_study::Progress;
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

/// Between lines where there is no terminal.
const INTERVAL: Duration = Duration::from_secs(30);

/// Draws one bar at a time.
pub(crate) struct Bars {
    is_terminal: bool,
    work: Mutex<Option<Work>>,
}

struct Work {
    bar: ProgressBar,
    name: String,
    unit: &'static str,
    last_line: Instant,
}

impl Bars {
    pub(crate) fn new() -> Self {
        Self { is_terminal: std::io::stderr().is_terminal(), work: Mutex::new(None) }
    }

    fn with_work(&self, act: impl FnOnce(&mut Work)) {
        let mut work = self.work.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(work) = work.as_mut() {
            act(work);
        }
    }
}

impl Work {
    fn line(&self) -> String {
        let (done, total) = (self.bar.position(), self.bar.length().unwrap_or(0));
        let percent = 100 * done / total.max(1);
        let rate = self.bar.per_sec();
        format!("{}: {percent} %, {rate:.0} {}/s, {} left", self.name, self.unit, HumanDuration(self.bar.eta()))
    }
}

impl Progress for Bars {
    fn begin(&self, work: &str, total: u64, unit: &'static str) {
        let bar = if self.is_terminal {
            let template = format!("{{msg}} {{wide_bar}} {{percent}} %  {{per_sec}} {unit}/s  {{eta}} left");
            let style = ProgressStyle::with_template(&template).expect("a fixed template").with_key(
                "per_sec",
                |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
                    let _ = write!(out, "{:.0}", state.per_sec());
                },
            );
            ProgressBar::new(total).with_style(style).with_message(work.to_owned())
        } else {
            ProgressBar::hidden()
        };
        bar.set_length(total);
        let work = Work { bar, name: work.to_owned(), unit, last_line: Instant::now() };
        *self.work.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(work);
    }

    fn advance(&self, n: u64) {
        let is_terminal = self.is_terminal;
        self.with_work(|work| {
            work.bar.inc(n);
            if !is_terminal && work.last_line.elapsed() >= INTERVAL {
                work.last_line = Instant::now();
                eprintln!("{}", work.line());
            }
        });
    }

    fn end(&self) {
        self.with_work(|work| {
            work.bar.finish_and_clear();
            let seconds = work.bar.elapsed().as_secs_f64();
            let rate = work.bar.position() as f64 / seconds.max(1e-9);
            eprintln!("{}: {seconds:.1} s, {rate:.0} {}/s", work.name, work.unit);
        });
    }

    fn say(&self, line: &str) {
        self.with_work(|work| work.bar.suspend(|| ()));
        eprintln!("{line}");
    }
}
