//! What can go wrong: each kind of fault, whom it strikes, and for how long.

use std::fmt;
use std::time::Duration;

/// One of our processes: there are two of each program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Player {
    Ingest(usize),
    Processor(usize),
    Sender(usize),
}

impl Player {
    pub(crate) const ALL: [Self; 6] = [
        Self::Ingest(0),
        Self::Ingest(1),
        Self::Processor(0),
        Self::Processor(1),
        Self::Sender(0),
        Self::Sender(1),
    ];

    /// The binary's name.
    pub(crate) const fn program(self) -> &'static str {
        match self {
            Self::Ingest(_) => "ingest",
            Self::Processor(_) => "processor",
            Self::Sender(_) => "sender",
        }
    }
}

impl fmt::Display for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Ingest(index) | Self::Processor(index) | Self::Sender(index)) = self;
        write!(f, "{}-{}", self.program(), index + 1)
    }
}

/// A line that goes through a proxy of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Link {
    /// From all programs to Postgres.
    Postgres,
    /// From all programs to RabbitMQ.
    Broker,
    /// From the senders to WhatsApp.
    WhatsApp,
    /// From WhatsApp to both ingests: its reports.
    Reports,
}

/// What happens to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    Slow,
    Cut,
    /// Nothing comes through for a while; then what lost something is broken off.
    Mute,
    /// What is said at this moment is dead for ever and never closed; new conversations are well.
    HalfOpen,
}

/// What happens to WhatsApp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mood {
    /// Answers after 3 s.
    Slow,
    /// Takes the message and answers after the sender has given up.
    Hanging,
    /// Breaks off before it took the message.
    CutsBefore,
    /// Breaks off after it took the message.
    CutsAfter,
    /// Answers with a page that is none of its own, and has taken nothing.
    GarbageAndLost,
    /// Answers with a page that is none of its own, and has taken the message.
    GarbageAndTaken,
}

/// Something that goes wrong for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    Kill(Player),
    Freeze(Player),
    Restart(Player),
    BrokerStops,
    BrokerIsKilled,
    BrokerStandsStill,
    BrokerHasNoMemory,
    QueueIsDeleted,
    QueueIsPurged,
    PostgresStops,
    PostgresIsKilled,
    PostgresStandsStill,
    PostgresIsReadOnly,
    PostgresCutsConnections,
    PostgresIsFull,
    PostgresIsLocked,
    PostgresDeadlocks,
    PostgresDiskIsFull,
    WhatsApp(Mood),
    Line(Link, Trouble),
}

/// What a fault strikes. Two faults never strike the same target at once; several targets may be struck at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Victim {
    Player(Player),
    Broker,
    Postgres,
    WhatsApp,
    Reports,
}

impl Fault {
    pub(crate) const fn victim(self) -> Victim {
        match self {
            Self::Kill(player) | Self::Freeze(player) | Self::Restart(player) => Victim::Player(player),
            Self::BrokerStops
            | Self::BrokerIsKilled
            | Self::BrokerStandsStill
            | Self::BrokerHasNoMemory
            | Self::QueueIsDeleted
            | Self::QueueIsPurged
            | Self::Line(Link::Broker, _) => Victim::Broker,
            Self::PostgresStops
            | Self::PostgresIsKilled
            | Self::PostgresStandsStill
            | Self::PostgresIsReadOnly
            | Self::PostgresCutsConnections
            | Self::PostgresIsFull
            | Self::PostgresIsLocked
            | Self::PostgresDeadlocks
            | Self::PostgresDiskIsFull
            | Self::Line(Link::Postgres, _) => Victim::Postgres,
            Self::WhatsApp(_) | Self::Line(Link::WhatsApp, _) => Victim::WhatsApp,
            Self::Line(Link::Reports, _) => Victim::Reports,
        }
    }

    /// The shortest and the longest that it lasts, in milliseconds; the victim's way down and up comes on top.
    pub(crate) const fn lasts_ms(self) -> (u64, u64) {
        match self {
            Self::QueueIsPurged | Self::PostgresCutsConnections | Self::Line(_, Trouble::HalfOpen) => (0, 0),
            Self::Kill(_) | Self::Restart(_) => (0, 3_000),
            Self::BrokerStops | Self::BrokerIsKilled | Self::PostgresStops | Self::PostgresIsKilled => {
                (0, 4_000)
            }
            Self::Freeze(_) => (500, 8_000),
            Self::QueueIsDeleted => (500, 3_000),
            // Longer than lock_timeout.
            Self::PostgresIsLocked => (3_500, 6_000),
            Self::BrokerStandsStill | Self::PostgresStandsStill => (5_000, 8_000),
            Self::Line(_, Trouble::Mute) => (2_000, 8_000),
            _ => (1_000, 5_000),
        }
    }

    /// How long the victim is then left alone, its own way down and up included: work must go on in between.
    pub(crate) const fn rest(self) -> Duration {
        Duration::from_secs(match (self, self.victim()) {
            (Self::BrokerStops | Self::BrokerIsKilled, _) => 16,
            (Self::PostgresStops | Self::PostgresIsKilled, _) => 12,
            // Until the last of the dead conversations is noticed.
            (Self::Line(Link::Broker | Link::Postgres, Trouble::HalfOpen), _) => 25,
            (_, Victim::Broker | Victim::Postgres) => 8,
            (_, Victim::WhatsApp) => 4,
            (_, Victim::Player(_) | Victim::Reports) => 2,
        })
    }

    /// For how long after its end it may still be the reason for a call without a known outcome; `None`: it
    /// never is one.
    pub(crate) const fn loses_calls_for(self) -> Option<Duration> {
        match self {
            Self::WhatsApp(Mood::CutsBefore | Mood::GarbageAndLost)
            | Self::Line(Link::WhatsApp, Trouble::Cut | Trouble::Mute)
            // Its claim was committed, and it called no more.
            | Self::Kill(Player::Sender(_))
            | Self::Freeze(Player::Sender(_)) => Some(Duration::ZERO),
            // A broken connection is noticed when it is used next.
            Self::Line(Link::WhatsApp, Trouble::HalfOpen) => Some(Duration::from_secs(90)),
            // The answer to the claim's commit was lost, or the claim could not be given back.
            Self::PostgresStops
            | Self::PostgresIsKilled
            | Self::PostgresStandsStill
            | Self::PostgresIsFull
            | Self::PostgresCutsConnections
            | Self::Line(Link::Postgres, Trouble::Cut | Trouble::Mute | Trouble::HalfOpen) => Some(Duration::ZERO),
            _ => None,
        }
    }

    /// Its kind, for counting: whom of several it struck makes no difference.
    pub(crate) fn kind(self) -> String {
        match self {
            Self::Kill(player) => format!("{} killed", player.program()),
            Self::Freeze(player) => format!("{} stopped for seconds", player.program()),
            Self::Restart(player) => format!("{} restarted", player.program()),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(player) => return write!(f, "{player} is killed"),
            Self::Freeze(player) => return write!(f, "{player} stands still"),
            Self::Restart(player) => return write!(f, "{player} is restarted"),
            Self::BrokerStops => "RabbitMQ stops",
            Self::BrokerIsKilled => "RabbitMQ is killed",
            Self::BrokerStandsStill => "RabbitMQ stands still",
            Self::BrokerHasNoMemory => "RabbitMQ's memory alarm",
            Self::QueueIsDeleted => "the queue messages is deleted",
            Self::QueueIsPurged => "the queue messages is purged",
            Self::PostgresStops => "Postgres stops",
            Self::PostgresIsKilled => "Postgres is killed",
            Self::PostgresStandsStill => "Postgres stands still",
            Self::PostgresIsReadOnly => "Postgres is read-only",
            Self::PostgresCutsConnections => "Postgres cuts all connections",
            Self::PostgresIsFull => "Postgres takes no more connections",
            Self::PostgresIsLocked => "a table is locked for longer than lock_timeout",
            Self::PostgresDeadlocks => "a stranger's locks make deadlocks",
            Self::PostgresDiskIsFull => "Postgres' disk is full",
            Self::WhatsApp(Mood::Slow) => "WhatsApp is slow",
            Self::WhatsApp(Mood::Hanging) => "WhatsApp takes messages and does not answer",
            Self::WhatsApp(Mood::CutsBefore) => "WhatsApp breaks off before it took the message",
            Self::WhatsApp(Mood::CutsAfter) => "WhatsApp breaks off after it took the message",
            Self::WhatsApp(Mood::GarbageAndLost) => "WhatsApp answers garbage and took nothing",
            Self::WhatsApp(Mood::GarbageAndTaken) => "WhatsApp answers garbage and took the message",
            Self::Line(link, trouble) => return write!(f, "the line {link} is {trouble}"),
        }
        .fmt(f)
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres => "to Postgres",
            Self::Broker => "to RabbitMQ",
            Self::WhatsApp => "to WhatsApp",
            Self::Reports => "from WhatsApp",
        }
        .fmt(f)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slow => "slow",
            Self::Cut => "cut",
            Self::Mute => "mute",
            Self::HalfOpen => "half-open",
        }
        .fmt(f)
    }
}
