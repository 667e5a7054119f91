//! Whether a message that is due is sent now: to whom and with what content, or why not.
//!
//! The sender asks before each claim. [`crate::render`] writes the content, and the resort's file may have changed
//! since the plan was made.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::message::{ContentChoice, MessageKind, Reason};
use crate::phone_number::PhoneNumber;
use crate::render::{self, Content, NoContent, ServiceWindow, Subject};
use crate::resort::{Mode, QuietHours};
use crate::staff_answer::StaffAnswer;

/// A message that is due, and what the decision depends on besides its booking and its resort's file.
#[derive(Debug, Clone, Copy)]
pub struct Due<'a> {
    pub subject: Subject<'a>,
    /// What a member of the staff answers; `None` for every other kind, and where the text is not kept any more.
    pub answer: Option<&'a StaffAnswer>,
    pub turn: ContentChoice,
    pub window: ServiceWindow,
    /// The templates, `name/language`, that are on hold for the resort's number and this kind.
    pub held: &'a BTreeSet<String>,
    /// The templates, `name/language`, that WhatsApp has made marketing.
    pub marketing: &'a BTreeSet<String>,
}

/// The next step of a message that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Call(Box<Sendable>),
    /// The message ends, for this reason.
    Skip(Reason),
    /// Quiet hours: not before this time.
    PutOff(DateTime<Utc>),
    /// The message waits for the end of the hold on this template, `name/language`: there is nothing else to send.
    AwaitTemplate(String),
    /// The resort's file has neither a template of this kind nor a fallback for this guest. The message waits, with
    /// an alert.
    TemplateMissing,
}

/// A message that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sendable {
    pub to: PhoneNumber,
    pub content: Content,
    pub turn: ContentChoice,
    /// Whether the guest can refuse it: the kind is marketing, or WhatsApp has made its template marketing.
    pub is_marketing: bool,
    /// When the next quiet hours begin: the call must not start later.
    pub not_after: Option<DateTime<Utc>>,
    /// The quiet hours that it keeps.
    pub quiet_hours: Option<QuietHours>,
}

/// Decides from the arguments alone.
pub fn next_step(due: &Due<'_>, now: DateTime<Utc>) -> Step {
    let (resort, kind) = (due.subject.resort, due.kind_of_content());
    // This process may have read the file later, or earlier, than the one that planned: the fallback would be wrong.
    if matches!(kind, MessageKind::Moment(_)) && !resort.moments.contains_key(&kind) {
        return Step::TemplateMissing;
    }
    let keeps_quiet = due.keeps_quiet();
    let may_go_at = resort.may_go_at(kind, now);
    if keeps_quiet && may_go_at > now {
        return Step::PutOff(may_go_at);
    }
    let to = match due.subject.facts.recipient(resort.country) {
        Ok(to) => to,
        Err(reason) => return Step::Skip(reason),
    };
    // The plan has checked this already, with the resort's file of that time.
    if !resort.is_delivered(kind, &to) {
        return Step::Skip(Reason::UsMarketing);
    }
    if matches!(&resort.mode, Mode::Test(numbers) if !numbers.contains(&to)) {
        return Step::Skip(Reason::TestMode);
    }
    let (content, turn) = match choose(due) {
        Ok(chosen) => chosen,
        Err(instead) => return instead,
    };
    let became_marketing = content
        .template()
        .is_some_and(|template| due.marketing.contains(&template));
    if let Some(reason) = became_marketing.then(|| refuses_marketing(due, &to)).flatten() {
        return Step::Skip(reason);
    }
    Step::Call(Box::new(Sendable {
        to,
        content,
        turn,
        is_marketing: resort.is_marketing(kind) || became_marketing,
        not_after: resort.must_go_before(kind, now).filter(|_| keeps_quiet),
        quiet_hours: resort.quiet_for(kind).filter(|_| keeps_quiet),
    }))
}

impl Due<'_> {
    /// The kind by whose rules the message goes: that of the template, where staff answer with one.
    fn kind_of_content(&self) -> MessageKind {
        match self.answer {
            Some(StaffAnswer::Template(kind)) if self.is_answer() => *kind,
            _ => self.subject.kind,
        }
    }

    fn is_answer(&self) -> bool {
        self.subject.kind == MessageKind::StaffAnswer
    }

    /// Whether quiet hours delay it: not where a member of the staff wants it now.
    fn keeps_quiet(&self) -> bool {
        let Subject {
            kind, facts, resort, ..
        } = self.subject;
        !self.is_answer() && facts.sent_now_at(kind, resort.is_reminder(kind)).is_none()
    }

    fn content(&self, turn: ContentChoice) -> Result<Content, NoContent> {
        if self.is_answer() {
            return render::staff_answer::content(self.subject, self.answer, self.window);
        }
        render::content(self.subject, turn, self.window)
    }
}

/// Why a template that WhatsApp has made marketing must not go to this guest, or would not arrive. The plan asks the same
/// for kinds that are marketing; whether the guest has opted out is asked by the claim.
fn refuses_marketing(due: &Due<'_>, to: &PhoneNumber) -> Option<Reason> {
    let Subject { facts, resort, .. } = due.subject;
    if facts.refuses_marketing() {
        return Some(Reason::NoConsent);
    }
    (!resort.is_marketing_delivered(to)).then_some(Reason::UsMarketing)
}

/// The content: the kind's own template, or the fallback if that template is on hold or WhatsApp has refused it for
/// this message.
fn choose(due: &Due<'_>) -> Result<(Content, ContentChoice), Step> {
    // The own content is written even if the fallback is next, to find out whether its template is on hold.
    let own = due.content(ContentChoice::Template);
    let own_is_held = own.as_ref().ok().and_then(|content| held(due, content));
    let turn = if own_is_held.is_some() {
        ContentChoice::Fallback
    } else {
        due.turn
    };
    let chosen = match turn {
        ContentChoice::Template => own,
        ContentChoice::Fallback => due.content(ContentChoice::Fallback),
    };
    match chosen {
        Ok(content) => match held(due, &content) {
            // The fallback is on hold too. The message waits for its own template, if that is the one on hold.
            Some(template) => Err(Step::AwaitTemplate(own_is_held.unwrap_or(template))),
            None => Ok((content, turn)),
        },
        Err(NoContent::Skip(reason)) => Err(Step::Skip(reason)),
        Err(NoContent::TemplateMissing) => {
            Err(own_is_held.map_or(Step::TemplateMissing, Step::AwaitTemplate))
        }
    }
}

/// The template that a content uses, if it is on hold.
fn held(due: &Due<'_>, content: &Content) -> Option<String> {
    content.template().filter(|template| due.held.contains(template))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Fact, Facts, Stamp};
    use crate::ids::BookingId;
    use crate::plan::tests::resort;
    use crate::resort::{Language, Resort, Template, Variables};
    use crate::stay::Personal;

    const OWN: &str = "reminder/en";
    const FALLBACK: &str = "contact/en";

    fn template(name: &str) -> (Language, Template) {
        let template = Template {
            name: name.to_owned(),
            language_code: "en".to_owned(),
            header: Variables::Positional(Vec::new()),
            body: Variables::Positional(Vec::new()),
            button_url: None,
            replies: Vec::new(),
        };
        (Language::parse("en").unwrap(), template)
    }

    /// A resort with a template for the first reminder, and a fallback.
    fn furnished() -> Resort {
        let mut resort = resort();
        let own = [template("reminder")].into();
        resort.templates.insert(MessageKind::Reminder1, own);
        resort.fallback_templates = [template("contact")].into();
        resort
    }

    fn facts(phone: Option<&str>) -> Facts {
        let phone = phone.map(|phone| Fact {
            stamp: Stamp {
                at: DateTime::UNIX_EPOCH,
                rank: 0,
                event: "direct/1".into(),
            },
            value: Personal::new(phone),
        });
        Facts {
            phone,
            ..Facts::default()
        }
    }

    fn noon() -> DateTime<Utc> {
        "2026-11-23T10:00:00Z".parse().unwrap()
    }

    /// The next step of a first reminder at noon in Athens.
    fn step(resort: &Resort, phone: Option<&str>, turn: ContentChoice, held: &[&str]) -> Step {
        let booking = BookingId::parse("BK-1").unwrap();
        let held = held.iter().map(|&template| template.to_owned()).collect();
        let subject = Subject {
            kind: MessageKind::Reminder1,
            booking: &booking,
            facts: &facts(phone),
            resort,
        };
        let due = Due {
            subject,
            answer: None,
            turn,
            window: ServiceWindow::Closed,
            held: &held,
            marketing: &BTreeSet::new(),
        };
        next_step(&due, noon())
    }

    const ADA: Option<&str> = Some("+306912345678");

    fn check(turn: ContentChoice, held: &[&str], expected: Result<(&str, ContentChoice), Step>) {
        let found = match step(&furnished(), ADA, turn, held) {
            Step::Call(sendable) => Ok((sendable.content.template().unwrap(), sendable.turn)),
            other => Err(other),
        };
        let expected = expected.map(|(template, turn)| (template.to_owned(), turn));
        assert_eq!(found, expected, "{turn}, held: {held:?}");
    }

    #[test]
    fn the_fallback_is_sent_if_the_kinds_own_template_is_held_or_was_refused() {
        check(ContentChoice::Template, &[], Ok((OWN, ContentChoice::Template)));
        check(
            ContentChoice::Template,
            &[FALLBACK],
            Ok((OWN, ContentChoice::Template)),
        );
        check(
            ContentChoice::Template,
            &[OWN],
            Ok((FALLBACK, ContentChoice::Fallback)),
        );
        check(
            ContentChoice::Fallback,
            &[],
            Ok((FALLBACK, ContentChoice::Fallback)),
        );
    }

    #[test]
    fn a_message_without_usable_content_waits_for_its_own_template() {
        let awaits = |template: &str| Err(Step::AwaitTemplate(template.to_owned()));
        check(ContentChoice::Template, &[OWN, FALLBACK], awaits(OWN));
        check(ContentChoice::Fallback, &[FALLBACK], awaits(FALLBACK));
        let mut without_fallback = furnished();
        without_fallback.fallback_templates.clear();

        let own_is_held = step(&without_fallback, ADA, ContentChoice::Template, &[OWN]);
        assert_eq!(own_is_held, Step::AwaitTemplate(OWN.to_owned()));
        without_fallback.templates.clear();
        let nothing = step(&without_fallback, ADA, ContentChoice::Template, &[]);
        assert_eq!(nothing, Step::TemplateMissing);
    }

    #[test]
    fn no_number_is_not_the_same_as_a_wrong_one() {
        let skipped = |phone| step(&furnished(), phone, ContentChoice::Template, &[]);

        assert_eq!(skipped(None), Step::Skip(Reason::NoPhone));
        assert_eq!(skipped(Some("12")), Step::Skip(Reason::InvalidPhone));
    }

    // shows: B59
    #[test]
    fn a_reminder_to_a_number_of_the_united_states_is_skipped_before_its_call_unless_the_file_says_otherwise()
    {
        let mut resort = furnished();
        let decided = |resort: &Resort, phone| step(resort, Some(phone), ContentChoice::Template, &[]);

        let skipped = Step::Skip(Reason::UsMarketing);
        assert_eq!(decided(&resort, "+12025550123"), skipped);
        assert!(matches!(decided(&resort, "+14165550123"), Step::Call(_)));
        resort.limits.us_marketing = true;
        assert!(matches!(decided(&resort, "+12025550123"), Step::Call(_)));
    }

    /// The next step of a confirmation by a template that WhatsApp made marketing.
    fn confirmation(phone: &str, consent: Option<bool>, resort: &Resort) -> Step {
        let booking = BookingId::parse("BK-1").unwrap();
        let consent = consent.map(|value| Fact {
            stamp: Stamp {
                at: DateTime::UNIX_EPOCH,
                rank: 0,
                event: "direct/1".into(),
            },
            value,
        });
        let facts = Facts {
            consent,
            ..facts(Some(phone))
        };
        let due = Due {
            subject: Subject {
                kind: MessageKind::ReservationConfirmation,
                booking: &booking,
                facts: &facts,
                resort,
            },
            answer: None,
            turn: ContentChoice::Template,
            window: ServiceWindow::Closed,
            held: &BTreeSet::new(),
            marketing: &[FALLBACK.to_owned()].into(),
        };
        next_step(&due, noon())
    }

    // shows: B146
    #[test]
    fn a_confirmation_by_a_template_that_became_marketing_obeys_the_guests_refusal_and_metas_ban() {
        let mut resort = furnished();
        let greek = "+306912345678";
        let is_marketing = |step: &Step| matches!(step, Step::Call(sendable) if sendable.is_marketing);

        assert_eq!(
            confirmation(greek, Some(false), &resort),
            Step::Skip(Reason::NoConsent)
        );
        assert!(is_marketing(&confirmation(greek, Some(true), &resort)));
        assert!(is_marketing(&confirmation(greek, None, &resort)));
        let american = |resort: &Resort| confirmation("+12025550123", None, resort);
        assert_eq!(american(&resort), Step::Skip(Reason::UsMarketing));
        resort.limits.us_marketing = true;
        assert!(is_marketing(&american(&resort)));
    }

    #[test]
    fn a_resort_in_test_mode_writes_to_its_test_numbers_only() {
        let number = facts(ADA).recipient(resort().country).unwrap();
        let in_test_mode = |numbers| Resort {
            mode: Mode::Test(numbers),
            ..furnished()
        };

        let other = step(&in_test_mode([].into()), ADA, ContentChoice::Template, &[]);
        assert_eq!(other, Step::Skip(Reason::TestMode));
        let own = step(&in_test_mode([number].into()), ADA, ContentChoice::Template, &[]);
        assert!(matches!(own, Step::Call(_)), "{own:?}");
    }

    #[test]
    fn quiet_hours_delay_a_message_and_end_the_time_in_which_it_may_be_sent() {
        let hour = |hour| chrono::NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
        let quiet = |from, to| Resort {
            quiet_hours: Some(QuietHours {
                from: hour(from),
                to: hour(to),
            }),
            ..furnished()
        };

        let siesta = step(&quiet(12, 16), ADA, ContentChoice::Template, &[]);
        assert_eq!(siesta, Step::PutOff("2026-11-23T14:00:00Z".parse().unwrap()));
        let Step::Call(sendable) = step(&quiet(21, 9), ADA, ContentChoice::Template, &[]) else {
            panic!("it is day");
        };
        assert_eq!(sendable.not_after, Some("2026-11-23T19:00:00Z".parse().unwrap()));
    }
}
