//! What an audit measures of weights: a digest, moments, and distances. Values go in, numbers come out; no file, no model.

#[cfg(test)]
mod tests;

/// Sums that are kept side by side, so that the compiler can vectorise them; one order on every machine.
const LANES: usize = 8;

/// What is summed over the values of one tensor, which come in order and in pieces of any length.
#[derive(Clone, Debug, Default)]
pub struct Measure {
    hasher: blake3::Hasher,
    n_values: u64,
    /// Of the powers 1 to 4.
    sums: [f64; 4],
    range: Option<(f32, f32)>,
}

/// The measures of one tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// BLAKE3 of the values as little-endian f32, hexadecimal: the same for equal values, in whichever type they are stored.
    pub digest: String,
    /// Values.
    pub n_values: u64,
    /// Sum of their squares.
    pub sum_squares: f64,
    /// Mean.
    pub mean: f64,
    /// Population (1/n) standard deviation.
    pub sd: f64,
    /// E(x - mean)^4 / sd^4: 3 for a Gaussian. None where values hardly differ, for then it is lost in rounding.
    pub kurtosis: Option<f64>,
    /// The least value.
    pub least: f32,
    /// The greatest.
    pub greatest: f32,
}

/// Standard deviations below this share of the mean give no kurtosis: raw fourth moments have lost it.
const LEAST_SPREAD: f64 = 1e-2;

impl Measure {
    /// Take in the next values.
    pub fn add(&mut self, values: &[f32]) {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.hasher.update(&bytes);
        self.n_values += values.len() as u64;
        let mut sums = [[0.0_f64; LANES]; 4];
        for values in values.chunks(LANES) {
            for (lane, &value) in values.iter().enumerate() {
                let value = f64::from(value);
                let square = value * value;
                sums[0][lane] += value;
                sums[1][lane] += square;
                sums[2][lane] += square * value;
                sums[3][lane] += square * square;
            }
        }
        for (total, lanes) in self.sums.iter_mut().zip(&sums) {
            *total += lanes.iter().sum::<f64>();
        }
        for &value in values {
            let (least, greatest) = self.range.get_or_insert((value, value));
            (*least, *greatest) = (least.min(value), greatest.max(value));
        }
    }

    /// The measures of what was taken in.
    ///
    /// Panics: if that is nothing; no tensor is empty.
    pub fn finish(&self) -> Measured {
        let (least, greatest) = self.range.expect("a tensor has values");
        let n = self.n_values as f64;
        let [mean, second, third, fourth] = self.sums.map(|sum| sum / n);
        let variance = if least == greatest { 0.0 } else { (second - mean * mean).max(0.0) };
        let sd = variance.sqrt();
        let central = fourth - 4.0 * mean * third + 6.0 * mean * mean * second - 3.0 * mean.powi(4);
        let has_spread = sd > LEAST_SPREAD * mean.abs();
        Measured {
            digest: self.hasher.finalize().to_hex().to_string(),
            n_values: self.n_values,
            sum_squares: self.sums[1],
            mean,
            sd,
            kurtosis: has_spread.then(|| central / (variance * variance)),
            least,
            greatest,
        }
    }
}

/// Sum of (a - b)^2, in f64.
///
/// Panics: if the lengths differ.
pub fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len(), "values of one shape");
    let mut sums = [0.0_f64; LANES];
    let (a_lanes, b_lanes) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a_lanes.0.iter().zip(b_lanes.0) {
        for lane in 0..LANES {
            let difference = f64::from(a[lane]) - f64::from(b[lane]);
            sums[lane] += difference * difference;
        }
    }
    let rest = a_lanes.1.iter().zip(b_lanes.1).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2));
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}
