//! Which endpoint a message goes by: the one for marketing, unless WhatsApp has refused it for this template or number.
//!
//! A refusal is remembered for a day, in this process only. Each sender learns by one refused call, which reached no guest
//! and uses up no retry; so does a sender after a restart. A table shared by the senders would save those calls alone.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use domain::after_call::{Advice, CallOutcome, Scope};
use domain::endpoint::Endpoint;
use domain::hold::Route;
use domain::ids::NumberId;
use domain::render::Content;
use service::lock;
use tokio::time::Instant;

/// After this time the terms may have been accepted, and the template may be known to the endpoint.
const REMEMBERED_FOR: Duration = Duration::from_secs(86_400);

/// What the endpoint for marketing refuses: a number, or with a template one template of a number.
type Refused = (NumberId, Option<String>);

/// When the endpoint for marketing refused what.
#[derive(Default)]
pub(crate) struct Endpoints(Mutex<HashMap<Refused, Instant>>);

impl Endpoints {
    pub(crate) fn choose(&self, route: &Route, content: &Content, is_marketing: bool) -> Endpoint {
        match Endpoint::of(content, is_marketing) {
            Endpoint::MarketingMessages if self.is_refused(route) => Endpoint::Messages,
            endpoint => endpoint,
        }
    }

    /// Notes what an answer shows.
    pub(crate) fn learn(&self, route: &Route, outcome: &CallOutcome) {
        let CallOutcome::Refused(refusal) = outcome else {
            return;
        };
        if refusal.advice != Advice::UseMessages {
            return;
        }
        let template = route
            .template
            .clone()
            .filter(|_| refusal.scope == Scope::Template);
        let mut refused = lock(&self.0);
        refused.retain(|_, at| at.elapsed() < REMEMBERED_FOR);
        refused.insert((route.number.clone(), template), Instant::now());
    }

    fn is_refused(&self, route: &Route) -> bool {
        let refused = lock(&self.0);
        let lately = |template| {
            let at = refused.get(&(route.number.clone(), template));
            at.is_some_and(|at| at.elapsed() < REMEMBERED_FOR)
        };
        lately(None) || lately(route.template.clone())
    }
}

#[cfg(test)]
mod tests {
    use domain::after_call::Refusal;
    use domain::ids::ResortId;
    use domain::message::MessageKind;
    use domain::render::Parameters;

    use super::*;

    fn route(number: &str, template: &str) -> Route {
        Route {
            resort: ResortId::parse("azure-bay").unwrap(),
            number: NumberId::parse(number).unwrap(),
            country: 30,
            template: Some(template.to_owned()),
            kind: MessageKind::Reminder1,
        }
    }

    fn refusal(scope: Scope, advice: Advice) -> CallOutcome {
        CallOutcome::Refused(Refusal {
            code: 134_100,
            scope,
            advice,
            retry_after: None,
            unsure: false,
        })
    }

    fn chosen(endpoints: &Endpoints, number: &str, template: &str) -> Endpoint {
        let content = Content::Template {
            name: template.to_owned(),
            language_code: "en".to_owned(),
            header: Parameters::Positional(Vec::new()),
            body: Parameters::Positional(Vec::new()),
            button_url: None,
            replies: Vec::new(),
        };
        endpoints.choose(&route(number, template), &content, true)
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_template_or_number_goes_by_the_ordinary_endpoint_for_a_day_and_others_do_not() {
        let endpoints = Endpoints::default();
        let learn = |number, scope| {
            endpoints.learn(&route(number, "a"), &refusal(scope, Advice::UseMessages));
        };

        learn("1", Scope::Template);
        learn("2", Scope::Number);

        let (ordinary, marketing) = (Endpoint::Messages, Endpoint::MarketingMessages);
        let cases = [
            ("1", "a", ordinary),
            ("1", "b", marketing),
            ("2", "a", ordinary),
            ("2", "b", ordinary),
            ("3", "a", marketing),
        ];
        for (number, template, expected) in cases {
            assert_eq!(
                chosen(&endpoints, number, template),
                expected,
                "{number} {template}"
            );
        }
        tokio::time::advance(REMEMBERED_FOR - Duration::from_secs(1)).await;
        assert_eq!(chosen(&endpoints, "1", "a"), ordinary);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(chosen(&endpoints, "1", "a"), marketing);
        assert_eq!(chosen(&endpoints, "2", "b"), marketing);
    }

    #[test]
    fn other_refusals_say_nothing_about_the_endpoint() {
        let endpoints = Endpoints::default();

        endpoints.learn(&route("1", "a"), &refusal(Scope::Template, Advice::Hold));

        assert_eq!(chosen(&endpoints, "1", "a"), Endpoint::MarketingMessages);
    }
}
