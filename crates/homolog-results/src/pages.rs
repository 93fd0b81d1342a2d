//! Where what shows a run lies in its folder. It is made of the tables, after them, and means nothing without them.

/// The report in a run folder, which is written last: where it is, the rest is.
pub const REPORT_FILE: &str = "report.html";
/// The page of every neuron.
pub const EXPLORER_FILE: &str = "explorer/index.html";
