//! Pages in a real browser.

#[cfg(test)]
mod phone;
