//! Who may act, and who no longer.

use crypto::token::Token;
use domain::audit::Action;
use domain::ids::{ResortId, StaffName};
use domain::staff::{Access, Role, Scope};
use store::StoreError;
use store::audit::{self, Actor, Filter, Subject};
use store::staff::{self, Identity, Unchanged};

use crate::scene::{Scene, anna};

fn name(name: &str) -> StaffName {
    StaffName::parse(name).unwrap()
}

fn identity(who: &str) -> Identity {
    Identity {
        name: name(who),
        access: Access::ADMIN,
    }
}

/// Anna adds somebody, or herself.
async fn added(scene: &Scene, who: &str) -> Result<Token, Unchanged> {
    let (who, token) = (identity(who), Token::generate());
    let hash = token.hash();
    let added = scene.run(move |c, _| staff::add(c, &anna(), &who, &hash)).await;
    added.map(|()| token)
}

/// Somebody adds themselves.
async fn comes(scene: &Scene, who: &str) -> Result<(), Unchanged> {
    let by = Actor {
        name: name(who),
        access: Access::ADMIN,
        reason: None,
    };
    scene
        .run(move |c, _| staff::add(c, &by, &identity(by.name.as_str()), &Token::generate().hash()))
        .await
}

async fn removed(scene: &Scene, who: &str) -> Result<(), Unchanged> {
    let who = name(who);
    scene.run(move |c, _| staff::remove(c, &anna(), &who)).await
}

async fn owner(scene: &Scene, token: &Token) -> Option<StaffName> {
    let hash = token.hash();
    let found = scene.run(move |c, _| staff::find_by_token(c, &hash)).await;
    found.map(|identity| identity.name)
}

#[tokio::test]
async fn a_token_names_its_owner_until_they_are_removed() {
    let scene = Scene::new().await;
    let annas = added(&scene, "anna").await.unwrap();
    let bens = added(&scene, "ben").await.unwrap();

    assert_eq!(owner(&scene, &annas).await, Some(name("anna")));
    assert_eq!(owner(&scene, &bens).await, Some(name("ben")));
    assert_eq!(owner(&scene, &Token::generate()).await, None);

    removed(&scene, "ben").await.unwrap();
    assert_eq!(owner(&scene, &bens).await, None);
    let token = added(&scene, "ben").await.unwrap();
    assert_eq!(owner(&scene, &bens).await, None);
    assert_eq!(owner(&scene, &token).await, Some(name("ben")));
}

// shows: B114
#[tokio::test]
async fn only_the_first_comes_without_being_added_and_the_last_stays() {
    let scene = Scene::new().await;
    added(&scene, "anna").await.unwrap();

    assert_eq!(comes(&scene, "eve").await, Err(Unchanged::Uninvited));
    assert_eq!(removed(&scene, "anna").await, Err(Unchanged::Last));
    assert_eq!(removed(&scene, "eve").await, Err(Unchanged::NoMember));
    assert_eq!(added(&scene, "anna").await.unwrap_err(), Unchanged::IsMember);
    assert_eq!(added(&scene, "whatsapp").await.unwrap_err(), Unchanged::Reserved);
}

// shows: B114
#[tokio::test]
async fn of_two_who_come_at_once_one_is_the_first() {
    let scene = Scene::new().await;
    let (one, other) = tokio::join!(comes(&scene, "anna"), comes(&scene, "eve"));

    let refused: Vec<_> = [one, other].into_iter().filter_map(Result::err).collect();
    assert_eq!(refused, [Unchanged::Uninvited]);
}

// shows: B117
#[tokio::test]
async fn who_came_and_went_and_by_whom_stays_known() {
    let scene = Scene::new().await;
    for who in ["anna", "ben"] {
        added(&scene, who).await.unwrap();
    }
    removed(&scene, "ben").await.unwrap();

    let members = scene.run(|c, _| staff::list(c)).await;
    let trail = scene.run(|c, _| audit::list(c, &Filter::default(), 10)).await;

    let standing: Vec<_> = members
        .iter()
        .map(|one| (one.name.as_str(), one.removed_at.is_some()))
        .collect();
    assert_eq!(standing, [("anna", false), ("ben", true)]);
    let told: Vec<_> = trail
        .iter()
        .map(|row| (row.actor.as_str(), row.action.as_str(), row.details.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("anna", "staff_removed", "ben"),
            ("anna", "staff_added", "ben: admin at all resorts"),
            ("anna", "staff_added", "anna: admin at all resorts"),
        ]
    );
}

/// Who acts with less than everything.
fn acting(access: Access) -> Actor {
    Actor {
        name: name("ben"),
        access,
        reason: None,
    }
}

async fn rows(scene: &Scene) -> usize {
    let everything = Filter::default();
    let found = scene.run(move |c, _| audit::list(c, &everything, 1_000)).await;
    found.len()
}

// shows: B201, T43
#[tokio::test]
async fn an_action_beyond_a_members_role_or_resorts_is_undone_and_leaves_no_row() {
    let scene = Scene::new().await;
    let store = scene.store.clone();
    let resorts = |ids: &[&str]| {
        let ids = ids.iter().map(|id| ResortId::parse(id).unwrap());
        Scope::Resorts(ids.collect())
    };
    let cases = [
        (Role::Viewer, Scope::All, "azure-bay", false),
        (Role::Support, Scope::All, "azure-bay", true),
        (Role::Support, resorts(&["azure-bay"]), "azure-bay", true),
        (Role::Support, resorts(&["azure-bay"]), "olive-hill", false),
        (Role::Admin, resorts(&[]), "azure-bay", false),
    ];
    for (role, scope, resort, is_allowed) in cases {
        let by = acting(Access { role, scope });
        let subject = Subject {
            resort: ResortId::parse(resort).ok(),
            ..Subject::default()
        };
        let before = rows(&scene).await;

        let done = store.transaction(move |c| audit::append(c, &by, Action::LetterClosed, &subject));

        let is_forbidden = matches!(done.await, Err(StoreError::Forbidden(_)));
        let added = rows(&scene).await - before;
        assert_eq!(
            (is_forbidden, added),
            (!is_allowed, usize::from(is_allowed)),
            "{role} {resort}"
        );
    }
}

// shows: B114
#[tokio::test]
async fn the_last_admin_of_all_resorts_keeps_the_role() {
    let scene = Scene::new().await;
    added(&scene, "anna").await.unwrap();
    let lesser = |who: &str| Identity {
        name: name(who),
        access: Access {
            role: Role::Support,
            scope: Scope::All,
        },
    };

    let alone = lesser("anna");
    let refused = scene.run(move |c, _| staff::change(c, &anna(), &alone)).await;
    assert_eq!(refused, Err(Unchanged::Last));

    added(&scene, "ben").await.unwrap();
    let one_of_two = lesser("anna");
    scene
        .run(move |c, _| staff::change(c, &anna(), &one_of_two))
        .await
        .unwrap();
    let found = scene.run(move |c, _| staff::find(c, "anna")).await.unwrap();
    assert_eq!(found.access.role, Role::Support);
    assert_eq!(removed(&scene, "ben").await, Err(Unchanged::Last));
}
