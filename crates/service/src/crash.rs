//! Places where a process dies, or stands still, because a test told it to.
//!
//! What a process does to the world outside (a commit, a publication, a call, an acknowledgement) may be the last thing it
//! does. A [`point`] before and one behind such a step let a test try exactly that: `BELLHOP_CRASH_AT` names the point at
//! which the process dies as under `kill -9`, `BELLHOP_STALL_AT` the one at which it stands still, once, until it is
//! continued (SIGCONT). Only builds with debug assertions know these variables: what is shipped cannot be told to die, and
//! its points are empty.
//!
//! Points are named `<program>.<what>.<moment>`. They stand in programs, not in libraries, and are the one thing that is
//! looked up in a global: handing it to every place with a side effect would change the very code that is tried. A test of
//! testkit holds the names in the sources against those that it has tried.

#[cfg(debug_assertions)]
pub use told::{arm, point};

#[cfg(debug_assertions)]
mod told {
    use std::process::{Command, abort, id};
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};

    use crate::Environment;

    static ORDERS: OnceLock<Orders> = OnceLock::new();

    struct Orders {
        crash_at: Option<String>,
        stall_at: Option<String>,
        has_stalled: AtomicBool,
    }

    /// Remembers what this process was told; to be called once, at start.
    pub fn arm(environment: &Environment) {
        let told = |name| environment.get(name).map(str::to_owned);
        let _ = ORDERS.set(Orders {
            crash_at: told("BELLHOP_CRASH_AT"),
            stall_at: told("BELLHOP_STALL_AT"),
            has_stalled: AtomicBool::new(false),
        });
    }

    /// Dies here, or stands still, where this is the point that the process was told.
    pub fn point(name: &str) {
        let Some(orders) = ORDERS.get() else { return };
        if orders.crash_at.as_deref() == Some(name) {
            log::error!(point = name; "dying as told");
            abort();
        }
        if orders.stall_at.as_deref() == Some(name) && !orders.has_stalled.swap(true, Ordering::Relaxed) {
            log::error!(point = name; "standing still as told");
            let stopped = Command::new("kill").args(["-STOP", &id().to_string()]).status();
            log::error!(point = name, stopped:? = stopped; "going on");
        }
    }
}

/// Does nothing: what is shipped is told nothing.
#[cfg(not(debug_assertions))]
pub fn arm(_: &crate::Environment) {}

/// Does nothing: what is shipped is told nothing.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn point(_: &str) {}
