//! What makes a study file invalid, beyond what its types say.

use std::collections::BTreeSet;

use homolog_stats::Extremes;

use super::{
    BaselineKind, CorrelationSection, EvidenceSection, OWN_SETS, PersistenceSection, ScreeningSection, Search,
    StudyConfig, UniversalityRule, WindowsSection,
};
use crate::Error;

/// Windows of a neuron, tokens of a window, and bins of a histogram, at most: sizes that memory holds, and that no multiplication of
/// a plan overflows.
const MOST_OF_WINDOWS: usize = 1 << 16;

/// Models among which cliques are looked for.
const MOST_MODELS: usize = 64;

/// Blocks from which a spread is told, and a size that memory holds.
const LEAST_BLOCKS: usize = 4;
const MOST_BLOCKS: usize = 1024;

/// Bootstrap samples from which ends of an interval are told, and a number that memory holds.
const LEAST_RESAMPLES: usize = 100;
const MOST_RESAMPLES: usize = 10_000;

/// Draws of a rotation that make a null of each neuron.
const LEAST_NULL_DRAWS: usize = homolog_stats::MIN_DRAWS;

/// Audited neurons from which the spread of a baseline's error is told.
const LEAST_AUDIT: usize = 16;

impl StudyConfig {
    /// Settings that contradict each other. Errors: the first that does.
    pub(super) fn check(&self) -> Result<(), Error> {
        let fail = |message: String| Err(Error::BadSetting { path: self.path.clone(), message });
        let name = &self.study.name;
        if !is_file_name(name) {
            return fail(format!("study.name {name:?} must be usable as a folder name"));
        }
        if self.models.len() < 2 {
            return fail(format!("a study needs at least two [[model]] sections, not {}", self.models.len()));
        }
        if self.models.len() > MOST_MODELS {
            return fail(format!(
                "a study has at most {MOST_MODELS} models, not {}; make it several",
                self.models.len()
            ));
        }
        if let Some(repeated) = repeated(self.models.iter().map(|model| &model.name)) {
            return fail(format!("two models are named `{repeated}`; names must differ"));
        }
        // A plus joins names in tensors/, a bar separates columns of the summary.
        let is_unusable = |name: &str| name.is_empty() || name.contains(['+', '|']) || name.contains(char::is_control);
        if let Some(model) = self.models.iter().find(|model| is_unusable(&model.name)) {
            return fail(format!(
                "the model name {:?} is empty or holds +, | or a control character; choose another",
                model.name
            ));
        }
        if let Some(checkpoints) = &self.checkpoints {
            if let Some(repeated) = repeated(&checkpoints.steps) {
                return fail(format!("checkpoints.steps names {repeated} twice"));
            }
            if checkpoints.steps.is_empty() {
                return fail("checkpoints.steps is empty; list steps or remove the section".into());
            }
            if !checkpoints.pattern.contains("{step}") {
                return fail(format!("checkpoints.pattern {:?} lacks {{step}}", checkpoints.pattern));
            }
        }
        self.check_corpus(fail)?;
        if self.correlation.top_k == 0 {
            return fail("correlation.top_k must be at least 1".into());
        }
        self.check_screening(fail)?;
        if self.baseline.draws == 0 {
            return fail("baseline.draws must be at least 1: without a baseline there is no excess".into());
        }
        self.check_universality(fail)?;
        if self.nulls.permuted_rows > 0 && self.baseline.kind == BaselineKind::PermutedRows {
            return fail(
                "nulls.permuted_rows is what the baseline already is; leave it out and set baseline.draws".into(),
            );
        }
        self.check_evidence(fail)?;
        self.check_persistence(fail)?;
        self.check_windows(fail)?;
        self.check_ablation(fail)
    }

    fn check_screening(&self, fail: impl Fn(String) -> Result<(), Error>) -> Result<(), Error> {
        let CorrelationSection { search, screening, top_k, .. } = &self.correlation;
        if *search == Search::Exact {
            if *screening != ScreeningSection::default() {
                return fail(
                    "[correlation.screening] is of search = \"screened\" and the search is exact; set correlation.search, or \
                     remove the section"
                        .into(),
                );
            }
            return Ok(());
        }
        let ScreeningSection { tokens, candidates, narrowing_tokens, margin, audit, .. } = *screening;
        let draws_audit = audit >= LEAST_AUDIT || !screening.exact_near_thresholds;
        match () {
            () if self.baseline.kind == BaselineKind::PermutedRows => fail(
                "correlation.search = screened cannot permute rows; use search = exact or another baseline.kind".into(),
            ),
            () if self.nulls.permuted_rows > 0 => fail(
                "nulls.permuted_rows takes all pairs of neurons over all tokens, and the search is screened; use search = exact or 0 draws"
                    .into(),
            ),
            () if tokens < self.corpus.context => fail(format!(
                "correlation.screening.tokens is {tokens}, less than one row of {}; ask for more",
                self.corpus.context
            )),
            () if candidates < Extremes::n_kept(*top_k) => fail(format!(
                "correlation.screening.candidates is {candidates}, fewer than correlation.top_k = {top_k} or than two; \
                 ask for more"
            )),
            () if narrowing_tokens < tokens => fail(format!(
                "correlation.screening.narrowing_tokens is {narrowing_tokens}, fewer than tokens = {tokens}; ask for more"
            )),
            () if !(margin.is_finite() && margin > 0.0) => {
                fail(format!("correlation.screening.margin is {margin}; give a positive number of standard errors"))
            }
            () if !draws_audit => fail(format!(
                "correlation.screening.exact_near_thresholds needs an audit of {LEAST_AUDIT} neurons at least, to know what \
                 is near; audit is {audit}"
            )),
            () => Ok(()),
        }
    }

    fn check_corpus(&self, fail: impl Fn(String) -> Result<(), Error>) -> Result<(), Error> {
        let corpus = &self.corpus;
        if corpus.context < 2 {
            return fail("corpus.context must be at least 2, for a loss to exist".into());
        }
        let of_text = [
            ("tokenizer", corpus.tokenizer.is_some()),
            ("tokens", corpus.tokens.is_some()),
            ("held_out_tokens", corpus.held_out_tokens.is_some()),
            ("bos", corpus.bos.is_some()),
            ("text_field", corpus.text_field.is_some()),
        ];
        match (&corpus.token_file, corpus.is_text()) {
            (Some(_), true) => fail("[corpus] has token_file and files; give rows of tokens or text, not both".into()),
            (None, false) => fail("[corpus] needs token_file (rows of tokens) or files (text)".into()),
            (Some(_), false) => match of_text.iter().find(|(_, is_given)| *is_given) {
                Some((key, _)) => {
                    fail(format!("corpus.{key} is for text; remove it, or give `files` for `token_file`"))
                }
                None => Ok(()),
            },
            (None, true) if corpus.held_out_token_file.is_some() => fail(
                "corpus.held_out_token_file goes with token_file; text has documents held out by held_out_tokens"
                    .into(),
            ),
            (None, true) => {
                let counts =
                    [("tokens", corpus.tokens), ("held_out_tokens", corpus.held_out_tokens.filter(|&n| n > 0))];
                match counts.iter().find(|(_, tokens)| tokens.is_some_and(|tokens| tokens < corpus.context as u64)) {
                    Some((key, _)) => {
                        fail(format!("corpus.{key} is less than one row of {}; ask for more", corpus.context))
                    }
                    None => Ok(()),
                }
            }
        }
    }

    fn check_universality(&self, fail: impl Fn(String) -> Result<(), Error>) -> Result<(), Error> {
        let universality = &self.universality;
        let others = [universality.count_threshold, universality.fdr];
        let mut thresholds = self.thresholds().iter().chain(&others);
        if let Some(threshold) = thresholds.find(|threshold| !threshold.is_finite()) {
            return fail(format!("universality: the threshold {threshold} is not a finite number"));
        }
        if let Some([repeated, ..]) = self.thresholds().windows(2).find(|pair| pair[0] == pair[1]) {
            return fail(format!("universality.thresholds names {repeated} twice"));
        }
        let threshold = self.threshold();
        match universality.own_threshold() {
            Some((key, own)) if own.to_bits() != threshold.to_bits() => {
                return fail(format!(
                    "universality.threshold is {threshold} and {key} is {own}, but by this rule they are the same; set {key} = \
                     {threshold} and leave threshold out, or set both"
                ));
            }
            _ => {}
        }
        if universality.rule == UniversalityRule::Fdr && self.baseline.kind == BaselineKind::PermutedRows {
            return fail(
                "universality.rule = \"fdr\" takes p-values from rotations, and baseline.kind is permuted-rows; use orthogonal, or \
                 another rule"
                    .into(),
            );
        }
        if universality.rule == UniversalityRule::Fdr && self.baseline.draws < LEAST_NULL_DRAWS {
            return fail(format!(
                "universality.rule = \"fdr\" needs baseline.draws of at least {LEAST_NULL_DRAWS}, for a null of each neuron; it is {}",
                self.baseline.draws
            ));
        }
        let is_level = |level: f64| level > 0.0 && level < 1.0;
        if let Some(level) =
            self.thresholds().iter().find(|level| universality.rule == UniversalityRule::Fdr && !is_level(**level))
        {
            return fail(format!(
                "universality.thresholds names {level}, which is no false discovery rate between 0 and 1"
            ));
        }
        if universality.rule == UniversalityRule::Fdr && self.correlation.search == Search::Screened {
            return fail(
                "universality.rule = \"fdr\" holds maxima against draws over the same tokens, and a screened search draws on its \
                 sample; use search = exact or another rule"
                    .into(),
            );
        }
        if !is_level(universality.fdr) {
            return fail(format!("universality.fdr is {}, not between 0 and 1", universality.fdr));
        }
        let others = self.models.len() - 1;
        match self.count_models() {
            0 => fail("universality.count_models must be at least 1".into()),
            count if count > others => {
                fail(format!("universality.count_models is {count}, but a model has only {others} others"))
            }
            _ => Ok(()),
        }
    }

    fn check_evidence(&self, fail: impl Fn(String) -> Result<(), Error>) -> Result<(), Error> {
        let EvidenceSection { enabled, blocks, level, candidates, frequent_tokens, least_token_count, .. } =
            self.evidence;
        let blocks_asked = LEAST_BLOCKS..=MOST_BLOCKS;
        match () {
            () if candidates > MOST_OF_WINDOWS || frequent_tokens > MOST_OF_WINDOWS => fail(format!(
                "evidence.candidates and evidence.frequent_tokens are at most {MOST_OF_WINDOWS}; they are {candidates} and \
                 {frequent_tokens}"
            )),
            () if !(level > 0.0 && level < 1.0) => {
                fail(format!("evidence.level is {level}, not between 0 and 1; 0.95 gives 95 % intervals"))
            }
            () if !enabled => Ok(()),
            () if !blocks_asked.contains(&blocks) => {
                fail(format!("evidence.blocks is {blocks}, not between {LEAST_BLOCKS} and {MOST_BLOCKS}"))
            }
            () if candidates == 0 => {
                fail("evidence.candidates must be at least 1; for none set enabled = false".into())
            }
            () if least_token_count < 2 => {
                fail("evidence.least_token_count must be at least 2: one position is its own mean".into())
            }
            () => Ok(()),
        }
    }

    fn check_persistence(&self, fail: impl Fn(String) -> Result<(), Error>) -> Result<(), Error> {
        let PersistenceSection { hysteresis, functional, tokens } = self.persistence;
        if !(hysteresis.is_finite() && hysteresis >= 0.0) {
            return fail(format!(
                "persistence.hysteresis is {hysteresis}; give how far below the threshold a score must fall, 0 or more"
            ));
        }
        if functional && tokens > 0 && tokens < self.corpus.context {
            return fail(format!(
                "persistence.tokens is {tokens}, less than one row of {}; ask for more, or 0 for all",
                self.corpus.context
            ));
        }
        Ok(())
    }

    fn check_windows(&self, fail: impl Fn(String) -> Result<(), Error>) -> Result<(), Error> {
        let WindowsSection { top, context, partner_windows, bins, .. } = self.windows;
        let sizes = [("top", top), ("context", context), ("bins", bins)];
        if let Some((key, size)) = sizes.into_iter().find(|(_, size)| !(1..=MOST_OF_WINDOWS).contains(size)) {
            return fail(format!(
                "windows.{key} is {size}, not between 1 and {MOST_OF_WINDOWS}; for no windows set windows.checkpoints = \"none\""
            ));
        }
        if partner_windows > top {
            return fail(format!(
                "windows.partner_windows is {partner_windows}, more than windows.top = {top}; ask for fewer"
            ));
        }
        Ok(())
    }

    fn check_ablation(&self, fail: impl Fn(String) -> Result<(), Error>) -> Result<(), Error> {
        let ablation = &self.ablation;
        if let Some(mode) = repeated(ablation.modes.iter().map(|mode| mode.name())) {
            return fail(format!("ablation.modes names {mode} twice"));
        }
        if let Some(multiple) = repeated(&ablation.multiples) {
            return fail(format!("ablation.multiples names {multiple} twice"));
        }
        // Attributions and claims about the family take these without ablations too.
        if !(ablation.level > 0.0 && ablation.level < 1.0) {
            return fail(format!(
                "ablation.level is {}, not between 0 and 1; 0.95 gives 95 % intervals",
                ablation.level
            ));
        }
        if !(LEAST_RESAMPLES..=MOST_RESAMPLES).contains(&ablation.resamples) {
            return fail(format!(
                "ablation.resamples is {}, not between {LEAST_RESAMPLES} and {MOST_RESAMPLES}",
                ablation.resamples
            ));
        }
        if ablation.tokens > 0 && ablation.tokens < self.corpus.context {
            return fail(format!(
                "ablation.tokens is {}, less than one row of {}",
                ablation.tokens, self.corpus.context
            ));
        }
        if !ablation.enabled {
            return Ok(());
        }
        if ablation.lacks_sets() {
            return fail(
                "[ablation] needs modes, multiples of at least 1, and draws of at least 1, or enabled = false".into(),
            );
        }
        let names = ablation.sets.iter().map(|set| set.name.as_str()).chain(OWN_SETS);
        if let Some(name) = repeated(names) {
            return fail(format!(
                "two ablation sets are named `{name}`; names must differ from each other and from the study's own sets"
            ));
        }
        for set in &ablation.sets {
            if set.models.as_ref().is_some_and(Vec::is_empty) || set.checkpoints.as_ref().is_some_and(Vec::is_empty) {
                return fail(format!(
                    "ablation set `{}` is for no model or no checkpoint; name some, or leave the key out for all",
                    set.name
                ));
            }
            let known = |name: &&String| !self.models.iter().any(|model| model.name == **name);
            if let Some(name) = set.models.iter().flatten().find(known) {
                return fail(format!(
                    "ablation set `{}` names the model `{name}`, which is not in the study",
                    set.name
                ));
            }
            let steps = self.steps();
            if let Some(step) = set.checkpoints.iter().flatten().find(|step| !steps.contains(&Some(**step))) {
                return fail(format!(
                    "ablation set `{}` names the checkpoint {step}, which is not in the study",
                    set.name
                ));
            }
        }
        Ok(())
    }
}

fn is_file_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '\\', '\0']) && name != "." && name != ".."
}

pub(super) fn repeated<T: Ord>(items: impl IntoIterator<Item = T>) -> Option<T> {
    let mut seen = BTreeSet::new();
    let mut repeated = None;
    for item in items {
        if seen.contains(&item) {
            repeated.get_or_insert(item);
        } else {
            seen.insert(item);
        }
    }
    repeated
}
