//! "Did you mean": the nearest key of the format to one that it does not have.

/// Names less alike than this are not worth a guess. (0 nothing in common, 1 the same.)
const ALIKE: f64 = 0.7;

/// The parser's message, and below it the nearest of the keys that it says are expected.
///
/// The parser writes ``unknown field `x`, expected one of `a`, `b` `` (or ``unknown variant``, or ``expected `a` ``).
pub(super) fn with_suggestion(message: &str) -> String {
    let unknown = message.lines().find(|line| line.contains("unknown field") || line.contains("unknown variant"));
    let mut quoted = unknown.into_iter().flat_map(|line| line.split('`').skip(1).step_by(2));
    let suggestion = quoted.next().and_then(|wrong| nearest(wrong, quoted));
    match suggestion {
        Some(key) => format!("{}\ndid you mean `{key}`?", message.trim_end()),
        None => message.to_owned(),
    }
}

/// The most alike of `known`, if it is alike at all.
pub(crate) fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let alike = |known: &str| strsim::jaro_winkler(&wrong.to_lowercase(), &known.to_lowercase());
    let best = known.map(|known| (alike(known), known)).max_by(|x, y| x.0.total_cmp(&y.0));
    best.filter(|best| best.0 > ALIKE).map(|best| best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_suggested_and_nothing_far_off() {
        let message =
            "TOML parse error\nunknown field `treshold`, expected one of `threshold`, `thresholds`, `count_models`";
        assert!(with_suggestion(message).ends_with("did you mean `threshold`?"));
        let message = "unknown field `xyz`, expected one of `threshold`, `count_models`";
        assert_eq!(with_suggestion(message), message);
        let message = "unknown variant `gausian-rows`, expected one of `orthogonal`, `gaussian-rows`, `permuted-rows`";
        assert!(with_suggestion(message).ends_with("did you mean `gaussian-rows`?"));
        assert_eq!(with_suggestion("missing field `name`"), "missing field `name`");
    }
}
