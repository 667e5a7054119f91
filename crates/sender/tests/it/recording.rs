//! Results of calls that Postgres does not take at once.

use std::time::Duration;

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

#[tokio::test(flavor = "multi_thread")]
async fn a_result_whose_recording_was_cut_off_during_an_outage_is_kept() {
    let scene = Scene::new().await;
    scene.confirm(1).await;
    let (booking, _) = guest(1);
    // 25006: the server is read-only, as during a switch to its standby.
    let away = "CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN \
         IF new.state = 'sent' THEN RAISE 'read-only' USING ERRCODE = '25006'; END IF; RETURN new; END $$ LANGUAGE plpgsql; \
         CREATE TRIGGER refuse BEFORE UPDATE ON messages FOR EACH ROW EXECUTE FUNCTION refuse()";
    scene.database.execute(away).await;

    let sending = tokio::time::timeout(Duration::from_secs(2), scene.send()).await;
    scene.check(&booking, CONFIRMATION, Sending).await;
    scene.database.execute("DROP TRIGGER refuse ON messages").await;
    scene.sender.record_kept_once().await;

    assert!(sending.is_err(), "it waits during an outage");
    scene.check(&booking, CONFIRMATION, Sent).await;
    assert_eq!(scene.calls().await.len(), 1);
}
