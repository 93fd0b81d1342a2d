#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use super::footprint::{Footprint, Workload};
use super::*;
use crate::Error;
use crate::config::{AblationSection, CorrelationSection, EvidenceSection, Search, WindowCheckpoints, WindowsSection};

const CONTEXT: usize = 120;

/// Models of different depth and width.
fn shapes() -> Vec<Shape> {
    let shape = |n_layers: usize, d_mlp: usize| Shape {
        n_layers,
        d_mlp,
        d_model: d_mlp / 2,
        d_vocab: 50,
        weight_bytes: 100_000 * n_layers as u64,
        load_bytes: 1000,
    };
    [(2, 40), (3, 24), (1, 70)].map(|(n_layers, d_mlp)| shape(n_layers, d_mlp)).to_vec()
}

fn baseline(kind: BaselineKind) -> BaselineSection {
    BaselineSection { kind, draws: 2, seed: 0 }
}

fn footprint(change: impl FnOnce(&mut Workload<'static>)) -> Footprint {
    let mut workload = Workload {
        shapes: shapes().leak(),
        baseline: Box::leak(Box::new(baseline(BaselineKind::Orthogonal))),
        correlation: Box::leak(Box::new(CorrelationSection::default())),
        windows: Box::leak(Box::new(WindowsSection::default())),
        evidence: Box::leak(Box::new(EvidenceSection::default())),
        permuted_draws: 0,
        context: CONTEXT,
        n_rows: 300,
        ablation: Box::leak(Box::new(AblationSection {
            permutations: 3,
            resamples: 100,
            ..AblationSection::default()
        })),
        n_checkpoints: 5,
        follows: true,
        batch_rows: 8,
        n_threads: 2,
    };
    change(&mut workload);
    Footprint::of(&workload)
}

fn plan(room: u64) -> Vec<Vec<Tile>> {
    passes(&tiles(&shapes(), &baseline(BaselineKind::Orthogonal), false), &shapes(), room)
}

/// Every block a study of [`shapes`] needs.
fn all_tiles() -> BTreeSet<Tile> {
    let layers: Vec<(usize, usize)> = shapes()
        .iter()
        .enumerate()
        .flat_map(|(model, shape)| (0..shape.n_layers).map(move |layer| (model, layer)))
        .collect();
    let mut tiles: BTreeSet<Tile> = layers.iter().map(|&(model, layer)| Tile::Within { model, layer }).collect();
    for &(a, layer_a) in &layers {
        tiles.extend(layers.iter().filter(|b| b.0 > a).map(|&(b, layer_b)| Tile::Between {
            a,
            layer_a,
            b,
            layer_b,
            in_halves: false,
        }));
    }
    tiles
}

fn bytes(pass: &[Tile]) -> u64 {
    pass.iter().map(|tile| tile.bytes(&shapes())).sum()
}

const LARGEST: u64 = 8 * 70 * 70;

#[test]
fn ample_memory_makes_one_pass() {
    assert_eq!(plan(u64::MAX).len(), 1);
    let total = bytes(&plan(u64::MAX)[0]);
    assert_eq!((plan(total).len(), plan(total - 1).len()), (1, 2));
    assert_eq!(largest_pass(&plan(total), &shapes()), total);
}

#[test]
fn every_tile_is_in_one_pass_within_the_room() {
    for room in [LARGEST, LARGEST + 1, 2 * LARGEST, 5 * LARGEST, 100 * LARGEST] {
        let passes = plan(room);
        let tiles: Vec<Tile> = passes.concat();
        assert_eq!(tiles.len(), all_tiles().len(), "room for {room}: no tile twice");
        assert_eq!(tiles.iter().copied().collect::<BTreeSet<_>>(), all_tiles(), "room for {room}");
        assert!(passes.iter().all(|pass| !pass.is_empty() && bytes(pass) <= room), "room for {room}");
        let is_within = |tile: &Tile| matches!(tile, Tile::Within { .. });
        assert!(
            tiles.is_sorted_by_key(|tile| !is_within(tile)),
            "room for {room}: the baseline needs within before between"
        );
        // No pass could have taken the next one's first tile as well.
        for pair in passes.windows(2) {
            assert!(bytes(&pair[0]) + bytes(&pair[1][..1]) > room, "room for {room}: a pass too many");
        }
    }
    assert!(plan(LARGEST).len() >= 3);
}

#[test]
fn permuted_rows_take_a_pass_of_their_own_for_each_draw_and_no_spread() {
    let tiles = tiles(&shapes(), &baseline(BaselineKind::PermutedRows), false);
    let n_between = all_tiles().iter().filter(|tile| matches!(tile, Tile::Between { .. })).count();
    assert_eq!(tiles.len(), 3 * n_between);
    let passes = passes(&tiles, &shapes(), u64::MAX);
    assert_eq!(passes.iter().map(Vec::len).collect::<Vec<_>>(), [n_between; 3]);
    for (pass_idx, pass) in passes.iter().enumerate() {
        let streams: BTreeSet<Stream> = pass.iter().flat_map(|tile| tile.sides()).map(|side| side.view.1).collect();
        let wanted = match pass_idx {
            0 => vec![Stream::Rows],
            pass_idx => vec![Stream::Paired { draw: pass_idx - 1 }, Stream::StandIn { draw: pass_idx - 1 }],
        };
        assert_eq!(streams.into_iter().collect::<Vec<_>>(), wanted);
    }
}

#[test]
fn too_little_memory_says_how_much_it_takes() {
    let footprint = footprint(|_| {});
    let needed = footprint.total() + LARGEST;
    assert_eq!(footprint.room(needed, LARGEST).unwrap(), LARGEST);
    for memory_bytes in [needed - 1, 1, 0] {
        let error = footprint.room(memory_bytes, LARGEST).unwrap_err();
        assert!(matches!(&error, Error::TooLittleMemory { needed_bytes, .. } if *needed_bytes == needed), "{error:?}");
        assert!(error.to_string().contains(&bytes_text(needed)), "{error}");
    }
}

#[test]
fn a_tile_reads_its_two_layers_and_holds_f64() {
    let side = |model, layer| Side { view: (model, Stream::Rows), layer };
    let within = Tile::Within { model: 1, layer: 2 };
    assert_eq!((within.sides(), within.bytes(&shapes())), ([side(1, 2), side(1, 2)], 8 * 24 * 24));
    let between = Tile::Between { a: 0, layer_a: 1, b: 2, layer_b: 0, in_halves: false };
    let in_halves = Tile::Between { a: 0, layer_a: 1, b: 2, layer_b: 0, in_halves: true };
    assert_eq!((in_halves.sides(), in_halves.bytes(&shapes())), (between.sides(), 2 * 8 * 40 * 70));
    assert_eq!((between.sides(), between.bytes(&shapes())), ([side(0, 1), side(2, 0)], 8 * 40 * 70));
}

#[test]
fn more_of_anything_takes_more_memory() {
    let plain = footprint(|_| {}).total();
    let leak = |baseline: BaselineSection| -> &'static BaselineSection { Box::leak(Box::new(baseline)) };
    let more_draws = leak(BaselineSection { draws: 3, ..baseline(BaselineKind::Orthogonal) });
    let permuted = leak(baseline(BaselineKind::PermutedRows));
    let leak = |correlation: CorrelationSection| -> &'static CorrelationSection { Box::leak(Box::new(correlation)) };
    let more_matches = leak(CorrelationSection { top_k: 32, ..CorrelationSection::default() });
    let screened = leak(CorrelationSection { search: Search::Screened, ..CorrelationSection::default() });
    let leak = |windows: WindowsSection| -> &'static WindowsSection { Box::leak(Box::new(windows)) };
    let more_windows = leak(WindowsSection { top: 1000, ..WindowsSection::default() });
    let no_windows = leak(WindowsSection { checkpoints: WindowCheckpoints::None, ..more_windows.clone() });
    let two_models = &shapes().leak()[..2];
    let more = [
        footprint(|workload| workload.context = 4000),
        footprint(|workload| workload.correlation = more_matches),
        footprint(|workload| workload.correlation = screened),
        footprint(|workload| workload.n_rows = 3000),
        footprint(|workload| workload.n_checkpoints = 6),
        footprint(|workload| workload.batch_rows = 16),
        footprint(|workload| workload.n_threads = 4),
        footprint(|workload| workload.baseline = more_draws),
        footprint(|workload| workload.baseline = permuted),
        footprint(|workload| workload.windows = more_windows),
    ];
    assert!(more.iter().all(|more| more.total() > plain), "{plain}: {more:?}");
    assert!(footprint(|workload| workload.shapes = two_models).total() < plain);
    assert_eq!(footprint(|workload| workload.windows = no_windows).total(), plain, "windows are the least of it here");
    // Of 80 neurons 1000 windows of 32 activations, found and written.
    assert!(footprint(|workload| workload.windows = more_windows).windows > 2 * 80 * 1000 * 4 * 32);
    // Two models with the sums of their matches: more of anything takes more, and none is asked for nothing.
    let evidence = |change: fn(&mut EvidenceSection)| {
        let mut section = EvidenceSection::default();
        change(&mut section);
        let section: &'static EvidenceSection = Box::leak(Box::new(section));
        footprint(|workload| workload.evidence = section).evidence
    };
    let asked = evidence(|_| {});
    assert!(evidence(|section| section.blocks = 128) > asked && evidence(|section| section.candidates = 8) > asked);
    // No more tokens than there are. Of 80 and 72 neurons f64 sums by token and position, and activations of a chunk.
    let d_vocab = 50;
    assert_eq!(shapes()[0].d_vocab as u64, d_vocab);
    assert_eq!(evidence(|section| section.frequent_tokens = 50), asked);
    assert!(evidence(|section| section.frequent_tokens = 49) < asked);
    assert!(asked > (80 + 72) * (8 * (d_vocab + CONTEXT as u64) + 4 * 17 * CONTEXT as u64));
    assert!(evidence(|section| section.frequent_tokens = 0) < asked - (80 + 72) * 8 * d_vocab);
    assert_eq!(evidence(|section| section.enabled = false), 0);
    // Two checkpoints of the largest model, and none where nobody is followed.
    let followed = footprint(|_| {}).follow;
    assert!(followed > 2 * 300_000 && followed > 2 * 80 * 8 * 17 * CONTEXT as u64);
    assert_eq!(footprint(|workload| workload.follows = false).follow, 0);
    // Activations of a chunk as they come and packed, 4 bytes each: most of what is fixed here but the program itself.
    assert!(footprint(|_| {}).activations > 2 * 4 * 17 * CONTEXT as u64 * (80 + 72 + 70));
}

#[test]
fn sizes_are_told_with_the_digits_that_matter() {
    assert_eq!(bytes_text(12_340_000_000), "12.3 GB");
    assert_eq!(bytes_text(4_000_000_000), "4.00 GB");
    assert_eq!(bytes_text(36_412_345), "36.4 MB");
    assert_eq!(bytes_text(12_800), "12.8 kB");
}
