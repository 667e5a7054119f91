//! A daemon that is started, supervised and stopped in a test.

use std::net::Ipv4Addr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use log::{Log, Metadata, Record};

use super::*;
use crate::lock;

const ABOUT: About = About {
    name: "test",
    version: "0",
    about: "",
    help: "",
};

fn daemon() -> Daemon {
    Daemon::new(&ABOUT, Stop::manual()).unwrap()
}

/// Runs a daemon without anything to close, on a free port.
fn running(daemon: Daemon) -> Running {
    daemon
        .serve_health((Ipv4Addr::LOCALHOST, 0).into(), async {})
        .unwrap()
}

async fn until_stopped(stop: Stop) {
    stop.stopped().await;
}

fn text_of(failure: Failure) -> String {
    match failure {
        Failure::Other(error) => error.to_string(),
        Failure::Settings(problems) => problems.to_string(),
    }
}

/// The `event` of every line that was logged.
struct Events(Mutex<Vec<String>>);

static EVENTS: Events = Events(Mutex::new(Vec::new()));

impl Events {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        lock(&self.0)
    }
}

impl Log for Events {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let event = record.key_values().get("event".into());
        self.lock().extend(event.map(|event| event.to_string()));
    }

    fn flush(&self) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_panics_ends_the_process_with_its_name() {
    let mut daemon = daemon();
    daemon.spawn("healthy", until_stopped(daemon.stop.clone()));
    daemon.spawn("timers", async { panic!("+306912345678") });

    let failure = running(daemon).finished().await.unwrap_err();

    assert_eq!(text_of(failure), "the task `timers` panicked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_ends_before_the_stop_ends_the_process_with_its_name() {
    let mut daemon = daemon();
    daemon.spawn("relay", async {});

    let failure = running(daemon).finished().await.unwrap_err();

    assert_eq!(text_of(failure), "the task `relay` ended before the stop");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_closed_after_the_work_in_hand_is_finished() {
    let mut daemon = daemon();
    let (stop, steps) = (daemon.stop.clone(), Arc::new(Mutex::new(Vec::new())));
    let (tasks_steps, close_steps) = (Arc::clone(&steps), Arc::clone(&steps));
    daemon.spawn("work", {
        let stop = stop.clone();
        async move {
            stop.stopped().await;
            tokio::time::sleep(Duration::from_millis(50)).await;
            tasks_steps.lock().unwrap().push("finished");
        }
    });
    let close = async move { close_steps.lock().unwrap().push("closed") };
    let running = daemon
        .serve_health((Ipv4Addr::LOCALHOST, 0).into(), close)
        .unwrap();
    let address = running.address();

    stop.stop();
    running.finished().await.unwrap();

    assert_eq!(*steps.lock().unwrap(), ["finished", "closed"]);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_refresh_is_logged_and_the_next_one_still_comes() {
    // Fails where another test of this process has set a logger: none does.
    log::set_logger(&EVENTS).unwrap();
    log::set_max_level(log::LevelFilter::Info);
    let (mut daemon, refreshes) = (daemon(), AtomicUsize::new(0));
    let (stop, readiness) = (daemon.stop.clone(), daemon.readiness.clone());
    daemon.refresh_files(move || match refreshes.fetch_add(1, Ordering::Relaxed) {
        0 => panic!("a defect"),
        _ => Ok(Some("one of the files".to_owned())),
    });
    let running = running(daemon);

    stop.reload();
    while !readiness.is_ready() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // What is wrong with one of them is told, and takes nothing away.
    let report = serde_json::to_value(readiness.report()).unwrap();
    stop.stop();
    running.finished().await.unwrap();

    assert!(EVENTS.lock().contains(&"files_not_read".to_owned()));
    assert_eq!(report["warnings"][0]["reason"], "one of the files");
}

#[tokio::test(flavor = "multi_thread")]
async fn work_begins_only_after_its_condition_holds() {
    let mut daemon = daemon();
    let (open, opened) = tokio::sync::oneshot::channel::<()>();
    let (stop, began) = (daemon.stop.clone(), Arc::new(AtomicUsize::new(0)));
    daemon.work_after(async {
        opened.await.unwrap();
        Ok(())
    });
    let counted = Arc::clone(&began);
    daemon.spawn_work("work", async move {
        counted.fetch_add(1, Ordering::Relaxed);
        stop.stop();
    });
    let running = running(daemon);

    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(began.load(Ordering::Relaxed), 0);
    open.send(()).unwrap();

    running.finished().await.unwrap();
    assert_eq!(began.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_that_waiting_does_not_mend_stops_the_process_as_a_wrong_setting() {
    let mut daemon = daemon();
    let stop = daemon.stop.clone();
    daemon.work_after(async { Err(Problems::one("DATABASE_URL", "names a pool")) });
    daemon.spawn_work("work", until_stopped(stop.clone()));

    running(daemon).finished().await.unwrap();

    assert_eq!(
        stop.wrong_settings(),
        Some(Problems::one("DATABASE_URL", "names a pool"))
    );
}
