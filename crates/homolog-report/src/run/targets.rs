//! How many predicted tokens a loss is the mean of.

use super::Run;

/// Of the losses in table `models`: every position but the first of each row.
pub(crate) fn n_loss_targets(run: &Run) -> u64 {
    let rows = loss_rows(run);
    rows.n_rows * rows.context.saturating_sub(1)
}

/// Of the losses in tables `ablation` and `damage`: those of the first `ablation.tokens` tokens, in whole rows.
pub(crate) fn n_ablation_targets(run: &Run) -> u64 {
    let rows = loss_rows(run);
    let n_rows = match run.settings.ablation_tokens {
        0 => rows.n_rows,
        tokens => (tokens / rows.context.max(1)).min(rows.n_rows),
    };
    n_rows * rows.context.saturating_sub(1)
}

fn loss_rows(run: &Run) -> &homolog_results::TokensInput {
    let inputs = &run.manifest.inputs;
    inputs.held_out_tokens.as_ref().unwrap_or(&inputs.tokens)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use homolog_results::TokensInput;

    use super::*;
    use crate::test_run::{self, Options};

    #[test]
    fn ablations_are_over_whole_rows_of_the_loss_rows() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = test_run::open(folder.path(), &Options::default());
        assert_eq!(n_loss_targets(&run), run.models[0].n_targets);
        // 70 rows of 6: 65 tokens are 10 rows and a rest, 420 are all.
        for (tokens, n) in [(0, 350), (65, 50), (6, 5), (420, 350), (10_000, 350)] {
            run.settings.ablation_tokens = tokens;
            assert_eq!(n_ablation_targets(&run), n, "{tokens} tokens");
        }
        run.settings.ablation_tokens = 65;
        run.manifest.inputs.held_out_tokens =
            Some(TokensInput { n_rows: 4, context: 9, ..run.manifest.inputs.tokens.clone() });
        assert_eq!((n_loss_targets(&run), n_ablation_targets(&run)), (32, 32));
        run.settings.ablation_tokens = 35;
        assert_eq!(n_ablation_targets(&run), 24);
    }
}
