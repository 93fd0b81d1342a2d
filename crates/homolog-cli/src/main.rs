//! The `homolog` command.
fn main() {}
