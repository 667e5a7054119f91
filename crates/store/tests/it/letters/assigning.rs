//! Who takes care of a letter, and who looks at it.

use crypto::token::Token;
use domain::ids::{LetterId, ResortId, StaffName};
use domain::staff::{Access, Role, Scope};
use store::audit::Actor;
use store::letters::{self, Assignee, Decided, Declined, Filter, Start};
use store::staff::{self, Identity};

use super::event_letter;
use crate::scene::{Scene, anna};

pub(super) fn name(name: &str) -> StaffName {
    StaffName::parse(name).unwrap()
}

pub(super) fn of_resort(id: &str) -> Access {
    Access {
        role: Role::Support,
        scope: Scope::Resorts(ResortId::parse(id).into_iter().collect()),
    }
}

impl Scene {
    /// Anna is an admin; Ben works for one resort, Cleo for another.
    pub(super) async fn with_staff() -> Self {
        let scene = Self::new().await;
        for (who, access) in [
            ("anna", Access::ADMIN),
            ("ben", of_resort("azure-bay")),
            ("cleo", of_resort("olive-hill")),
        ] {
            let identity = Identity {
                name: name(who),
                access,
            };
            let hash = Token::generate().hash();
            scene
                .run(move |c, _| staff::add(c, &anna(), &identity, &hash))
                .await
                .unwrap();
        }
        scene
    }

    async fn an_open_letter(&self) -> LetterId {
        self.found(vec![event_letter("direct/evt_1", None)]).await;
        self.letters(Filter::default()).await.remove(0).id
    }

    async fn assign(&self, id: LetterId, to: Option<&str>) -> Decided<bool> {
        let to = to.map(name);
        self.run(move |c, _| letters::assign(c, id, to.as_ref(), &anna()))
            .await
    }
}

// shows: B191
#[tokio::test]
async fn a_letter_is_given_to_a_member_who_works_for_its_resort_and_to_nobody_else() {
    let scene = Scene::with_staff().await;
    let letter = scene.an_open_letter().await;

    assert_eq!(scene.assign(letter, Some("dora")).await, Err(Declined::NoMember));
    assert_eq!(
        scene.assign(letter, Some("cleo")).await,
        Err(Declined::OutOfReach)
    );
    assert_eq!(
        scene.assign(LetterId(99), Some("ben")).await,
        Err(Declined::NotFound)
    );
    assert_eq!(scene.letter(letter).await.assigned, None);

    assert_eq!(scene.assign(letter, Some("ben")).await, Ok(true));
    assert_eq!(scene.assign(letter, Some("ben")).await, Ok(false));
    let assigned = scene.letter(letter).await.assigned.unwrap();
    assert_eq!(assigned.to, "ben");
    let of = async |assignee| {
        let filter = Filter {
            assignee: Some(assignee),
            ..Filter::default()
        };
        scene
            .run(move |c, _| letters::page(c, &filter, Start::Oldest, 50))
            .await
            .letters
            .len()
    };
    assert_eq!(
        (
            of(Assignee::Member(name("ben"))).await,
            of(Assignee::Nobody).await
        ),
        (1, 0)
    );

    assert_eq!(scene.assign(letter, None).await, Ok(true));
    assert_eq!(scene.letter(letter).await.assigned, None);
    let trail = scene
        .run(|c, _| store::audit::list(c, &store::audit::Filter::default(), 50))
        .await;
    let told: Vec<&str> = trail
        .iter()
        .filter(|row| row.action == "letter_assigned")
        .map(|row| row.details.as_str())
        .collect();
    assert_eq!(told, ["nobody", "ben"]);
}

// shows: B191
#[tokio::test]
async fn who_may_not_act_on_a_letter_assigns_it_to_nobody() {
    let scene = Scene::with_staff().await;
    let letter = scene.an_open_letter().await;
    let viewer = Access {
        role: Role::Viewer,
        scope: Scope::All,
    };

    for access in [of_resort("olive-hill"), viewer] {
        let by = Actor {
            name: name("cleo"),
            access,
            reason: None,
        };
        let assigned = scene
            .store
            .transaction(move |c| letters::assign(c, letter, Some(&name("ben")), &by))
            .await;
        assert!(
            matches!(assigned, Err(store::StoreError::Forbidden(_))),
            "{assigned:?}"
        );
    }
    assert_eq!(scene.letter(letter).await.assigned, None);
}

// shows: B192
#[tokio::test]
async fn who_opens_a_letter_sees_who_else_looked_at_it_within_the_hour() {
    let scene = Scene::with_staff().await;
    let letter = scene.an_open_letter().await;
    let see = async |who: &'static str| scene.run(move |c, _| letters::see(c, letter, &name(who))).await;
    let others = async |me: &'static str| {
        let found = scene
            .run(move |c, _| letters::others_on(c, letter, &name(me)))
            .await;
        found.into_iter().map(|viewer| viewer.member).collect::<Vec<_>>()
    };
    see("anna").await;
    see("ben").await;
    see("anna").await;

    assert_eq!(others("anna").await, ["ben"]);
    assert_eq!(others("cleo").await, ["anna", "ben"]);

    scene
        .sql("UPDATE letter_views SET seen_at = seen_at - interval '1 hour'")
        .await;
    assert!(others("cleo").await.is_empty());
    see("cleo").await;
    scene
        .sql("DO $$ BEGIN ASSERT (SELECT array_agg(member) = '{cleo}' FROM letter_views), 'others are kept'; END $$")
        .await;
}
