//! Hook points in `TransformerLens` spelling, and what may stand at them.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// A place in the forward pass where a value can be read or replaced. Shapes are [`n_rows`, `n_pos`, width].
///
/// Ordered as computed: layer by layer, within a layer in the order below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HookPoint {
    /// Block, from 0.
    pub layer: usize,
    /// Place within the block.
    pub site: Site,
}

/// A place within a block, in the order of computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Site {
    /// `hook_resid_pre`, width `d_model`.
    ResidPre,
    /// `hook_attn_out`, width `d_model`.
    AttnOut,
    /// `hook_resid_mid`, width `d_model`.
    ResidMid,
    /// `mlp.hook_pre`, before the nonlinearity, width `d_mlp`.
    MlpPre,
    /// `mlp.hook_post`, after the nonlinearity, width `d_mlp`: a neuron is one column of it.
    MlpPost,
    /// `hook_mlp_out`, width `d_model`.
    MlpOut,
    /// `hook_resid_post`, width `d_model`.
    ResidPost,
}

impl Site {
    /// Every site, in the order of computation.
    pub const ALL: [Self; 7] =
        [Self::ResidPre, Self::AttnOut, Self::ResidMid, Self::MlpPre, Self::MlpPost, Self::MlpOut, Self::ResidPost];

    fn name(self) -> &'static str {
        match self {
            Self::ResidPre => "hook_resid_pre",
            Self::AttnOut => "hook_attn_out",
            Self::ResidMid => "hook_resid_mid",
            Self::MlpPre => "mlp.hook_pre",
            Self::MlpPost => "mlp.hook_post",
            Self::MlpOut => "hook_mlp_out",
            Self::ResidPost => "hook_resid_post",
        }
    }
}

impl HookPoint {
    /// `blocks.{layer}.mlp.hook_post`.
    pub fn mlp_post(layer: usize) -> Self {
        Self { layer, site: Site::MlpPost }
    }

    /// `blocks.{layer}.hook_resid_mid`.
    pub fn resid_mid(layer: usize) -> Self {
        Self { layer, site: Site::ResidMid }
    }

    /// Every hook point of a model, in the order of computation.
    pub fn all(n_layers: usize) -> impl DoubleEndedIterator<Item = Self> {
        (0..n_layers).flat_map(|layer| Site::ALL.into_iter().map(move |site| Self { layer, site }))
    }
}

impl fmt::Display for HookPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blocks.{}.{}", self.layer, self.site.name())
    }
}

/// A name that is no hook point.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no hook point; they are blocks.LAYER. followed by one of {}", Site::ALL.map(Site::name).join(", "))]
pub struct UnknownHookPoint {
    /// The name.
    pub name: String,
}

impl FromStr for HookPoint {
    type Err = UnknownHookPoint;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let parsed = name.strip_prefix("blocks.").and_then(|rest| rest.split_once('.')).and_then(|(layer, site)| {
            let site = Site::ALL.into_iter().find(|known| known.name() == site)?;
            Some(Self { layer: layer.parse().ok()?, site })
        });
        parsed.filter(|point| point.to_string() == name).ok_or_else(|| UnknownHookPoint { name: name.into() })
    }
}

/// A value at a hook point, [`n_rows`, `n_pos`, width] row-major, that may be read and changed.
pub struct Activation<'a> {
    /// The values.
    pub values: &'a mut [f32],
    /// Rows of tokens.
    pub n_rows: usize,
    /// Positions of a row.
    pub n_pos: usize,
    /// `d_model` or `d_mlp`.
    pub width: usize,
}

/// What a forward pass calls. An argument of the pass, never state of the model.
pub trait Hooks {
    /// Whether [`Hooks::at`] is to be called at this point. The pass computes nothing after the last point wanted.
    fn wants(&self, point: HookPoint) -> bool;

    /// Read or change the activation at a wanted point.
    fn at(&mut self, point: HookPoint, activation: Activation<'_>);
}

/// No hooks.
pub struct NoHooks;

impl Hooks for NoHooks {
    fn wants(&self, _: HookPoint) -> bool {
        false
    }

    fn at(&mut self, _: HookPoint, _: Activation<'_>) {}
}

/// Copies of the activations at chosen points.
#[derive(Default)]
pub struct Capture {
    captured: BTreeMap<HookPoint, Vec<f32>>,
}

impl Capture {
    /// Capture at these points; a second pass overwrites the first.
    pub fn new(points: impl IntoIterator<Item = HookPoint>) -> Self {
        Self { captured: points.into_iter().map(|point| (point, Vec::new())).collect() }
    }

    /// What the last pass left at a point: empty before any pass. Panics if the point was not asked for.
    pub fn get(&self, point: HookPoint) -> &[f32] {
        &self.captured[&point]
    }
}

impl Hooks for Capture {
    fn wants(&self, point: HookPoint) -> bool {
        self.captured.contains_key(&point)
    }

    fn at(&mut self, point: HookPoint, activation: Activation<'_>) {
        let captured = self.captured.entry(point).or_default();
        captured.clear();
        captured.extend_from_slice(activation.values);
    }
}

/// Left, then right: `(Ablate, Capture)` captures ablated values.
impl<A: Hooks, B: Hooks> Hooks for (A, B) {
    fn wants(&self, point: HookPoint) -> bool {
        self.0.wants(point) || self.1.wants(point)
    }

    fn at(&mut self, point: HookPoint, activation: Activation<'_>) {
        let Activation { values, n_rows, n_pos, width } = activation;
        if self.0.wants(point) {
            self.0.at(point, Activation { values: &mut *values, n_rows, n_pos, width });
        }
        if self.1.wants(point) {
            self.1.at(point, Activation { values, n_rows, n_pos, width });
        }
    }
}

impl<H: Hooks> Hooks for &mut H {
    fn wants(&self, point: HookPoint) -> bool {
        (**self).wants(point)
    }

    fn at(&mut self, point: HookPoint, activation: Activation<'_>) {
        (**self).at(point, activation);
    }
}
