//! Points counted in hexagons, for more points than ink.

use std::collections::BTreeMap;

/// How hexagons lie over a panel: they are regular on paper, whatever the units of x and y.
#[derive(Clone, Copy, Debug)]
pub struct HexGrid {
    /// First and last x of the panel.
    pub x: [f64; 2],
    /// First and last y of the panel.
    pub y: [f64; 2],
    /// Hexagons along the whole of x.
    pub n_across: u32,
    /// Height of the panel over its width.
    pub aspect: f64,
}

/// One hexagon with points in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// Its centre.
    pub x: f64,
    /// Its centre.
    pub y: f64,
    /// Points nearest to this centre.
    pub count: u64,
}

impl HexGrid {
    /// Distance of neighbours in one row, in units of x.
    pub fn x_step(&self) -> f64 {
        (self.x[1] - self.x[0]) / f64::from(self.n_across)
    }

    /// Distance of neighbouring rows, in units of y: half of the root of three of the distance along x, on paper.
    pub fn y_step(&self) -> f64 {
        let on_paper = 3_f64.sqrt() / 2.0 / f64::from(self.n_across);
        on_paper * (self.y[1] - self.y[0]) / self.aspect
    }

    /// Counts every point in the hexagon whose centre is nearest on paper; bins with points, by row and place.
    ///
    /// A point that is not finite is an error of the caller and panics. Ties go to the lower row.
    pub fn count(&self, points: impl IntoIterator<Item = (f64, f64)>) -> Vec<Bin> {
        let mut counts: BTreeMap<(i64, i64), u64> = BTreeMap::new();
        for (x, y) in points {
            assert!(x.is_finite() && y.is_finite(), "({x}, {y}) has no place");
            *counts.entry(self.nearest(x, y)).or_default() += 1;
        }
        let bin = |((row, place), count)| {
            let (x, y) = self.center(row, place);
            Bin { x, y, count }
        };
        counts.into_iter().map(bin).collect()
    }

    /// Rows with an odd number are shifted by half a step.
    fn center(&self, row: i64, place: i64) -> (f64, f64) {
        let shift = if row.rem_euclid(2) == 1 { 0.5 } else { 0.0 };
        (self.x[0] + (place as f64 + shift) * self.x_step(), self.y[0] + row as f64 * self.y_step())
    }

    fn nearest(&self, x: f64, y: f64) -> (i64, i64) {
        let below = ((y - self.y[0]) / self.y_step()).floor() as i64;
        // In units of the step along x, as on paper.
        let distance = |&(row, place): &(i64, i64)| {
            let (center_x, center_y) = self.center(row, place);
            let dx = (x - center_x) / self.x_step();
            let dy = (y - center_y) / self.y_step() * 3_f64.sqrt() / 2.0;
            dx * dx + dy * dy
        };
        let in_row = |row: i64| {
            let (first, _) = self.center(row, 0);
            (row, ((x - first) / self.x_step()).round() as i64)
        };
        let candidates = [in_row(below), in_row(below + 1)];
        let [low, high] = [distance(&candidates[0]), distance(&candidates[1])];
        if high < low { candidates[1] } else { candidates[0] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: HexGrid = HexGrid { x: [0.0, 2.0], y: [-1.0, 1.0], n_across: 10, aspect: 0.5 };

    #[test]
    fn a_center_is_in_its_own_bin_and_every_point_in_the_nearest() {
        for row in -3..4 {
            for place in -3..4 {
                let (x, y) = GRID.center(row, place);
                let bins = GRID.count([(x, y), (x + 0.3 * GRID.x_step(), y), (x, y - 0.4 * GRID.y_step())]);
                assert_eq!(bins.len(), 1);
                assert_eq!(bins[0].count, 3);
                assert!((bins[0].x - x).abs() < 1e-12 && (bins[0].y - y).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn neighbours_are_equally_far_on_paper() {
        // A panel of width 1 and height `aspect`.
        let on_paper = |(x, y): (f64, f64)| (x / 2.0, y / 2.0 * GRID.aspect);
        let (a, along, above) = (GRID.center(0, 0), GRID.center(0, 1), GRID.center(1, 0));
        let distance = |p: (f64, f64), q: (f64, f64)| {
            let (p, q) = (on_paper(p), on_paper(q));
            (p.0 - q.0).hypot(p.1 - q.1)
        };
        assert!((distance(a, along) - distance(a, above)).abs() < 1e-12);
    }

    #[test]
    fn every_point_is_counted_once() {
        let points = (0..1000).map(|i| (f64::from(i % 37) / 18.0, f64::from(i % 41) / 20.0 - 1.0));
        assert_eq!(GRID.count(points).iter().map(|bin| bin.count).sum::<u64>(), 1000);
    }
}
