//! The loads: as fast as it goes, at a fixed rate, and as fast as messages come out at the other end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::connection::Connection;
use crate::webhook::{Webhook, booking};

/// Makes the next webhook.
pub(crate) type Source = Arc<dyn Fn() -> Webhook + Send + Sync>;

/// What was sent and answered with 200.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// The guests, and when their webhooks were to be sent.
    pub(crate) guests: Vec<(u32, Instant)>,
    /// How long each answer took, from when the webhook was to be sent.
    pub(crate) each: Vec<Duration>,
    /// All together.
    pub(crate) all: Duration,
}

impl Sent {
    fn add(&mut self, other: Self) {
        self.guests.extend(other.guests);
        self.each.extend(other.each);
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.each.len() as f64 / self.all.as_secs_f64()
    }
}

/// Sends a webhook; an answer other than 200 is an error.
pub(crate) async fn send(
    connection: &mut Connection,
    webhook: Webhook,
    due: Instant,
    sent: &mut Sent,
) -> anyhow::Result<()> {
    let guest = webhook.guest;
    let status = connection
        .send(webhook.request()?)
        .await
        .with_context(|| format!("the webhook of {} was not answered", booking(guest)))?;
    anyhow::ensure!(
        status.as_u16() == 200,
        "the webhook of {} was answered with {status}",
        booking(guest)
    );
    sent.each.push(due.elapsed());
    sent.guests.push((guest, due));
    Ok(())
}

pub(crate) async fn together(
    mut tasks: JoinSet<anyhow::Result<Sent>>,
    begin: Instant,
) -> anyhow::Result<Sent> {
    let mut all = Sent::default();
    while let Some(ended) = tasks.join_next().await {
        all.add(ended??);
    }
    all.all = begin.elapsed();
    Ok(all)
}

/// Closed loop: each connection sends the next webhook as soon as the one before is answered.
pub(crate) async fn flood(
    to: SocketAddr,
    webhooks: Vec<Webhook>,
    connections: usize,
) -> anyhow::Result<Sent> {
    let mut shares: Vec<Vec<Webhook>> = (0..connections).map(|_| Vec::new()).collect();
    for (index, webhook) in webhooks.into_iter().enumerate() {
        if let Some(share) = shares.get_mut(index % connections) {
            share.push(webhook);
        }
    }
    let (mut tasks, begin) = (JoinSet::new(), Instant::now());
    for share in shares {
        tasks.spawn(async move {
            let (mut connection, mut sent) = (Connection::new(to), Sent::default());
            for webhook in share {
                send(&mut connection, webhook, Instant::now(), &mut sent).await?;
            }
            Ok(sent)
        });
    }
    together(tasks, begin).await
}

/// Open loop: each webhook has its time, whether the ones before are answered or not, and is measured from then. So an
/// answer that comes late does not hide how late the next ones are.
pub(crate) async fn at_rate(
    to: SocketAddr,
    webhooks: Vec<Webhook>,
    per_second: f64,
    connections: usize,
) -> anyhow::Result<Sent> {
    let (give, take) = mpsc::unbounded_channel();
    let (take, begin) = (Arc::new(Mutex::new(take)), Instant::now());
    // Its own thread: the runtime's timers are a millisecond coarse.
    let clock = thread::spawn(move || {
        for (index, webhook) in webhooks.into_iter().enumerate() {
            let due = begin + Duration::from_secs_f64(index as f64 / per_second);
            while let Some(ahead) = due.checked_duration_since(Instant::now())
                && !ahead.is_zero()
            {
                thread::park_timeout(ahead);
            }
            if give.send((webhook, due)).is_err() {
                return;
            }
        }
    });
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let take = Arc::clone(&take);
        tasks.spawn(async move {
            let (mut connection, mut sent) = (Connection::new(to), Sent::default());
            loop {
                let next = take.lock().await.recv().await;
                let Some((webhook, due)) = next else {
                    return Ok(sent);
                };
                send(&mut connection, webhook, due, &mut sent).await?;
            }
        });
    }
    let sent = together(tasks, begin).await;
    let _ = clock.join();
    sent
}

/// Sustained: each connection sends as in [`flood`], but only while fewer messages than the window has places are on
/// their way. So what comes out is what goes in, and no backlog grows.
#[derive(Debug)]
pub(crate) struct Sustained {
    tasks: JoinSet<anyhow::Result<Sent>>,
    stop: Arc<AtomicBool>,
    window: Arc<Semaphore>,
    begin: Instant,
}

impl Sustained {
    pub(crate) fn start(
        to: &[SocketAddr],
        source: &Source,
        window: &Arc<Semaphore>,
        connections: usize,
    ) -> Self {
        let (mut tasks, stop) = (JoinSet::new(), Arc::new(AtomicBool::new(false)));
        for to in to.iter().copied().cycle().take(connections) {
            let (source, window, stop) = (Arc::clone(source), Arc::clone(window), Arc::clone(&stop));
            tasks.spawn(async move {
                let (mut connection, mut sent) = (Connection::new(to), Sent::default());
                while let Ok(place) = window.acquire().await
                    && !stop.load(Ordering::Relaxed)
                {
                    place.forget();
                    send(&mut connection, source(), Instant::now(), &mut sent).await?;
                }
                Ok(sent)
            });
        }
        Self {
            tasks,
            stop,
            window: Arc::clone(window),
            begin: Instant::now(),
        }
    }

    pub(crate) async fn stop(self) -> anyhow::Result<Sent> {
        self.stop.store(true, Ordering::Relaxed);
        self.window.close();
        together(self.tasks, self.begin).await
    }
}
