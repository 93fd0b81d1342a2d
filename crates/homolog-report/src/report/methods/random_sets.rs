//! Which random sets stand beside the universal one, by the rows that table `ablation` has.

use std::collections::{BTreeMap, BTreeSet};

use crate::Run;
use crate::numbers::listed;
use crate::report::findings::{LAYER_MATCHED, RANDOM};

/// How they were drawn, of which sizes and how often; plain text.
pub(super) fn sentence(run: &Run) -> String {
    // [(model, checkpoint, mode, kind)], with those of the universal sets that have no random ones beside them.
    let mut groups: BTreeMap<(&str, Option<i64>, &str, &str), BTreeSet<u32>> = BTreeMap::new();
    let mut draws = BTreeSet::new();
    for row in &run.ablation {
        let kinds: &[&str] = match row.set.as_str() {
            "universal" => &[RANDOM, LAYER_MATCHED],
            RANDOM => &[RANDOM],
            LAYER_MATCHED => &[LAYER_MATCHED],
            _ => &[],
        };
        for &kind in kinds {
            let group = groups.entry((&row.model, row.checkpoint, &row.mode, kind)).or_default();
            group.extend(row.multiple);
            draws.extend(row.draw.filter(|_| row.multiple.is_some()));
        }
    }
    let measured: BTreeSet<u32> = groups.values().flatten().copied().collect();
    if measured.is_empty() {
        return "No random sets stand beside the universal set.".to_owned();
    }
    let times: Vec<String> = measured.iter().map(u32::to_string).collect();
    let n_draws = match draws.len() {
        1 => "one draw".to_owned(),
        n => format!("{n} draws"),
    };
    let mut sentences = vec![format!(
        "Beside the universal set stand sets drawn without replacement from neurons that are not universal, of {} times its size, {n_draws} \
         each: from all layers, and with as many neurons of each layer as the universal set has.",
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
