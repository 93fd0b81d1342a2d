use super::*;
use crate::Site;

const POINT: HookPoint = HookPoint { layer: 1, site: Site::MlpOut };

fn kept(rate: f64, key: u64, point: HookPoint, n: usize) -> Vec<f32> {
    let mut values = vec![1.0; n];
    Dropout::new(rate, key).expect("a rate above 0").apply(point, 0, &mut values);
    values
}

#[test]
fn a_share_is_dropped_and_the_mean_stays() {
    let n = 200_000;
    for rate in [0.1, 0.5] {
        let values = kept(rate, 3, POINT, n);
        let dropped = values.iter().filter(|&&value| value == 0.0).count() as f64 / n as f64;
        // Five standard errors.
        assert!((dropped - rate).abs() < 5.0 * (rate * (1.0 - rate) / n as f64).sqrt(), "{dropped} of {rate}");
        assert!(values.iter().all(|&value| value == 0.0 || value == (1.0 / (1.0 - rate)) as f32));
        // Neighbours are dropped independently of each other.
        let both = values.windows(2).filter(|pair| pair[0] == 0.0 && pair[1] == 0.0).count() as f64 / n as f64;
        assert!((both - rate * rate).abs() < 0.005, "{both} of {}", rate * rate);
    }
}

#[test]
fn key_and_place_decide_and_nothing_else() {
    let here = kept(0.5, 3, POINT, 50_000);
    assert_eq!(here, kept(0.5, 3, POINT, 50_000));
    assert_eq!(here[..100], kept(0.5, 3, POINT, 100));
    assert_ne!(here, kept(0.5, 4, POINT, 50_000));
    assert_ne!(here, kept(0.5, 3, HookPoint { layer: 2, ..POINT }, 50_000));
    assert_ne!(here, kept(0.5, 3, HookPoint { site: Site::AttnOut, ..POINT }, 50_000));
    assert!(Dropout::new(0.0, 3).is_none());
    // A part of the values is dropped as it is within the whole.
    let mut part = vec![1.0; 100];
    Dropout::new(0.5, 3).expect("a rate above 0").apply(POINT, 700, &mut part);
    assert_eq!(part, here[700..800]);
}

#[test]
fn what_is_not_finite_does_not_vanish() {
    let mut values = vec![f32::NAN; 100];
    Dropout::new(0.9, 1).expect("a rate above 0").apply(POINT, 0, &mut values);
    assert!(values.iter().all(|value| value.is_nan()));
}
