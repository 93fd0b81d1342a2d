//! The correlation that is left of two neurons when each one's mean for every frequent token and every position is taken away.
//!
//! Says how much of a shared neuron is "the same token" or "the same place in the row", and how much is context. Classes are
//! frequent tokens, with one last class for the rest; what a class is, the caller knows.

#[cfg(test)]
mod tests;

use rayon::prelude::*;

use crate::PairSums;

/// Of a neuron's sum of squares, what does not count as variance that is left. Sums of f64 are off by 1e-13 of it, activations in
/// f32 that follow from the token alone by 1e-14; a neuron of which so little is left would correlate by its rounding.
const NOTHING_LEFT: f64 = 1e-10;

/// Share of a position's tokens below which nothing of the position is left beside the classes and the positions before it.
const DEPENDENT: f64 = 1e-9;

/// Neurons solved for at once: their values stand in registers, while a row of the factor is gone through.
const LANES: usize = 16;

/// How often every class stands at every position: the same of all neurons of all models that read these tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupCounts {
    n_classes: usize,
    /// [n_positions, n_classes].
    table: Vec<u64>,
}

impl GroupCounts {
    /// No tokens yet.
    pub fn new(n_classes: usize, n_positions: usize) -> Self {
        Self { n_classes, table: vec![0; n_positions * n_classes] }
    }

    /// Count tokens by class and position.
    ///
    /// Panics: if a class or a position does not exist.
    pub fn add(&mut self, classes: &[u32], positions: &[u32]) {
        assert_eq!(classes.len(), positions.len(), "a class and a position a token");
        for (&class, &position) in classes.iter().zip(positions) {
            assert!((class as usize) < self.n_classes, "class {class} of {}", self.n_classes);
            self.table[position as usize * self.n_classes + class as usize] += 1;
        }
    }

    /// Tokens counted.
    pub fn n_tokens(&self) -> u64 {
        self.table.iter().sum()
    }

    fn n_positions(&self) -> usize {
        self.table.len().checked_div(self.n_classes).unwrap_or(0)
    }
}

/// Sums of a layer's activations by class and by position.
///
/// Memory: 8 n (n_classes + n_positions) bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupSums {
    /// Neurons.
    pub n: usize,
    /// [n_classes, n].
    pub by_class: Vec<f64>,
    /// [n_positions, n].
    pub by_position: Vec<f64>,
}

impl GroupSums {
    /// Zeros.
    pub fn new(n: usize, n_classes: usize, n_positions: usize) -> Self {
        Self { n, by_class: vec![0.0; n_classes * n], by_position: vec![0.0; n_positions * n] }
    }

    /// Add activations [n_tokens, n], centred by the provisional means, whose tokens have these classes and positions.
    ///
    /// One by one in their order, so that it does not matter where a chunk ends.
    /// Panics: if a class or a position does not exist.
    pub fn add(&mut self, activations: &[f32], classes: &[u32], positions: &[u32]) {
        assert_eq!(classes.len(), positions.len(), "a class and a position a token");
        assert_eq!(activations.len(), classes.len() * self.n, "activations of {} tokens", classes.len());
        let n = self.n;
        for ((token, &class), &position) in activations.chunks_exact(n).zip(classes).zip(positions) {
            let of_class = &mut self.by_class[class as usize * n..][..n];
            let of_position = &mut self.by_position[position as usize * n..][..n];
            for ((&x, class_sum), position_sum) in token.iter().zip(of_class).zip(of_position) {
                let x = f64::from(x);
                *class_sum += x;
                *position_sum += x;
            }
        }
    }
}

/// The least-squares fit of class and position effects, x(t) ~ alpha of the class + beta of the position, as far as it depends on
/// the counts alone: a Cholesky factor that all neurons share.
///
/// With indicator columns of classes before those of positions, X'X = [D_c, T'; T, D_p] (T the counts, D the totals). The
/// factor's rows of classes are the roots of D_c; the rows of positions hold T D_c^-1/2 and the Cholesky factor of the Schur
/// complement D_p - T D_c^-1 T'. That is singular: adding 1 to all alphas and taking it from all betas changes no fit, and so for
/// every set of classes and positions that occur only with each other (a token that begins every row, and stands nowhere
/// else). A position of which nothing is left (1e-9 of its tokens) beside those before it is dropped, which leaves the fit as it is.
/// Classes and positions without tokens take no part.
///
/// Memory: 8 n_positions (n_classes + n_positions) bytes. Work: n_positions^2 (n_classes + n_positions / 3) / 2 products.
/// Source: two-way analysis of variance of unbalanced tables by elimination of one factor; Searle 1987, Linear Models for
/// Unbalanced Data, chapter 5 (the two-way crossed classification without interaction).
#[derive(Clone, Debug)]
pub struct AdditiveFit {
    n_tokens: f64,
    /// 1 / root of a class's tokens, 0 without any.
    of_class: Vec<f64>,
    /// The same of positions.
    of_position: Vec<f64>,
    /// [n_positions, n_classes + n_positions], lower triangular in the positions.
    factor: Vec<f64>,
    /// 1 / diagonal of the positions, 0 where one is dropped.
    inverse_pivots: Vec<f64>,
}

impl AdditiveFit {
    /// Factorise.
    pub fn new(counts: &GroupCounts) -> Self {
        let (n_classes, n_positions) = (counts.n_classes, counts.n_positions());
        let inverse_root = |n: u64| if n == 0 { 0.0 } else { 1.0 / (n as f64).sqrt() };
        let rows = || counts.table.chunks_exact(n_classes.max(1));
        let of_class: Vec<f64> = (0..n_classes).map(|c| inverse_root(rows().map(|row| row[c]).sum())).collect();
        let totals: Vec<u64> = rows().map(|row| row.iter().sum()).collect();
        let width = n_classes + n_positions;
        let mut factor = vec![0.0; n_positions * width];
        let mut inverse_pivots = vec![0.0; n_positions];
        for (p, counts) in rows().enumerate() {
            let (before, row) = factor.split_at_mut(p * width);
            row.iter_mut().zip(counts.iter().zip(&of_class)).for_each(|(f, (&n, weight))| *f = n as f64 * weight);
            for (q, other) in before.chunks_exact(width).enumerate() {
                let column = n_classes + q;
                row[column] = -dot(&row[..column], &other[..column]) * inverse_pivots[q];
            }
            let column = n_classes + p;
            let total = totals[p] as f64;
            let pivot = total - dot(&row[..column], &row[..column]);
            if pivot > DEPENDENT * total {
                row[column] = pivot.sqrt();
                inverse_pivots[p] = 1.0 / row[column];
            }
        }
        let of_position = totals.iter().map(|&n| inverse_root(n)).collect();
        Self { n_tokens: counts.n_tokens() as f64, of_class, of_position, factor, inverse_pivots }
    }

    /// What classes and positions explain of every neuron of a layer, on all threads.
    ///
    /// Work: n n_positions (n_classes + n_positions / 2) products.
    pub fn scores(&self, sums: &GroupSums) -> GroupScores {
        let (n, n_classes, n_positions) = (sums.n, self.of_class.len(), self.of_position.len());
        assert_eq!(sums.by_class.len(), n * n_classes, "sums of {n_classes} classes");
        assert_eq!(sums.by_position.len(), n * n_positions, "sums of {n_positions} positions");
        let width = n_classes + 2 * n_positions;
        let mut values = vec![0.0; n * width];
        if width > 0 {
            let solve = |(at, values): (usize, &mut [f64])| self.solve(sums, at * LANES, values);
            values.par_chunks_mut(LANES * width).enumerate().for_each(solve);
        }
        let mut scores =
            GroupScores { n_tokens: self.n_tokens, n_classes, n_positions, values, explained: vec![[0.0; 3]; n] };
        scores.explained = (0..n).map(|i| scores.products(i, &scores, i)).collect();
        scores
    }

    /// Forward substitution for the neurons from `first` on; `values` [at most LANES, n_classes + 2 n_positions].
    fn solve(&self, sums: &GroupSums, first: usize, values: &mut [f64]) {
        let (n_classes, n_positions) = (self.of_class.len(), self.of_position.len());
        let width = n_classes + 2 * n_positions;
        let n_lanes = values.len() / width;
        let lanes = |sums_of: &[f64], row: usize| {
            let mut lanes = [0.0; LANES];
            lanes[..n_lanes].copy_from_slice(&sums_of[row * sums.n + first..][..n_lanes]);
            lanes
        };
        let mut solved: Vec<[f64; LANES]> = Vec::with_capacity(n_classes + n_positions);
        solved.extend(self.of_class.iter().enumerate().map(|(c, weight)| lanes(&sums.by_class, c).map(|x| x * weight)));
        for (p, &inverse_pivot) in self.inverse_pivots.iter().enumerate() {
            let mut rest = lanes(&sums.by_position, p);
            let row = &self.factor[p * (n_classes + n_positions)..][..n_classes + p];
            for (&f, solved) in row.iter().zip(&solved) {
                rest.iter_mut().zip(solved).for_each(|(rest, x)| *rest -= f * x);
            }
            solved.push(rest.map(|x| x * inverse_pivot));
        }
        let alone = self.of_position.iter().enumerate();
        solved.extend(alone.map(|(p, weight)| lanes(&sums.by_position, p).map(|x| x * weight)));
        for (lane, values) in values.chunks_exact_mut(width).enumerate() {
            values.iter_mut().zip(&solved).for_each(|(value, solved)| *value = solved[lane]);
        }
    }
}

/// Coordinates of a layer's neurons among class and position effects: what two neurons have in common of these is the product of
/// their coordinates.
///
/// Memory: 8 n (n_classes + 2 n_positions) bytes.
#[derive(Clone, Debug)]
pub struct GroupScores {
    n_tokens: f64,
    n_classes: usize,
    n_positions: usize,
    /// [n, n_classes + n_positions beside the classes + n_positions alone].
    values: Vec<f64>,
    /// Of every neuron with itself.
    explained: Vec<[f64; 3]>,
}

/// Correlations of what is left of two neurons.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CorrWithout {
    /// Without each one's mean for every class of tokens.
    pub token: Option<f64>,
    /// Without each one's mean at every position.
    pub position: Option<f64>,
    /// Without the least-squares fit of both.
    pub both: Option<f64>,
}

impl GroupScores {
    /// Of a neuron's sum of squares, what its mean for every class explains, its mean at every position, and the fit of both.
    pub fn explained(&self, i: usize) -> [f64; 3] {
        self.explained[i]
    }

    /// Correlation of the residuals of neuron `i` with those of neuron `j` of another layer; both over the same tokens.
    ///
    /// (sum x y - e_xy) / sqrt((sum x^2 - e_xx) (sum y^2 - e_yy)), e the sum of products of the fitted values; `whole` are the
    /// pair's sums over all tokens, of values centred as those of [`GroupSums::add`] were. No degrees of freedom are taken off: they
    /// cancel.
    ///
    /// Undefined: none where of either neuron's sum of squares 1e-10 or less is left, as of one that follows from the token.
    /// Assumes: far more tokens than classes and positions, or the fit takes away context too; docs/method.md.
    /// Panics: if the sums are of another number of tokens.
    pub fn corr_without(&self, i: usize, other: &Self, j: usize, whole: &PairSums) -> CorrWithout {
        assert_eq!(whole.n, self.n_tokens, "sums of the pair over the tokens that were counted");
        assert_eq!(self.n_tokens, other.n_tokens, "both layers over the same tokens");
        let [of_i, of_j] = [self.explained[i], other.explained[j]];
        let common = self.products(i, other, j);
        let left = |k: usize| {
            let (aa, bb) = (whole.aa - of_i[k], whole.bb - of_j[k]);
            (aa > NOTHING_LEFT * whole.aa && bb > NOTHING_LEFT * whole.bb)
                .then(|| (whole.ab - common[k]) / (aa * bb).sqrt())
        };
        CorrWithout { token: left(0), position: left(1), both: left(2) }
    }

    /// Sums over tokens of the products of fitted values: by class, by position, by both.
    fn products(&self, i: usize, other: &Self, j: usize) -> [f64; 3] {
        assert_eq!((self.n_classes, self.n_positions), (other.n_classes, other.n_positions), "the same groups");
        let width = self.n_classes + 2 * self.n_positions;
        let (x, y) = (&self.values[i * width..][..width], &other.values[j * width..][..width]);
        let both = self.n_classes + self.n_positions;
        let part = |from: usize, to: usize| dot(&x[from..to], &y[from..to]);
        let token = part(0, self.n_classes);
        [token, part(both, width), token + part(self.n_classes, both)]
    }
}

/// Eight sums side by side, then together: one order on every machine, and vectors of any width.
fn dot(x: &[f64], y: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<8>(), y.as_chunks::<8>());
    for (x, y) in x.iter().zip(y) {
        sums.iter_mut().zip(x.iter().zip(y)).for_each(|(sum, (x, y))| *sum += x * y);
    }
    let rest: f64 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f64>() + rest
}
