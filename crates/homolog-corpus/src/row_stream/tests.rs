use super::{RowStream, SeparatorMissing};

const BOS: u32 = 100;
const SEPARATOR: u32 = 101;

fn stream(documents: &[&[u32]], context: usize, bos: Option<u32>, wanted: Option<u64>) -> (Vec<u32>, u64) {
    let mut stream = RowStream::new(context, bos, Some(SEPARATOR), wanted);
    for document in documents {
        stream.push_document(document).expect("there is a separator");
    }
    stream.finish()
}

#[test]
fn each_row_begins_with_the_bos_and_goes_on_where_the_last_ended() {
    let (rows, n_dropped) = stream(&[&[1, 2, 3, 4, 5, 6, 7]], 4, Some(BOS), None);
    assert_eq!(rows, [BOS, 1, 2, 3, BOS, 4, 5, 6]);
    assert_eq!(n_dropped, 1, "the BOS of the unfinished row is not of the stream");
}

#[test]
fn without_bos_a_row_is_context_tokens() {
    assert_eq!(stream(&[&[1, 2, 3, 4, 5]], 2, None, None), (vec![1, 2, 3, 4], 1));
}

#[test]
fn separators_stand_between_documents_only() {
    assert_eq!(stream(&[&[1], &[2], &[3]], 5, None, None), (vec![1, SEPARATOR, 2, SEPARATOR, 3], 0));
    assert_eq!(stream(&[&[1, 2], &[3]], 3, Some(BOS), None), (vec![BOS, 1, 2, BOS, SEPARATOR, 3], 0));
}

#[test]
fn what_is_behind_the_last_wanted_row_is_dropped() {
    assert_eq!(stream(&[&[1, 2, 3], &[4, 5, 6, 7]], 3, None, Some(2)), (vec![1, 2, 3, SEPARATOR, 4, 5], 2));
    // Full to the brim: no separator is wanted or counted any more.
    assert_eq!(stream(&[&[1, 2, 3]], 3, None, Some(1)), (vec![1, 2, 3], 0));
    assert_eq!(stream(&[&[1, 2, 3]], 3, None, Some(0)), (vec![], 3));
}

#[test]
fn an_empty_stream_has_no_rows() {
    assert_eq!(stream(&[], 3, Some(BOS), None), (vec![], 0));
    assert_eq!(stream(&[&[1]], 3, Some(BOS), None), (vec![], 1));
}

#[test]
fn the_separator_is_needed_from_the_second_document_on() {
    let mut stream = RowStream::new(2, None, None, None);
    assert_eq!(stream.push_document(&[1]), Ok(()));
    assert_eq!(stream.push_document(&[2]), Err(SeparatorMissing));
}
