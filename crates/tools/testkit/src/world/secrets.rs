//! What a world keeps to itself: keys, tokens, and the secrets that webhooks are signed with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

/// The secrets of a world. None of them may be found anywhere but in the programs' memory.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// The key ring.
    pub keys: String,
    /// What the booking platform signs with.
    pub signing: String,
    /// What WhatsApp signs with.
    pub app: String,
    /// What WhatsApp's handshake must bring.
    pub verify_token: String,
    /// The resort's token at WhatsApp.
    pub access_token: String,
}

impl Default for Secrets {
    /// The same in each world.
    fn default() -> Self {
        Self {
            keys: "first:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=,\
                   lookup:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
                .to_owned(),
            signing: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwSw".to_owned(),
            app: "meta-app-secret".to_owned(),
            verify_token: "verify me".to_owned(),
            access_token: "the-token".to_owned(),
        }
    }
}

impl Secrets {
    /// Secrets that no other world has, so that one that is found shows where it comes from.
    pub fn fresh() -> Self {
        Self {
            keys: format!("first:{},lookup:{}", key(), key()),
            signing: format!("whsec_{}", key()),
            app: word(),
            verify_token: word(),
            access_token: word(),
        }
    }
}

/// 32 bytes, in base64.
fn key() -> String {
    STANDARD.encode(word())
}

/// 32 random characters.
fn word() -> String {
    Uuid::now_v7().simple().to_string().chars().rev().collect()
}
