//! Whatever JSON comes, the check ends with an event or an error.

use proptest::prelude::*;

use super::*;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,300}".prop_map(Value::from),
        Just(json!("azure-bay")),
        Just(json!("2026-12-20")),
        Just(json!("https://book.example/x")),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{1,9}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

const PLACES: &[&str] = &[
    "/id",
    "/type",
    "/occurred_at",
    "/resort",
    "/notify",
    "/booking",
    "/booking/id",
    "/booking/cart_id",
    "/booking/resume_url",
    "/booking/check_in",
    "/booking/guests",
    "/booking/room",
    "/booking/total",
    "/booking/total/amount",
    "/guest",
    "/guest/name",
    "/guest/phone",
    "/guest/country",
    "/guest/language",
    "/guest/consent",
];

proptest! {
    #[test]
    fn whatever_stands_in_a_field_is_accepted_clean_or_refused_by_name(
        place in prop::sample::select(PLACES), value in any_json()
    ) {
        let body = with(place, value);

        match examine(&body, UnknownTypes::Refuse, None).1 {
            Checked::Event(event) => {
                let texts = [event.guest.name.as_ref().map(Personal::reveal), event.details.room.as_deref()];
                for text in texts.into_iter().flatten() {
                    prop_assert!(!text.is_empty() && text.chars().count() <= 256);
                    prop_assert!(!text.chars().any(|c| c.is_control() || text::is_invisible(c)));
                }
                let json = serde_json::to_vec(&event).unwrap();
                prop_assert_eq!(serde_json::from_slice::<Event>(&json).unwrap(), *event);
            }
            Checked::Invalid(errors) => prop_assert!(!errors.is_empty()),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn any_json_at_all_is_answered(body in any_json()) {
        let (_, checked) = examine(&body, UnknownTypes::Refuse, Some("msg_1"));

        let told = matches!(checked, Checked::NotAnObject | Checked::Invalid(_));
        prop_assert!(told, "{:?}", checked);
    }
}
