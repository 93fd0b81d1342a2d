//! What a study computes with, in words: precisions and instruction set.

use homolog_model::{Isa, Precision};

use crate::StudyConfig;

/// A sentence for the summary.
pub(crate) fn sentence(config: &StudyConfig, isa: Isa) -> String {
    let (correlation, losses) = (config.correlation.precision, config.ablation.precision);
    format!("Correlations in {correlation}, losses in {losses}, with {isa}")
}

/// What to do where the CPU gains nothing from the precision that was asked for; nothing where all is well.
pub(crate) fn advice(config: &StudyConfig, isa: Isa) -> Option<String> {
    let precisions = [("correlation", config.correlation.precision), ("ablation", config.ablation.precision)];
    let lower: Vec<_> = precisions.into_iter().filter(|(_, precision)| *precision != Precision::F32).collect();
    if lower.is_empty() || isa.has_bf16_units() {
        return None;
    }
    let settings: Vec<String> =
        lower.iter().map(|(section, precision)| format!("{section}.precision = {precision}")).collect();
    let cost = if lower.iter().any(|(_, precision)| *precision == Precision::Bf16x3) {
        "bf16x3 takes three times the products of f32"
    } else {
        "bf16 is no faster than f32"
    };
    Some(format!(
        "no bf16 units are in use ({isa}), so {} is computed by the f32 kernels on rounded operands: {cost}; f32 is the fast choice here, \
         and the exact one",
        settings.join(" and ")
    ))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn config(settings: &[&str]) -> StudyConfig {
        let text = "[study]\nname = \"s\"\n[[model]]\nname = \"a\"\npath = \"a\"\n[[model]]\nname = \"b\"\npath = \"b\"\n[corpus]\n\
                    token_file = \"t.u16\"\ncontext = 8\n";
        let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
        StudyConfig::parse(text, Path::new("study.toml"), &settings).expect("a study")
    }

    #[test]
    fn a_precision_without_units_is_advised_against() {
        assert_eq!(advice(&config(&[]), Isa::Avx2), None);
        let both = config(&["correlation.precision=bf16", "ablation.precision=bf16x3"]);
        assert_eq!(advice(&both, Isa::Amx), None);
        let told = advice(&both, Isa::Avx2).expect("advice");
        for word in ["avx2", "correlation.precision = bf16 and ablation.precision = bf16x3", "three times", "f32 is"] {
            assert!(told.contains(word), "no {word} in {told}");
        }
        let told = advice(&config(&["correlation.precision=bf16"]), Isa::Avx512).expect("advice");
        assert!(told.contains("no faster") && !told.contains("ablation"), "{told}");
        assert_eq!(sentence(&both, Isa::Amx), "Correlations in bf16, losses in bf16x3, with amx");
    }
}
