//! The resort of a test: its file, with delays that a test can wait for.

/// The text of `resorts/azure-bay.toml`, in the pieces that tests change.
#[derive(Debug, Clone)]
pub struct ResortFile {
    /// Lines before the first section, beside name, country and links.
    pub top: String,
    /// The zone in which its days begin.
    pub time_zone: String,
    /// `[abandonment] after`.
    pub abandoned_after: String,
    /// `[abandonment] reminder_2`.
    pub reminder_2: Option<String>,
    /// `[check_in] no_show_after`.
    pub no_show_after: Option<String>,
    /// `[review] after_check_out`.
    pub review_after: Option<String>,
    /// `[limits]`, whole.
    pub limits: String,
    /// The templates and fallbacks.
    pub templates: String,
    /// Whole sections more, such as `[quiet_hours]`.
    pub sections: String,
}

impl Default for ResortFile {
    /// Everything on, all delays short, but for no-shows, which no test waits for; and no limits, since one guest plays many
    /// parts.
    fn default() -> Self {
        Self {
            top: String::new(),
            time_zone: "Europe/Athens".to_owned(),
            abandoned_after: "300ms".to_owned(),
            reminder_2: Some("300ms".to_owned()),
            no_show_after: Some("36h".to_owned()),
            review_after: Some("300ms".to_owned()),
            limits: "[limits]\nreminders_per_day = 1000\nrest_after_confirmation = \"0s\"\n".to_owned(),
            templates: TEMPLATES.to_owned(),
            sections: String::new(),
        }
    }
}

impl ResortFile {
    /// As above, with carts that stay as they are: a guest counts as gone only when the platform says so.
    pub fn patient() -> Self {
        Self {
            abandoned_after: "1d".to_owned(),
            reminder_2: Some("1d".to_owned()),
            review_after: Some("1d".to_owned()),
            ..Self::default()
        }
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let optional = |before: &str, value: &Option<String>| {
            value
                .as_ref()
                .map_or_else(String::new, |value| format!("{before} = \"{value}\"\n"))
        };
        [
            "name = \"Azure Bay Resort\"\ncountry = \"GR\"\nlanguage = \"en\"\nlink_hosts = [\"book.example\"]\n",
            &format!("time_zone = \"{}\"\n{}\n", self.time_zone, self.top),
            "[values]\nreview_page = \"azure-bay\"\n",
            &format!("[whatsapp]\nphone_number_id = \"{}\"\naccess_token = \"env:AZURE_BAY_TOKEN\"\n", super::NUMBER),
            &format!("[abandonment]\nafter = \"{}\"\n", self.abandoned_after),
            &optional("reminder_2", &self.reminder_2),
            &optional("[check_in]\nno_show_after", &self.no_show_after),
            &optional("[review]\nafter_check_out", &self.review_after),
            &self.limits,
            &self.sections,
            &self.templates,
        ]
        .join("\n")
    }
}

const TEMPLATES: &str = r#"
[templates.reminder_1.en]
name = "reminder_1"
language = "en_US"
header = ["resort.name"]
body = [{ value = "guest.first_name", else = "there" }, "resort.name"]
button_url = { value = "booking.resume_path", else = "book" }

[templates.reminder_2.en]
name = "reminder_2"
language = "en_US"
body = [{ value = "guest.first_name", else = "there" }]

[templates.reservation_confirmation.en]
name = "confirmed"
language = "en_US"
body = [{ value = "guest.first_name", else = "guest" }, { value = "stay.check_in", else = "soon" }, { value = "stay.total", else = "agreed" }]

[templates.reservation_confirmation.de]
name = "confirmed"
header = { place = "resort.name" }
body = { first_name = { value = "guest.first_name", else = "Gast" }, arrival = { value = "stay.check_in", else = "bald" }, total = { value = "stay.total", else = "vereinbart" } }

[templates.review_request.en]
name = "review"
language = "en_US"
body = [{ value = "guest.first_name", else = "there" }]
button_url = "values.review_page"

[fallback]
template.en = { name = "contact", language = "en_US", body = ["resort.name"] }
text.reservation_confirmation.en = "Your stay at {resort.name} is confirmed."
"#;

/// The templates of every [`ResortFile`] as Meta approved them; the sandbox refuses anything that does not fit.
pub const APPROVED: &str = r#"[
  { "name": "reminder_1", "language": "en_US", "category": "MARKETING", "header": "{{1}}",
    "body": "Hi {{1}}, your booking at {{2}} is waiting.",
    "buttons": [{ "type": "url", "text": "Continue", "url": "https://book.example/{{1}}" }] },
  { "name": "reminder_2", "language": "en_US", "category": "MARKETING", "body": "Hi {{1}}, still interested?" },
  { "name": "confirmed", "language": "en_US", "category": "UTILITY",
    "body": "Thank you {{1}}, see you on {{2}}. Total: {{3}}." },
  { "name": "confirmed", "language": "de", "category": "UTILITY", "header": "{{place}}",
    "body": "Danke {{first_name}}, bis zum {{arrival}}. Gesamt: {{total}}." },
  { "name": "review", "language": "en_US", "category": "MARKETING", "body": "Hi {{1}}, how was it?",
    "buttons": [{ "type": "url", "text": "Review", "url": "https://reviews.example/{{1}}" }] },
  { "name": "stay_check", "language": "en_US", "category": "UTILITY", "body": "Hi {{1}}, is everything all right?",
    "buttons": [{ "type": "quick_reply", "text": "All fine" }, { "type": "quick_reply", "text": "I need help" }] },
  { "name": "contact", "language": "en_US", "category": "UTILITY", "body": "There is news from {{1}} for you." }
]"#;
