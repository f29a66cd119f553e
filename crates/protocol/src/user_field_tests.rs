//! Fields and their types.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{claims::built_in_claims, samples::*};

#[test]
fn every_basic_field_has_a_value_of_who_has_everything() {
    let mut user = user();
    let text = |value: &str| Some(value.to_owned());
    user.details.profile.address = Some(Address {
        formatted: text("a"),
        street_address: text("b"),
        locality: text("c"),
        region: text("d"),
        postal_code: text("e"),
        country: text("f"),
    });
    let values: Vec<String> = BasicField::ALL.iter().map(|field| field.value(&user).to_string()).collect();
    assert!(values.iter().all(|value| value != "null"), "{values:?}");
    let different: BTreeSet<&String> = values.iter().collect();
    assert_eq!(different.len(), values.len(), "{values:?}");
}

#[test]
fn every_basic_field_but_the_user_id_is_in_a_built_in_claim() {
    let used: BTreeSet<BasicField> = built_in_claims().map(|(_, field)| field).collect();
    let unused: Vec<&BasicField> = BasicField::ALL.iter().filter(|field| !used.contains(field)).collect();
    assert_eq!(unused, [&BasicField::Id]);
}

#[test]
fn a_field_is_named_by_its_path() {
    for (path, field) in [
        ("nickname", Some(UserField::Basic(BasicField::Nickname))),
        ("address.country", Some(UserField::Basic(BasicField::Country))),
        ("extended_fields", Some(UserField::Basic(BasicField::ExtendedFields))),
        ("extended_fields.desk", Some(UserField::Extended("desk".to_owned()))),
        ("extended_fields.", None),
        ("extended_fields.a.b", None),
        ("extended_fields.a b", None),
        ("country", None),
        ("password", None),
        ("", None),
    ] {
        assert_eq!(UserField::parse(path).ok(), field, "{path}");
    }
}

#[test]
fn each_type_takes_its_own_values_alone() {
    for (kind, good, bad) in [
        (FieldType::Text, vec![json!("x"), json!("")], vec![json!(1), json!(true), json!(["x"]), json!({})]),
        (FieldType::Number, vec![json!(1), json!(-2.5)], vec![json!("1"), json!(true), json!([1])]),
        (FieldType::Boolean, vec![json!(true), json!(false)], vec![json!("true"), json!(0)]),
        (
            FieldType::Date,
            vec![json!("2024-02-29"), json!("1970-01-01")],
            vec![json!("2023-02-29"), json!("2024-1-1"), json!("2024-01-01T00:00:00Z"), json!(20240101)],
        ),
        (
            FieldType::List,
            vec![json!([]), json!(["a", "b"])],
            vec![json!("a"), json!([1]), json!(["a", ["b"]])],
        ),
        (FieldType::Any, vec![json!("x"), json!({"a": [1, null]})], vec![]),
    ] {
        assert!(good.iter().all(|value| kind.takes(value)), "{kind:?}");
        assert!(bad.iter().all(|value| !kind.takes(value)), "{kind:?}");
    }
}

proptest! {
    #[test]
    fn a_path_that_is_read_is_written_alike(path in "[a-z_.A-Z0-9-]{0,30}|extended_fields\\.[a-z_-]{0,12}") {
        if let Ok(field) = UserField::parse(&path) {
            prop_assert_eq!(field.to_string(), path);
        }
    }

    #[test]
    fn a_day_is_a_day_of_the_calendar(year in 0u32..10_000, month in 0u32..20, day in 0u32..40) {
        let days = |month| match month {
            2 if year % 400 == 0 || (year % 4 == 0 && year % 100 != 0) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            _ => 0,
        };
        prop_assert_eq!(is_date(&format!("{year:04}-{month:02}-{day:02}")), (1..=days(month)).contains(&day));
    }

    #[test]
    fn any_other_text_is_no_day(text in "\\PC{0,12}") {
        prop_assert!(!is_date(&text) || text.len() == 10);
    }
}
