//! The mappings that ship with Bellhop, one for each platform whose payloads were published.

/// A platform's mapping, as TOML with the keys of `[map]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// As `platform = "…"` names it.
    pub name: &'static str,
    pub toml: &'static str,
}

macro_rules! presets {
    ($($name:literal),+ $(,)?) => {
        /// All presets, by name. Our own format is none: it needs no mapping.
        pub const ALL: &[Preset] = &[$(Preset {
            name: $name,
            toml: include_str!(concat!("../presets/", $name, ".toml")),
        }),+];
    };
}

presets![
    "apaleo",
    "beds24",
    "checkfront",
    "cloudbeds",
    "fareharbor",
    "guesty",
    "hospitable",
    "hostaway",
    "lodgify",
    "mews",
    "ownerrez",
    "shopify",
    "sirvoy",
    "smoobu",
    "stripe",
    "woocommerce",
];

/// The preset of a platform.
pub fn find(name: &str) -> Option<Preset> {
    ALL.iter().copied().find(|preset| preset.name == name)
}
