//! Figures, the report and the explorer of a finished run.
//!
//! Reads a run folder's tables, tensors and manifest through homolog-results and nothing else: no model, no study. It computes layout and
//! bins; every other number that it shows is in a file of the run.

mod figure;

pub use figure::{
    Channel, Color, ColorKind, ColorScale, Column, Data, Facet, Figure, Format, Mark, Scale, ScaleKind, Shape, Values,
    Width,
};
