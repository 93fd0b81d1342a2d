//! Figures, the report and the explorer of a finished run.
//!
//! Reads a run folder's tables, tensors and manifest through homolog-results and nothing else: no model, no study. It computes layout and
//! bins; every other number that it shows is in a file of the run.

mod bundle;
mod error;
mod figure;
mod figures;
mod hexbin;
mod run;
#[cfg(test)]
mod test_run;

pub use error::Error;
pub use figure::{
    Channel, Color, ColorKind, ColorScale, Column, Data, Facet, Figure, Format, Mark, Scale, ScaleKind, Shape, Values,
    Width,
};
pub use figures::figures;
pub use hexbin::{Bin, HexGrid};
pub use run::Run;
