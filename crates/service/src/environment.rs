//! The environment as a value, and a reader that reports every problem at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

/// A snapshot of the process's variables, so that everything else is a function of it.
///
/// A variable that is set to nothing counts as unset. A byte order mark before a value and line ends after it, which
/// come along from files, do not belong to it. `Debug` shows no values.
#[derive(Clone, Default)]
pub struct Environment(Arc<Variables>);

/// Looks a variable up by its name.
pub type LookUp = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Wiped when the last clone is gone: some are secrets.
#[derive(Default)]
struct Variables {
    values: BTreeMap<String, Zeroizing<String>>,
    not_text: BTreeSet<String>,
}

impl Environment {
    /// Takes the variables of this process; to be called once, at start.
    pub fn of_process() -> Self {
        let mut variables = Variables::default();
        for (name, value) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            match value.into_string() {
                Ok(value) => variables.insert(name, value),
                Err(_) => drop(variables.not_text.insert(name)),
            }
        }
        Self(Arc::new(variables))
    }

    /// An environment made up of these pairs alone.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut variables = Variables::default();
        for (name, value) in pairs {
            variables.insert(name.into(), value.into());
        }
        Self(Arc::new(variables))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.values.get(name).map(|value| value.as_str())
    }

    /// The names of all that are set.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.values.keys().map(String::as_str)
    }

    /// A function that looks variables up, for libraries.
    pub fn look_up(&self) -> LookUp {
        let environment = self.clone();
        Box::new(move |name| environment.get(name).map(str::to_owned))
    }

    /// A reader that remembers every problem it meets.
    pub fn reader(&self) -> Reader<'_> {
        Reader {
            environment: self,
            problems: Problems(Vec::new()),
        }
    }
}

impl Variables {
    fn insert(&mut self, name: String, value: String) {
        let value = Zeroizing::new(value);
        let bare = value.strip_prefix('\u{FEFF}').unwrap_or(&value);
        let bare = bare.trim_end_matches(['\r', '\n']);
        if !bare.is_empty() {
            self.values.insert(name, Zeroizing::new(bare.to_owned()));
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.values.keys()).finish()
    }
}

/// Reads variables, hands out placeholders for those that are wrong, and tells everything at the end.
///
/// No problem repeats the value of a variable: it may be a secret.
pub struct Reader<'e> {
    environment: &'e Environment,
    problems: Problems,
}

impl<'e> Reader<'e> {
    /// The value of a variable that must be set; empty until [`finish`](Self::finish) reports that it is not.
    pub fn required(&mut self, name: &str) -> String {
        self.look_up_required(name).unwrap_or_default().to_owned()
    }

    /// The value of a variable that may be left out.
    pub fn optional(&mut self, name: &str) -> Option<String> {
        self.look_up(name).map(str::to_owned)
    }

    /// An address to listen at, or the default.
    pub fn address_or(&mut self, name: &str, default: SocketAddr) -> SocketAddr {
        let expected = "is not an address with a port, such as 0.0.0.0:8080";
        self.parsed_or(name, |text| text.parse().map_err(|_| expected), default)
    }

    /// A folder that must be there.
    pub fn folder(&mut self, name: &str) -> Option<PathBuf> {
        self.parsed(name, |text| {
            std::fs::read_dir(text)
                .map(|_| PathBuf::from(text))
                .map_err(|error| format!("is not a readable folder: {error}"))
        })
    }

    /// What `parse` makes of a variable that must be set; `None` means a problem, see [`finish_with`](Self::finish_with).
    ///
    /// The text of a parse error is shown: it should say what is expected and not repeat the value.
    pub fn parsed<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.look_up_required(name)?;
        self.parse(name, value, parse)
    }

    /// What `parse` makes of a variable, or the default where it is unset (or wrong, until the end).
    pub fn parsed_or<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
        default: T,
    ) -> T {
        self.optional_parsed(name, parse).unwrap_or(default)
    }

    pub fn optional_parsed<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.look_up(name)?;
        self.parse(name, value, parse)
    }

    /// What `read` makes of variables that belong together, and that a library knows; it gives its problems with their
    /// names, and they are remembered.
    pub fn together<T>(
        &mut self,
        read: impl FnOnce(&mut dyn FnMut(&str) -> Option<String>) -> (T, Vec<(&'static str, String)>),
    ) -> T {
        let (value, problems) = read(&mut |name| self.optional(name));
        for (name, problem) in problems {
            self.problem(name, problem);
        }
        value
    }

    /// Adds a problem that only the caller can see, such as two variables that exclude each other.
    pub fn problem(&mut self, name: &str, text: impl Display) {
        self.problems.push(name, text);
    }

    /// The value, unless a problem was met.
    pub fn finish<T>(self, value: T) -> Result<T, Problems> {
        self.finish_with(|| Some(value))
    }

    /// What `build` puts together, unless a problem was met; made for the `Option`s of [`parsed`](Self::parsed) and `?`.
    pub fn finish_with<T>(self, build: impl FnOnce() -> Option<T>) -> Result<T, Problems> {
        if !self.problems.0.is_empty() {
            return Err(self.problems);
        }
        build().ok_or_else(|| Problems::one("environment", "is incomplete; --help lists every variable"))
    }

    // Borrowed, because a copy would not be wiped.
    fn look_up(&mut self, name: &str) -> Option<&'e str> {
        if self.environment.0.not_text.contains(name) {
            self.problem(name, "is not UTF-8; set it to text");
        }
        self.environment.get(name)
    }

    fn look_up_required(&mut self, name: &str) -> Option<&'e str> {
        let value = self.look_up(name);
        if value.is_none() && !self.environment.0.not_text.contains(name) {
            self.problem(name, "is not set; set it, --help tells what it means");
        }
        value
    }

    fn parse<T, E: Display>(
        &mut self,
        name: &str,
        value: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match parse(value) {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                self.problem(name, error);
                None
            }
        }
    }
}

/// Everything that is wrong with the settings; written one line each, `NAME: what is wrong`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<(String, String)>);

impl Problems {
    /// A single problem, for what shows itself only after reading, such as an unreadable folder.
    pub fn one(name: &str, text: impl Display) -> Self {
        Self(vec![(name.to_owned(), text.to_string())])
    }

    /// Adds a problem; the same one twice counts once.
    pub fn push(&mut self, name: &str, text: impl Display) {
        let problem = (name.to_owned(), text.to_string());
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    /// Adds the problems of another reading.
    pub fn extend(&mut self, others: Problems) {
        for (name, text) in others.0 {
            self.push(&name, text);
        }
    }
}

impl Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, text)) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(formatter)?;
            }
            write!(formatter, "{name}: {text}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(text: &str) -> Result<u16, &'static str> {
        text.parse()
            .map_err(|_| "is not a port number; give one up to 65535")
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let environment = Environment::from_pairs([("PORT", "many"), ("EMPTY", "")]);

        let mut read = environment.reader();
        let _ = (
            read.required("AMQP_URL"),
            read.required("EMPTY"),
            read.parsed_or("PORT", port, 1),
        );
        read.problem(
            "BELLHOP_KEYS",
            "is set together with BELLHOP_KEYS_FILE; unset one",
        );
        let problems = read.finish(()).unwrap_err().to_string();

        let names: Vec<_> = problems
            .lines()
            .map(|line| line.split(':').next().unwrap())
            .collect();
        assert_eq!(names, ["AMQP_URL", "EMPTY", "PORT", "BELLHOP_KEYS"]);
    }

    #[test]
    fn no_problem_repeats_a_value() {
        let environment = Environment::from_pairs([("PORT", "hunter2")]);

        let mut read = environment.reader();
        read.parsed("PORT", port);
        let problems = read.finish(()).unwrap_err();

        assert!(!format!("{problems} {problems:?} {environment:?}").contains("hunter2"));
    }

    #[test]
    fn a_variable_set_to_nothing_is_unset() {
        let environment = Environment::from_pairs([("PORT", "")]);

        let mut read = environment.reader();

        assert_eq!(read.optional("PORT"), None);
        assert_eq!(read.parsed_or("PORT", port, 8080), 8080);
        assert_eq!(read.finish(()), Ok(()));
    }

    // shows: B11
    #[test]
    fn what_comes_along_from_a_file_does_not_belong_to_a_value() {
        let environment = Environment::from_pairs([
            ("LINE", "a b\n"),
            ("WINDOWS", "\u{FEFF}a b\r\n"),
            ("BLANKS", " a\n b \n"),
            ("EMPTY", "\u{FEFF}\r\n"),
        ]);

        assert_eq!(environment.get("LINE"), Some("a b"));
        assert_eq!(environment.get("WINDOWS"), Some("a b"));
        assert_eq!(environment.get("BLANKS"), Some(" a\n b "));
        assert_eq!(environment.get("EMPTY"), None);
    }

    #[test]
    fn a_value_that_is_not_text_is_a_problem_and_told_once() {
        let mut variables = Variables::default();
        variables.not_text.insert("AMQP_URL".to_owned());
        let environment = Environment(Arc::new(variables));

        let mut read = environment.reader();
        read.required("AMQP_URL");

        assert_eq!(
            read.finish(()).unwrap_err(),
            Problems::one("AMQP_URL", "is not UTF-8; set it to text")
        );
    }

    #[test]
    fn addresses_and_folders_say_what_they_should_be() {
        let environment = Environment::from_pairs([("ADDR", "8080"), ("FOLDER", "/nowhere"), ("HERE", ".")]);

        let mut read = environment.reader();
        read.address_or("ADDR", ([0, 0, 0, 0], 80).into());
        read.folder("FOLDER");
        assert_eq!(read.folder("HERE"), Some(PathBuf::from(".")));
        let problems = read.finish(()).unwrap_err().to_string();

        assert!(
            problems.contains("ADDR: is not an address with a port, such as"),
            "{problems}"
        );
        assert!(
            problems.contains("FOLDER: is not a readable folder: "),
            "{problems}"
        );
    }

    #[test]
    fn parsed_values_are_put_together_when_all_is_well() {
        let environment = Environment::from_pairs([("PORT", "8080")]);

        let mut read = environment.reader();
        let port = read.parsed("PORT", port);

        assert_eq!(read.finish_with(|| Some((port?,))), Ok((8080,)));
    }
}
