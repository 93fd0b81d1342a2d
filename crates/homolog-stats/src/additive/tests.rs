#![expect(clippy::unwrap_used, reason = "tests")]

use homolog_test::{Seeded, Tol, assert_close, check_close};

use super::*;

/// f64 sums of thousands of f32 values; the twin ends where its steps are as small.
const TOL: Tol = Tol::abs(1e-10);

/// Tokens of a world and the activations of two layers.
struct World {
    n_classes: usize,
    n_positions: usize,
    classes: Vec<u32>,
    positions: Vec<u32>,
    /// [n_tokens, n] of each layer.
    layers: [Vec<f32>; 2],
    n: usize,
}

impl World {
    /// Rows of `n_positions` tokens, cut off at random, of skewed classes; the effects of classes and positions on neuron j of
    /// both layers are alike, and so are the residuals of every other neuron. `class` may change a token's class.
    fn new(n_rows: usize, (n_classes, n_positions): (usize, usize), n: usize, class: fn(u32, u32) -> u32) -> Self {
        let mut seeded = Seeded::new(7);
        let (mut classes, mut positions) = (vec![], vec![]);
        for _ in 0..n_rows {
            for position in 0..=seeded.below(n_positions) as u32 {
                let skewed = (n_classes as f64 * seeded.uniform().powi(3)) as u32;
                classes.push(class(skewed, position));
                positions.push(position);
            }
        }
        let mut layers = [vec![], vec![]];
        for (&class, &position) in classes.iter().zip(&positions) {
            for j in 0..n {
                let effect = (f64::from(class) * (1.0 + j as f64)).sin() + 0.5 * (f64::from(position) - j as f64).cos();
                let shared = seeded.gaussian();
                for layer in &mut layers {
                    let unique = seeded.gaussian();
                    layer.push((effect + if j % 2 == 0 { shared + 0.5 * unique } else { unique }) as f32);
                }
            }
        }
        Self { n_classes, n_positions, classes, positions, layers, n }
    }

    fn counts(&self) -> GroupCounts {
        let mut counts = GroupCounts::new(self.n_classes, self.n_positions);
        counts.add(&self.classes, &self.positions);
        counts
    }

    fn sums(&self, side: usize, chunk_tokens: usize) -> GroupSums {
        let mut sums = GroupSums::new(self.n, self.n_classes, self.n_positions);
        let tokens = self.classes.chunks(chunk_tokens).zip(self.positions.chunks(chunk_tokens));
        for (activations, (classes, positions)) in self.layers[side].chunks(chunk_tokens * self.n).zip(tokens) {
            sums.add(activations, classes, positions);
        }
        sums
    }

    fn column(&self, side: usize, j: usize) -> Vec<f64> {
        self.layers[side].iter().skip(j).step_by(self.n).map(|&x| f64::from(x)).collect()
    }

    fn pair(&self, i: usize, j: usize) -> PairSums {
        let (a, b) = (self.column(0, i), self.column(1, j));
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum();
        PairSums {
            n: a.len() as f64,
            a: a.iter().sum(),
            b: b.iter().sum(),
            aa: dot(&a, &a),
            bb: dot(&b, &b),
            ab: dot(&a, &b),
        }
    }

    /// Residuals by taking away the means of each grouping in turn, until nothing changes.
    fn residuals(&self, mut x: Vec<f64>, groupings: &[&[u32]]) -> Vec<f64> {
        loop {
            let mut largest = 0.0_f64;
            for groups in groupings {
                let n_groups = self.n_classes.max(self.n_positions);
                let (mut sums, mut n) = (vec![0.0; n_groups], vec![0.0; n_groups]);
                for (x, &group) in x.iter().zip(*groups) {
                    sums[group as usize] += x;
                    n[group as usize] += 1.0;
                }
                for (x, &group) in x.iter_mut().zip(*groups) {
                    let mean = sums[group as usize] / n[group as usize];
                    *x -= mean;
                    largest = largest.max(mean.abs());
                }
            }
            if largest < 1e-13 {
                return x;
            }
        }
    }

    /// Of residuals token by token: without classes, positions, both.
    fn twin(&self, i: usize, j: usize) -> [f64; 3] {
        let groupings: [&[&[u32]]; 3] = [&[&self.classes], &[&self.positions], &[&self.classes, &self.positions]];
        groupings.map(|groupings| {
            let [a, b] = [(0, i), (1, j)].map(|(side, j)| self.residuals(self.column(side, j), groupings));
            let dot = |x: &[f64], y: &[f64]| -> f64 { x.iter().zip(y).map(|(x, y)| x * y).sum() };
            dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
        })
    }

    fn scores(&self) -> [GroupScores; 2] {
        let fit = AdditiveFit::new(&self.counts());
        [0, 1].map(|side| fit.scores(&self.sums(side, 100)))
    }

    fn got(&self, i: usize, j: usize) -> CorrWithout {
        let [a, b] = self.scores();
        a.corr_without(i, &b, j, &self.pair(i, j))
    }

    fn assert_agrees_with_twin(&self) {
        let [a, b] = self.scores();
        for (i, j) in (0..self.n).map(|i| (i, (i * i) % self.n)) {
            let got = a.corr_without(i, &b, j, &self.pair(i, j));
            let got = [got.token.unwrap(), got.position.unwrap(), got.both.unwrap()];
            assert_close(&got, &self.twin(i, j), TOL);
        }
    }
}

#[test]
fn agrees_with_residuals_token_by_token() {
    // Lanes: one short of full, full, one more.
    for n in [1, LANES - 1, LANES, LANES + 1] {
        World::new(100, (9, 12), n, |class, _| class).assert_agrees_with_twin();
    }
    World::new(60, (1, 12), 3, |class, _| class).assert_agrees_with_twin();
    World::new(600, (9, 1), 3, |class, _| class).assert_agrees_with_twin();
}

#[test]
fn classes_that_never_meet_and_empty_ones_break_nothing() {
    // A first token of its own in every row: two sets of classes and positions that occur only with each other.
    World::new(100, (9, 12), 3, |class, position| if position == 0 { 8 } else { class.min(7) })
        .assert_agrees_with_twin();
    // Class 3 and the last positions never occur; positions 2 and 5 hold one class each, and that one stands there alone.
    let mut world = World::new(100, (9, 12), 3, |class, position| match position {
        2 => 4,
        5 => 5,
        _ => [0, 1, 2, 2, 6, 6, 6, 7, 8][class as usize],
    });
    world.n_positions = 20;
    world.assert_agrees_with_twin();
    // A class for every position: the classes explain all that positions do.
    let world = World::new(100, (12, 12), 3, |_, position| position);
    world.assert_agrees_with_twin();
    let got = world.got(0, 0);
    assert_close(&[got.token.unwrap(), got.both.unwrap()], &[got.position.unwrap(); 2], TOL);
}

#[test]
fn one_position_is_dropped_for_every_set_that_keeps_to_itself() {
    let n_dropped = |n_classes: usize, class: fn(u32, u32) -> u32| {
        let fit = AdditiveFit::new(&World::new(300, (n_classes, 12), 1, class).counts());
        fit.inverse_pivots.iter().filter(|&&inverse| inverse == 0.0).count()
    };
    assert_eq!(n_dropped(9, |class, _| class), 1);
    assert_eq!(n_dropped(9, |class, position| if position == 0 { 8 } else { class.min(7) }), 2);
    assert_eq!(n_dropped(9, |class, position| if position < 5 { class % 3 } else { 3 + class % 6 }), 2);
    assert_eq!(n_dropped(12, |_, position| position), 12);
}

#[test]
fn what_tokens_and_positions_share_is_taken_away_and_the_rest_is_left() {
    let world = World::new(2000, (9, 12), 2, |class, _| class);
    let [shared, unique] = [0, 1].map(|j| (world.pair(j, j).corr().unwrap(), world.got(j, j).both.unwrap()));
    // Residuals of even neurons: 1 / (1 + 0.25) in common. About 13,000 tokens: five standard errors of 0.01.
    assert!((shared.1 - 0.8).abs() < 0.05 && shared.0 > 0.8, "{shared:?}");
    assert!(unique.1.abs() < 0.05 && unique.0 > 0.2, "{unique:?}");
}

#[test]
fn the_two_fits_cannot_simply_be_added() {
    // Mutant: classes and positions that are taken for balanced.
    let world = World::new(40, (5, 6), 1, |class, position| (class + position) % 5);
    let fit = AdditiveFit::new(&world.counts());
    let added = |sums: &GroupSums| fit.scores(sums).explained[0];
    let whole = world.pair(0, 0);
    let [token, position, both] = added(&world.sums(0, 100));
    let mean = whole.a * whole.a / whole.n;
    assert!((both - (token + position - mean)).abs() > 1e-3 * whole.aa, "{both} of {token} and {position}");
    assert!(both <= whole.aa && token <= both + TOL.abs && position <= both + TOL.abs);
}

#[test]
fn a_neuron_that_follows_from_the_token_has_nothing_left() {
    let mut world = World::new(50, (9, 12), 2, |class, _| class);
    for (token, &class) in world.layers[0].chunks_exact_mut(2).zip(&world.classes) {
        token[0] = (class as f32).sqrt();
        token[1] = (class as f32).sqrt() + (token[1] * 1e-3);
    }
    let got = world.got(0, 0);
    assert_eq!((got.token, got.both), (None, None));
    assert!(got.position.is_some(), "positions do not decide it");
    let got = world.got(1, 1);
    assert!(got.token.is_some() && got.both.is_some(), "a thousandth of it is context");
    for (token, &position) in world.layers[1].chunks_exact_mut(2).zip(&world.positions) {
        token[0] = position as f32;
        token[1] = 0.0;
    }
    let got = world.got(1, 0);
    assert!(got.token.is_some() && got.position.is_none() && got.both.is_none());
    assert_eq!(world.got(1, 1), CorrWithout::default(), "a constant");
}

#[test]
fn chunks_do_not_matter() {
    let world = World::new(20, (4, 5), 3, |class, _| class);
    let whole = world.sums(0, usize::MAX / 8);
    assert_eq!(world.sums(0, 1), whole);
    assert_eq!(world.sums(0, 7), whole);
    let mut counts = GroupCounts::new(4, 5);
    for (classes, positions) in world.classes.chunks(3).zip(world.positions.chunks(3)) {
        counts.add(classes, positions);
    }
    assert_eq!(counts, world.counts());
    assert_eq!(counts.n_tokens(), world.classes.len() as u64);
    let plain = (world.classes.iter().zip(&world.positions)).filter(|&(&c, &p)| (c, p) == (1, 2)).count() as u64;
    assert_eq!(counts.table[2 * 4 + 1], plain);
    assert_ne!(world.sums(1, 1), whole);
}

#[test]
fn no_tokens_leave_nothing() {
    let fit = AdditiveFit::new(&GroupCounts::new(3, 2));
    let scores = fit.scores(&GroupSums::new(2, 3, 2));
    assert_eq!(scores.corr_without(0, &scores, 1, &PairSums::default()), CorrWithout::default());
    let fit = AdditiveFit::new(&GroupCounts::new(0, 0));
    assert_eq!(fit.scores(&GroupSums::new(2, 0, 0)).explained, [[0.0; 3]; 2]);
}

#[test]
fn products_of_any_length_are_sums() {
    let mut seeded = Seeded::new(3);
    for n in [0, 1, 7, 8, 9, 63, 64, 65] {
        let [x, y] = [0, 1].map(|_| (0..n).map(|_| seeded.gaussian()).collect::<Vec<_>>());
        let want: f64 = x.iter().zip(&y).map(|(x, y)| x * y).sum();
        assert_close(&[dot(&x, &y)], &[want], Tol::abs(1e-13));
        let wrong: f64 = x.iter().zip(&y).skip(1).map(|(x, y)| x * y).sum();
        assert!(n == 0 || check_close(&[dot(&x, &y)], &[wrong], Tol::abs(1e-13)).is_err());
    }
}

#[test]
#[should_panic(expected = "class 4 of 4")]
fn a_class_that_does_not_exist_is_refused() {
    GroupCounts::new(4, 5).add(&[4], &[0]);
}

#[test]
#[should_panic(expected = "over the tokens that were counted")]
fn sums_of_other_tokens_are_refused() {
    let world = World::new(20, (4, 5), 1, |class, _| class);
    let [a, b] = world.scores();
    a.corr_without(0, &b, 0, &PairSums { n: 3.0, ..world.pair(0, 0) });
}
