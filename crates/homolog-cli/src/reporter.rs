//! What stderr tells: a bar with rate and time left on a terminal, else a line every 30 seconds, or JSON; and the run's log.

use std::fs::{self, File};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use homolog_study::Progress;
use homolog_train::Watch;
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::args::{GlobalArgs, LogFormat};
use crate::signals;

/// Between lines where there is no terminal.
const INTERVAL: Duration = Duration::from_secs(30);
/// Work shorter than this leaves no line behind.
const WORTH_A_LINE: Duration = Duration::from_millis(500);

/// Tells of one piece of work at a time.
pub(crate) struct Reporter {
    is_quiet: bool,
    format: LogFormat,
    is_terminal: bool,
    work: Mutex<Option<Work>>,
    log: Mutex<Log>,
    has_said_it_stops: AtomicBool,
}

struct Work {
    bar: ProgressBar,
    name: String,
    /// How it stands, where somebody says so.
    note: String,
    unit: &'static str,
    last_line: Instant,
}

/// `logs/START-PID.jsonl` of a run folder: begun once a run claims the folder, so that a command which does nothing or fails before leaves
/// nothing in it.
enum Log {
    Waiting(Vec<Value>),
    File(File),
    /// It cannot be written.
    None,
}

impl Reporter {
    pub(crate) fn new(args: &GlobalArgs) -> Self {
        Self {
            is_quiet: args.quiet,
            format: args.log_format,
            is_terminal: std::io::stderr().is_terminal(),
            work: Mutex::new(None),
            log: Mutex::new(Log::Waiting(Vec::new())),
            has_said_it_stops: AtomicBool::new(false),
        }
    }

    /// The last line of a run that failed.
    pub(crate) fn error(&self, message: &str) {
        let event = json!({ "event": "error", "message": message });
        self.to_log(&event);
        match self.format {
            LogFormat::Json => eprintln!("{}", stamped(event)),
            LogFormat::Text => {
                let style = anstyle::AnsiColor::Red.on_default().bold();
                anstream::eprintln!("{style}error{style:#}: {message}");
            }
        }
    }

    /// A line for people, or an event for programs; both also to the log.
    fn tell(&self, line: &str, event: Value) {
        self.to_log(&event);
        if self.is_quiet {
            return;
        }
        match self.format {
            LogFormat::Json => eprintln!("{}", stamped(event)),
            LogFormat::Text => anstream::eprintln!("{line}"),
        }
    }

    /// A log that cannot be written is no reason to stop a study.
    fn to_log(&self, event: &Value) {
        let mut log = lock(&self.log);
        let event = stamped(event.clone());
        match &mut *log {
            Log::Waiting(events) => events.push(event),
            Log::File(file) => {
                let _ = writeln!(file, "{event}");
            }
            Log::None => {}
        }
    }
}

impl Work {
    fn title(&self) -> String {
        if self.note.is_empty() { self.name.clone() } else { format!("{} ({})", self.name, self.note) }
    }

    fn event(&self, event: &str, rate: f64) -> Value {
        json!({
            "event": event,
            "work": self.name,
            "note": self.note,
            "done": self.bar.position(),
            "total": self.bar.length(),
            "unit": self.unit,
            "per_second": rate,
            "seconds": self.bar.elapsed().as_secs_f64(),
            "seconds_left": self.bar.eta().as_secs_f64(),
        })
    }
}

impl Progress for Reporter {
    fn begin(&self, work: &str, total: u64, unit: &'static str) {
        let has_bar = self.is_terminal && !self.is_quiet && self.format == LogFormat::Text;
        let bar = if has_bar {
            let template = format!("{{msg}} {{wide_bar}} {{percent}} %  {{per_sec}} {unit}/s  {{eta}} left");
            let style = ProgressStyle::with_template(&template).expect("a fixed template").with_key(
                "per_sec",
                |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
                    let _ = out.write_str(&rate_text(state.per_sec()));
                },
            );
            ProgressBar::new(total).with_style(style).with_message(work.to_owned())
        } else {
            ProgressBar::hidden()
        };
        bar.set_length(total);
        self.to_log(&json!({ "event": "begin", "work": work, "total": total, "unit": unit }));
        *lock(&self.work) =
            Some(Work { bar, name: work.to_owned(), note: String::new(), unit, last_line: Instant::now() });
    }

    fn advance(&self, n: u64) {
        let mut work = lock(&self.work);
        let Some(work) = work.as_mut() else { return };
        work.bar.inc(n);
        let is_drawn = self.is_terminal && self.format == LogFormat::Text;
        if !is_drawn && work.last_line.elapsed() >= INTERVAL {
            work.last_line = Instant::now();
            let (done, total) = (work.bar.position(), work.bar.length().unwrap_or(0));
            let (percent, rate) = (100 * done / total.max(1), work.bar.per_sec());
            let left = HumanDuration(work.bar.eta());
            let line = format!("{}: {percent} %, {} {}/s, {left} left", work.title(), rate_text(rate), work.unit);
            self.tell(&line, work.event("progress", rate));
        }
    }

    fn end(&self) {
        let Some(work) = lock(&self.work).take() else { return };
        work.bar.finish_and_clear();
        let elapsed = work.bar.elapsed();
        let rate = work.bar.position() as f64 / elapsed.as_secs_f64().max(1e-9);
        let event = work.event("end", rate);
        if elapsed < WORTH_A_LINE && self.format == LogFormat::Text {
            self.to_log(&event);
        } else {
            let line = format!("{}: {:.1} s, {} {}/s", work.title(), elapsed.as_secs_f64(), rate_text(rate), work.unit);
            self.tell(&line, event);
        }
    }

    fn say(&self, line: &str) {
        let event = json!({ "event": "message", "message": line });
        match lock(&self.work).as_ref() {
            Some(work) => work.bar.suspend(|| self.tell(line, event)),
            None => self.tell(line, event),
        }
    }

    fn begin_run(&self, run_dir: &Path) {
        let folder = run_dir.join("logs");
        let name = format!("{}-{}.jsonl", seconds() as u64, std::process::id());
        let open = || {
            fs::create_dir_all(&folder)?;
            File::options().create(true).append(true).open(folder.join(name))
        };
        let mut log = lock(&self.log);
        let waiting = std::mem::replace(&mut *log, open().map_or(Log::None, Log::File));
        if let (Log::File(file), Log::Waiting(events)) = (&mut *log, waiting) {
            for event in events {
                let _ = writeln!(file, "{event}");
            }
        }
    }

    fn is_cancelled(&self) -> bool {
        let is_cancelled = signals::received().is_some();
        // Not under the lock of `work`: whoever asks may hold nothing.
        if is_cancelled && !self.has_said_it_stops.swap(true, Ordering::Relaxed) {
            let line = "stopping after the work at hand; again to stop at once";
            self.tell(line, json!({ "event": "message", "message": line }));
        }
        is_cancelled
    }
}

/// A training is told of as a study is.
impl Watch for Reporter {
    fn begin(&self, work: &str, total: u64, unit: &'static str) {
        Progress::begin(self, work, total, unit);
    }

    fn advance(&self, n: u64) {
        Progress::advance(self, n);
    }

    fn note(&self, status: &str) {
        if let Some(work) = lock(&self.work).as_mut() {
            status.clone_into(&mut work.note);
            work.bar.set_message(work.title());
        }
    }

    fn end(&self) {
        Progress::end(self);
    }

    fn say(&self, line: &str) {
        Progress::say(self, line);
    }

    fn begin_family(&self, folder: &Path) {
        self.begin_run(folder);
    }

    fn is_cancelled(&self) -> bool {
        Progress::is_cancelled(self)
    }
}

/// With a digit after the point where there would be one before it.
fn rate_text(rate: f64) -> String {
    if rate < 10.0 { format!("{rate:.1}") } else { format!("{rate:.0}") }
}

fn stamped(mut event: Value) -> Value {
    event["unix_seconds"] = json!(seconds());
    event
}

fn seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// A panic elsewhere must not silence the rest.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
