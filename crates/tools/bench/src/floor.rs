//! What `ingest` is compared with, a process of its own: it checks the HMAC, parses the JSON, publishes the body, waits for
//! RabbitMQ's confirmation and answers with 200. No list of addresses, no rates, no validation, nothing sealed, nothing
//! logged.

use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use broker::Address;
use broker::publisher::{Options, Outgoing, Publisher};
use broker::topology::Queue;
use chrono::Utc;
use crypto::secret::Secret;
use crypto::signature::{Request, Scheme, Verifier};
use serde_json::Value;
use service::{Environment, Failure, Stop};
use uuid::Uuid;

/// The variable that makes this program the floor.
pub(crate) const FLOOR: &str = "BENCH_FLOOR";

async fn take(
    request: HttpRequest,
    body: Bytes,
    publisher: Data<Publisher>,
    verifier: Data<Verifier>,
) -> HttpResponse {
    let headers = request.headers();
    let values = |name: &str| headers.get_all(name).map(|value| value.as_bytes()).collect();
    let claim = Request {
        headers: &values,
        body: &body,
        url_token: None,
        now: Utc::now().timestamp(),
    };
    if verifier.verify(&claim).is_err() {
        return HttpResponse::Unauthorized().finish();
    }
    let Ok(event) = serde_json::from_slice::<Value>(&body) else {
        return HttpResponse::BadRequest().finish();
    };
    let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
    let event = Outgoing {
        queue: Queue::Events,
        message_id: Uuid::now_v7().to_string(),
        kind: kind.to_owned(),
        cause: None,
        trace: None,
        body: body.to_vec(),
    };
    match publisher.publish(event).await {
        Ok(()) => HttpResponse::Ok().finish(),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}

pub(crate) async fn serve(environment: &Environment, stop: Stop) -> Result<(), Failure> {
    let mut read = environment.reader();
    let secret = read.required("DIRECT_SECRET");
    let broker = read.parsed("AMQP_URL", Address::parse);
    let broker = read.finish_with(|| broker)?;
    let publisher = Publisher::start(broker, Options::named("floor"));
    publisher
        .status()
        .wait_for(broker::Status::is_ready)
        .await
        .map_err(anyhow::Error::new)?;
    let verifier =
        Verifier::new(Scheme::StandardWebhooks, &[Secret::new(secret)]).map_err(anyhow::Error::new)?;
    let (publisher, verifier) = (Data::new(publisher), Data::new(verifier));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(publisher.clone())
            .app_data(verifier.clone())
            .default_service(web::to(take))
    })
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
