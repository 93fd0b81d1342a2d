#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::Value;

use crate::figure::{Channel, Color};
use crate::svg::tests::gallery::gallery;
use crate::theme::Theme;

fn spec(figure: &crate::Figure) -> Value {
    let text = super::vega_lite(figure, &Theme::default()).unwrap();
    assert_eq!(text, super::vega_lite(figure, &Theme::default()).unwrap());
    serde_json::from_str(&text).unwrap()
}

#[test]
fn every_figure_has_its_rows_and_its_marks() {
    for figure in gallery() {
        let spec = spec(&figure);
        assert_eq!(spec["data"]["values"].as_array().unwrap().len(), figure.data.n_rows(), "{}", figure.name);
        assert_eq!(spec["usermeta"]["caption"], figure.caption);
        let panel = if spec["spec"].is_null() { &spec } else { &spec["spec"] };
        let layers = panel["layer"].as_array().unwrap();
        let is_tiny = figure.name.starts_with("04b");
        assert_eq!(layers.len(), if is_tiny { 1 } else { figure.marks.len() }, "{}", figure.name);
        assert_eq!(spec["facet"].is_null(), figure.facet.is_none(), "{}", figure.name);
    }
}

#[test]
fn a_name_that_looks_like_a_path_is_a_name() {
    let mut figure = gallery().swap_remove(0);
    figure.data.columns[2].name = "mean[0].corr".to_owned();
    figure.marks[1].y = Some(Channel::Field("mean[0].corr".to_owned()));
    figure.data.columns[0].name = "the \"layer\"".to_owned();
    for mark in &mut figure.marks {
        mark.color = Color::Field("the \"layer\"".to_owned());
        mark.only = Some(("the \"layer\"".to_owned(), "3".to_owned()));
    }
    let spec = spec(&figure);
    assert_eq!(spec["layer"][1]["encoding"]["y"]["field"], r"mean\[0\]\.corr");
    assert_eq!(spec["layer"][1]["transform"][0]["filter"], r#"datum["the \"layer\""] === 3.0"#);
    assert_eq!(spec["data"]["values"][0]["mean[0].corr"].as_f64().map(|mean| mean > 0.0), Some(true));
}
