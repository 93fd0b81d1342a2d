//! Figures, the report and the explorer of a finished run.
//!
//! Reads a run folder's tables, tensors and manifest through homolog-results and nothing else: no model, no study. It computes layout and
//! bins; every other number that it shows is in a file of the run.

mod bundle;
mod check;
mod csv;
mod draw;
mod error;
mod evidence_words;
mod explorer;
mod export;
mod figure;
mod figures;
mod files;
mod font;
mod hexbin;
mod impact_words;
mod null_words;
mod numbers;
mod pdf;
mod png;
mod progress;
mod report;
mod rows;
mod rule_words;
mod run;
mod serve;
mod svg;
#[cfg(test)]
mod test_run;
mod theme;
mod vega_lite;

pub use csv::csv;
pub use draw::{draw, draw_all};
pub use error::Error;
pub use explorer::{Written, write_explorer};
pub use export::{ExportFormat, export};
pub use figure::{
    Channel, Color, ColorKind, ColorScale, Column, Data, Facet, Figure, Format, Mark, Scale, ScaleKind, Shape, Values,
    Width,
};
pub use figures::figures;
pub use hexbin::{Bin, HexGrid};
pub use homolog_results::{EXPLORER_FILE, REPORT_FILE};
pub use progress::Progress;
pub use report::{forget_report, is_report_current, write_report};
pub use run::Run;
pub use serve::Server;
pub use svg::svg;
pub use theme::Theme;
pub use vega_lite::vega_lite;
