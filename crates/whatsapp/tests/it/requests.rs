//! Requests look like WhatsApp's own examples.

use domain::endpoint::Endpoint;
use domain::render::{Content, Parameters};
use serde_json::{Value, json};
use whatsapp::request::Outgoing;

use crate::fixtures::{MESSAGE, json as fixture, message};

fn template(name: &str, language_code: &str, body: Parameters, button_url: Option<&str>) -> Content {
    Content::Template {
        name: name.to_owned(),
        language_code: language_code.to_owned(),
        header: Parameters::Positional(Vec::new()),
        body,
        button_url: button_url.map(str::to_owned),
        replies: Vec::new(),
    }
}

fn named(parameters: &[(&str, &str)]) -> Parameters {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    Parameters::Named(parameters.iter().map(owned).collect())
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The example, with our callback data, and without what the pointers name.
fn example(path: &str, without: &[(&str, &str)]) -> Value {
    let mut example = fixture(path);
    example["biz_opaque_callback_data"] = format!("{MESSAGE}.2").into();
    for (parent, key) in without {
        example
            .pointer_mut(parent)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove(*key)
            .unwrap();
    }
    example
}

#[test]
fn a_text_is_sent_without_a_link_preview() {
    let message = message(Content::Text("Your cart: https://shop.example/c/8f3e".to_owned()));

    assert_eq!(
        message.to_json(),
        example("requests/text.json", &[("/text", "preview_url")])
    );
}

#[test]
fn a_template_without_parameters_has_no_components() {
    let content = template("hello_world", "en_US", Parameters::Positional(Vec::new()), None);

    assert_eq!(
        message(content).to_json(),
        example("requests/template_no_params.json", &[])
    );
}

#[test]
fn a_positional_template_fills_its_header_its_body_and_its_button() {
    let mut want = example("requests/template_positional_button.json", &[]);
    let components = want
        .pointer_mut("/template/components")
        .unwrap()
        .as_array_mut()
        .unwrap();
    components[0] = json!({ "type": "header", "parameters": [{ "type": "text", "text": "Azure Bay" }] });
    components.pop(); // We set no payload of a quick reply.

    let mut content = template(
        "cart_reminder_1",
        "en_US",
        Parameters::Positional(texts(&["Ana", "Blue mug"])),
        Some("c/8f3e?k=1"),
    );
    if let Content::Template { header, .. } = &mut content {
        *header = Parameters::Positional(texts(&["Azure Bay"]));
    }

    assert_eq!(message(content).to_json(), want);
}

#[test]
fn a_named_template_names_the_parameters_of_its_body() {
    let button = "/template/components/1/parameters/0";
    let want = example("requests/template_named.json", &[(button, "parameter_name")]);
    let body = named(&[("first_name", "Ana"), ("product", "Blaue Tasse")]);

    let content = template("cart_reminder_named", "de", body, Some("c%2F8f3e"));

    assert_eq!(message(content).to_json(), want);
}

/// The example's header and body are what pywa 4.5 makes of the template's named texts.
// shows: B64
#[test]
fn a_named_template_names_the_parameter_of_its_header_too() {
    let mut content = template(
        "seasonal_promotion_named",
        "en_US",
        named(&[("code", "25OFF")]),
        None,
    );
    if let Content::Template { header, .. } = &mut content {
        *header = named(&[("sale_start_date", "December 1st")]);
    }

    assert_eq!(
        message(content).to_json(),
        example("requests/template_named_header.json", &[])
    );
}

#[test]
fn debug_shows_neither_the_number_nor_the_words() {
    let shown = format!("{:?}", message(Content::Text("Dear Ana".to_owned())));

    assert!(
        !shown.contains("Ana") && !shown.contains("1111") && shown.contains("callback"),
        "{shown}"
    );
}

#[test]
fn a_marketing_template_asks_for_the_ordinary_way_where_meta_cannot_optimise_it() {
    let content = || template("hello_world", "en_US", Parameters::Positional(Vec::new()), None);
    let marketing = Outgoing {
        endpoint: Endpoint::MarketingMessages,
        ..message(content())
    };

    let mut want = message(content()).to_json();
    want["product_policy"] = "CLOUD_API_FALLBACK".into();
    assert_eq!(marketing.to_json(), want);
}
