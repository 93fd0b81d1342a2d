use homolog_test::reference_gpt2::pearson;
use homolog_test::{Tol, assert_close};

use crate::test_layer::TestLayer;
use crate::{BlockMoments, Chunk, PairProducts, PairSums, Precision};

/// Two layers streamed in chunks of 500 tokens, into blocks that end within chunks.
#[test]
fn blocks_hold_the_sums_of_their_tokens() {
    let ends = [120, 700, 1300];
    let block_of = |token: usize| ends.partition_point(|&end| end <= token);
    let layers = [TestLayer::new(1, 2, (1300, 5), 3.0), TestLayer::new(1, 3, (1300, 9), 0.0)];
    let means = layers
        .each_ref()
        .map(|layer| (0..layer.n).map(|j| (layer.column(j).iter().sum::<f64>() / 1300.0) as f32).collect::<Vec<_>>());
    let pairs = vec![(0, 0), (0, 8), (3, 4), (4, 1)];
    let mut products = PairProducts::new(pairs.clone(), ends.len());
    let mut moments = [BlockMoments::new(5, ends.len()), BlockMoments::new(9, ends.len())];
    for first in (0..1300).step_by(500) {
        let tokens = first..(first + 500).min(1300);
        let chunks: Vec<Chunk> = (0..2)
            .map(|side| {
                let layer = &layers[side];
                let mut chunk = Chunk::new(layer.n, Precision::F32);
                let values = &layer.values[tokens.start * layer.n..tokens.end * layer.n];
                chunk.grow(tokens.len()).copy_from_slice(values);
                chunk.centre(&means[side]);
                chunk.transpose(&mut Vec::new());
                chunk
            })
            .collect();
        for block in block_of(tokens.start)..=block_of(tokens.end - 1) {
            let start = if block == 0 { 0 } else { ends[block - 1] }.max(tokens.start) - first;
            let of_block = start..ends[block].min(tokens.end) - first;
            moments[0].add_block(&chunks[0], block, of_block.clone());
            moments[1].add_block(&chunks[1], block, of_block.clone());
            products.add_block(&chunks[0], &chunks[1], block, of_block);
        }
    }
    for &(i, j) in &pairs {
        let mut got = [PairSums::default(); 3];
        products.block_sums((i, j), &moments[0], &moments[1], &mut got);
        for (block, got) in got.iter().enumerate() {
            let tokens = if block == 0 { 0 } else { ends[block - 1] }..ends[block];
            let column = |side: usize, j: u32| -> Vec<f64> {
                let column = &layers[side].column(j as usize)[tokens.clone()];
                column.iter().map(|x| x - f64::from(means[side][j as usize])).collect()
            };
            let (a, b) = (column(0, i), column(1, j));
            let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
            let ones = vec![1.0; a.len()];
            let want = [a.len() as f64, dot(&a, &ones), dot(&b, &ones), dot(&a, &a), dot(&b, &b), dot(&a, &b)];
            let got = [got.n, got.a, got.b, got.aa, got.bb, got.ab];
            assert_close(&got, &want, Tol { abs: 1e-4, rel: 1e-5 });
        }
        let whole = got.iter().fold(PairSums::default(), |sum, &block| sum + block).corr().expect("not constant");
        let want = pearson(&layers[0].column(i as usize), &layers[1].column(j as usize)).expect("not constant");
        assert_close(&[whole], &[want], Tol::abs(2e-6));
    }
}
