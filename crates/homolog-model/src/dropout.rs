//! Dropout of a training step: GPT-2's `embd_pdrop` and `resid_pdrop`. The attention pattern has none.

#[cfg(test)]
mod tests;

use crate::HookPoint;

/// Sets values of the embedding, and of what attention and MLP of each block add to the residual stream, to 0 with probability
/// `rate`, and divides the others by 1 - `rate`.
///
/// Which ones depends on the key, the place and the position in the batch alone: the backward pass asks for the same again.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    rate: f64,
    key: u64,
}

impl Dropout {
    /// None where nothing is dropped. Panics unless 0 <= `rate` < 1.
    pub fn new(rate: f64, key: u64) -> Option<Self> {
        assert!((0.0..1.0).contains(&rate), "a share below 1 is dropped, not {rate}");
        (rate > 0.0).then_some(Self { rate, key })
    }

    /// Drop from the values at a point, or from their gradient: [`n_rows`, `n_pos`, `d_model`], or a part of them from value `first` on.
    pub(crate) fn apply(&self, point: HookPoint, first: usize, values: &mut [f32]) {
        let place = 8 * point.layer as u64 + point.site as u64;
        let stream = mixed(self.key ^ mixed(place));
        // A 64-bit number below this is dropped: 2^64 rate, which f64 holds to 53 bits.
        let dropped_below = (self.rate * 2.0_f64.powi(64)) as u64;
        let scale = (1.0 / (1.0 - self.rate)) as f32;
        for (at, value) in values.iter_mut().enumerate() {
            let is_dropped = mixed(stream.wrapping_add((first + at) as u64)) < dropped_below;
            // Not a product with 0: NaN and infinity must not vanish, or a diverging model would look sound.
            *value = if is_dropped && value.is_finite() { 0.0 } else { *value * scale };
        }
    }
}

/// `SplitMix64`'s step and output function (Steele, Lea and Flood 2014): consecutive numbers come out unrelated.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
