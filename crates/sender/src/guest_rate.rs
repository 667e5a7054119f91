//! How often one guest may get a message: one in 6 s, or 45 at once on credit (Meta, pair rate limits).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use domain::ids::NumberId;
use domain::phone_number::PhoneNumber;
use service::lock;
use tokio::time::Instant;

const PERIOD: Duration = Duration::from_secs(6);
const CREDIT: u32 = 45;

/// When the credit of each pair of a number and a guest is whole again.
#[derive(Clone, Default)]
pub(crate) struct GuestRates(Arc<Mutex<HashMap<Pair, Instant>>>);

type Pair = (NumberId, PhoneNumber);

impl GuestRates {
    /// Takes one message to the guest from the credit, or returns how long the message must wait.
    pub(crate) fn take(&self, number: &NumberId, to: &PhoneNumber) -> Result<GuestTurn, Duration> {
        let pair = (number.clone(), to.clone());
        let now = Instant::now();
        let mut pairs = self.lock();
        let whole_at = pairs.get(&pair).map_or(now, |at| (*at).max(now)) + PERIOD;
        match (whole_at - now).checked_sub(PERIOD * CREDIT) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                pairs.insert(pair.clone(), whole_at);
                let rates = self.clone();
                Ok(GuestTurn {
                    rates,
                    unused: Some(pair),
                })
            }
        }
    }

    /// Forgets guests who got no message lately.
    pub(crate) fn forget_idle(&self) {
        let now = Instant::now();
        let mut pairs = self.lock();
        pairs.retain(|_, whole_at| *whole_at > now);
        pairs.shrink_to_fit();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Pair, Instant>> {
        lock(&self.0)
    }
}

/// One message to a guest. Dropped without a call, it goes back to the credit.
pub(crate) struct GuestTurn {
    rates: GuestRates,
    unused: Option<Pair>,
}

impl GuestTurn {
    /// The call begins.
    pub(crate) fn spend(&mut self) {
        self.unused = None;
    }
}

impl Drop for GuestTurn {
    fn drop(&mut self) {
        let Some(pair) = self.unused.take() else { return };
        if let Some(whole_at) = self.rates.lock().get_mut(&pair) {
            *whole_at -= PERIOD;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // shows: B91
    #[test]
    fn a_guest_gets_forty_five_messages_at_once_and_then_waits_six_seconds() {
        let rates = GuestRates::default();
        let number = NumberId::parse("1").unwrap();
        let guest = |digits| PhoneNumber::from_whatsapp(digits).unwrap();
        let ada = guest("306912345678");

        let mut taken: Vec<GuestTurn> = (0..50).map_while(|_| rates.take(&number, &ada).ok()).collect();
        let wait = rates.take(&number, &ada).err().unwrap();

        assert_eq!(taken.len(), 45);
        assert!(wait <= PERIOD && wait > Duration::from_secs(5), "{wait:?}");
        assert!(rates.take(&number, &guest("306987654321")).is_ok());
        // One is called for, the others are not.
        taken[0].spend();
        drop(taken);
        assert_eq!(
            (0..50)
                .map_while(|_| rates.take(&number, &ada).ok().map(std::mem::forget))
                .count(),
            44
        );
    }
}
