//! The rules under which Meta approves a template.

use super::fill::{self, Form};
use super::{Button, Category, Template};

const NAME_MAX: usize = 512;
const HEADER_MAX: usize = 60;
const FOOTER_MAX: usize = 60;
const BODY_MAX: usize = 1024;
const LABEL_MAX: usize = 25;
const URL_MAX: usize = 2000;
const BUTTONS_MAX: usize = 10;
const URL_BUTTONS_MAX: usize = 2;

pub(super) fn mistakes(template: &Template) -> Vec<String> {
    let rules = name_rules(template)
        .into_iter()
        .chain(text_rules(template))
        .chain([time_to_live_rule(template)])
        .chain(button_rules(&template.buttons));
    let mut found: Vec<_> = rules
        .filter(|(holds, _)| !holds)
        .map(|(_, text)| text.to_owned())
        .collect();
    found.dedup();
    found
}

/// A rule, and whether it holds.
type Rule = (bool, &'static str);

fn name_rules(template: &Template) -> Vec<Rule> {
    let name_ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    vec![
        (
            (1..=NAME_MAX).contains(&template.name.len()),
            "the name has 1 to 512 characters",
        ),
        (
            template.name.chars().all(name_ok),
            "the name is made of a-z, 0-9 and _",
        ),
        (
            is_language(&template.language),
            "the language is a code such as en, en_US or pt_BR",
        ),
    ]
}

fn text_rules(template: &Template) -> Vec<Rule> {
    const IN_ORDER: &str = "variables are {{1}}, {{2}}, … without gaps, or all named in a-z and _";
    let length = |text: &str| text.chars().count();
    let header = template.header.as_deref().unwrap_or("x");
    let footer = template.footer.as_deref().unwrap_or("x");
    let body = template.body.trim();
    vec![
        (
            (1..=HEADER_MAX).contains(&length(header)),
            "the header has 1 to 60 characters",
        ),
        (
            fill::variables(header).len() <= 1,
            "the header has at most one variable",
        ),
        (are_in_order(header), IN_ORDER),
        (
            (1..=BODY_MAX).contains(&length(body)),
            "the body has 1 to 1024 characters",
        ),
        (
            !body.starts_with("{{") && !body.ends_with("}}"),
            "the body neither begins nor ends with a variable",
        ),
        (
            !body.replace(' ', "").contains("}}{{"),
            "variables in the body have words between them",
        ),
        (are_in_order(body), IN_ORDER),
        (
            has_one_form(header, body),
            "the header and the body both number their variables, or both name them",
        ),
        (
            (1..=FOOTER_MAX).contains(&length(footer)),
            "the footer has 1 to 60 characters",
        ),
        (!footer.contains("{{"), "the footer has no variables"),
    ]
}

fn time_to_live_rule(template: &Template) -> Rule {
    let allowed = match template.category {
        Category::Marketing => 43_200..=2_592_000,
        Category::Utility => 30..=43_200,
        Category::Authentication => 30..=900,
    };
    let is_30_days = |seconds| seconds == -1 && template.category != Category::Marketing;
    let given = template.message_send_ttl_seconds;
    (
        given.is_none_or(|seconds| allowed.contains(&seconds) || is_30_days(seconds)),
        "message_send_ttl_seconds is 43200 to 2592000 for MARKETING, 30 to 43200 for UTILITY, 30 to 900 for AUTHENTICATION",
    )
}

fn button_rules(buttons: &[Button]) -> Vec<Rule> {
    let urls = buttons
        .iter()
        .filter(|button| matches!(button, Button::Url { .. }))
        .count();
    let few = buttons.len() <= BUTTONS_MAX && urls <= URL_BUTTONS_MAX;
    let is_reply = |button: &Button| matches!(button, Button::QuickReply { .. });
    let groups = buttons
        .chunk_by(|one, next| is_reply(one) == is_reply(next))
        .count();
    let mut rules = vec![
        (few, "there are at most 10 buttons, 2 of them with a url"),
        (groups <= 2, "quick replies stand together"),
    ];
    for button in buttons {
        let (Button::Url { text, .. } | Button::QuickReply { text } | Button::PhoneNumber { text, .. }) =
            button;
        rules.push((
            (1..=LABEL_MAX).contains(&text.chars().count()),
            "a button's text has 1 to 25 characters",
        ));
        match button {
            Button::Url { url, .. } => {
                rules.push((
                    is_url(url),
                    "a button's url begins with https:// and has at most one variable, at its end",
                ));
            }
            Button::PhoneNumber { phone_number, .. } => {
                rules.push((
                    phone_number.starts_with('+'),
                    "a button's phone_number begins with +",
                ));
            }
            Button::QuickReply { .. } => {}
        }
    }
    rules
}

fn is_language(code: &str) -> bool {
    let (primary, region) = code.split_once('_').unwrap_or((code, "XX"));
    (2..=3).contains(&primary.len())
        && primary.chars().all(|c| c.is_ascii_lowercase())
        && (2..=4).contains(&region.len())
        && region.chars().all(|c| c.is_ascii_alphanumeric())
}

fn is_url(url: &str) -> bool {
    let variables = fill::variables(url);
    let at_end = variables.is_empty() || url.ends_with("}}");
    url.starts_with("https://") && url.chars().count() <= URL_MAX && variables.len() <= 1 && at_end
}

fn has_one_form(header: &str, body: &str) -> bool {
    match (fill::form(header), fill::form(body)) {
        (Some(header), Some(body)) => header == body,
        _ => true,
    }
}

fn are_in_order(text: &str) -> bool {
    let variables = fill::variables(text);
    match fill::form(text) {
        Some(Form::Positional) => (1..=variables.len())
            .all(|number| variables.iter().any(|variable| *variable == number.to_string())),
        Some(Form::Named) => variables.iter().all(|name| {
            name.starts_with(|c: char| c.is_ascii_lowercase())
                && name
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        }),
        None => !text.contains("{{"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Templates;

    fn check(template: &str, expected: &str) {
        let result = Templates::parse(&format!("[{template}]"));

        match result {
            Ok(_) => assert_eq!(expected, "", "{template} is approved"),
            Err(invalid) => {
                let text = invalid.to_string();
                assert!(
                    !expected.is_empty() && text.contains(expected),
                    "{template}: {text}"
                );
            }
        }
    }

    #[test]
    fn templates_are_checked_by_the_rules_of_approval() {
        let with =
            |body: &str| format!(r#"{{"name":"a","language":"en","category":"UTILITY","body":"{body}"}}"#);

        check(&with("Hi {{1}}, see you at {{2}}."), "");
        check(&with("Hi {{first_name}}, see you."), "");
        check(&with("Hi {{1}}, see you at {{3}}."), "without gaps");
        check(&with("Hi {{1}}, see you at {{resort}}."), "without gaps");
        let headed = |header: &str, body: &str| {
            with(body).replace(r#""body""#, &format!(r#""header":"{header}","body""#))
        };
        check(&headed("Your stay at {{place}}", "Hi {{first_name}}!"), "");
        check(&headed("Your stay at {{1}}", "Hi {{1}}!"), "");
        check(&headed("Your stay at {{place}}", "Hi {{1}}!"), "both name them");
        check(
            &headed("Your stay at {{1}}", "Hi {{first_name}}!"),
            "both name them",
        );
        check(&with("Hi {{1}"), "without gaps");
        check(&with("{{1}}, see you"), "begins nor ends");
        check(&with("Hi {{1}} {{2}}!"), "between them");
        check(&with(""), "1 to 1024");
        check(
            r#"{"name":"A b","language":"en","category":"UTILITY","body":"x"}"#,
            "a-z, 0-9 and _",
        );
        check(
            r#"{"name":"a","language":"english","category":"UTILITY","body":"x"}"#,
            "code such as",
        );
        check(
            r#"{"name":"a","language":"en","category":"SPAM","body":"x"}"#,
            "unknown variant",
        );
        check(
            r#"{"name":"a","language":"en","category":"UTILITY","body":"x","text":"y"}"#,
            "unknown field",
        );
        check(
            r#"{"name":"a","language":"en","category":"UTILITY","body":"x","buttons":[{"type":"url","text":"Go","url":"http://a/{{1}}"}]}"#,
            "https://",
        );
        check(
            r#"{"name":"a","language":"en","category":"UTILITY","body":"x","buttons":[{"type":"quick_reply","text":"a"},{"type":"url","text":"Go","url":"https://a/"},{"type":"quick_reply","text":"b"}]}"#,
            "stand together",
        );
    }

    #[test]
    fn the_time_to_live_has_the_range_of_the_category() {
        let with = |category: &str, seconds: i64| {
            format!(
                r#"{{"name":"a","language":"en","category":"{category}","body":"x","message_send_ttl_seconds":{seconds}}}"#
            )
        };

        check(&with("MARKETING", 43_200), "");
        check(&with("MARKETING", 43_199), "43200 to 2592000");
        check(&with("MARKETING", -1), "43200 to 2592000");
        check(&with("UTILITY", 43_200), "");
        check(&with("UTILITY", 43_201), "30 to 43200");
        check(&with("UTILITY", -1), "");
    }

    #[test]
    fn a_template_is_listed_once_in_each_language() {
        let one = r#"{"name":"a","language":"en","category":"UTILITY","body":"x"}"#;

        check(&format!("{one},{one}"), "listed twice");
    }
}
