//! The arithmetic of a study, in floating-point operations: a multiplication and an addition are two.

use homolog_stats::Extremes;

use super::{Shape, Stream, Tile};
use crate::config::{
    AblationSection, AttributionSection, BaselineKind, BaselineSection, CorrelationSection, EvidenceSection, Search,
};
use crate::stages::ablate::RandomKind;

/// Operations of one checkpoint's correlation, by the kernel that does them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct CorrelationCost {
    /// Forward passes of all passes over the tokens.
    pub(crate) forward: f64,
    /// Products of activations, and of correlations with rotations: f32.
    pub(crate) products: f64,
    /// Making rotations and the spread of rotated neurons: f64.
    pub(crate) rotations: f64,
}

/// Operations of one token's forward pass to the last `mlp.hook_post`; rows of `context` tokens.
pub(crate) fn forward(shape: &Shape, context: usize) -> f64 {
    let (d_model, d_mlp) = (shape.d_model as f64, shape.d_mlp as f64);
    // Q, K, V and O; scores and their weighted values over half the row on average.
    let attention = 8.0 * d_model * d_model + 2.0 * d_model * context as f64;
    let mlp = 2.0 * d_model * d_mlp;
    shape.n_layers as f64 * (attention + 2.0 * mlp) - mlp
}

/// Operations of one token's loss: the whole pass and the unembedding.
pub(crate) fn loss(shape: &Shape, context: usize) -> f64 {
    let (d_model, d_mlp) = (shape.d_model as f64, shape.d_mlp as f64);
    forward(shape, context) + 2.0 * d_model * d_mlp + 2.0 * d_model * shape.d_vocab as f64
}

/// One checkpoint in these passes: `n_tokens` in rows of `context`, `n_counted` of them counted.
pub(crate) fn correlation(
    passes: &[Vec<Tile>],
    shapes: &[Shape],
    baseline: &BaselineSection,
    (n_tokens, n_counted): (f64, f64),
    context: usize,
) -> CorrelationCost {
    let mut cost = CorrelationCost::default();
    let draws = baseline.draws as f64;
    for (pass_idx, tiles) in passes.iter().enumerate() {
        let mut views: Vec<_> = tiles.iter().flat_map(|tile| tile.sides()).map(|side| side.view).collect();
        if pass_idx == 0 {
            views.extend((0..shapes.len()).map(|model| (model, Stream::Rows)));
        }
        views.sort_unstable();
        views.dedup();
        cost.forward += views.iter().map(|view| n_tokens * forward(&shapes[view.0], context)).sum::<f64>();
        let mut rotated = Vec::new();
        for tile in tiles {
            let [a, b] = tile.sides();
            let (n_a, n_b) = (shapes[a.view.0].d_mlp as f64, shapes[b.view.0].d_mlp as f64);
            cost.products += 2.0 * n_a * n_b * n_counted;
            match tile {
                // Orthogonalising twice over, then Q Cov.
                Tile::Within { .. } => cost.rotations += draws * (make_rotation(baseline, n_a) + 2.0 * n_a.powi(3)),
                Tile::Between { .. } if baseline.kind != BaselineKind::PermutedRows => {
                    cost.products += draws * 2.0 * n_a * n_b * (n_a + n_b);
                    rotated.extend([(a.view.0, a.layer), (b.view.0, b.layer)]);
                }
                _ => {}
            }
        }
        rotated.sort_unstable();
        rotated.dedup();
        cost.rotations +=
            rotated.iter().map(|side| draws * make_rotation(baseline, shapes[side.0].d_mlp as f64)).sum::<f64>();
    }
    cost
}

/// One checkpoint's screened search, after its sample.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ScreenedCost {
    /// Forward passes, of narrowing and of all tokens once.
    pub(crate) forward: f64,
    /// Layers with themselves, and audited neurons with all.
    pub(crate) products: f64,
    /// Candidates, pair by pair.
    pub(crate) pairs: f64,
    /// Making rotations, for the audit and for what stays in doubt, and the spread of rotated neurons.
    pub(crate) rotations: f64,
    /// For each share of 1 % of the matches that is computed exactly: products. That takes all forward passes once more.
    pub(crate) exact_percent: f64,
    /// Forward passes over all tokens.
    pub(crate) forward_again: f64,
}

/// What follows the sample: `n_narrowing` positions if candidates are narrowed on them, then `n_tokens`.
pub(crate) fn screened(
    shapes: &[Shape],
    correlation: &CorrelationSection,
    baseline: &BaselineSection,
    (n_tokens, n_narrowing): (f64, Option<f64>),
    context: usize,
) -> ScreenedCost {
    let screening = &correlation.screening;
    let mut cost = ScreenedCost::default();
    let n_narrowing = n_narrowing.unwrap_or(0.0);
    let kept = if n_narrowing > 0.0 { Extremes::n_kept(correlation.top_k) } else { screening.candidates };
    for (model, shape) in shapes.iter().enumerate() {
        let one_pass = n_tokens * forward(shape, context);
        cost.forward += one_pass + n_narrowing * forward(shape, context);
        cost.forward_again += one_pass;
        if screening.audit > 0 {
            let n = shape.d_mlp as f64;
            cost.products += 2.0 * n_tokens * shape.n_layers as f64 * n * n;
            let of_layer = 3.0 * make_rotation(baseline, n) + 2.0 * n.powi(3);
            cost.rotations += (baseline.draws * shape.n_layers) as f64 * of_layer;
        }
        for (_, other) in shapes.iter().enumerate().filter(|(other, _)| *other != model) {
            // The lowest is scored as well; pairs that both sides ask for are counted twice.
            let scored = n_narrowing * (screening.candidates + 1) as f64 + n_tokens * (kept + 1) as f64;
            cost.pairs += 2.0 * shape.n_neurons() as f64 * scored;
            let all = 2.0 * n_tokens * (shape.n_neurons() * other.n_neurons()) as f64;
            cost.products += all * screening.audit.min(shape.n_neurons()) as f64 / shape.n_neurons() as f64;
            cost.exact_percent += all / 100.0;
        }
    }
    cost
}

/// One checkpoint's evidence: forward passes over `n_tokens` in `passes` passes, and single pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct EvidenceCost {
    /// Forward passes of every model.
    pub(crate) forward: f64,
    /// Candidates of all neurons, pair by pair; those that both sides ask for are counted twice.
    pub(crate) pairs: f64,
    /// Activations added to the sums of their token and of their position.
    pub(crate) grouped: f64,
}

/// What a second pass over the tokens takes; none where the study asks for none.
pub(crate) fn evidence(
    shapes: &[Shape],
    (section, search): (&EvidenceSection, Search),
    n_tokens: f64,
    context: usize,
) -> EvidenceCost {
    if !section.enabled {
        return EvidenceCost::default();
    }
    let of_layers = match search {
        Search::Exact => 0,
        Search::Screened => 3,
    };
    let followed = (section.candidates + of_layers) as f64;
    let n_neurons: f64 = shapes.iter().map(|shape| shape.n_neurons() as f64).sum();
    EvidenceCost {
        forward: shapes.iter().map(|shape| n_tokens * forward(shape, context)).sum(),
        pairs: 2.0 * n_tokens * followed * n_neurons * (shapes.len() - 1) as f64,
        grouped: if section.frequent_tokens > 0 { n_tokens * n_neurons } else { 0.0 },
    }
}

/// All checkpoints of all models, each neuron held against itself in `n_spans` pairs of them: (forward, single pairs).
pub(crate) fn follow(
    shapes: &[Shape],
    (n_checkpoints, n_spans): (usize, usize),
    n_tokens: f64,
    context: usize,
) -> (f64, f64) {
    let forwards = shapes.iter().map(|shape| n_tokens * forward(shape, context)).sum::<f64>();
    let n_neurons: f64 = shapes.iter().map(|shape| shape.n_neurons() as f64).sum();
    (n_checkpoints as f64 * forwards, 2.0 * n_tokens * n_neurons * n_spans as f64)
}

/// Steps of one checkpoint's one-to-one matchings: layers of the same index, cubed.
pub(crate) fn matching(shapes: &[Shape]) -> f64 {
    let mut steps = 0.0;
    for b in 1..shapes.len() {
        for a in 0..b {
            let [a, b] = [shapes[a], shapes[b]];
            let (least, most) = (a.d_mlp.min(b.d_mlp) as f64, a.d_mlp.max(b.d_mlp) as f64);
            steps += a.n_layers.min(b.n_layers) as f64 * least * least * most;
        }
    }
    steps
}

/// One checkpoint's draws of permuted rows: (forward, products).
pub(crate) fn permuted(shapes: &[Shape], draws: usize, n_tokens: f64, context: usize) -> (f64, f64) {
    let draws = draws as f64;
    // All models but the first and the last are read both as themselves and as what stands in.
    let views = |model: usize| if model == 0 || model + 1 == shapes.len() { 1.0 } else { 2.0 };
    let forwards = shapes.iter().enumerate().map(|(model, shape)| views(model) * n_tokens * forward(shape, context));
    let mut products = 0.0;
    for b in 1..shapes.len() {
        for a in 0..b {
            products += 2.0 * n_tokens * shapes[a].n_neurons() as f64 * shapes[b].n_neurons() as f64;
        }
    }
    (draws * forwards.sum::<f64>(), draws * products)
}

fn make_rotation(baseline: &BaselineSection, n: f64) -> f64 {
    match baseline.kind {
        BaselineKind::Orthogonal => 4.0 * n.powi(3),
        BaselineKind::GaussianRows | BaselineKind::PermutedRows => 0.0,
    }
}

/// Sets that the study file asks for of one model at one checkpoint, empty ones too; and operations of a token in all of them.
///
/// A set begins at its first layer, the clean pass before it is shared. Sets of all layers are counted from the first. Single neurons are
/// those of `attribution`, if it is asked for.
pub(crate) fn ablation(
    section: &AblationSection,
    attribution: &AttributionSection,
    shape: &Shape,
    context: usize,
) -> (usize, f64) {
    if !section.enabled {
        return (0, 0.0);
    }
    let (modes, draws) = (section.modes.len(), section.draws);
    let n_kinds = RandomKind::ALL.len();
    let n_configured = if section.multiples.contains(&1) { draws } else { 0 };
    let permutations = n_kinds * section.permutations.saturating_sub(n_configured);
    let of_all_layers = modes * (1 + n_kinds * section.multiples.len() * draws + section.sets.len()) + permutations;
    let AttributionSection { enabled, top, universal, random } = *attribution;
    let singles = if enabled { top + universal + random } else { 0 };
    let of_each_layer = if section.per_layer { modes * (1 + draws) } else { 0 };
    let whole = loss(shape, context);
    let block = (whole - 2.0 * (shape.d_model * shape.d_vocab) as f64) / shape.n_layers as f64;
    // On average half of the blocks come before the layer of a set.
    let half = whole - block * (shape.n_layers as f64 - 1.0) / 2.0;
    let from_a_layer = of_each_layer * shape.n_layers + singles;
    let cost = whole * (1 + of_all_layers) as f64 + half * from_a_layer as f64;
    (of_all_layers + from_a_layer, cost)
}

/// Operations of a token on its way forth and back, without gradients of weights.
pub(crate) fn attribution(section: &AttributionSection, shape: &Shape, context: usize) -> f64 {
    if section.enabled { 2.0 * loss(shape, context) } else { 0.0 }
}

/// `2.7 TFLOP`, `35 GFLOP`.
pub(crate) fn operations_text(operations: f64) -> String {
    match operations {
        1e15.. => format!("{:.1} PFLOP", operations / 1e15),
        1e12.. => format!("{:.1} TFLOP", operations / 1e12),
        _ => format!("{:.1} GFLOP", operations / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{passes, tiles};

    const GPT2_SMALL: Shape =
        Shape { n_layers: 12, d_mlp: 3072, d_model: 768, d_vocab: 50257, weight_bytes: 0, load_bytes: 0 };

    fn close(got: f64, want: f64) -> bool {
        (got / want - 1.0).abs() < 0.03
    }

    /// The figures that the design names for GPT-2 Small: 0.18 and 0.26 GFLOP a token, 2.72 GFLOP a token and pair.
    #[test]
    fn gpt2_small_costs_what_is_known() {
        assert!(close(forward(&GPT2_SMALL, 512), 0.175e9), "{}", forward(&GPT2_SMALL, 512));
        assert!(close(loss(&GPT2_SMALL, 512), 0.257e9), "{}", loss(&GPT2_SMALL, 512));
        let shapes = [GPT2_SMALL; 2];
        let baseline = BaselineSection { draws: 1, ..BaselineSection::default() };
        let tiles = tiles(&shapes, &baseline, false);
        let between: Vec<Tile> = tiles.into_iter().filter(|tile| matches!(tile, Tile::Between { .. })).collect();
        let one = correlation(std::slice::from_ref(&between), &shapes, &baseline, (1e6, 1e6), 512);
        let baseline_cost = 288.0 * 2.0 * 3072_f64.powi(3);
        assert!(close(one.products - baseline_cost, 2.72e15), "{one:?}");
        assert!(close(one.forward, 2.0 * 1e6 * forward(&GPT2_SMALL, 512)));
        // More passes read the tokens again, and multiply no more.
        let several = passes(&between, &shapes, 20 * 8 * 3072 * 3072);
        let more = correlation(&several, &shapes, &baseline, (1e6, 1e6), 512);
        assert!(more.forward > 7.0 * one.forward && close(more.products, one.products));
    }

    #[test]
    fn evidence_is_one_more_pass_and_a_permuted_draw_a_search_of_its_own() {
        let shapes = [GPT2_SMALL; 3];
        let section = EvidenceSection::default();
        let cost = evidence(&shapes, (&section, Search::Exact), 1e6, 512);
        assert!(close(cost.forward, 3.0 * 1e6 * forward(&GPT2_SMALL, 512)));
        assert!(close(cost.pairs, 2.0 * 1e6 * 6.0 * 4.0 * 36_864.0));
        assert!(close(cost.grouped, 3.0 * 1e6 * 36_864.0));
        assert!(close(matching(&shapes), 3.0 * 12.0 * 3072_f64.powi(3)));
        let off = EvidenceSection { enabled: false, ..section };
        assert_eq!(evidence(&shapes, (&off, Search::Exact), 1e6, 512), EvidenceCost::default());
        let (forwards, products) = permuted(&shapes, 2, 1e6, 512);
        assert!(close(forwards, 2.0 * 4.0 * 1e6 * forward(&GPT2_SMALL, 512)));
        assert!(close(products, 2.0 * 3.0 * 2.72e15));
    }

    #[test]
    fn following_is_a_forward_pass_of_every_checkpoint() {
        let shapes = [GPT2_SMALL; 3];
        let (forwards, pairs) = follow(&shapes, (5, 7), 1e6, 512);
        assert!(close(forwards, 5.0 * 3.0 * 1e6 * forward(&GPT2_SMALL, 512)));
        assert!(close(pairs, 7.0 * 3.0 * 2.0 * 1e6 * 36_864.0));
    }

    #[test]
    fn sets_are_counted_as_the_study_makes_them() {
        // 2 modes x (universal, 3 kinds x 4 multiples x 3 draws), 2 modes x 12 layers x (universal, 3 draws), permutations of each kind that are
        // not drawn yet, and single neurons.
        let attributed = AttributionSection::default();
        let (n_sets, cost) = ablation(&AblationSection::default(), &attributed, &GPT2_SMALL, 512);
        assert_eq!(n_sets, 2 * 37 + 2 * 12 * 4 + 3 * 97 + 40);
        let whole = loss(&GPT2_SMALL, 512);
        assert!(cost > (1 + 2 * 37 + 3 * 97) as f64 * whole && cost < (1 + n_sets) as f64 * whole);
        let off = AblationSection { enabled: false, ..AblationSection::default() };
        assert_eq!(ablation(&off, &attributed, &GPT2_SMALL, 512), (0, 0.0));
        assert!(close(super::attribution(&attributed, &GPT2_SMALL, 512), 2.0 * whole));
        let unasked = AttributionSection { enabled: false, ..attributed };
        assert_eq!(ablation(&AblationSection::default(), &unasked, &GPT2_SMALL, 512).0, n_sets - 40);
    }
}
