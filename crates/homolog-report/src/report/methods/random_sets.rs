//! Which random sets stand beside the universal one, by the rows that table `ablation` has.

use std::collections::{BTreeMap, BTreeSet};

use crate::Run;
use crate::numbers::listed;
use crate::report::findings::{LAYER_MATCHED, MATCHED, RANDOM};

/// How they were drawn, of which sizes and how often; plain text.
pub(super) fn sentence(run: &Run) -> String {
    // [(model, checkpoint, mode, kind)], with those of the universal sets that have no random ones beside them.
    let mut groups: BTreeMap<(&str, Option<i64>, &str, &str), BTreeSet<u32>> = BTreeMap::new();
    // Of the universal set's own size, where p-values take more, and of others.
    let mut draws: [BTreeSet<u32>; 2] = Default::default();
    // Runs of earlier versions have no matched sets.
    let has_matched = run.ablation.iter().any(|row| row.set == MATCHED);
    for row in &run.ablation {
        let kinds: &[&str] = match row.set.as_str() {
            "universal" => &[RANDOM, LAYER_MATCHED, MATCHED],
            RANDOM => &[RANDOM],
            LAYER_MATCHED => &[LAYER_MATCHED],
            MATCHED => &[MATCHED],
            _ => &[],
        };
        for &kind in kinds.iter().filter(|&&kind| kind != MATCHED || has_matched) {
            let group = groups.entry((&row.model, row.checkpoint, &row.mode, kind)).or_default();
            group.extend(row.multiple);
            if let (Some(draw), Some(multiple)) = (row.draw, row.multiple) {
                draws[usize::from(multiple != 1)].insert(draw);
            }
        }
    }
    let measured: BTreeSet<u32> = groups.values().flatten().copied().collect();
    if measured.is_empty() {
        return "No random sets stand beside the universal set.".to_owned();
    }
    let times: Vec<String> = measured.iter().map(u32::to_string).collect();
    let words = |n: usize| if n == 1 { "one draw".to_owned() } else { format!("{n} draws") };
    let n_draws = match draws.map(|draws| draws.len()) {
        [n, 0] => words(n),
        [of_same_size, n] if of_same_size > n => {
            format!("{} (up to {} of its own size, for p-values)", words(n), words(of_same_size))
        }
        [_, n] => words(n),
    };
    let matched = if has_matched { ", and matched to it within layers" } else { "" };
    let mut sentences = vec![format!(
        "Beside the universal set stand sets drawn without replacement from neurons that are not universal, of {} times its size, {n_draws} \
         each: from all layers, with as many neurons of each layer as the universal set has{matched}.",
        listed(&times)
    )];
    let configured = configured(run);
    if let Some(greatest) = configured.last().filter(|&greatest| measured.last() > Some(greatest)) {
        sentences.push(format!(
            "Multiples above {greatest} come from doubling, where as many times do less damage than the universal set, until they do as \
             much or there are no more neurons."
        ));
    }
    if groups.values().any(|multiples| !configured.is_subset(multiples)) {
        let lacking = "Not every universal set has all of them beside it: some would need more neurons than there are.";
        sentences.push(lacking.to_owned());
    }
    sentences.join(" ")
}

/// `ablation.multiples`, ascending.
fn configured(run: &Run) -> BTreeSet<u32> {
    let list = run.settings.table.get("ablation").and_then(|section| section.get("multiples"));
    let list = list.and_then(toml::Value::as_array).into_iter().flatten();
    list.filter_map(|value| value.as_integer().and_then(|multiple| u32::try_from(multiple).ok())).collect()
}
