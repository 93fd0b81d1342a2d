#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use super::*;

const CHUNK: usize = 2040;

/// Models of different depth and width.
fn shapes() -> Vec<Shape> {
    [(2, 40), (3, 24), (1, 70)]
        .map(|(n_layers, d_mlp)| Shape { n_layers, d_mlp, weight_bytes: 100_000 * n_layers as u64 })
        .to_vec()
}

fn plan(memory_bytes: u64) -> Result<Vec<Vec<Tile>>, Error> {
    passes(&shapes(), CHUNK, 16, 2, memory_bytes, 2)
}

fn fixed() -> u64 {
    fixed_bytes(&shapes(), CHUNK, 16, 2, 2)
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
        tiles.extend(layers.iter().filter(|b| b.0 > a).map(|&(b, layer_b)| Tile::Between { a, layer_a, b, layer_b }));
    }
    tiles
}

fn bytes(pass: &[Tile]) -> u64 {
    pass.iter().map(|tile| tile.bytes(&shapes())).sum()
}

#[test]
fn ample_memory_makes_one_pass() {
    assert_eq!(plan(u64::MAX).unwrap().len(), 1);
    let total = bytes(&plan(u64::MAX).unwrap()[0]);
    assert_eq!(plan(fixed() + total).unwrap().len(), 1);
    assert_eq!(plan(fixed() + total - 1).unwrap().len(), 2);
}

#[test]
fn every_tile_is_in_one_pass_within_the_budget() {
    let largest = 8 * 70 * 70;
    for room in [largest, largest + 1, 2 * largest, 5 * largest, 100 * largest] {
        let passes = plan(fixed() + room).unwrap();
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
    assert!(plan(fixed() + largest).unwrap().len() >= 3);
}

#[test]
fn too_little_memory_says_how_much_it_takes() {
    let largest = 8 * 70 * 70;
    assert!(plan(fixed() + largest).is_ok());
    for memory_bytes in [fixed() + largest - 1, fixed(), 0] {
        let error = plan(memory_bytes).unwrap_err();
        assert!(matches!(&error, Error::TooLittleMemory { .. }), "{error:?}");
        assert!(error.to_string().contains(&gigabytes(fixed() + largest)), "{error}");
    }
}

#[test]
fn a_tile_reads_its_two_layers_and_holds_f64() {
    let within = Tile::Within { model: 1, layer: 2 };
    assert_eq!((within.sides(), within.bytes(&shapes())), ([(1, 2), (1, 2)], 8 * 24 * 24));
    let between = Tile::Between { a: 0, layer_a: 1, b: 2, layer_b: 0 };
    assert_eq!((between.sides(), between.bytes(&shapes())), ([(0, 1), (2, 0)], 8 * 40 * 70));
}

#[test]
fn more_of_anything_takes_more_memory() {
    let more = [
        fixed_bytes(&shapes(), 2 * CHUNK, 16, 2, 2),
        fixed_bytes(&shapes(), CHUNK, 32, 2, 2),
        fixed_bytes(&shapes(), CHUNK, 16, 3, 2),
        fixed_bytes(&shapes(), CHUNK, 16, 2, 4),
    ];
    assert!(more.iter().all(|&bytes| bytes > fixed()), "{more:?}");
    // Activations of a chunk as they come and packed, 4 bytes each: most of what is fixed here.
    assert!(fixed() > 2 * 4 * CHUNK as u64 * (80 + 72 + 70));
}
