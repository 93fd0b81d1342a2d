#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

const END: u32 = 9;

fn blocks(ids: Vec<u32>, context: usize, n_blocks: usize, separator: Option<u32>, has_bos: bool) -> Blocks {
    let tokens = Tokens::new("rows".as_ref(), ids, context).unwrap();
    let mask = TokenMask::new(&tokens, &[END]);
    Blocks::new(&tokens, &mask, n_blocks, (separator, has_bos))
}

/// Rows of BOS and three tokens; in the text a document ends after every `length` tokens.
fn text(n_rows: usize, length: usize) -> Vec<u32> {
    let mut n = 0;
    let mut token = |place: usize| {
        n += usize::from(place > 0);
        if place == 0 || n.is_multiple_of(length + 1) { END } else { 1 }
    };
    (0..4 * n_rows).map(|at| token(at % 4)).collect()
}

#[test]
fn rows_are_divided_evenly() {
    let made = blocks(vec![1; 40 * 4], 4, 8, None, false);
    assert_eq!(made.ranges().collect::<Vec<_>>(), (0..8).map(|b| 20 * b..20 * (b + 1)).collect::<Vec<_>>());
    assert!(!made.are_documents);
    // Fewer rows than blocks.
    assert_eq!(blocks(vec![1; 12], 4, 8, None, false).ends, [4, 8, 12]);
    assert_eq!(blocks(vec![1; 4], 4, 8, None, false).runs(), std::iter::once(0..4).collect::<Vec<_>>());
}

#[test]
fn documents_stay_whole() {
    let ids = text(100, 12);
    let made = blocks(ids.clone(), 4, 12, Some(END), true);
    assert!(made.are_documents && made.len() == 12, "{made:?}");
    for end in &made.ends[..made.len() - 1] {
        assert!(ids[end - 1] == END && (end - 1) % 4 != 0, "a block ends after a separator that is no BOS: {end}");
    }
    let counted: Vec<usize> = made.ranges().map(|range| ids[range].iter().filter(|&&id| id != END).count()).collect();
    assert!(counted.iter().all(|&n| (12..=36).contains(&n)), "{counted:?}");
    // Nine documents make no ten blocks: whole rows then, although the separators are known.
    let few = blocks(text(40, 12), 4, 12, Some(END), true);
    assert!(!few.are_documents && few.ends.iter().all(|end| end.is_multiple_of(4)));
    // Without knowing that rows begin with it, every BOS would end a document.
    assert!(blocks([END, 1, 1, 1].repeat(40), 4, 12, Some(END), false).are_documents);
    assert!(!blocks([END, 1, 1, 1].repeat(40), 4, 12, Some(END), true).are_documents);
}

#[test]
fn a_block_counts_at_least_one_position() {
    // Nothing is counted in the first half of the rows.
    let ids: Vec<u32> = [vec![END; 40], vec![1; 40]].concat();
    let made = blocks(ids.clone(), 4, 10, None, false);
    assert_eq!(made.len(), 10);
    assert!(made.ranges().all(|range| ids[range].contains(&1)), "{made:?}");
}

#[test]
fn runs_alternate_and_cover_everything() {
    for n_blocks in [2, 3, 7, 16, 33, 64] {
        let made = blocks(vec![1; 200 * 4], 4, n_blocks, None, false);
        let runs = made.runs();
        assert!(runs.len().is_multiple_of(2) && runs.len() <= N_RUNS, "{n_blocks} blocks");
        assert!(runs.windows(2).all(|pair| pair[0].end == pair[1].start) && runs[0].start == 0);
        assert_eq!(runs.last().unwrap().end, 800);
        assert!(runs.iter().all(|run| made.ends.contains(&run.end) && !run.is_empty()));
    }
}
