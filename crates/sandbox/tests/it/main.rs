//! The sandbox over real HTTP, as clients and the callback see it.

#[cfg(test)]
mod harness;

#[cfg(test)]
mod account;
#[cfg(test)]
mod control;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod marketing;
#[cfg(test)]
mod media;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod notifications;
#[cfg(test)]
mod phone;
