//! What a member of the staff answers: their own words while the window is open, or a template of the resort.

use super::{Content, NoContent, ServiceWindow, Subject, fill};
use crate::message::Reason;
use crate::staff_answer::StaffAnswer;

/// The content of an answer. There is nothing else to send in its place.
pub(crate) fn content(
    subject: Subject<'_>,
    answer: Option<&StaffAnswer>,
    window: ServiceWindow,
) -> Result<Content, NoContent> {
    match (answer, window) {
        // Its text is kept for a while only, and goes with the guest.
        (None, _) => Err(NoContent::Skip(Reason::Erased)),
        (Some(StaffAnswer::Text(text)), ServiceWindow::Open) => Ok(Content::Text(text.reveal().to_owned())),
        (Some(StaffAnswer::Text(_)), ServiceWindow::Closed) => Err(NoContent::Skip(Reason::WindowClosed)),
        (Some(StaffAnswer::Template(kind)), _) => {
            let (resort, kind) = (subject.resort, *kind);
            let guest = subject.facts.language_tag();
            match resort.template(kind, guest.as_ref()) {
                Some((language, template)) => fill(Subject { kind, ..subject }, language, template),
                None => Err(NoContent::TemplateMissing),
            }
        }
    }
}
