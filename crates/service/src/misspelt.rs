//! Variables that are no settings but nearly are: a misspelt one would be silently ignored.

use domain::spelling;

use crate::Environment;

/// Every variable that a program of ours reads; a rule keeps it complete. Those below the line are named by files.
const EXAMPLE: &str = include_str!("../../../deploy/example.env");
const NAMED_BY_FILES: &str = "env:NAME";

/// A likeness. One wrong letter of ten is above it, another word is below.
const SIMILAR: f64 = 0.85;

/// Warns of each variable that looks like a setting of any program and is none.
pub fn warn_about(environment: &Environment) {
    for (variable, meant) in find(environment.names()) {
        log::warn!(variable, meant, event = "variable_unknown"; "an environment variable is no setting: is it misspelt?");
    }
}

/// Each with the setting that it resembles most.
fn find<'n>(names: impl Iterator<Item = &'n str>) -> Vec<(&'n str, &'static str)> {
    let settings: Vec<&str> = settings().collect();
    // OpenTelemetry has many variables, and we obey some of them.
    let unknown = names.filter(|name| !settings.contains(name) && !name.starts_with("OTEL"));
    let nearest = |name: &'n str| {
        let nearest = spelling::by_likeness(name, settings.iter().copied());
        let (setting, likeness) = *nearest.first()?;
        (likeness >= SIMILAR).then_some((name, setting))
    };
    unknown.filter_map(nearest).collect()
}

fn settings() -> impl Iterator<Item = &'static str> {
    let (of_programs, _) = EXAMPLE.split_once(NAMED_BY_FILES).unwrap_or((EXAMPLE, ""));
    let names = of_programs.lines().filter_map(|line| line.split_once('='));
    let names = names.map(|(name, _)| name.strip_prefix('#').unwrap_or(name));
    names
        .filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    // shows: B265
    #[test]
    fn a_misspelt_setting_is_found_and_other_variables_are_not() {
        let names = [
            "WHATSAP_APP_SECRETS",
            "DATABSE_URL",
            "SENDER_MESAGES_PER_SECOND",
            "INGEST_TRUSTED_PROXY",
            "WHATSAPP_APP_SECRETS",
            "AZURE_BAY_TOKEN",
            "DIRECT_SECRET",
            "SANDBOX_ADDR",
            "INGEST_SERVICE_HOST",
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
            "PATH",
            "HOSTNAME",
        ];

        let found = find(names.into_iter());

        assert_eq!(
            found,
            [
                ("WHATSAP_APP_SECRETS", "WHATSAPP_APP_SECRETS"),
                ("DATABSE_URL", "DATABASE_URL"),
                ("SENDER_MESAGES_PER_SECOND", "SENDER_MESSAGES_PER_SECOND"),
                ("INGEST_TRUSTED_PROXY", "INGEST_TRUSTED_PROXIES"),
            ]
        );
    }
}
