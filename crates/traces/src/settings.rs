//! The standard's variables, as far as they are obeyed:
//! <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>.

use std::fmt;
use std::time::Duration;

use outbound::{Outbound, Problem};
use percent_encoding::percent_decode_str;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TIMEOUT";
const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
const DISABLED: &str = "OTEL_SDK_DISABLED";
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where spans go, and how.
#[derive(Clone)]
pub struct Settings {
    pub(crate) endpoint: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) timeout: Duration,
    /// `None`: the program's own name.
    pub(crate) service_name: Option<String>,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) outbound: Outbound,
}

/// Without values: the address and the headers may hold credentials.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").finish_non_exhaustive()
    }
}

impl Settings {
    /// Reads the variables; `None`: no endpoint is set, so nothing is sent. The problems repeat no value.
    pub fn read(mut look_up: impl FnMut(&str) -> Option<String>) -> (Option<Self>, Vec<Problem>) {
        let mut get = |name: &str| look_up(name).filter(|value| !value.trim().is_empty());
        let (name, address) = match (get(TRACES_ENDPOINT), get(ENDPOINT)) {
            (Some(whole), _) => (TRACES_ENDPOINT, whole),
            (None, Some(base)) => (ENDPOINT, format!("{}/v1/traces", base.trim_end_matches('/'))),
            (None, None) => return (None, Vec::new()),
        };
        if get(DISABLED).is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return (None, Vec::new());
        }
        let mut problems = Vec::new();
        let endpoint = Url::parse(&address)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if endpoint.is_none() {
            problems.push((name, "is not an http or https URL".to_owned()));
        }
        if get(PROTOCOL).is_some_and(|protocol| !protocol.starts_with("http/")) {
            let expected = "is not http/json or http/protobuf: spans are sent over HTTP, as JSON".to_owned();
            problems.push((PROTOCOL, expected));
        }
        let headers = get(HEADERS).map_or(Some(HeaderMap::new()), |text| headers(&text));
        if headers.is_none() {
            let expected = "is not a list of headers, name=value, separated by commas".to_owned();
            problems.push((HEADERS, expected));
        }
        let timeout = get(TIMEOUT).map_or(Some(DEFAULT_TIMEOUT), |text| {
            text.trim().parse().ok().map(Duration::from_millis)
        });
        if timeout.is_none() {
            problems.push((TIMEOUT, "is not a number of milliseconds".to_owned()));
        }
        let attributes = get(ATTRIBUTES).map_or(Some(Vec::new()), |text| pairs(&text));
        if attributes.is_none() {
            let expected = "is not a list of attributes, name=value, separated by commas".to_owned();
            problems.push((ATTRIBUTES, expected));
        }
        let service_name = get(SERVICE_NAME);
        let (outbound, _) = Outbound::read(&mut look_up);
        let settings = (|| {
            Some(Self {
                endpoint: endpoint?,
                headers: headers?,
                timeout: timeout?,
                service_name,
                attributes: attributes?,
                outbound,
            })
        })();
        (settings, problems)
    }
}

/// `name=value,name=value`, percent-encoded as in W3C's header `baggage`.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let parts = text.split(',').filter(|part| !part.trim().is_empty());
    let pair = |part: &str| {
        let (name, value) = part.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        Some((name.trim().to_owned(), value.into_owned()))
    };
    parts.map(pair).collect()
}

fn headers(text: &str) -> Option<HeaderMap> {
    let header = |(name, value): (String, String)| {
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        Some((name.parse::<HeaderName>().ok()?, value))
    };
    pairs(text)?.into_iter().map(header).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> (Option<Settings>, Vec<Problem>) {
        Settings::read(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn without_an_endpoint_nothing_is_read() {
        let (settings, problems) = read(&[(HEADERS, "nonsense")]);

        assert!(settings.is_none() && problems.is_empty());
        assert!(
            read(&[(ENDPOINT, "http://otel:4318"), (DISABLED, "true")])
                .0
                .is_none()
        );
    }

    #[test]
    fn an_endpoint_is_a_base_or_the_whole_address_of_traces() {
        let address = |variables: &[(&str, &str)]| read(variables).0.unwrap().endpoint.to_string();

        assert_eq!(
            address(&[(ENDPOINT, "http://otel:4318")]),
            "http://otel:4318/v1/traces"
        );
        assert_eq!(
            address(&[(ENDPOINT, "https://otel.example/in/")]),
            "https://otel.example/in/v1/traces"
        );
        assert_eq!(
            address(&[
                (ENDPOINT, "http://otel:4318"),
                (TRACES_ENDPOINT, "http://other/spans")
            ]),
            "http://other/spans"
        );
    }

    #[test]
    fn headers_and_attributes_are_lists_of_names_and_values() {
        let (settings, problems) = read(&[
            (ENDPOINT, "http://otel:4318"),
            (HEADERS, "authorization=Basic%20QWRh, x-tenant=resorts"),
            (ATTRIBUTES, "deployment.environment.name=production"),
            (TIMEOUT, "2500"),
        ]);

        assert_eq!(problems, []);
        let settings = settings.unwrap();
        assert_eq!(settings.headers["authorization"], "Basic QWRh");
        assert_eq!(settings.headers["x-tenant"], "resorts");
        let attribute = ("deployment.environment.name".to_owned(), "production".to_owned());
        assert_eq!(settings.attributes, [attribute]);
        assert_eq!(settings.timeout, Duration::from_millis(2_500));
    }

    #[test]
    fn every_wrong_variable_is_named_and_no_value_is_repeated() {
        let (settings, problems) = read(&[
            (ENDPOINT, "hunter2"),
            (HEADERS, "hunter2"),
            (ATTRIBUTES, "hunter2"),
            (TIMEOUT, "hunter2"),
            (PROTOCOL, "grpc"),
        ]);

        assert!(settings.is_none());
        let names: Vec<_> = problems.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, [ENDPOINT, PROTOCOL, HEADERS, TIMEOUT, ATTRIBUTES]);
        assert!(!format!("{problems:?}").contains("hunter2"));
    }
}
