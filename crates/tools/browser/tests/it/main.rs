//! Pages in a real browser.

#[cfg(test)]
mod bad_page;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod phone;
