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
    compiled: Arc<minijinja::Expression<'static, 'static>>,
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
        Ok(Self {
            text: text.into(),
            compiled: Arc::new(compiled),
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
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
        self.compiled
            .eval(scope.clone())
            .map_err(|error| match error.kind() {
                ErrorKind::OutOfFuel => Cause::TooCostly,
                _ => Cause::Failed,
            })
    }
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
