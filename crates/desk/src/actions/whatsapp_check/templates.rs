//! The templates of a resort's file, against those of its business account.

use domain::approved_template::{ApprovedTemplate, Mismatch, Place as Part, Purpose, compare};
use domain::resort::{Language, Resort, Template};

use super::finding::{Finding, Place, Severity};

const CHECK: &str = "templates";
const SENT_AS_FALLBACK: &str = "WhatsApp refuses the message (132001, 132015, 132016); the guest gets the fallback, or the message waits where there is none";
const DEAD: &str =
    "WhatsApp refuses every such message (131008, 132000, 132012), and each becomes a dead letter";

pub(super) fn findings(resort: &Resort, account: &[ApprovedTemplate]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (kind, by_language) in &resort.templates {
        let purpose = if resort.is_marketing(*kind) {
            Purpose::Marketing
        } else {
            Purpose::Utility
        };
        for (language, template) in by_language {
            let place = place(settings::templates_table(*kind), language);
            found.extend(of_one(
                &format!("{kind}.{}", language.as_str()),
                &place,
                template,
                purpose,
                account,
            ));
        }
    }
    for (language, template) in &resort.fallback_templates {
        let place = place("fallback.template".to_owned(), language);
        let name = format!("fallback.{}", language.as_str());
        found.extend(of_one(&name, &place, template, Purpose::Fallback, account));
    }
    found
}

fn place(table: String, language: &Language) -> Place {
    Place::Template {
        table,
        language: language.clone(),
    }
}

fn of_one(
    of: &str,
    place: &Place,
    file: &Template,
    purpose: Purpose,
    account: &[ApprovedTemplate],
) -> Vec<Finding> {
    let named = || account.iter().filter(|one| one.name == file.name);
    let Some(known) = named().find(|one| one.language_code == file.language_code) else {
        let languages: Vec<&str> = named().map(|one| one.language_code.as_str()).collect();
        let found = if languages.is_empty() {
            format!("{of}: the account has no template {}", file.name)
        } else {
            format!(
                "{of}: the account has {} in {}, not in {}",
                file.name,
                languages.join(", "),
                file.language_code
            )
        };
        let missing = Finding::error(CHECK, place.clone(), found)
            .then(SENT_AS_FALLBACK)
            .so("create it in WhatsApp Manager, or correct name and language here");
        return vec![missing];
    };
    let title = format!("{of} ({}, {})", file.name, file.language_code);
    let mismatches = compare(file, purpose, known);
    if mismatches.is_empty() {
        let category = known.category.to_ascii_lowercase();
        return vec![Finding::ok(
            CHECK,
            place.clone(),
            format!("{title}: approved as {category}, and fits"),
        )];
    }
    let told = mismatches.iter().map(|mismatch| {
        let (severity, text, effect, remedy) = words(mismatch, purpose);
        let told = Finding::warning(CHECK, place.clone(), format!("{title}: {text}"));
        Finding { severity, ..told }.then(effect).so(remedy)
    });
    told.collect()
}

/// Severity, what is so, what will happen, what to do.
type Words = (Severity, String, &'static str, String);

/// For what WhatsApp refuses each time.
fn dead(text: impl Into<String>, remedy: impl Into<String>) -> Words {
    (Severity::Error, text.into(), DEAD, remedy.into())
}

fn words(mismatch: &Mismatch, purpose: Purpose) -> Words {
    match mismatch {
        Mismatch::Status(status) => of_status(status),
        Mismatch::Category(category) => of_category(category, purpose),
        Mismatch::Count { place, file, account } => dead(
            format!(
                "the {} takes {account} variables, and the file gives {file}",
                part(*place)
            ),
            format!("write as many in {} as the template has", part(*place)),
        ),
        Mismatch::Form { place, account_names } => of_form(part(*place), *account_names),
        Mismatch::Names {
            place,
            missing,
            unknown,
        } => of_names(part(*place), missing, unknown),
        Mismatch::MediaHeader(format) => dead(
            format!("its header is {format}, and Bellhop sends texts only"),
            "give the template a text as header, or none",
        ),
        Mismatch::NoButton => dead(
            "the file has button_url, and the template's first button is no URL with a variable",
            "remove button_url, or make the first button a URL that ends with {{1}}",
        ),
        Mismatch::ButtonUrlMissing => dead(
            "its first button is a URL with a variable, and the file has no button_url",
            "add button_url",
        ),
        Mismatch::Button { index, kind } => of_button(*index, kind),
        Mismatch::Reply { index } => dead(
            format!("its button {index} is no quick reply, and the file's replies name a payload for it"),
            "put the quick replies behind the button with a URL, as many as the file has replies",
        ),
        Mismatch::Component(kind) => dead(
            format!("it has a component {kind}, which Bellhop never fills in"),
            "use a template of header, body, footer and buttons",
        ),
        Mismatch::NoTimeToLive => (
            Severity::Warning,
            "it has no time to live".to_owned(),
            "a phone that is off gets the message up to 30 days later, when it is no longer true",
            "set message_send_ttl_seconds in the template, 43200 (12 h) to 2592000 (30 days)".to_owned(),
        ),
    }
}

fn of_status(status: &str) -> Words {
    match status {
        "FLAGGED" | "IN_APPEAL" | "REINSTATED" => (
            Severity::Warning,
            format!("its status is {status}"),
            "it may be paused or disabled",
            "look at it in WhatsApp Manager; send it less".to_owned(),
        ),
        "PAUSED" => (
            Severity::Error,
            "it is paused for its quality".to_owned(),
            SENT_AS_FALLBACK,
            "wait: Meta resumes it after hours; then make it more welcome, or a third pause disables it"
                .to_owned(),
        ),
        _ => (
            Severity::Error,
            format!("its status is {status}, not APPROVED"),
            SENT_AS_FALLBACK,
            "have it approved in WhatsApp Manager, or name another one here".to_owned(),
        ),
    }
}

fn of_category(category: &str, purpose: Purpose) -> Words {
    let text = format!("its category is {category}");
    let rewrite = "appeal in WhatsApp Manager, or rewrite it without advertising".to_owned();
    match (category, purpose) {
        ("UTILITY", Purpose::Marketing) => (
            Severity::Warning,
            format!("{text}; a reminder or a review request is marketing"),
            "Meta changes the category, and may restrict an account that does so again and again (131064)",
            "submit it as MARKETING".to_owned(),
        ),
        ("MARKETING", Purpose::Utility) => (
            Severity::Warning,
            text,
            "it costs more, is limited for each guest, and does not reach guests who stopped marketing or US numbers",
            rewrite,
        ),
        ("MARKETING", Purpose::Fallback) => (
            Severity::Warning,
            text,
            "as a fallback for a confirmation it does not reach guests who stopped marketing or US numbers",
            rewrite,
        ),
        _ => (
            Severity::Error,
            text,
            "WhatsApp refuses such messages, or delivers them as something else",
            "use a template of the category UTILITY or MARKETING".to_owned(),
        ),
    }
}

fn of_form(part: &str, account_names: bool) -> Words {
    let (account, file) = if account_names {
        ("names", "a table such as { first_name = \"guest.first_name\" }")
    } else {
        ("numbers", "a list such as [\"guest.first_name\"]")
    };
    dead(
        format!("the {part} {account} its variables, and the file does not"),
        format!("write {part} as {file}"),
    )
}

fn of_names(part: &str, missing: &[String], unknown: &[String]) -> Words {
    let list =
        |what: &str, names: &[String]| (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")));
    let differences = [list("lacks", missing), list("has the unknown", unknown)];
    let differences: Vec<String> = differences.into_iter().flatten().collect();
    dead(
        format!("{part} of the file {}", differences.join(" and ")),
        "use the names of the template",
    )
}

fn of_button(index: usize, kind: &str) -> Words {
    let text = format!("button {index} ({kind}) takes a parameter that Bellhop never sends");
    let remedy = "remove the button, or its variable, from the template";
    if matches!(kind, "URL" | "COPY_CODE" | "OTP") {
        return dead(text, remedy);
    }
    // Meta's pages do not say of every kind that its parameter is required.
    let effect = "WhatsApp may refuse such messages";
    (Severity::Warning, text, effect, remedy.to_owned())
}

fn part(part: Part) -> &'static str {
    match part {
        Part::Header => "header",
        Part::Body => "body",
    }
}
