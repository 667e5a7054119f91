//! A platform is asked for what its webhook left out. It tells of a guest, also in answers that cannot be used.

use domain::message::MessageState;
use serde_json::json;
use testkit::platform::{Platform, Reply};
use testkit::world::World;

use super::Guest;
use crate::scene::CONFIRMATION;

/// One booking is told, one waits, and one is a dead letter; `token` is the platform's.
pub(super) async fn ask_a_platform(world: &World, guest: &Guest, token: &str) {
    let told = json!({
        "arrival": "2090-12-20", "departure": "2090-12-27", "channelCode": "Direct",
        "primaryGuest": { "firstName": guest.first_name, "lastName": guest.last_name, "phone": guest.phone },
    });
    let platform = Platform::start(move |asked| match asked.line.as_str() {
        "GET /BK-told" => Reply::json(&told),
        "GET /BK-later" => Reply::new(500, &told),
        _ => Reply::new(404, &told),
    })
    .await;
    let address = platform.address();
    let file = format!(
        "resorts = ['azure-bay']\nplatform = 'apaleo'\n[auth]\nscheme = 'bearer'\nsecrets = ['plain:key']\n\
         [properties]\nBER = 'azure-bay'\n[fetch]\nurl = 'http://{address}/{{booking.id}}'\nhosts = ['127.0.0.1']\n\
         auth = {{ scheme = 'bearer', secret = 'plain:{token}' }}\n"
    );
    world.add_source("apaleo", &file).await;
    world.signal("processor", "HUP");
    for booking in ["BK-told", "BK-later", "BK-lost"] {
        let webhook = json!({
            "topic": "Reservation", "type": "created", "propertyId": "BER", "data": { "entityId": booking },
            "subject": format!("{} {}", guest.text, guest.phone),
        });
        let body = webhook.to_string().into_bytes();
        let (status, answer) = world.send_as("/webhooks/apaleo", "key", body).await;
        assert_eq!(status, 200, "{answer}");
    }
    world
        .until_state("BK-told", CONFIRMATION, MessageState::Read)
        .await;
    let failed = "SELECT count(*) AS count FROM fetches WHERE failures > 0";
    let both_failed = async || (world.database().count(failed).await == 2).then_some(());
    world.until("two are not told", both_failed).await;
    let last = "UPDATE fetches SET refusals = 3, due_at = clock_timestamp() WHERE refusals > 0";
    world.database().execute(last).await;
    let given_up = async || world.has_logged("fetch_failed").then_some(());
    world.until("one is a dead letter", given_up).await;
}
