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
        /// Standard error of `max_corr` by leaving out blocks of documents, the match held fixed; null without evidence, or undefined.
        pub max_corr_se: Option<f32>,
        /// Lower end of the interval of `max_corr`, symmetric in Fisher's z; null as `max_corr_se`.
        pub max_corr_low: Option<f32>,
        /// Upper end.
        pub max_corr_high: Option<f32>,
        /// Independent tokens that would leave `max_corr` as uncertain; null as `max_corr_se`.
        pub n_eff: Option<f32>,
        /// Correlation of the match that one half of the tokens chooses on the other half, mean of both ways: `max_corr` without the bias of
        /// having been chosen. Null without evidence and of a screened search, which chooses its candidates on all tokens; or undefined.
        pub cross_fitted_corr: Option<f32>,
        /// Whether both halves choose the same match; null as `cross_fitted_corr`.
        pub is_same_in_halves: Option<bool>,
        /// `max_corr` - `second_corr`; null when either is.
        pub lead: Option<f32>,
        /// Standard error of `lead`; null without evidence, or undefined.
        pub lead_se: Option<f32>,
        /// Whether this neuron is the best match of its best match.
        pub is_mutual: bool,
        /// Neurons of `other` whose best match is this neuron: many make it a hub.
        pub n_matched_by: u32,
        /// Whether the least correlation is of greater magnitude than the greatest: the partner is of opposite sign. Null where undefined, and
        /// where not `is_exact`: no candidate is the opposite of anything.
        pub is_antipodal: Option<bool>,
        /// Greatest correlation with a neuron of the layer of the same index; null when there is none. Of a screened search, here and below
        /// the neuron is chosen on the sample.
        pub same_layer_corr: Option<f32>,
        /// Index within that layer of the neuron that reaches it.
        pub same_layer_neuron: Option<u32>,
        /// Greatest correlation with a neuron of the layer of the same index, the one before and the one after; null when there is none.
        pub near_layers_corr: Option<f32>,
        /// Layer of the neuron that reaches it.
        pub near_layers_layer: Option<u16>,
        /// Index within that layer of the neuron that reaches it.
        pub near_layers_neuron: Option<u32>,
        /// Correlation with the partner in the one-to-one matching of the two layers of the same index; null when it has none.
        pub one_to_one_corr: Option<f32>,
        /// Index within that layer of the partner.
        pub one_to_one_neuron: Option<u32>,
        /// Correlation of the match that is left without each neuron's mean for every frequent token; null without evidence, or undefined.
        pub corr_without_token: Option<f32>,
        /// The same without each neuron's mean at every position of a row.
        pub corr_without_position: Option<f32>,
        /// The same without the least-squares fit of both.
        pub corr_without_both: Option<f32>,
        /// p-value of `max_corr` by the rotations of `other`; null with fewer than four draws, of another baseline, or undefined.
        pub p_rotation: Option<f64>,
        /// Whether `p_rotation` lies beyond what the draws can tell, on a fitted tail; null as `p_rotation`.
        pub p_is_fitted: Option<bool>,
        /// p-value of `max_corr` among the maxima that this layer's neurons reach when rows of tokens are permuted; null without such
        /// draws, or undefined.
        pub p_permuted: Option<f32>,
        /// p-value of `max_corr` among the maxima that this layer's neurons reach before training; null at step 0 and without it, or undefined.
        pub p_untrained: Option<f32>,
    }
}
