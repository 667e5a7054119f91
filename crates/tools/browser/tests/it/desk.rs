//! The desk's page, `desk serve`, with everything real behind it.

mod answered;
mod corrected;
mod keyboard;
mod pages;
mod scene;
mod two_people;
