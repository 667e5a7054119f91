//! The endpoints that take messages. Meta's second one, of the Marketing Messages API, takes marketing templates alone.

use super::{Content, Message};
use crate::graph::GraphError;
use crate::templates::Category;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Messages,
    MarketingMessages,
}

/// From this version on a template of another category has a code of its own.
const WITH_OWN_CODES: u32 = 23;
const METHOD_NOT_ALLOWED: i64 = 131_055;
const ONLY_MARKETING: i64 = 134_100;

impl Endpoint {
    pub(crate) fn of_path(segment: &str) -> Self {
        match segment {
            "marketing_messages" => Self::MarketingMessages,
            _ => Self::Messages,
        }
    }

    /// As paths and scripts write it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::MarketingMessages => "marketing_messages",
        }
    }

    /// The members of a body that it takes beside those of every message.
    pub(crate) fn own_members(self) -> &'static [&'static str] {
        match self {
            Self::Messages => &[],
            Self::MarketingMessages => &["product_policy", "message_activity_sharing"],
        }
    }

    /// The category under which WhatsApp charges for what it took.
    pub(crate) fn pricing_category(self, content: &Content) -> &'static str {
        match content {
            Content::Text(_) => "service",
            Content::Template { .. } if self == Self::MarketingMessages => "marketing_lite",
            Content::Template { category, .. } => category.as_str(),
        }
    }

    /// Refuses a valid message that it does not take; `version` is the first number of the API's.
    pub(crate) fn check(self, message: &Message, version: Option<u32>) -> Result<(), GraphError> {
        let category = match &message.content {
            _ if self == Self::Messages => return Ok(()),
            Content::Text(_) => return Err(GraphError::because(100, "Message must be a template message.")),
            Content::Template { category, .. } => *category,
        };
        let code = match version {
            Some(version) if version < WITH_OWN_CODES => METHOD_NOT_ALLOWED,
            _ => ONLY_MARKETING,
        };
        match category {
            Category::Marketing => Ok(()),
            Category::Utility | Category::Authentication => Err(GraphError::because(
                code,
                "Only marketing template messages are supported",
            )),
        }
    }
}
