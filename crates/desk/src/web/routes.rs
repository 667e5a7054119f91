//! The addresses of the pages.

use actix_web::middleware::from_fn;
use actix_web::web::{
    Data, FormConfig, PathConfig, QueryConfig, ServiceConfig, get, post, resource, scope, to,
};
use actix_web::{HttpResponse, ResponseError as _};
use service::health::Readiness;
use service::http;
use service::metrics::Metrics;

use super::desk::Desk;
use super::problem::Problem;
use super::{
    assets, attention, audit, bookings, conversation, guard, guests, holds, letters, login, media, metrics,
    report, sessions, settings, sources,
};

/// Forms are small; a payload that is pasted is the largest, and platforms send up to 1 MiB.
const LARGEST_FORM: usize = 2 << 20;

pub(super) fn configure(
    desk: &Data<Desk>,
    readiness: &Readiness,
    registry: &Metrics,
) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    let desk = desk.clone();
    let health = http::endpoints(readiness.clone(), registry.clone());
    move |config| {
        let pages = scope("")
            .wrap(from_fn(guard::check))
            .wrap(from_fn(metrics::count))
            .configure(health.clone())
            .configure(add_pages)
            .default_service(to(not_found));
        config.app_data(desk.clone()).service(pages);
    }
}

fn add_pages(config: &mut ServiceConfig) {
    config
        .app_data(
            FormConfig::default()
                .limit(LARGEST_FORM)
                .error_handler(|_, _| invalid("This form")),
        )
        .app_data(QueryConfig::default().error_handler(|_, _| invalid("This address")))
        .app_data(PathConfig::default().error_handler(|_, _| Problem::NotFound.into()))
        .route("/desk.css", get().to(assets::style))
        .route("/desk.js", get().to(assets::script))
        .route("/icon.svg", get().to(assets::icon))
        .route("/robots.txt", get().to(assets::robots))
        .service(resource("/login").get(login::show).post(login::by_token))
        .service(
            resource("/login/{link}")
                .get(login::show_link)
                .post(login::by_link),
        )
        .route("/logout", post().to(sessions::sign_out))
        .service(resource("/sessions").get(sessions::list).post(sessions::end))
        .route("/", get().to(attention::show))
        .route("/bookings/{resort}/{booking}", get().to(bookings::show))
        .route("/bookings/{resort}/{booking}/reveal", post().to(bookings::reveal))
        .route(
            "/bookings/{resort}/{booking}/conversation",
            post().to(conversation::open),
        )
        .route(
            "/bookings/{resort}/{booking}/answer",
            post().to(conversation::answer),
        )
        .route("/bookings/{resort}/{booking}/media", post().to(media::show))
        .route("/bookings/{resort}/{booking}/act", post().to(conversation::act))
        .route(
            "/bookings/{resort}/{booking}/instruct",
            post().to(conversation::instruct),
        )
        .route(
            "/bookings/{resort}/{booking}/{form}",
            get().to(bookings::to_booking),
        )
        .configure(add_letters)
        .route("/guests", get().to(guests::show))
        .service(resource("/guests/find").get(guests::show).post(guests::find))
        .service(resource("/holds").get(holds::list).post(holds::pause))
        .route("/holds/resume", post().to(holds::resume))
        .route("/report", get().to(report::show))
        .route("/sources", get().to(sources::list))
        .service(
            resource("/sources/{source}")
                .get(sources::show)
                .post(sources::try_payload),
        )
        .service(resource("/audit").get(audit::list).post(audit::reveal))
        .route("/settings", get().to(settings::show));
}

fn add_letters(config: &mut ServiceConfig) {
    config
        .route("/letters", get().to(letters::list))
        .service(
            resource("/letters/find")
                .get(letters::start_again)
                .post(letters::find),
        )
        .service(
            resource("/letters/bulk")
                .get(letters::start_again)
                .post(letters::confirm),
        )
        .service(
            resource("/letters/jobs")
                .get(letters::list_jobs)
                .post(letters::make),
        )
        .route("/letters/jobs/{id}", get().to(letters::show_job))
        .route("/letters/jobs/{id}/cancel", post().to(letters::cancel))
        .route("/letters/{id}", get().to(letters::show))
        .service(
            resource("/letters/{id}/reveal")
                .get(letters::to_letter)
                .post(letters::reveal),
        )
        .route("/letters/{id}/retry", post().to(letters::retry))
        .service(
            resource("/letters/{id}/phone")
                .get(letters::to_letter)
                .post(letters::correct_phone),
        )
        .route("/letters/{id}/phone/check", post().to(letters::check_phone))
        .route("/letters/{id}/settle", post().to(letters::settle))
        .route("/letters/{id}/close", post().to(letters::close))
        .route("/letters/{id}/assign", post().to(letters::assign));
}

fn invalid(what: &str) -> actix_web::Error {
    Problem::Invalid(format!("{what} is not one that the desk has made.")).into()
}

async fn not_found() -> HttpResponse {
    Problem::NotFound.error_response()
}
