//! Which reservations make a cart superfluous: the plan and the claim answer alike.

use chrono::NaiveDate;
use diesel::sql_types::{Array, Bool, Date, Nullable};
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use domain::plan::cart;

use crate::scene::Scene;

type Day = Option<NaiveDate>;

#[derive(QueryableByName)]
struct Answers {
    #[diesel(sql_type = Array<Bool>)]
    answers: Vec<bool>,
}

/// No day, and a week around the end of February: five days, in every order, with and without days between them.
fn days() -> Vec<Day> {
    let first = NaiveDate::from_ymd_opt(2027, 2, 25);
    let week = first.into_iter().flat_map(|first| first.iter_days().take(7));
    [None].into_iter().chain(week.map(Some)).collect()
}

/// Arrival and departure on the cart, arrival and departure of the reservation, and the last day of activity.
fn cases() -> Vec<[Day; 5]> {
    (0..5).fold(vec![[None; 5]], |cases, place| {
        let with = |case: [Day; 5]| {
            days().into_iter().map(move |day| {
                let mut case = case;
                case[place] = day;
                case
            })
        };
        cases.into_iter().flat_map(with).collect()
    })
}

// shows: B22
#[tokio::test]
async fn plan_and_claim_agree_for_all_dates_also_missing_and_reversed_ones() {
    let scene = Scene::new().await;
    let cases = cases();
    assert_eq!(cases.len(), 8_usize.pow(5));
    let columns: [Vec<Day>; 5] = std::array::from_fn(|place| cases.iter().map(|case| case[place]).collect());

    let answers = scene
        .run(move |connection, _| {
            let [cart_from, cart_until, stay_from, stay_until, seen_on] = columns;
            let found: Answers = sql_query(
                "SELECT array_agg(cart_is_superfluous(a, b, c, d, e) ORDER BY place) AS answers \
                 FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS n(a, b, c, d, e, place)",
            )
            .bind::<Array<Nullable<Date>>, _>(cart_from)
            .bind::<Array<Nullable<Date>>, _>(cart_until)
            .bind::<Array<Nullable<Date>>, _>(stay_from)
            .bind::<Array<Nullable<Date>>, _>(stay_until)
            .bind::<Array<Nullable<Date>>, _>(seen_on)
            .get_result(connection)
            .unwrap();
            Ok(found.answers)
        })
        .await;

    assert_eq!(answers.len(), cases.len());
    for (case, answer) in cases.iter().zip(answers) {
        let [cart_from, cart_until, stay_from, stay_until, seen_on] = *case;
        let planned = cart::is_superfluous((cart_from, cart_until), (stay_from, stay_until), seen_on);
        assert_eq!(
            answer, planned,
            "cart {cart_from:?} to {cart_until:?}, reservation {stay_from:?} to {stay_until:?}, active on {seen_on:?}"
        );
    }
}
