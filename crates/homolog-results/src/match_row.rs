//! Table `matches`: one neuron against one other model.

use crate::table::table;

table! {
    name: "matches",
    keys: [model, other, checkpoint, layer, neuron],
    row_group_per: [model, checkpoint],
    /// The best, second and worst correlation of one neuron with the neurons of one other model, over all its layers.
    ///
    /// Correlations are Pearson's, over counted tokens, signed. Ties go to the lowest (layer, neuron). All are null when
    /// this neuron, or every neuron of the other model, is constant.
    pub struct MatchRow {
        /// Name of the model in the study file; the reference.
        pub model: String,
        /// Name of the model it is held against.
        pub other: String,
        /// Training step of both; null when the study names no checkpoints.
        pub checkpoint: Option<i64>,
        /// Layer of the neuron in `model`, from 0.
        pub layer: u16,
        /// Index of the neuron within its layer, from 0.
        pub neuron: u32,
        /// Greatest correlation with any neuron of `other`; null when undefined.
        pub max_corr: Option<f32>,
        /// Layer in `other` of the neuron that reaches `max_corr`; null when undefined.
        pub matched_layer: Option<u16>,
        /// Index within that layer of the neuron that reaches `max_corr`; null when undefined.
        pub matched_neuron: Option<u32>,
        /// Greatest correlation with any neuron of `other` but the matched one; null when there is none.
        pub second_corr: Option<f32>,
        /// Least correlation with any neuron of `other`; null when undefined.
        pub lowest_corr: Option<f32>,
        /// Layer in `other` of the neuron that reaches `lowest_corr`; null when undefined.
        pub lowest_layer: Option<u16>,
        /// Index within that layer of the neuron that reaches `lowest_corr`; null when undefined.
        pub lowest_neuron: Option<u32>,
        /// Whether `max_corr` is the greatest of all correlations computed over all tokens; false where a screening found the
        /// candidates. The histogram of correlations is then that of the sample, `second_corr` and `lowest_corr` are the
        /// greatest and least among candidates.
        pub is_exact: bool,
        /// Standard errors by which `max_corr` lies above what a neuron that was no candidate could reach; infinite where every
        /// neuron was one, null where `is_exact`.
        pub margin: Option<f32>,
        /// The same maximum against the study's null version of `other`, mean over its draws; null when undefined.
        pub baseline: Option<f32>,
        /// Whether `baseline` comes from all tokens; false where it comes from the sample of a screening.
        pub is_baseline_exact: bool,
    }
}
