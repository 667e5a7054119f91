//! Results of calls that Postgres does not take at once.

use domain::message::MessageState::{Sending, Sent};

use crate::scene::{CONFIRMATION, Scene, guest};

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_postgres_refuses_stops_no_other() {
    let scene = Scene::new().await;
    scene.confirm(5).await;
    let (refused, _) = guest(3);
    let refuse = format!(
        "CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN \
         IF new.state = 'sent' AND new.booking_key LIKE '%{refused}' THEN RAISE 'refused' USING ERRCODE = '22000'; END IF; \
         RETURN new; END $$ LANGUAGE plpgsql; \
         CREATE TRIGGER refuse BEFORE UPDATE ON messages FOR EACH ROW EXECUTE FUNCTION refuse()"
    );
    scene.database.execute(&refuse).await;

    scene.send().await;

    scene.check(&refused, CONFIRMATION, Sending).await;
    assert_eq!(scene.count(Sent).await, 4);
    assert_eq!(scene.calls().await.len(), 5);
}
