//! Random bytes from the operating system.

use ring::rand::{SecureRandom, SystemRandom};

pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(
        clippy::expect_used,
        reason = "no process can go on safely where the system has no random numbers"
    )]
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the operating system gives random bytes");
    bytes
}
