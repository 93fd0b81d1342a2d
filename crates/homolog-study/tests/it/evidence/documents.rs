//! Blocks of a study from text are whole documents; of rows, or of too few documents, whole rows.

use std::fs;

use homolog_results::{MatchRow, ModelRow};
use homolog_study::{Silent, StudyConfig, TokenizeRequest, tokenize};
use homolog_test::Tol;
use homolog_test::reference_gpt2::pearson;

use super::intervals::corr_and_se;
use crate::slow::SlowModel;
use crate::text;
use crate::world::{Run, World, options};

const CONTEXT: usize = 12;
/// End of text, with which also every row begins, and newline.
const END: u16 = 60;
const NEWLINE: u16 = 27;
const N_BLOCKS: usize = 20;
/// See `intervals`.
const SE: Tol = Tol::abs(3e-6);

fn blocks_of(run: &Run) -> (u64, String) {
    let models = run.table::<ModelRow>();
    assert!(
        models.windows(2).all(|pair| (pair[0].n_blocks, &pair[0].blocks_of) == (pair[1].n_blocks, &pair[1].blocks_of))
    );
    (models[0].n_blocks.unwrap(), models[0].blocks_of.clone().unwrap())
}

fn world() -> World {
    let mut world = text::world();
    world.text = world.text.replace("draws = 1\nmultiples = [1]", "enabled = false");
    world.add(&format!("[evidence]\nblocks = {N_BLOCKS}\n[windows]\ncheckpoints = \"none\""));
    world
}

/// Rows that the study makes of its text.
fn rows(world: &World) -> Vec<u16> {
    let output = world.path("made.u16");
    let request = TokenizeRequest {
        files: vec![world.path("text.txt")],
        tokenizer: world.path("a"),
        context: CONTEXT,
        tokens: None,
        held_out_tokens: None,
        bos: true,
        text_field: "text".into(),
        output: output.clone(),
    };
    tokenize(&request, &Silent).unwrap();
    fs::read(output).unwrap().as_chunks().0.iter().copied().map(u16::from_le_bytes).collect()
}

/// Block of every counted token: cut after documents, where the counted tokens are divided most evenly.
fn blocks(rows: &[u16]) -> Vec<usize> {
    let is_counted = |at: usize| ![END, NEWLINE].contains(&rows[at]);
    let n = (0..rows.len()).filter(|at| is_counted(*at)).count();
    // A document goes on to its end of text, wherever rows begin with the same token.
    let documents: Vec<usize> =
        (0..rows.len()).filter(|at| rows[*at] == END && at % CONTEXT > 0).map(|at| at + 1).collect();
    let before = |cut: usize| (0..cut).filter(|at| is_counted(*at)).count();
    let cut = |block: usize| documents.iter().min_by_key(|cut| before(**cut).abs_diff(block * n / N_BLOCKS)).copied();
    let mut cuts: Vec<usize> = (1..N_BLOCKS).filter_map(cut).collect();
    cuts.dedup();
    (0..rows.len()).filter(|at| is_counted(*at)).map(|at| cuts.iter().filter(|cut| **cut <= at).count()).collect()
}

/// Matches of a in b whose standard error is not that of these blocks.
fn n_off(run: &Run, activations: &[Vec<Vec<f64>>; 2], blocks: &[usize]) -> usize {
    let matches = run.table::<MatchRow>();
    let of_a: Vec<&MatchRow> = matches.iter().filter(|row| row.model == "a").collect();
    assert_eq!(of_a.len(), activations[0].len());
    let is_off = |(i, row): &(usize, &&MatchRow)| {
        let x = &activations[0][*i];
        let y = &activations[1][usize::from(row.matched_layer.unwrap()) * 40 + row.matched_neuron.unwrap() as usize];
        let (corr, se) = corr_and_se(x, y, blocks).unwrap();
        assert_eq!(Some(corr), pearson(x, y));
        homolog_test::check_close(&[f64::from(row.max_corr_se.unwrap())], &[se], SE).is_err()
    };
    of_a.iter().enumerate().filter(is_off).count()
}

#[test]
fn blocks_of_text_are_whole_documents() {
    let world = world();
    let run = world.run();
    let rows = rows(&world);
    let blocks = blocks(&rows);
    let n_blocks = blocks.iter().max().unwrap() + 1;
    assert_eq!(blocks_of(&run), (n_blocks as u64, "documents".to_owned()));
    let excluded = [u32::from(END), u32::from(NEWLINE)];
    let activations = ["a", "b"].map(|name| SlowModel::read(&world.path(name)).activations(&rows, CONTEXT, &excluded));
    assert_eq!(n_off(&run, &activations, &blocks), 0);

    // The same rows as a file, of which nobody knows where documents end.
    let text = world.text.replace("files = [\"*.txt\"]", "token_file = \"made.u16\"\nexclude_tokens = [27, 60]");
    let config = StudyConfig::parse(&text, &world.path("study.toml"), &[]).unwrap();
    let of_rows = Run::of(&config, &options(&world.path("rows"))).unwrap();
    assert_eq!(blocks_of(&of_rows), (N_BLOCKS as u64, "rows".to_owned()));
    // The mutant: other blocks, other intervals.
    assert!(n_off(&of_rows, &activations, &blocks) > 70);
}

#[test]
fn too_few_documents_leave_blocks_of_rows() {
    for (n_documents, of) in [(5, "rows"), (40, "documents")] {
        let world = world();
        let text = fs::read_to_string(world.path("text.txt")).unwrap();
        // Parts of equal length, so that there is as much text in either case.
        let letters: Vec<&str> = text.split("<|endoftext|>").collect();
        let documents: Vec<String> = letters.chunks(letters.len() / n_documents).map(<[&str]>::concat).collect();
        fs::write(world.path("text.txt"), documents.join("<|endoftext|>")).unwrap();
        assert_eq!(blocks_of(&world.run()).1, of, "{n_documents} documents");
    }
}
