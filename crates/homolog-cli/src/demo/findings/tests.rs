use super::*;

fn row(step: i64, [max_corr, excess]: [f64; 2]) -> CourseCheckpoint {
    CourseCheckpoint {
        step: Some(step),
        loss_nats: Some(5.0),
        max_corr: Some(max_corr),
        baseline: Some(max_corr - excess),
        excess_corr: Some(excess),
        n_universal: 7,
        share: Some((0.01, 0.02)),
        persistence: None,
        damage_nats: None,
    }
}

#[test]
fn every_sentence_has_its_numbers_and_none_is_said_without() {
    let mut last = row(100, [0.5, 0.1]);
    (last.persistence, last.damage_nats) = (Some((0.5, 0.05)), Some([Some(0.3), Some(0.1), None]));
    let course = Course { threshold: 0.2, checkpoints: vec![row(0, [0.2, 0.0]), row(50, [0.8, 0.003]), last] };
    let told = findings(&course);
    assert_eq!(told.len(), 4);
    assert!(told[0].contains("highest at step 50 (0.800)") && told[0].contains("is 0.003"), "{told:?}");
    assert!(told[1].contains("from 0.000 at step 0 to 0.100 at step 100; 7 neurons pass 0.2"), "{told:?}");
    assert!(told[2].contains("50.0 % still") && told[2].contains("5.0 %"), "{told:?}");
    assert!(told[3].contains("by 0.1000 nats (3.00 times") && told[3].contains("no figure"), "{told:?}");
    let untrained = Course { threshold: 0.2, checkpoints: vec![row(0, [0.2, 0.0])] };
    assert_eq!(findings(&untrained).len(), 2);
}
