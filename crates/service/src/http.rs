//! The HTTP face that every process has: alive, ready, metrics.

mod client_address;
mod connections;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::http::header::{ALLOW, CACHE_CONTROL};
use actix_web::middleware::from_fn;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpResponse, HttpServer, web};
use connections::{Connections, Patience};
use tokio::task::JoinHandle;

pub use client_address::{client_address, network_of};

use crate::health::Readiness;
use crate::metrics::Metrics;
use crate::{Stop, systemd};

const PATIENCE: Patience = Patience {
    head: REQUEST_HEAD_TIMEOUT,
    keep_alive: KEEP_ALIVE,
};
/// Longer than the idle time of the usual load balancers, so that they close connections and not we.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
const REQUEST_HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// After the longest linger, within [`SHUTDOWN_DEADLINE`](crate::stop::SHUTDOWN_DEADLINE), with time left for what comes
/// after.
const DRAIN_SECONDS: u64 = 16;
/// The longest that a server may go on taking requests after the stop.
pub const LONGEST_LINGER: Duration = Duration::from_secs(10);
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A running server; it ends when its [`Stop`] does, also after this value is gone.
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    server: JoinHandle<io::Result<()>>,
}

impl Serving {
    /// The address that was bound; it has the real port where port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the stop came and the requests in hand were answered.
    pub async fn finished(self) -> io::Result<()> {
        self.server.await.map_err(io::Error::other)?
    }
}

/// Adds `GET /healthz`, `/readyz` and `/metrics`; other methods get 405 with `Allow`.
pub fn endpoints(
    readiness: Readiness,
    metrics: Metrics,
) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    move |config| {
        let (readiness, metrics) = (readiness.clone(), metrics.clone());
        config
            .service(read_only("/healthz", || {
                HttpResponse::Ok().json(serde_json::json!({ "status": "alive" }))
            }))
            .service(read_only("/readyz", move || ready(&readiness)))
            .service(read_only("/metrics", move || {
                HttpResponse::Ok()
                    .content_type(METRICS_TYPE)
                    .body(metrics.render())
            }));
    }
}

/// Serves the [`endpoints`] alone.
pub fn serve_health(
    address: SocketAddr,
    readiness: &Readiness,
    metrics: &Metrics,
    stop: &Stop,
) -> io::Result<Serving> {
    serve(
        Options {
            address,
            workers: 1,
            linger: Duration::ZERO,
        },
        readiness,
        stop,
        endpoints(readiness.clone(), metrics.clone()),
    )
}

/// How a server is set up.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub address: SocketAddr,
    /// How many threads answer.
    pub workers: usize,
    /// How long it goes on taking requests after the stop, [`LONGEST_LINGER`] at most: a balancer that asks `/readyz`
    /// turns away from it meanwhile.
    pub linger: Duration,
}

/// Serves what `configure` sets up (without the [`endpoints`]) until the stop, and logs `listening`.
///
/// With the stop the process is no longer ready and keeps no connection beyond its next answer; after the linger new
/// connections are refused, and requests in hand are answered.
pub fn serve(
    options: Options,
    readiness: &Readiness,
    stop: &Stop,
    configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> io::Result<Serving> {
    serve_with(PATIENCE, options, readiness, stop, configure)
}

fn serve_with(
    patience: Patience,
    options: Options,
    readiness: &Readiness,
    stop: &Stop,
    configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> io::Result<Serving> {
    let Options {
        address,
        workers,
        linger,
    } = options;
    let listener = TcpListener::bind(address)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))?;
    let address = listener.local_addr()?;
    let (stopped, stopping) = (stop.clone(), readiness.clone());
    let connections = Connections::default();
    let (watching, idle) = (connections.clone().watch(patience), connections.clone());
    let lingering = stop.clone();
    let app = move || {
        App::new()
            .configure(configure.clone())
            .app_data(web::Data::new(lingering.clone()))
            .wrap(from_fn(connections::note_request))
    };
    let server = HttpServer::new(app)
        .workers(workers)
        .on_connect(move |connection, data| connections.welcome(connection, data))
        .keep_alive(patience.keep_alive)
        .client_request_timeout(patience.head)
        .shutdown_signal(async move {
            stopped.stopped().await;
            stopping.stopping();
            tokio::time::sleep(linger.min(LONGEST_LINGER)).await;
            idle.cut_off_idle();
        })
        .shutdown_timeout(DRAIN_SECONDS)
        .listen(listener)?
        .run();
    log::info!(address:% = address, event = "listening"; "listening");
    systemd::tell_listening();
    let informing = systemd::keep_informed(readiness.clone(), stop.clone());
    Ok(Serving {
        address,
        server: tokio::spawn(async move {
            tokio::select! {
                ended = server => ended,
                () = watching => Ok(()),
                () = informing => Ok(()),
            }
        }),
    })
}

fn read_only(path: &str, answer: impl Fn() -> HttpResponse + Clone + 'static) -> actix_web::Resource {
    let handler = move || {
        let mut response = answer();
        let no_store = actix_web::http::header::HeaderValue::from_static("no-store");
        response.headers_mut().insert(CACHE_CONTROL, no_store);
        std::future::ready(response)
    };
    web::resource(path)
        .route(web::get().to(handler.clone()))
        .route(web::head().to(handler))
        .default_service(web::to(|| async {
            HttpResponse::MethodNotAllowed()
                .insert_header((ALLOW, "GET, HEAD"))
                .finish()
        }))
}

fn ready(readiness: &Readiness) -> HttpResponse {
    let report = readiness.report();
    let mut response = if report.is_ready() {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    response.json(report)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use actix_web::http::{Method, StatusCode};
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn ask(readiness: &Readiness, method: Method, path: &str) -> (StatusCode, Option<String>, String) {
        let metrics = Metrics::new("test", "0").unwrap();
        let app = init_service(App::new().configure(endpoints(readiness.clone(), metrics))).await;
        let response = call_service(&app, TestRequest::with_uri(path).method(method).to_request()).await;
        let allow = response
            .headers()
            .get(ALLOW)
            .map(|value| value.to_str().unwrap().to_owned());
        let status = response.status();
        (
            status,
            allow,
            String::from_utf8(read_body(response).await.to_vec()).unwrap(),
        )
    }

    #[actix_web::test]
    async fn readiness_is_told_by_status_and_reason() {
        let readiness = Readiness::new();
        assert_eq!(ask(&readiness, Method::GET, "/readyz").await.0, StatusCode::OK);

        readiness.set("rabbitmq", Err("connection refused".to_owned()));
        let (status, _, body) = ask(&readiness, Method::GET, "/readyz").await;

        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.contains("connection refused"), "{body}");
        assert_eq!(ask(&readiness, Method::GET, "/healthz").await.0, StatusCode::OK);
    }

    #[actix_web::test]
    async fn other_methods_are_told_which_are_allowed() {
        for path in ["/healthz", "/readyz", "/metrics"] {
            let (status, allow, _) = ask(&Readiness::new(), Method::POST, path).await;

            assert_eq!(
                (status, allow.as_deref()),
                (StatusCode::METHOD_NOT_ALLOWED, Some("GET, HEAD"))
            );
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_on_port_0_tells_its_address_answers_and_ends_with_the_stop() {
        let (readiness, metrics, stop) = (
            Readiness::new(),
            Metrics::new("test", "0").unwrap(),
            Stop::manual(),
        );
        let serving = serve_health((Ipv4Addr::LOCALHOST, 0).into(), &readiness, &metrics, &stop).unwrap();

        let mut connection = tokio::net::TcpStream::connect(serving.address()).await.unwrap();
        connection
            .write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        stop.stop();
        serving.finished().await.unwrap();

        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.contains("bellhop_build_info"),
            "{answer}"
        );
        assert!(!readiness.is_ready());
    }

    // shows: T8
    #[tokio::test(flavor = "multi_thread")]
    async fn a_connection_that_brings_nothing_is_cut_off_at_whatever_point_it_stands() {
        const ASKED: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
        let chunked = "POST /nowhere HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
        let patience = Patience {
            head: Duration::from_millis(500),
            keep_alive: Duration::from_secs(1),
        };
        let (readiness, metrics, stop) = (
            Readiness::new(),
            Metrics::new("test", "0").unwrap(),
            Stop::manual(),
        );
        let everything = endpoints(readiness.clone(), metrics);
        let options = Options {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            workers: 1,
            linger: Duration::ZERO,
        };
        let serving = serve_with(patience, options, &readiness, &stop, everything).unwrap();
        let cut_off = async |beginning: String, drop: &'static [u8]| {
            let connection = tokio::net::TcpStream::connect(serving.address()).await.unwrap();
            let (mut reader, mut writer) = connection.into_split();
            writer.write_all(beginning.as_bytes()).await.unwrap();
            let dripping = tokio::spawn(async move {
                while writer.write_all(drop).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            });
            let mut answer = Vec::new();
            let reading = reader.read_to_end(&mut answer);
            let ended = tokio::time::timeout(Duration::from_secs(10), reading).await;
            dripping.abort();
            assert!(ended.is_ok(), "{beginning:?} is never cut off");
        };

        tokio::join!(
            cut_off(String::new(), b""),
            cut_off("GET /healthz HTTP/1.1\r\nx: ".to_owned(), b"x"),
            cut_off(ASKED.to_owned(), b""),
            cut_off(format!("{ASKED}G"), b""),
            cut_off(format!("{ASKED}GET /healthz HTTP/1.1\r\nx: "), b"x"),
            cut_off(chunked.to_owned(), b"1\r\nx\r\n"),
        );

        stop.stop();
        serving.finished().await.unwrap();
    }
}
