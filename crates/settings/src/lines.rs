//! Where the keys of a resort's file are, for findings that are made after the file was read: what WhatsApp says of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use domain::ids::ResortId;
use domain::resort::Language;
use toml::de::{DeTable, DeValue};

use crate::folder::{FileName, Kind};

/// The lines of a resort's file, by key. A file that changed since it was read answers with its new lines.
#[derive(Debug, Default)]
pub struct ResortLines {
    file: PathBuf,
    /// By the dotted key.
    lines: BTreeMap<String, usize>,
}

impl ResortLines {
    /// Reads the file; one that cannot be read has no lines.
    pub fn read(folder: &Path, id: &ResortId) -> Self {
        let name = FileName {
            kind: Kind::Resort,
            stem: id.to_string(),
        };
        let file = folder.join(name.to_string());
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        Self {
            lines: of(&text),
            file,
        }
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The line of a key, counted from 1; of the nearest table around it where the key is missing, else 1.
    pub fn of_key(&self, key: &str) -> usize {
        let mut key = key;
        loop {
            if let Some(line) = self.lines.get(key) {
                return *line;
            }
            match key.rsplit_once('.') {
                Some((table, _)) => key = table,
                None => return 1,
            }
        }
    }

    /// The line of a template in a table of templates by language, such as `templates.reminder_1`. Languages count as the
    /// same in any spelling: `pt-BR`, `pt_BR`.
    pub fn of_template(&self, table: &str, language: &Language) -> usize {
        let prefix = format!("{table}.");
        let is_it = |key: &str| {
            let spelt = key.strip_prefix(&prefix);
            spelt.and_then(Language::parse).as_ref() == Some(language)
        };
        let found = self.lines.iter().find(|(key, _)| is_it(key));
        found.map_or_else(|| self.of_key(table), |(_, line)| *line)
    }
}

fn of(text: &str) -> BTreeMap<String, usize> {
    let (root, _) = DeTable::parse_recoverable(text);
    let mut lines = BTreeMap::new();
    collect(text, "", root.get_ref(), &mut lines);
    lines
}

fn collect(text: &str, path: &str, table: &DeTable<'_>, lines: &mut BTreeMap<String, usize>) {
    for (name, value) in table {
        let key = match path {
            "" => name.get_ref().to_string(),
            path => format!("{path}.{}", name.get_ref()),
        };
        let before = text.as_bytes().get(..name.span().start).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        if let DeValue::Table(inner) = value.get_ref() {
            collect(text, &key, inner, lines);
        }
        lines.insert(key, line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "name = \"x\"\n\n[whatsapp]\nphone_number_id = \"1\"\n\n[templates.reminder_1.pt-BR]\nname = \"a\"\n\
                        [fallback]\ntemplate.en = { name = \"b\" }\n";

    fn lines() -> ResortLines {
        ResortLines {
            file: PathBuf::new(),
            lines: of(FILE),
        }
    }

    #[test]
    fn a_missing_key_has_the_line_of_the_table_that_it_belongs_into() {
        for (key, line) in [
            ("whatsapp.phone_number_id", 4),
            ("whatsapp.business_account_id", 3),
            ("templates.reminder_1.pt-BR.name", 7),
            ("quiet_hours.from", 1),
        ] {
            assert_eq!(lines().of_key(key), line, "{key}");
        }
    }

    #[test]
    fn a_template_is_found_in_any_spelling_of_its_language() {
        let language = |tag| Language::parse(tag).unwrap();

        assert_eq!(lines().of_template("templates.reminder_1", &language("pt_br")), 6);
        assert_eq!(lines().of_template("fallback.template", &language("en")), 9);
        assert_eq!(lines().of_template("templates.reminder_1", &language("de")), 6);
    }
}
