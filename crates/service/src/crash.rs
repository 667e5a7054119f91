//! Points at which a test makes a process abort or stall.
//!
//! A step with an outside effect (a commit, a publication, a call, an acknowledgement) may be the last thing that a process
//! does. A [`point`] before and one after such a step let a test try exactly that: `BELLHOP_CRASH_AT` names the point at
//! which the process aborts as under `kill -9`, `BELLHOP_STALL_AT` the one at which it stalls, once, until it is
//! continued (SIGCONT). Only builds with debug assertions read these variables; in shipped programs points do nothing.
//!
//! Points are named `<program>.<what>.<moment>`. Programs have them, libraries do not. The names are looked up in a global:
//! an argument at every place with an outside effect would change the very code that is tested. A test of testkit compares
//! the names in the sources with those that it has tried.

#[cfg(debug_assertions)]
pub use told::{arm, point};

#[cfg(debug_assertions)]
mod told {
    use std::process::{Command, abort};
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};

    use crate::Environment;

    static ORDERS: OnceLock<Orders> = OnceLock::new();

    /// SIGSTOP takes effect late: waiting for this shell covers the whole time until the process was continued.
    const STAND_STILL: &str = r#"
        state() { cut -d ' ' -f 3 "/proc/$PPID/stat"; }
        kill -STOP "$PPID"
        until [ "$(state)" = T ]; do sleep 0.01; done
        while [ "$(state)" = T ]; do sleep 0.01; done"#;

    struct Orders {
        crash_at: Option<String>,
        stall_at: Option<String>,
        has_stalled: AtomicBool,
    }

    /// Remembers the variables; to be called once, at start.
    pub fn arm(environment: &Environment) {
        let told = |name| environment.get(name).map(str::to_owned);
        let _ = ORDERS.set(Orders {
            crash_at: told("BELLHOP_CRASH_AT"),
            stall_at: told("BELLHOP_STALL_AT"),
            has_stalled: AtomicBool::new(false),
        });
    }

    /// Aborts or stalls here if the test named this point.
    pub fn point(name: &str) {
        let Some(orders) = ORDERS.get() else { return };
        if orders.crash_at.as_deref() == Some(name) {
            log::error!(point = name; "dying as told");
            abort();
        }
        if orders.stall_at.as_deref() == Some(name) && !orders.has_stalled.swap(true, Ordering::Relaxed) {
            log::error!(point = name; "standing still as told");
            let stood = Command::new("sh").args(["-c", STAND_STILL]).status();
            log::error!(point = name, stood:? = stood; "going on");
        }
    }
}

/// Does nothing: shipped builds have no crash points.
#[cfg(not(debug_assertions))]
pub fn arm(_: &crate::Environment) {}

/// Does nothing: shipped builds have no crash points.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn point(_: &str) {}
