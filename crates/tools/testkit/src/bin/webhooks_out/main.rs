//! The real programs, with a resort whose own tool is told of everything, for `scripts/test webhooks`.
//!
//! usage: `webhooks_out RECEIVER SECRET…`, the URL of a tool on this machine and the secrets that sign. A confirmation cannot be
//! delivered, one guest says stop, another one writes; the program ends when stdin does.

use std::io;

use anyhow::Context as _;
use serde_json::json;
use testkit::world::{Event, ResortFile, World};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let receiver = arguments.next().context("usage: webhooks_out RECEIVER SECRET…")?;
    let secrets: Vec<String> = arguments.map(|secret| format!("\"plain:{secret}\"")).collect();
    let section = format!(
        "[webhook_out]\nurl = \"{receiver}\"\nhosts = [\"127.0.0.1\"]\ninclude = [\"guest\"]\nsecrets = [{}]\n\
         events = [\"not_delivered\", \"opted_out\", \"answered\", \"dead_letter\", \"alert\"]\n",
        secrets.join(", ")
    );
    let world = World::start(&ResortFile {
        sections: section,
        ..ResortFile::patient()
    })
    .await;
    let subscribed = "SELECT count(*) AS count FROM webhook_subscriptions";
    let is_noted = async || (world.database().count(subscribed).await > 0).then_some(());
    world.until("the file is noted", is_noted).await;

    let (ada, bob) = ("+306912345678", "+306912345679");
    world.post(&Event::confirmed("BK-1", "no number")).await;
    world.post(&Event::abandoned("CART-1", ada)).await;
    world.post(&Event::abandoned("CART-2", bob)).await;
    for (cart, phone) in [("CART-1", ada), ("CART-2", bob)] {
        world.until_events(cart, 1).await;
        let is_reminded = async || (!world.names_received_by(phone).await.is_empty()).then_some(());
        world.until("the guest is reminded", is_reminded).await;
    }
    for (phone, words) in [(ada, "STOP"), (bob, "Υπάρχει πισίνα; 🏊")] {
        world
            .tell_sandbox("inbound", &json!({ "from": phone, "text": words }))
            .await;
    }

    tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink())).await??;
    Ok(())
}
