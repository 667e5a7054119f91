//! The story: what the guest does, and what must come of it.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use chrono::{DateTime, Utc};

use crate::desk::Desk;
use crate::phone::{Phone, Received};
use crate::platform::{Booking, Platform};
use crate::screen::Screen;

const RESORT: &str = "azure-bay";
/// Made up, like everything about this guest.
const GUEST: &str = "+306912345678";
const DEADLINE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(200);

/// One step of the journey.
struct Act {
    story: &'static str,
    /// What the platform reports; without one, time alone does it.
    event: Option<&'static str>,
    /// The booking's status that follows.
    status: Option<&'static str>,
    /// The template that the guest receives.
    template: Option<&'static str>,
    /// The button of it that the guest taps.
    taps: Option<&'static str>,
}

const ACTS: [Act; 6] = [
    Act {
        story: "Ada starts a booking on the resort's website, and closes the page",
        event: Some("booking_started"),
        status: Some("started"),
        template: None,
        taps: None,
    },
    Act {
        story: "Nothing happens for 4 seconds: the booking counts as abandoned",
        event: None,
        status: Some("abandoned"),
        template: Some("booking_reminder_1"),
        taps: None,
    },
    Act {
        story: "Still nothing, 4 seconds after the first reminder",
        event: None,
        status: None,
        template: Some("booking_reminder_2"),
        taps: None,
    },
    Act {
        story: "Ada comes back and confirms",
        event: Some("reservation_confirmed"),
        status: Some("confirmed"),
        template: Some("booking_confirmed"),
        taps: None,
    },
    Act {
        story: "Ada arrives and checks in; 4 seconds later the resort asks whether all is well: a message of its own",
        event: Some("guest_checked_in"),
        status: Some("checked_in"),
        template: Some("stay_check"),
        taps: Some("I need help"),
    },
    Act {
        story: "Ada checks out; 4 seconds later she is asked how it was",
        event: Some("guest_checked_out"),
        status: Some("checked_out"),
        template: Some("stay_review"),
        taps: None,
    },
];

/// The guest, and those around her.
pub(crate) struct Journey {
    platform: Platform,
    phone: Phone,
    desk: Desk,
    screen: Screen,
    begun_at: DateTime<Utc>,
    booking: Booking,
}

impl Journey {
    /// A journey that can be played again on the same system: with a booking of its own, and blind to older messages.
    pub(crate) fn new(platform: Platform, phone: Phone, desk: Desk, screen: Screen) -> Self {
        let begun_at = Utc::now();
        let booking = Booking::new(begun_at.timestamp() % 1_000_000, "Ada Lovelace", GUEST);
        Self {
            platform,
            phone,
            desk,
            screen,
            begun_at,
            booking,
        }
    }

    /// Plays all acts, waits until everything was read, and shows the conversation.
    pub(crate) async fn play(&mut self) -> anyhow::Result<()> {
        self.screen.title("The journey of one guest");
        let can_report = |act: &&Act| act.event.is_none_or(|event| self.platform.can_report(event));
        for act in ACTS.iter().filter(can_report) {
            self.play_act(act).await?;
        }
        let conversation = self.wait_until_read().await?;
        self.screen.title("What Ada has in her WhatsApp");
        for message in &conversation {
            self.screen.message(message);
        }
        self.screen.fact(
            "booking",
            &format!("{RESORT} {}", self.platform.booking_id(&self.booking)),
        );
        self.read_at_desk().await?;
        self.screen.fact("Ada's phone", self.phone.page(GUEST)?.as_str());
        Ok(())
    }

    /// The desk's page shows the booking, signed in by a link.
    async fn read_at_desk(&self) -> anyhow::Result<()> {
        let booking = self.platform.booking_id(&self.booking);
        let Some(page) = self.desk.read_page(RESORT, &booking).await? else {
            return Ok(());
        };
        ensure!(
            page.contains("Confirmation: read by the guest"),
            "the desk's page does not show that the guest read the confirmation"
        );
        self.screen
            .fact("the desk's page", "signed in, and shows the booking");
        Ok(())
    }

    async fn play_act(&self, act: &Act) -> anyhow::Result<()> {
        self.screen.story(act.story);
        if let Some(event) = act.event {
            let webhook = self.platform.report(event, &self.booking).await?;
            self.screen.step(&format!("webhook {webhook}: accepted"));
        }
        if let Some(status) = act.status
            && self.desk.is_there()
        {
            self.wait_for_status(status).await?;
            self.screen.step(&format!("booking: {status}"));
        }
        if let Some(template) = act.template {
            let message = self.wait_for_message(template).await?;
            self.screen.step(&format!("WhatsApp: {template}"));
            if let Some(label) = act.taps {
                self.phone.tap(GUEST, &message, label).await?;
                self.screen
                    .step(&format!("Ada taps [{label}]: an alert asks for a person"));
            }
        }
        Ok(())
    }

    async fn wait_for_status(&self, wanted: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + DEADLINE;
        let mut last = None;
        while Instant::now() < deadline {
            last = self
                .desk
                .status(RESORT, &self.platform.booking_id(&self.booking))
                .await?;
            if last.as_deref() == Some(wanted) {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        bail!(
            "the booking did not become {wanted}; the desk shows {}",
            last.as_deref().unwrap_or("nothing")
        )
    }

    async fn wait_for_message(&self, template: &str) -> anyhow::Result<Received> {
        let of_template = |message: &&Received| message.template.as_deref() == Some(template);
        let deadline = Instant::now() + DEADLINE;
        let mut refusal = None;
        while Instant::now() < deadline {
            let mut messages = self.phone.messages(GUEST, self.begun_at).await?;
            let came = messages
                .iter()
                .position(|message| of_template(&message) && message.accepted);
            if let Some(place) = came {
                return Ok(messages.swap_remove(place));
            }
            refusal = messages
                .iter()
                .find(of_template)
                .and_then(|message| message.error_code);
            tokio::time::sleep(PAUSE).await;
        }
        match refusal {
            Some(code) => bail!("WhatsApp refused the message {template} with code {code}"),
            None => bail!("the message {template} did not come"),
        }
    }

    async fn wait_until_read(&self) -> anyhow::Result<Vec<Received>> {
        let deadline = Instant::now() + DEADLINE;
        while Instant::now() < deadline {
            let mut messages = self.phone.messages(GUEST, self.begun_at).await?;
            messages.retain(|message| message.accepted);
            if messages.iter().all(Received::is_read) {
                return Ok(messages);
            }
            tokio::time::sleep(PAUSE).await;
        }
        bail!("some messages were not read")
    }
}
