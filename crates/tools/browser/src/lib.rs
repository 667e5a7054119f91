//! A real browser for tests of pages: Debian's Chromium, without a window, each with a profile of its own.
//!
//! [`Browser`] opens pages, clicks and types as a person would, and knows what the page asked for and complained about;
//! [`Browser::axe`] and [`html_validate`] judge a page. Everything is found where `scripts/test` installs it.
//!
//! The WebDriver protocol is JSON over HTTP, and the part that tests need is small: [`driver`] speaks it with the HTTP
//! client that is in the workspace anyway. A library for it (fantoccini, thirtyfour) would bring a dozen crates more and
//! still leave Chromium's own commands (colours, window, log of requests) to be written here.

mod browser;
mod checks;
mod driver;
mod keyboard;
mod observed;

pub use browser::{Browser, Theme, Window};
pub use checks::{html_validate, html_validate_all};
pub use keyboard::Key;
