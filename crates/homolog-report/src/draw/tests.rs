#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;

use super::*;
use crate::{Data, Mark, Scale, Shape, Width};

fn figure(name: &str) -> Figure {
    Figure {
        name: name.into(),
        title: "a title".into(),
        caption: "a caption".into(),
        width: Width::Column,
        aspect: 0.7,
        data: Data::default().numbers("x", [1.0, 2.0]).numbers("y", [0.5, 3.0]),
        marks: vec![Mark::new(Shape::Line).at("x", "y")],
        x: Scale::linear("x"),
        y: Scale::linear("y"),
        color: None,
        facet: None,
    }
}

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn figures_of_an_earlier_study_go_and_files_of_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (theme, go_on) = (Theme::default(), |_, _| true);
    draw_all(&[figure("fig01-a"), figure("fig02-b")], &theme, folder, &go_on).unwrap();
    let others = ["notes.csv", "fig01-mine.svg", "fig01-a.ai", "fig03-c.pdf"];
    for name in others {
        fs::write(folder.join(name), "mine").unwrap();
    }
    draw(&[figure("fig02-b")], &theme, folder, &go_on).unwrap();
    assert!(names(folder).contains("fig01-a.svg"), "a single figure drawn anew removes nothing");
    let drawn = draw_all(&[figure("fig02-b")], &theme, folder, &go_on).unwrap();
    let expected = ["csv", "pdf", "png", "svg", "vl.json"].map(|extension| format!("fig02-b.{extension}"));
    let expected = expected.into_iter().chain(others.map(String::from)).chain(["index.json".to_owned()]);
    assert_eq!(names(folder), expected.collect());
    assert_eq!(drawn.len(), 5);
}

#[test]
fn an_index_that_somebody_wrote_removes_nothing_elsewhere() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("figures");
    fs::create_dir(&folder).unwrap();
    fs::write(outer.path().join("precious.csv"), "mine").unwrap();
    for index in [r#"[{"name": "../precious"}]"#, "no JSON", "{}", r#"[{"name": 7}, 3]"#] {
        fs::write(folder.join("index.json"), index).unwrap();
        draw_all(&[figure("fig01-a")], &Theme::default(), &folder, &|_, _| true).unwrap();
        assert!(outer.path().join("precious.csv").is_file(), "{index}");
    }
}

#[test]
fn it_stops_when_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let stopped = draw(&[figure("fig01-a")], &Theme::default(), folder.path(), &|_, _| false);
    assert!(matches!(stopped, Err(Error::Interrupted)), "{stopped:?}");
}
