//! What can go wrong with Postgres, and whose fault it is.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crypto::key_ring::OpenError;
use domain::staff::Forbidden;

/// A step in Postgres failed. Carries no personal data: values are sealed or hashed before they get here.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Postgres, or the way to it, refused a connection.
    #[error("no connection to Postgres")]
    Unavailable(#[source] diesel::ConnectionError),
    /// A pooler would mix locks, settings and prepared statements of different sessions.
    #[error(
        "the connection pooler is in transaction mode: one process of Postgres serves two connections that are open; \
         Bellhop needs session mode (PgBouncer: pool_mode = session)"
    )]
    TransactionPooling,
    #[error("cannot {step}")]
    Query {
        step: &'static str,
        #[source]
        cause: DieselError,
    },
    /// A sealed value did not open.
    #[error("cannot open the sealed {what}")]
    Sealed {
        what: &'static str,
        #[source]
        cause: OpenError,
    },
    /// A row holds something that this version does not understand: a newer one wrote it.
    #[error("cannot read the stored {what}")]
    Unreadable {
        /// The column's meaning.
        what: &'static str,
    },
    /// The member of the staff may not do this.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Other rows became relevant while these were being locked. Retry the whole transaction.
    #[error("bookings changed while they were being locked")]
    Overtaken,
    /// Another desk carries the job out, or it is cancelled: nothing of this transaction may stay.
    #[error("the job is no longer this desk's to carry out")]
    LeaseLost,
    #[error("cannot migrate the database")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The blocking task was torn down at shutdown.
    #[error("the database task ended early")]
    Interrupted,
    /// The work panicked, and would panic again with the same data.
    #[error("the database task panicked")]
    Panicked,
}

/// Whose fault an error is: decides whether it may ever be charged to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Postgres is unreachable, restarting or read-only. Wait.
    Outage,
    /// A deadlock or serialization failure. Retry the transaction at once.
    Contention,
    /// The lock timeout expired because another transaction holds the lock. Retry later; it does not count as a retry.
    Locked,
    /// Diesel hides the SQLSTATE: the cause may be these data or the database.
    Unclear,
    /// This process lacks a key, or is older than the program that wrote the row. The data are not the cause.
    Ours,
    /// Postgres refused these very data.
    Data,
}

impl StoreError {
    /// Names the step in the error of a statement.
    pub(crate) fn query(step: &'static str) -> impl FnOnce(DieselError) -> Self {
        move |cause| Self::Query { step, cause }
    }

    /// Whether the content of one row is the cause, so that the caller can leave out this row. An unknown key does not
    /// count: the row is intact, and the key ring lacks a key.
    pub(crate) fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Unreadable { .. }
                | Self::Sealed {
                    cause: OpenError::Damaged,
                    ..
                }
        )
    }

    /// Whose fault it is. Diesel hides most SQLSTATEs, so deadlocks and lock timeouts are recognised by Postgres' English
    /// messages.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Unavailable(_) | Self::TransactionPooling | Self::Interrupted => Fault::Outage,
            Self::Sealed {
                cause: OpenError::UnknownKey { .. },
                ..
            }
            | Self::Unreadable { .. } => Fault::Ours,
            // Diesel's error of a migration ends with Postgres' message.
            Self::Migration(cause) if cause.to_string().ends_with(LOCK_TIMEOUT) => Fault::Locked,
            Self::Migration(_) => Fault::Ours,
            Self::Sealed { .. } | Self::Panicked | Self::Forbidden(_) | Self::LeaseLost => Fault::Data,
            Self::Overtaken => Fault::Contention,
            Self::Query { cause, .. } => fault_of(cause),
        }
    }
}

fn fault_of(cause: &DieselError) -> Fault {
    match cause {
        DieselError::DatabaseError(kind, information) => match kind {
            DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ReadOnlyTransaction => Fault::Outage,
            DatabaseErrorKind::SerializationFailure => Fault::Contention,
            DatabaseErrorKind::Unknown => fault_of_message(information.message()),
            _ => Fault::Data,
        },
        DieselError::BrokenTransactionManager
        | DieselError::RollbackErrorOnCommit { .. }
        | DieselError::RollbackTransaction
        | DieselError::AlreadyInTransaction
        | DieselError::NotInTransaction => Fault::Outage,
        _ => Fault::Data,
    }
}

const LOCK_TIMEOUT: &str = "canceling statement due to lock timeout";

fn fault_of_message(message: &str) -> Fault {
    match message {
        "deadlock detected" => Fault::Contention,
        LOCK_TIMEOUT => Fault::Locked,
        _ => Fault::Unclear,
    }
}

impl From<DieselError> for StoreError {
    /// For `BEGIN` and `COMMIT`, which diesel runs around a transaction's body.
    fn from(cause: DieselError) -> Self {
        Self::Query {
            step: "begin or commit a transaction",
            cause,
        }
    }
}
