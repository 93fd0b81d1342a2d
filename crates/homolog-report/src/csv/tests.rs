#![expect(clippy::unwrap_used, reason = "tests")]

use crate::figure::{Column, Values};
use crate::svg::tests::gallery::gallery;

#[test]
fn every_value_reads_back_as_it_is() {
    let mut figure = gallery().swap_remove(0);
    let numbers = [Some(0.1), None, Some(1e-300), Some(-0.0), Some(f64::MAX), Some(1.0 / 3.0), Some(f64::NAN)];
    let words = ["plain", "with, comma", "with \"quotes\"", "two\nlines", "", " room ", "ünïcode"];
    figure.data.columns = vec![
        Column { name: "a number".to_owned(), values: Values::Numbers(numbers.to_vec()) },
        Column { name: "a,word".to_owned(), values: Values::Words(words.map(str::to_owned).to_vec()) },
    ];
    let csv = super::csv(&figure);
    let mut reader = ::csv::Reader::from_reader(csv.as_bytes());
    assert_eq!(reader.headers().unwrap(), vec!["a number", "a,word"]);
    let rows: Vec<::csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 7);
    for (i, row) in rows.iter().enumerate() {
        assert_eq!(&row[1], words[i]);
        match numbers[i].filter(|number| !number.is_nan()) {
            Some(number) => assert_eq!(row[0].parse::<f64>().unwrap(), number),
            None => assert_eq!(&row[0], ""),
        }
    }
}
