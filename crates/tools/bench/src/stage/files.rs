//! The files of the 128 resorts, each with a number of its own, and of the platform that reports for all of them.

use std::fs;
use std::path::Path;

use testkit::world::{NUMBER, ResortFile};

/// How many resorts there are.
pub(crate) const RESORTS: usize = 128;

/// How the id of each number begins.
pub(crate) const NUMBERS: &str = "1065403522";

/// Everything is checked, and no rate is ever reached.
const SOURCE: &str = "resorts = ['*']\n[auth]\nscheme = 'standard-webhooks'\nsecrets = ['env:DIRECT_SECRET']\n\
                      [network]\nallow = ['127.0.0.0/8', '::1/128']\n\
                      [rate_limit]\nper_second = 1000000\nburst = 1000000\n";

/// Lodgify's payloads, signed as the others, so that only the mapping differs.
const LODGIFY: &str = "resorts = ['*']\nplatform = 'lodgify'\n[properties]\n10000 = 'resort-000'\n[auth]\n\
                       scheme = 'standard-webhooks'\nsecrets = ['env:DIRECT_SECRET']\n\
                       [network]\nallow = ['127.0.0.0/8', '::1/128']\n\
                       [rate_limit]\nper_second = 1000000\nburst = 1000000\n";

/// The id of a resort.
pub(crate) fn resort(index: usize) -> String {
    format!("resort-{index:03}")
}

/// The id of its number.
pub(crate) fn number(index: usize) -> String {
    format!("{NUMBERS}{index:05}")
}

/// Carts stay as they are, until the platform reports that a guest has gone: then a reminder is due at once. A second one
/// follows after a day.
pub(super) fn write(folder: &Path) -> anyhow::Result<()> {
    write_for(folder, &ResortFile::patient())?;
    Ok(fs::write(folder.join("sources/lodgify.toml"), LODGIFY)?)
}

/// The same without what 0.1.0 cannot read: limits, and a header with a named variable.
pub(super) fn write_for_0_1(folder: &Path) -> anyhow::Result<()> {
    let mut resorts = ResortFile::patient();
    resorts.limits.clear();
    resorts.templates = resorts
        .templates
        .replace("header = { place = \"resort.name\" }\n", "");
    write_for(folder, &resorts)
}

fn write_for(folder: &Path, resorts: &ResortFile) -> anyhow::Result<()> {
    for part in ["resorts", "sources"] {
        fs::create_dir(folder.join(part))?;
    }
    let model = resorts.text();
    for index in 0..RESORTS {
        let text = model.replace(NUMBER, &number(index));
        fs::write(folder.join(format!("resorts/{}.toml", resort(index))), text)?;
    }
    Ok(fs::write(folder.join("sources/direct.toml"), SOURCE)?)
}
