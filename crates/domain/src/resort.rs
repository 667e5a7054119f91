//! A resort as its file describes it: the settings from which plans and messages follow.
//!
//! Times of day are the resort's. The access token is not here: only programs that call WhatsApp resolve it.

mod limits;
mod stop_text;
mod template;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::Tz;

use crate::country::Country;
use crate::hold_out::HoldOut;
use crate::ids::{NumberId, ResortId};
use crate::message::{MessageKind, MomentName};
use crate::moment::{Basis, Category, Moment};
use crate::phone_number::PhoneNumber;

pub use limits::Limits;
pub use template::{Template, Value, Variable, Variables};

/// The resorts whose files can be read.
pub type Resorts = BTreeMap<ResortId, Arc<Resort>>;

/// Everything that the rules need to know about a resort.
#[derive(Debug, Clone, PartialEq)]
pub struct Resort {
    /// The name of its file, without the extension.
    pub id: ResortId,
    /// The name by which guests know it.
    pub name: String,
    pub time_zone: Tz,
    /// The country of phone numbers without a country code, unless the guest's country is known.
    pub country: Country,
    /// The language if the guest's is unknown or has no template.
    pub language: Language,
    /// Hosts that a booking's link may name; `None`: any. Links are always https.
    pub link_hosts: Option<Vec<String>>,
    pub mode: Mode,
    /// The resort's own values, which templates use as `values.<name>`.
    pub values: BTreeMap<String, String>,
    /// The business number that it sends from.
    pub number: NumberId,
    pub abandonment: Abandonment,
    /// How long after the start of the arrival day a guest counts as a no-show; `None`: the resort does not track
    /// arrivals.
    pub no_show_after: Option<Duration>,
    /// Every kind of message that the resort sends, built-in and of its own; [`MessageKind::StopConfirmation`] is not
    /// among them, since it answers a guest and follows no moment.
    pub moments: BTreeMap<MessageKind, Moment>,
    pub quiet_hours: Option<QuietHours>,
    pub limits: Limits,
    /// The share of guests who get no reminders, so that the report can say what reminders earn.
    pub hold_out: HoldOut,
    /// Whether a guest's reply pauses their reminders.
    pub pause_on_reply: bool,
    pub retention: Retention,
    pub templates: BTreeMap<MessageKind, BTreeMap<Language, Template>>,
    /// The templates for kinds without one of their own.
    pub fallback_templates: BTreeMap<Language, Template>,
    /// Free texts for open 24-hour windows, with `{value}` placeholders.
    pub fallback_texts: BTreeMap<MessageKind, BTreeMap<Language, String>>,
    /// The resort's own answers to a guest who opts out, with `{value}` placeholders.
    pub stop_texts: BTreeMap<Language, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    Live,
    /// Only messages to these numbers are sent.
    Test(Vec<PhoneNumber>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abandonment {
    /// Inactivity after which a started booking counts as abandoned.
    pub after: Duration,
}

/// Half-open: `from` is quiet, `to` is not. If `from` is later than `to` they span midnight; if both are equal
/// there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    pub from: NaiveTime,
    pub to: NaiveTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// From the arrival of an event.
    pub raw_events: Duration,
    /// Of what guests wrote, from its arrival.
    pub conversations: Duration,
    /// From the last event of a guest's last booking.
    pub guests: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            raw_events: Duration::from_secs(90 * 86_400),
            conversations: Duration::from_secs(90 * 86_400),
            guests: Duration::from_secs(730 * 86_400),
        }
    }
}

/// A language tag, in lower case with hyphens, so that `pt_BR`, `pt-BR` and `pt-br` are the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(String);

impl Language {
    /// Accepts tags such as `en`, `pt-BR`, `pt_BR`, `zh-Hant-TW`: parts of 1 to 8 letters or digits, the first of 2
    /// or 3 letters.
    pub fn parse(text: &str) -> Option<Self> {
        let tag = text.trim().replace('_', "-").to_ascii_lowercase();
        let mut parts = tag.split('-');
        let primary = parts.next()?;
        let good_primary =
            (2..=3).contains(&primary.len()) && primary.bytes().all(|b| b.is_ascii_lowercase());
        let good_rest = parts
            .all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
        (good_primary && good_rest && tag.len() <= 35).then_some(Self(tag))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language without script and region.
    pub fn primary(&self) -> Self {
        Self(self.0.split('-').next().unwrap_or_default().to_owned())
    }
}

impl Resort {
    /// The default of a moment's `expires_after`.
    pub const MOMENT_EXPIRY: Duration = Duration::from_secs(12 * 3_600);

    /// The default of `[expires_after]`.
    pub const fn default_expiry(kind: MessageKind) -> Duration {
        match kind {
            MessageKind::Reminder1 | MessageKind::Reminder2 => Duration::from_secs(12 * 3_600),
            MessageKind::ReservationConfirmation => Duration::from_secs(2 * 86_400),
            MessageKind::ReviewRequest => Duration::from_secs(3 * 86_400),
            MessageKind::Moment(_) => Self::MOMENT_EXPIRY,
            // The 24-hour window that the guest's stop, or question, has opened.
            MessageKind::StopConfirmation | MessageKind::StaffAnswer => Duration::from_secs(86_400),
        }
    }

    /// The built-in kinds: the second reminder this long after the first, and the review request this long after the
    /// check-out, where the resort wants them.
    pub fn built_in_moments(
        reminder_2: Option<Duration>,
        review_after_check_out: Option<Duration>,
    ) -> BTreeMap<MessageKind, Moment> {
        use Basis::{Abandoned, CheckedOut, Confirmed, FirstReminder};
        use Category::{Marketing, Utility};
        let moment = |kind: MessageKind, basis, delay: Duration, category| {
            let expiry = Self::default_expiry(kind);
            (kind, Moment::built_in(basis, delay, category, expiry))
        };
        let at_once = Duration::ZERO;
        let always = [
            moment(MessageKind::Reminder1, Abandoned, at_once, Marketing),
            moment(MessageKind::ReservationConfirmation, Confirmed, at_once, Utility),
        ];
        let second = reminder_2.map(|delay| moment(MessageKind::Reminder2, FirstReminder, delay, Marketing));
        let review = review_after_check_out
            .map(|delay| moment(MessageKind::ReviewRequest, CheckedOut, delay, Marketing));
        always.into_iter().chain(second).chain(review).collect()
    }

    /// The moments that the file defines, by name.
    pub fn own_moments(&self) -> impl Iterator<Item = (MomentName, &Moment)> {
        self.moments.iter().filter_map(|(kind, moment)| match kind {
            MessageKind::Moment(name) => Some((*name, moment)),
            _ => None,
        })
    }

    /// Whether the guest can opt out of messages of this kind, and quiet hours delay them.
    pub fn is_marketing(&self, kind: MessageKind) -> bool {
        self.moments
            .get(&kind)
            .map_or(kind.is_presumably_marketing(), Moment::is_marketing)
    }

    /// Whether messages of this kind ask the guest to finish a booking, so that a reservation makes them wrong.
    pub fn is_reminder(&self, kind: MessageKind) -> bool {
        match self.moments.get(&kind) {
            Some(moment) => moment.is_reminder(),
            None => matches!(kind, MessageKind::Reminder1 | MessageKind::Reminder2),
        }
    }

    /// How long after its planned time a message of this kind is still useful.
    pub fn expiry(&self, kind: MessageKind) -> Duration {
        self.moments
            .get(&kind)
            .map_or(Self::default_expiry(kind), |moment| moment.expires_after)
    }

    /// When a message of this kind may be sent that is due at `at`: quiet hours delay marketing messages.
    pub fn may_go_at(&self, kind: MessageKind, at: DateTime<Utc>) -> DateTime<Utc> {
        self.quiet_for(kind)
            .map_or(at, |quiet| quiet.shift(at, self.time_zone))
    }

    /// When the next quiet hours begin, before which a message of this kind must be sent; `None`: they do not
    /// concern it.
    pub fn must_go_before(&self, kind: MessageKind, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.quiet_for(kind)
            .map(|quiet| quiet.next_start(now, self.time_zone))
    }

    /// The quiet hours that a message of this kind keeps.
    pub fn quiet_for(&self, kind: MessageKind) -> Option<QuietHours> {
        self.quiet_hours.filter(|_| self.is_marketing(kind))
    }

    /// The template for a guest's language. Tried in this order: the exact tag, its primary subtag, the resort's
    /// language.
    pub fn template(&self, kind: MessageKind, guest: Option<&Language>) -> Option<(&Language, &Template)> {
        self.templates
            .get(&kind)
            .and_then(|by_language| self.pick(by_language, guest))
    }

    /// The fallback template, chosen in the same way.
    pub fn fallback_template(&self, guest: Option<&Language>) -> Option<(&Language, &Template)> {
        self.pick(&self.fallback_templates, guest)
    }

    /// The kind's own text for an open window, chosen in the same way.
    pub fn fallback_text(&self, kind: MessageKind, guest: Option<&Language>) -> Option<(&Language, &String)> {
        self.fallback_texts
            .get(&kind)
            .and_then(|by_language| self.pick(by_language, guest))
    }

    /// The answer to a guest who opts out. Tried in this order: the resort's own text in the guest's language, the
    /// built-in text in the guest's language, the same two in the resort's language, the built-in English text.
    pub fn stop_text(&self, guest: Option<&Language>) -> (Language, &str) {
        let own = |tag: &Language| {
            self.stop_texts
                .get_key_value(tag)
                .map(|(tag, text)| (tag.clone(), text.as_str()))
        };
        let built_in = |tag: &Language| Some((tag.primary(), stop_text::built_in(tag.primary().as_str())?));
        guest
            .into_iter()
            .chain([&self.language])
            .find_map(|tag| own(tag).or_else(|| own(&tag.primary())).or_else(|| built_in(tag)))
            .unwrap_or_else(|| {
                (
                    Language(stop_text::LAST_RESORT.0.to_owned()),
                    stop_text::LAST_RESORT.1,
                )
            })
    }

    fn pick<'a, T>(
        &self,
        by_language: &'a BTreeMap<Language, T>,
        guest: Option<&Language>,
    ) -> Option<(&'a Language, &'a T)> {
        guest
            .and_then(|tag| {
                by_language
                    .get_key_value(tag)
                    .or_else(|| by_language.get_key_value(&tag.primary()))
            })
            .or_else(|| by_language.get_key_value(&self.language))
            .or_else(|| by_language.get_key_value(&self.language.primary()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(tag: &str) -> Language {
        Language::parse(tag).unwrap()
    }

    /// Checks which of the resort's templates a guest gets.
    fn check(templates: &[&str], resort_speaks: &str, guest: Option<&str>, expected: Option<&str>) {
        let mut resort = crate::plan::tests::resort();
        resort.language = language(resort_speaks);
        resort.fallback_templates = templates.iter().map(|tag| (language(tag), template())).collect();
        let by_language = resort.fallback_templates.clone();
        resort.templates.insert(MessageKind::Reminder1, by_language);

        let guest = guest.map(language);
        let chosen = [
            resort.template(MessageKind::Reminder1, guest.as_ref()),
            resort.fallback_template(guest.as_ref()),
        ];
        for (which, choice) in chosen.into_iter().enumerate() {
            let tag = choice.map(|(language, _)| language.as_str());
            assert_eq!(tag, expected, "{which}: {guest:?} among {templates:?}");
        }
    }

    fn template() -> Template {
        Template {
            name: "hello".into(),
            language_code: "en".into(),
            header: Variables::Positional(Vec::new()),
            body: Variables::Positional(Vec::new()),
            button_url: None,
            replies: Vec::new(),
        }
    }

    #[test]
    fn a_guest_gets_the_template_in_the_nearest_language() {
        check(&["pt-BR", "pt", "en"], "en", Some("pt_BR"), Some("pt-br"));
        check(&["pt", "en"], "en", Some("pt-BR"), Some("pt"));
        check(&["pt-BR", "en"], "en", Some("pt"), Some("en"));
        check(&["de", "en"], "en", Some("fr"), Some("en"));
        check(&["de", "en"], "de", None, Some("de"));
        check(&["de"], "de-AT", Some("fr"), Some("de"));
        check(&["de"], "en", Some("fr"), None);
        check(&[], "en", Some("en"), None);
    }

    #[test]
    fn a_stop_is_answered_in_the_guests_language_with_the_resorts_own_text_or_a_built_in_one() {
        let mut resort = crate::plan::tests::resort();
        resort.stop_texts = [(language("en"), "As you wish.".to_owned())].into();
        let text = |resort: &Resort, guest: Option<&str>| {
            let (language, text) = resort.stop_text(guest.map(language).as_ref());
            (language.as_str().to_owned(), text.to_owned())
        };

        assert_eq!(
            text(&resort, Some("en-GB")),
            ("en".to_owned(), "As you wish.".to_owned())
        );
        let spanish = text(&resort, Some("es-MX"));
        assert!(
            spanish.0 == "es" && spanish.1.contains("recordatorios"),
            "{spanish:?}"
        );
        assert_eq!(text(&resort, Some("tlh")).1, "As you wish.");
        assert_eq!(text(&resort, None).1, "As you wish.");
        resort.stop_texts.clear();
        resort.language = language("tlh");
        assert_eq!(text(&resort, None).0, "en");
    }

    #[test]
    fn a_language_tag_is_read_in_any_spelling_and_nonsense_is_refused() {
        for tag in ["pt-BR", "pt_BR", " PT-br "] {
            assert_eq!(language(tag).as_str(), "pt-br");
        }
        for tag in ["", "p", "english", "pt-", "pt-BR-toolongforone", "12"] {
            assert_eq!(Language::parse(tag), None, "{tag}");
        }
    }

    #[test]
    fn expiry_has_defaults_and_the_resorts_own_times() {
        let mut resort = crate::plan::tests::resort();
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        let second = resort.moments.get_mut(&MessageKind::Reminder2).unwrap();
        second.expires_after = hours(1);

        let expiries = MessageKind::BUILT_IN.iter().map(|kind| resort.expiry(*kind));
        assert_eq!(
            expiries.collect::<Vec<_>>(),
            [hours(12), hours(1), hours(48), hours(72), hours(24), hours(24)]
        );
    }
}
