//! scratch
use std::path::Path;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let run = homolog_report::Run::open(Path::new(&args[1])).unwrap();
    let theme = homolog_report::Theme::default();
    for figure in homolog_report::figures(&run) {
        if let Err(error) = homolog_report::write(&figure, &theme, Path::new(&args[2])) {
            println!("{}: {error}", figure.name);
        }
    }
}
