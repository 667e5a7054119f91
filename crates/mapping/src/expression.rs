//! One field's expression, in the language of minijinja, and the bounds within which it is evaluated.

use std::fmt;
use std::sync::{Arc, LazyLock};

use minijinja::value::Value;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};

use crate::casts;
use crate::fault::Cause;

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
    /// The keys of an expression that is nothing but a path: `guest.name`. Most are, and to look them up needs no engine.
    path: Option<Arc<[String]>>,
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
            path: path(text).filter(|keys| keys.first().is_some_and(|first| variables.contains(first))),
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
        let found = self.path.as_deref().and_then(|path| look_up(path, scope));
        found.map_or_else(|| self.run(scope), Ok)
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

/// The keys of a path; the first may still be a word of the language, such as `true`.
fn path(text: &str) -> Option<Arc<[String]>> {
    let is_key = |key: &str| {
        let mut characters = key.chars();
        let first = characters.next();
        first.is_some_and(|first| first == '_' || first.is_ascii_alphabetic())
            && characters.all(|next| next == '_' || next.is_ascii_alphanumeric())
    };
    let keys = text.trim().split('.');
    keys.map(|key| is_key(key).then(|| key.to_owned())).collect()
}

/// As the engine does it: what is missing has no keys, and what has none by that name is missing. `None`: the first key is missing, and
/// the engine may know a function by that name.
fn look_up(path: &[String], scope: &Value) -> Option<Value> {
    let (first, rest) = path.split_first()?;
    let first = scope.get_attr(first).ok().filter(|found| !found.is_undefined())?;
    Some(
        rest.iter()
            .fold(first, |at, key| at.get_attr(key).unwrap_or_default()),
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
    use super::*;
    use crate::scope::json;

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
        let scope = json::value_of(Arc::new(serde_json::json!({
            "guest": { "name": "Ada", "phones": ["+30"], "none": null, "items": 7, "a b": 1 }, "text": "abc", "_n1": 0.5, "range": 3,
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
        ];
        for text in paths {
            let Ok(expression) = Expression::compile(text) else {
                continue;
            };
            let (found, expected) = (expression.evaluate(&scope), expression.run(&scope));
            assert_eq!(found, expected, "{text}");
            assert_eq!(found.unwrap().kind(), expected.unwrap().kind(), "{text}");
        }
        let is_path = |text: &str| Expression::compile(text).unwrap().path.is_some();
        assert!(
            is_path("guest.name")
                && !is_path("guest.name | upper")
                && !is_path("true")
                && !is_path("guest.phones[0]")
        );
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
