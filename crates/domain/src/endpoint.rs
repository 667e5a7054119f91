//! By which of WhatsApp's endpoints a message is sent.

use crate::render::Content;
use crate::text_enum::text_enum;

text_enum! {
    Endpoint("endpoint") {
        /// Accepts every message. It keeps trying to deliver a marketing message for 30 days.
        Messages = "messages",
        /// Accepts marketing templates only, and honours their time to live (Meta, Marketing Messages API).
        MarketingMessages = "marketing_messages",
    }
}

impl Endpoint {
    /// The endpoint for a message, as long as WhatsApp does not refuse it there ([`Advice::UseMessages`]).
    ///
    /// [`Advice::UseMessages`]: crate::after_call::Advice::UseMessages
    pub const fn of(content: &Content, is_marketing: bool) -> Self {
        match content {
            Content::Template { .. } if is_marketing => Self::MarketingMessages,
            Content::Template { .. } | Content::Text(_) => Self::Messages,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Parameters;

    // shows: B144
    #[test]
    fn only_a_template_of_a_marketing_kind_goes_by_the_marketing_endpoint() {
        let template = Content::Template {
            name: "reminder".to_owned(),
            language_code: "en".to_owned(),
            header: Parameters::Positional(Vec::new()),
            body: Parameters::Positional(Vec::new()),
            button_url: None,
            replies: Vec::new(),
        };
        let text = Content::Text("Hello".to_owned());

        assert_eq!(Endpoint::of(&template, true), Endpoint::MarketingMessages);
        assert_eq!(Endpoint::of(&template, false), Endpoint::Messages);
        assert_eq!(Endpoint::of(&text, true), Endpoint::Messages);
    }
}
