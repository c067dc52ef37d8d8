//! The operating system's randomness: the one place of the product that asks for it.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use domain::Entropy;

/// Unpredictable bytes from the operating system, by the cryptographic library's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    /// Fills `bytes`.
    ///
    /// # Panics
    ///
    /// When the system gives no randomness: no key, nonce or id may be made then.
    fn fill(&self, bytes: &mut [u8]) {
        SystemRandom::new().fill(bytes).expect("the operating system gives randomness");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_fills_differ_and_leave_no_zeroed_tail() {
        let mut first = [0_u8; 64];
        let mut second = [0_u8; 64];
        SystemEntropy.fill(&mut first);
        SystemEntropy.fill(&mut second);
        assert_ne!(first, second);
        assert_ne!(first[48..], [0_u8; 16]);
    }
}
