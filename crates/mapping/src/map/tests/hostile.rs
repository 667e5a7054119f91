//! What hostile requests make of a mapping.

use proptest::prelude::*;

use super::*;

#[test]
fn a_mapping_that_takes_too_long_ends() {
    let late = map_with(
        &mapping(&[]),
        &kept(json!({ "kind": "new", "id": 1 })),
        None,
        &|| true,
    );

    let Mapped::Elements(elements) = late else {
        panic!()
    };
    let Verdict::Unmappable(faults) = &elements[0].verdict else {
        panic!()
    };
    assert_eq!(faults, &[Fault::new("event", Cause::TooCostly)]);
}

#[test]
fn a_list_that_is_none_or_too_long_is_a_question_about_the_whole_body() {
    let mut mapping = mapping(&[]);
    mapping.definition.each = Some(expression("list"));
    let mapped = |list: Json| map_with(&mapping, &kept(json!({ "list": list })), None, &|| false);
    let cause = |list: Json| match mapped(list) {
        Mapped::Unmappable(fault) => fault.to_string(),
        Mapped::Elements(elements) => format!("{} elements", elements.len()),
    };

    assert_eq!(cause(json!("text")), "each: wrong type");
    assert_eq!(cause(json!(null)), "0 elements");
    assert_eq!(cause(json!(vec![0; MOST_ELEMENTS])), "1000 elements");
    assert_eq!(
        cause(json!(vec![0; MOST_ELEMENTS + 1])),
        "each: too many elements"
    );
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "[ -~\u{e4}\u{202e}]{0,20}".prop_map(Json::from),
        Just(json!("{{ range(9) }}")),
        Just(json!("+306912345678")),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Json::from),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..8)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever a platform sends, each of its events is something, and what is an event passes the check.
    #[test]
    fn any_json_at_all_is_mapped_to_something(id in any_json(), phone in any_json(), rest in any_json()) {
        let mapping = mapping(&[
            (Field::GuestPhone, "[phone, rest]"),
            (Field::GuestName, "[rest.a, phone]"),
            (Field::CheckIn, "rest | string | date_of"),
            (Field::Guests, "rest | length"),
            (Field::Room, "rest[0].name or phone"),
            (Field::TotalAmount, "rest * 2"),
            (Field::TotalCurrency, "rest.b"),
            (Field::GuestConsent, "phone"),
        ]);
        for kind in ["new", "cart", "thin"] {
            let body = json!({ "kind": kind, "id": id, "phone": phone, "rest": rest });
            let element = only(&mapping, body, None);
            if let Verdict::Event(event) = &element.verdict {
                prop_assert!(event.booking.is_some());
                prop_assert!(event.details.room.as_ref().is_none_or(|room| room.chars().count() <= 256));
            }
        }
    }
}
