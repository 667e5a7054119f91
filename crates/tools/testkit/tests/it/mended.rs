//! A resort's file that could not be read for a while: what waited for it goes within seconds of its mending.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use testkit::program::Program;
use testkit::world::{Event, ResortFile, World};

use crate::scene::{ADA, BOB};

/// The aim. Without the mending an id comes again after 30 s at the earliest, a booking after a minute.
const SOON: Duration = Duration::from_secs(5);

/// A folder of files for one program, whose resort's file is to be mended.
struct Broken {
    folder: tempfile::TempDir,
    good: String,
}

impl Broken {
    fn copy_of(world: &World) -> Self {
        let good = Path::new(world.variable("BELLHOP_CONFIG"));
        let folder = tempfile::tempdir().unwrap();
        for part in ["resorts", "sources"] {
            fs::create_dir(folder.path().join(part)).unwrap();
        }
        fs::write(folder.path().join(FILE), "name = ").unwrap();
        Self {
            folder,
            good: fs::read_to_string(good.join(FILE)).unwrap(),
        }
    }

    /// Starts a program that has never read the file.
    async fn start(&self, world: &World, name: &str) -> Program {
        let folder = self.folder.path().display().to_string();
        world.started(name, &[("BELLHOP_CONFIG", &folder)]).await
    }

    fn mend(&self) -> Instant {
        fs::write(self.folder.path().join(FILE), &self.good).unwrap();
        Instant::now()
    }
}

const FILE: &str = "resorts/azure-bay.toml";

async fn gauge(program: &Program, name: &str) -> Option<String> {
    let url = format!("http://{}/metrics", program.address());
    let text = reqwest::get(url).await.ok()?.text().await.ok()?;
    let values = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(found, _)| found.split('{').next() == Some(name));
    values.map(|(_, value)| value.to_owned()).next()
}

// shows: B95, G12
#[tokio::test(flavor = "multi_thread")]
async fn bookings_that_wait_for_their_resorts_file_are_counted_and_planned_within_seconds_of_the_mending() {
    let mut world = World::start(&ResortFile::patient()).await;
    world.kill_processors();
    let broken = Broken::copy_of(&world);
    let processor = broken.start(&world, "processor").await;
    // In transactions of their own: a batch says nothing of those before it.
    for (booking, phone, waiting) in [("BK-1", ADA, "1"), ("BK-2", BOB, "2")] {
        world.post(&Event::confirmed(booking, phone)).await;
        world
            .until("they are counted", async || {
                let counted = gauge(&processor, "bellhop_bookings_without_resort").await;
                (counted.as_deref() == Some(waiting)).then_some(())
            })
            .await;
    }

    let mended = broken.mend();

    for phone in [ADA, BOB] {
        world.until_received(phone, 1).await;
    }
    assert!(mended.elapsed() < SOON, "{:?}", mended.elapsed());
    world
        .until("none is counted", async || {
            let counted = gauge(&processor, "bellhop_bookings_without_resort").await;
            (counted.as_deref() == Some("0")).then_some(())
        })
        .await;
}
