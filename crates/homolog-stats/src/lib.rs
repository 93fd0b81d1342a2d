//! Estimators: moments, correlation and its extremes, rotation baseline, universality, overlap of sets, random sets; intervals,
//! nulls and discovery rates, matchings, cliques, and correlations without tokens and positions (docs/method.md).
//!
//! Arrays in, estimates out: nothing here knows a token, a model or a file. Neurons are numbered flat, layers laid end to
//! end. NaN means "undefined" inside arrays only; in public structs it is an `Option`.

mod additive;
mod assignment;
mod baseline;
mod best_match;
mod block_moments;
mod bootstrap;
mod chunk;
mod cliques;
mod cross_covariance;
mod cross_fit;
mod discovery;
mod extremes;
mod jackknife;
mod kolmogorov_smirnov;
mod matched_order;
mod moments;
mod overlap;
mod pair_products;
mod pareto_tail;
mod retest;
mod rotation;
mod rotation_null;
mod sampling;
mod share_above;
mod survival;
#[cfg(test)]
mod test_layer;
mod turnbull;
mod universality;

pub use additive::{AdditiveFit, CorrWithout, GroupCounts, GroupScores, GroupSums};
pub use assignment::one_to_one;
pub use baseline::{RotatedLayer, baseline_maxima};
pub use best_match::BestMatch;
pub use block_moments::BlockMoments;
pub use bootstrap::{Resamples, bca_interval, mean_bca, percentile_interval};
pub use chunk::{ChosenNeurons, Chunk};
pub use cliques::{Clique, cliques};
pub use cross_covariance::{Correlation, CrossCovariance, Marginal};
pub use cross_fit::CrossFit;
pub use discovery::{benjamini_hochberg, benjamini_yekutieli};
pub use extremes::{Extremes, HISTOGRAM_BINS};
pub use homolog_kernels::Precision;
pub use jackknife::{CorrInterval, Intervals, PairSums, corr_interval, jackknife_se, mean_interval, t_quantile};
pub use kolmogorov_smirnov::KolmogorovSmirnov;
pub use matched_order::{Covariates, MatchedNeighbours, MatchedOrder, standardized_difference};
pub use moments::{Moments, MomentsAccumulator, PartialHalf, PartialMoments};
pub use overlap::{Overlap, overlap};
pub use pair_products::PairProducts;
pub use pareto_tail::ParetoTail;
pub use retest::{expected_retest, retest};
pub use rotation::{gaussian_rows, haar_rotation, rotation_state};
pub use rotation_null::{MIN_DRAWS, PValue, PooledNull, empirical_p};
pub use sampling::{RandomOrder, derangement};
pub use share_above::ShareAbove;
pub use survival::{Life, LogRank, SurvivalStep, kaplan_meier, log_rank, median_survival};
pub use turnbull::{LifeInterval, TurnbullStep, turnbull};
pub use universality::{PairScore, Universality};
