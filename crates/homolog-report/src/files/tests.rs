#![expect(clippy::unwrap_used, reason = "tests")]

use crate::figure::Channel;
use crate::svg::tests::gallery::gallery;
use crate::theme::Theme;

#[test]
fn all_five_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut figure = gallery().swap_remove(0);
    figure.marks[0].y = Some(Channel::Field("nothing".to_owned()));
    super::write(&figure, &Theme::default(), folder.path()).unwrap_err();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    figure.marks[0].y = Some(Channel::Field("low".to_owned()));
    let paths = super::write(&figure, &Theme::default(), folder.path()).unwrap();
    let names: Vec<&str> = paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    let name = "01-emergence-12";
    assert_eq!(names, ["svg", "pdf", "png", "vl.json", "csv"].map(|extension| format!("{name}.{extension}")));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 5);
}
