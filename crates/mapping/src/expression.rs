//! One field's expression, in the language of minijinja, and the bounds within which it is evaluated.

use std::fmt;
use std::sync::{Arc, LazyLock};

use minijinja::value::Value;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};

use crate::casts;
use crate::fault::Cause;
use crate::scope::json::{self, Key};

/// What one evaluation may cost: a step of the expression costs 1, and so do 64 bytes that it makes. The longest
/// expression of the presets costs under 200.
const FUEL: u64 = 20_000;

/// The longest expression, in bytes.
const LONGEST: usize = 4_096;

/// All expressions share it: it has the filters and the bounds, and no templates.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    // `missing.a.b` is missing: most fields of a platform are optional.
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(50);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_filter("date_of", casts::date_of);
    environment.add_filter("in_zone", casts::in_zone);
    environment
});

/// A compiled expression.
#[derive(Clone)]
pub struct Expression {
    text: Arc<str>,
    reads_headers: bool,
    compiled: Arc<minijinja::Expression<'static, 'static>>,
    /// Set if it is nothing but paths: `guest.name`, `rooms[0].name or room`. Most are, and to look them up needs no engine.
    paths: Option<Arc<[Path]>>,
}

/// The text is no expression; a clause about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidExpression(String);

impl Expression {
    pub fn compile(text: &str) -> Result<Self, InvalidExpression> {
        if text.len() > LONGEST {
            return Err(InvalidExpression(format!("is longer than {LONGEST} bytes")));
        }
        let compiled = ENVIRONMENT
            .compile_expression_owned(text.to_owned())
            .map_err(|error| {
                let detail = error.detail().unwrap_or("it cannot be read").to_owned();
                InvalidExpression(format!("is not an expression: {detail}"))
            })?;
        let variables = compiled.undeclared_variables(false);
        Ok(Self {
            reads_headers: variables.contains("header"),
            paths: paths(text).filter(|paths| paths.iter().all(|path| variables.contains(&path.first))),
            text: text.into(),
            compiled: Arc::new(compiled),
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it looks at the request's headers.
    pub(crate) fn reads_headers(&self) -> bool {
        self.reads_headers
    }

    /// The name of the first filter or function that does not exist, if the evaluation of nothing shows one.
    pub fn unknown_name(&self) -> Option<String> {
        let error = self.compiled.eval(()).err()?;
        matches!(
            error.kind(),
            ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction
        )
        .then(|| error.detail().unwrap_or_default().to_owned())
    }

    pub(crate) fn evaluate(&self, scope: &Value) -> Result<Value, Cause> {
        let found = self.paths.as_deref().and_then(|paths| first_of(paths, scope));
        found.map_or_else(|| self.run(scope), Ok)
    }

    /// Whether it costs no more than a few lookups.
    pub(crate) fn is_cheap(&self) -> bool {
        self.paths.is_some()
    }

    fn run(&self, scope: &Value) -> Result<Value, Cause> {
        self.compiled
            .eval(scope.clone())
            .map_err(|error| match error.kind() {
                ErrorKind::OutOfFuel => Cause::TooCostly,
                _ => Cause::Failed,
            })
    }
}

struct Path {
    /// It may still be a word of the language, such as `true`.
    first: String,
    rest: Vec<Key>,
}

/// Paths with `or` between them.
fn paths(text: &str) -> Option<Arc<[Path]>> {
    text.split(" or ").map(|text| path(text.trim())).collect()
}

fn path(text: &str) -> Option<Path> {
    let mut keys = Vec::new();
    for part in text.split('.') {
        let (name, indexes) = part.split_at(part.find('[').unwrap_or(part.len()));
        keys.push(Key::Name(name_of(name)?));
        for index in indexes.split_terminator(']') {
            let digits = index.strip_prefix('[')?;
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            keys.push(Key::Index(is_number.then(|| digits.parse().ok())??));
        }
    }
    let rest = keys.split_off(1);
    match keys.pop() {
        Some(Key::Name(first)) => Some(Path { first, rest }),
        _ => None,
    }
}

fn name_of(text: &str) -> Option<String> {
    let mut characters = text.chars();
    let first = characters.next()?;
    let is_name = (first == '_' || first.is_ascii_alphabetic())
        && characters.all(|next| next == '_' || next.is_ascii_alphanumeric());
    is_name.then(|| text.to_owned())
}

/// The first that is true, or the last. `None`: only the engine can tell.
fn first_of(paths: &[Path], scope: &Value) -> Option<Value> {
    let mut found = Value::UNDEFINED;
    for path in paths {
        found = look_up(path, scope)?;
        if found.is_true() {
            break;
        }
    }
    Some(found)
}

/// As the engine does it: what is missing has no keys, and what has none by that name is missing. `None`: the first key is missing, and
/// the engine may know a function by that name.
fn look_up(path: &Path, scope: &Value) -> Option<Value> {
    let first = scope
        .get_attr(&path.first)
        .ok()
        .filter(|found| !found.is_undefined())?;
    if let Some(found) = json::look_up(&first, &path.rest) {
        return Some(found);
    }
    let step = |at: Value, key: &Key| match key {
        Key::Name(name) => at.get_attr(name),
        Key::Index(index) => at.get_item_by_index(*index),
    };
    Some(
        path.rest
            .iter()
            .fold(first, |at, key| step(at, key).unwrap_or_default()),
    )
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.text)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for InvalidExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use foreign_json::Document;

    use super::*;

    fn evaluate(text: &str) -> Result<Value, Cause> {
        Expression::compile(text).unwrap().evaluate(&Value::from(()))
    }

    #[test]
    fn an_expression_that_takes_too_many_steps_or_bytes_ends() {
        for text in [
            "range(100000) | list | length",
            "'a' * 100000000",
            "('a' * 1000000).replace('a', 'b' * 1000000)",
            "('a' * 1000000) | replace('a', 'b' * 1000000)",
            "(range(9000) | map('string') | join(',')) * 9000",
        ] {
            assert_eq!(evaluate(text).unwrap_err(), Cause::TooCostly, "{text}");
        }
    }

    #[test]
    fn what_is_missing_is_missing_all_the_way_down() {
        assert!(evaluate("guest.address.phone or none").unwrap().is_none());
        assert!(evaluate("guest.phones[3].number").unwrap().is_undefined());
        assert_eq!(evaluate("a.startswith('x')").unwrap_err(), Cause::Failed);
    }

    #[test]
    fn a_path_is_looked_up_as_the_engine_does_it() {
        let scope = json::value_of(Document::from(&serde_json::json!({
            "guest": { "name": "Ada", "phones": ["+30"], "none": null, "items": 7, "a b": 1, "empty": "", "zero": 0, "no": false, "list": [] },
            "text": "abc", "_n1": 0.5, "range": 3, "rooms": [{ "name": "Sea" }, [{ "name": "Sky" }]],
        })));
        let paths = [
            "guest",
            "guest.name",
            " guest.name ",
            "guest.name.first",
            "guest.none.first",
            "guest.phones.first",
            "guest.items",
            "guest.phones.0",
            "text.upper",
            "_n1",
            "nobody.there",
            "range",
            "dict",
            "true",
            "none",
            "not",
            "loop",
            "self",
            "guest.phones[0]",
            "guest.phones[1]",
            "guest.phones[0].number",
            "guest[0]",
            "guest.items[0]",
            "text[0]",
            "_n1[0]",
            "rooms[1][0].name",
            "rooms[0].name",
            "guest.nobody or text",
            "guest.none or guest.empty or guest.zero or guest.no",
            "guest.zero or guest.name",
            "guest.empty or guest",
            "guest.list or guest.phones",
            "nobody or text",
            "text or nobody",
        ];
        for text in paths {
            let Ok(expression) = Expression::compile(text) else {
                continue;
            };
            let (found, expected) = (expression.evaluate(&scope), expression.run(&scope));
            assert_eq!(found, expected, "{text}");
            assert_eq!(found.unwrap().kind(), expected.unwrap().kind(), "{text}");
        }
    }

    #[test]
    fn what_is_nothing_but_paths_needs_no_engine() {
        let is_cheap = |text: &str| Expression::compile(text).unwrap().is_cheap();
        for text in ["guest.name", "guest.phones[0]", "a[0][12].b or c"] {
            assert!(is_cheap(text), "{text}");
        }
        for text in [
            "guest.name | upper",
            "true",
            "guest.phones[-1]",
            "guest['name']",
            "a or 'b'",
            "a[0:1]",
        ] {
            assert!(!is_cheap(text), "{text}");
        }
    }

    #[test]
    fn an_expression_that_cannot_be_read_says_why() {
        let error = |text: &str| Expression::compile(text).unwrap_err().to_string();
        assert!(
            error("guest.name or").starts_with("is not an expression: "),
            "{}",
            error("guest.name or")
        );
        assert!(error("a b").starts_with("is not an expression: "));
        assert!(error(&"(".repeat(4_000)).starts_with("is not an expression: "));
        assert_eq!(error(&"a".repeat(5_000)), "is longer than 4096 bytes");
    }

    #[test]
    fn a_filter_that_does_not_exist_is_found_without_a_request() {
        let unknown = |text: &str| Expression::compile(text).unwrap().unknown_name();
        assert!(unknown("guest.name | shout").unwrap().contains("shout"));
        assert_eq!(unknown("guest.name | upper"), None);
    }
}
