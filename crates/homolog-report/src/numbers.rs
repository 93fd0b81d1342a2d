//! How numbers are summed up, over models or random draws, and written.

/// Mean, least and greatest of some numbers: a range, not an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) mean: f64,
    pub(crate) least: f64,
    pub(crate) greatest: f64,
    /// Numbers there are.
    pub(crate) n: usize,
}

impl Spread {
    /// None of no numbers.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> = values.into_iter().collect();
        let least = values.iter().copied().reduce(f64::min)?;
        let greatest = values.iter().copied().reduce(f64::max)?;
        let n = values.len();
        Some(Self { mean: values.iter().sum::<f64>() / n as f64, least, greatest, n })
    }

    /// The same with the ends of the central share `level` in place of the least and greatest: quantiles on straight lines between the
    /// values in order, as in table `damage`.
    pub(crate) fn central(values: impl IntoIterator<Item = f64>, level: f64) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let spread = Self::of(values.iter().copied())?;
        let end = |share: f64| {
            let at = share * (values.len() - 1) as f64;
            let (low, high) = (values[at.floor() as usize], values[at.ceil() as usize]);
            low + (high - low) * at.fract()
        };
        Some(Self { least: end((1.0 - level) / 2.0), greatest: end(f64::midpoint(1.0, level)), ..spread })
    }

    /// `4.1 % (mean of 5 models, from 3.8 to 4.4 %)`.
    pub(crate) fn percent(&self) -> String {
        if self.n == 1 {
            return format!("{} (one model)", percent(self.mean));
        }
        let range = format!("from {:.1} to {}", 100.0 * self.least, percent(self.greatest));
        format!("{} (mean of {} models, {range})", percent(self.mean), self.n)
    }

    /// `0.0141 nats (mean of 5 models, from 0.0105 to 0.0182)`.
    pub(crate) fn nats(&self) -> String {
        if self.n == 1 {
            return format!("{} nats (one model)", digits(self.mean));
        }
        let range = format!("from {} to {}", digits(self.least), digits(self.greatest));
        format!("{} nats (mean of {} models, {range})", digits(self.mean), self.n)
    }
}

/// Mean; none of no numbers.
pub(crate) fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (n, sum) = values.into_iter().fold((0_u64, 0.0), |(n, sum), value| (n + 1, sum + value));
    (n > 0).then(|| sum / n as f64)
}

/// A share of one.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Three digits that count, at least three after the point.
pub(crate) fn digits(value: f64) -> String {
    let magnitude = value.abs();
    let n_decimals = if magnitude > 0.0 && magnitude < 0.1 { (2.0 - magnitude.log10().floor()).min(9.0) } else { 3.0 };
    format!("{value:.*}", n_decimals as usize)
}

/// With thousands set apart.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [word] => word.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn are_written_for_people() {
        assert_eq!([count(0), count(999), count(1000), count(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [digits(0.0), digits(1.0), digits(0.014_107), digits(-0.000_523_9)],
            ["0.000", "1.000", "0.0141", "-0.000524"]
        );
        let words = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(
            [listed(&words[..0]), listed(&words[..1]), listed(&words[..2]), listed(&words)],
            ["", "a", "a and b", "a, b and c"]
        );
    }

    #[test]
    fn the_central_part_leaves_as_much_out_on_both_sides() {
        let central = Spread::central((0..=40).rev().map(f64::from), 0.95).unwrap();
        assert!((central.least - 1.0).abs() < 1e-9 && (central.greatest - 39.0).abs() < 1e-9, "{central:?}");
        let between = Spread::central([0.0, 1.0, 5.0], 0.5).map(|over| (over.mean, over.least, over.greatest));
        assert_eq!(between, Some((2.0, 0.5, 3.0)));
        assert_eq!(Spread::central([], 0.95), None);
    }

    #[test]
    fn ranges_are_the_least_and_greatest() {
        assert_eq!(Spread::of([]), None);
        let over = Spread::of([0.25, 0.5, 0.0]).map(|over| over.percent());
        assert_eq!(over.as_deref(), Some("25.0 % (mean of 3 models, from 0.0 to 50.0 %)"));
        assert_eq!(Spread::of([0.02]).map(|over| over.nats()).as_deref(), Some("0.0200 nats (one model)"));
    }
}
