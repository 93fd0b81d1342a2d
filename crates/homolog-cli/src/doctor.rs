//! `homolog doctor`: what this machine has, how fast it is in each precision, and which to use.

use homolog_study::{Isa, Precision, product_speeds};

use crate::commands::print;
use crate::instruction_set;
use crate::memory::{self, gigabytes};
use crate::reporter::Reporter;
use crate::version;

/// A precision is worth its error if it is so many times as fast.
const WORTH_WHILE: f64 = 1.2;

/// `homolog doctor`
pub(crate) fn run(reporter: &Reporter) -> anyhow::Result<()> {
    let speeds = product_speeds(reporter)?;
    print(&report(&speeds))
}

fn report(speeds: &[(Precision, f64)]) -> String {
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    let total = memory::total().map_or("an unknown amount".into(), gigabytes);
    let mut lines = vec![
        format!("homolog  {} ({})", env!("CARGO_PKG_VERSION"), version::COMMIT),
        format!("cpu      {}", cpu_name()),
        format!("kernels  {}", in_use()),
    ];
    lines.extend(Isa::ALL.into_iter().rev().map(|isa| match isa.why_not() {
        None => format!("         {isa:<9} available"),
        Some(why) => format!("         {isa:<9} no: {why}"),
    }));
    lines.extend([
        format!("threads  {} of {n_cores} cores", rayon::current_num_threads()),
        format!(
            "memory   {total}; a study takes at most {} now, unless --memory says otherwise",
            gigabytes(memory::default_budget())
        ),
        String::new(),
        "| precision | max_corr within | loss within, nats | products, GFLOP/s | times f32 |".into(),
        "|---|---:|---:|---:|---:|".into(),
    ]);
    let of_f32 = speed_of(speeds, Precision::F32);
    lines.extend(speeds.iter().map(|&(precision, speed)| {
        let (corr, loss) = errors(precision);
        format!("| {precision} | {corr} | {loss} | {:.1} | {:.2} |", speed / 1e9, speed / of_f32)
    }));
    lines.extend([String::new(), recommendation(speeds, Isa::current())]);
    lines.join("\n") + "\n"
}

/// The set in use and why it is that one.
fn in_use() -> String {
    let isa = Isa::current();
    if instruction_set::is_chosen() {
        format!("{isa}, as {} says", instruction_set::VARIABLE)
    } else {
        format!("{isa}, the fastest that this process may use")
    }
}

/// How far results are from float64 at most: what the golden tests of homolog-study hold them to.
fn errors(precision: Precision) -> (&'static str, &'static str) {
    match precision {
        Precision::F32 => ("1e-5", "1e-5"),
        Precision::Bf16x3 => ("5e-5", "2e-5"),
        Precision::Bf16 => ("2e-3", "2e-4"),
    }
}

fn speed_of(speeds: &[(Precision, f64)], precision: Precision) -> f64 {
    speeds.iter().find(|(other, _)| *other == precision).expect("every precision is timed").1
}

fn recommendation(speeds: &[(Precision, f64)], isa: Isa) -> String {
    let [f32, split, rounded] = Precision::ALL.map(|precision| speed_of(speeds, precision));
    if !isa.has_bf16_units() {
        return format!(
            "Leave both precisions at f32: {isa} has no bf16 units, so the others are computed by the f32 kernels on rounded operands, \
             which gains nothing."
        );
    }
    let mut advice = match split / f32 {
        gain if gain >= WORTH_WHILE => format!(
            "Set correlation.precision and ablation.precision to \"bf16x3\": {gain:.1} times the products of f32, and hardly less exact."
        ),
        gain => {
            format!("Leave ablation.precision at f32: bf16x3 is no gain here ({gain:.1} times the products of f32).")
        }
    };
    let gain = rounded / split.max(f32);
    if gain >= WORTH_WHILE {
        let rounded = format!(
            " Where 2e-3 in a correlation is exact enough, set correlation.precision to \"bf16\": {gain:.1} times as fast again."
        );
        advice.push_str(&rounded);
    }
    advice
}

/// As the system calls it.
fn cpu_name() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speeds(split: f64, rounded: f64) -> Vec<(Precision, f64)> {
        vec![(Precision::F32, 100e9), (Precision::Bf16x3, split * 1e9), (Precision::Bf16, rounded * 1e9)]
    }

    #[test]
    fn advice_follows_the_speeds() {
        let of = |split, rounded| recommendation(&speeds(split, rounded), Isa::Amx);
        assert!(of(290.0, 900.0).contains("\"bf16x3\": 2.9 times") && of(290.0, 900.0).contains("\"bf16\": 3.1 times"));
        assert!(!of(290.0, 300.0).contains("\"bf16\""));
        assert!(
            of(110.0, 300.0).starts_with("Leave ablation.precision at f32") && of(110.0, 300.0).contains("\"bf16\"")
        );
        assert!(recommendation(&speeds(290.0, 900.0), Isa::Avx512).starts_with("Leave both precisions at f32: avx512"));
    }

    #[test]
    fn the_report_has_a_line_for_everything() {
        let report = report(&speeds(33.0, 98.0));
        for word in
            ["cpu      ", "portable  available", "threads  ", "memory   ", "| bf16x3 | 5e-5 | 2e-5 | 33.0 | 0.33 |"]
        {
            assert!(report.contains(word), "no {word} in\n{report}");
        }
    }
}
