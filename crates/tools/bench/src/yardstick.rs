//! The least that `ingest` must do: take a body, publish it, wait for RabbitMQ's confirmation, answer with 200. No
//! signature, no list, no rate, no look at the JSON, nothing sealed, nothing logged.

use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer, web};
use broker::Address;
use broker::publisher::{Options, Outgoing, Publisher};
use broker::topology::Queue;
use service::{Environment, Failure, Stop};
use uuid::Uuid;

async fn take(body: Bytes, publisher: Data<Publisher>) -> HttpResponse {
    let event = Outgoing {
        queue: Queue::Events,
        message_id: Uuid::now_v7().to_string(),
        kind: "booking_started".to_owned(),
        cause: None,
        body: body.to_vec(),
    };
    match publisher.publish(event).await {
        Ok(()) => HttpResponse::Ok().finish(),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}

pub(crate) async fn serve(environment: &Environment, stop: Stop) -> Result<(), Failure> {
    let mut read = environment.reader();
    let broker = read.parsed("AMQP_URL", Address::parse);
    let broker = read.finish_with(|| broker)?;
    let publisher = Publisher::start(broker, Options::named("yardstick"));
    publisher
        .status()
        .wait_for(broker::Status::is_ready)
        .await
        .map_err(anyhow::Error::new)?;
    let shared = Data::new(publisher);
    let server = HttpServer::new(move || App::new().app_data(shared.clone()).default_service(web::to(take)))
        .workers(std::thread::available_parallelism()?.get())
        .disable_signals()
        .bind(("127.0.0.1", 0))?;
    for address in server.addrs() {
        log::info!(address:display = address; "listening");
    }
    let running = server.run();
    let handle = running.handle();
    let running = tokio::spawn(running);
    stop.stopped().await;
    handle.stop(true).await;
    let _ = running.await;
    Ok(())
}
