#![expect(clippy::unwrap_used, reason = "tests")]

use crate::figure::{Channel, Figure, ScaleKind, Values};
use crate::svg::tests::gallery::gallery;
use crate::theme::Theme;

fn refused(change: impl FnOnce(&mut Figure)) -> String {
    let mut figure = gallery().swap_remove(0);
    change(&mut figure);
    let message = crate::svg(&figure, &Theme::default()).unwrap_err().to_string();
    assert!(crate::vega_lite(&figure, &Theme::default()).is_err());
    assert!(message.contains(&figure.name), "{message}");
    message
}

#[test]
fn what_cannot_be_drawn_is_an_error_that_names_figure_and_column() {
    let message = refused(|figure| figure.marks[1].y = Some(Channel::Field("median".to_owned())));
    assert!(message.contains("`median`") && message.contains("y of mark 1") && message.contains("mean"), "{message}");
    let message = refused(|figure| figure.data.columns[2].values = Values::Numbers(vec![Some(1.0)]));
    assert!(message.contains("`mean` has 1 rows") && message.contains("60"), "{message}");
    let message = refused(|figure| figure.data.columns[2].name = "step".to_owned());
    assert!(message.contains("two columns are named `step`"), "{message}");
    let message = refused(|figure| figure.data.columns[2].values = Values::Words(vec!["a".to_owned(); 60]));
    assert!(message.contains("`mean`, which holds words"), "{message}");
    let message = refused(|figure| figure.data.columns[2].values = Values::Numbers(vec![Some(f64::INFINITY); 60]));
    assert!(message.contains("`mean` is infinite in row 0"), "{message}");
    let message = refused(|figure| figure.data.columns[1].values = Values::Numbers(vec![Some(0.0); 60]));
    assert!(message.contains("`step`") && message.contains("has 0") && message.contains("logarithmic"), "{message}");
    let message = refused(|figure| figure.x.kind = ScaleKind::Log { domain: Some([5.0, 5.0]) });
    assert!(message.contains("from 5 to 5"), "{message}");
    let message = refused(|figure| figure.marks[0].y2 = None);
    assert!(message.contains("mark 0 (band) lacks y2"), "{message}");
    let message = refused(|figure| figure.color = None);
    assert!(message.contains("lacks a colour scale"), "{message}");
}
