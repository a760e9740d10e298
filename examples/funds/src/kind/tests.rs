//! A table of beginnings and what they make of a document.

use super::*;

fn check(bytes: &[u8], expected: Result<Kind, &str>) {
    match (of(bytes), expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found, expected),
        (Err(found), Err(part)) => assert!(found.contains(part), "`{found}` lacks `{part}`"),
        (found, expected) => panic!("found {found:?}, expected {expected:?}"),
    }
}

#[test]
fn documents_are_told_apart_by_their_beginning() {
    check(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and so on", Ok(Kind::Xls));
    check(b"PK\x03\x04 and so on", Ok(Kind::Xlsx));
    check(
        b"SYMBOL,SERIES,DATE1,PREV_CLOSE,CLOSE_PRICE\n",
        Ok(Kind::Prices),
    );
    check(
        b"\xef\xbb\xbfSYMBOL, SERIES, DATE1, CLOSE_PRICE\r\nA",
        Ok(Kind::Prices),
    );
    check(
        b"Company Name,Industry,Symbol,Series,ISIN Code\n",
        Ok(Kind::IndexList),
    );
    check(
        b"\"Company Name\",\"Industry\",\"Symbol\",\"Series\",\"ISIN Code\"",
        Ok(Kind::IndexList),
    );
    check(
        b"Date, USD, JPY, INR, \n30 October 2026, 1.1",
        Ok(Kind::Rates),
    );
    check(b"Date,USD,JPY,INR,\n", Ok(Kind::Rates));
}

#[test]
fn what_is_unknown_is_described() {
    check(b"", Err("empty"));
    check(
        b"Date,Country,Exchange rate\n",
        Err("Date,Country,Exchange rate"),
    );
    check(b"# funds/ - sources\n", Err("# funds/ - sources"));
    check(
        b"\x00\x01\x02\xff",
        Err("4 bytes and is neither text nor a workbook"),
    );
    check(b"\x1f\x8b\x08\x00", Err("neither text nor a workbook"));
}
