//! The description of this interface for machines.

use actix_web::HttpResponse;

const DOCUMENT: &str = include_str!("openapi.json");

pub(super) async fn show() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(DOCUMENT)
}

#[cfg(test)]
mod tests {
    use domain::event::EventType;
    use serde_json::Value;

    use super::*;
    use crate::problem::tests::every;
    use mapping::check::FieldProblem;

    fn texts(document: &Value, pointer: &str) -> Vec<String> {
        let list = document.pointer(pointer).unwrap().as_array().unwrap();
        list.iter()
            .map(|item| item.as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn the_document_names_every_event_type_and_no_other() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();

        let named = texts(&document, "/components/schemas/Event/properties/type/enum");

        let types: Vec<_> = EventType::ALL.iter().map(|one| one.as_str()).collect();
        assert_eq!(named, types);
    }

    #[test]
    fn the_document_names_every_problem_and_no_other() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();

        let named = texts(&document, "/components/schemas/Problem/properties/type/enum");

        let problems = every();
        let names = problems
            .iter()
            .map(|one| format!("urn:bellhop:problem:{}", one.name()));
        assert_eq!(named, names.collect::<Vec<_>>());
    }

    #[test]
    fn the_document_names_every_status_that_a_webhook_is_answered_with() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let responses = document
            .pointer("/paths/~1webhooks~1{source}/post/responses")
            .unwrap();

        for problem in every() {
            let status = problem.status().as_u16().to_string();
            assert!(responses.get(&status).is_some(), "{status}");
        }
    }

    #[test]
    fn the_document_names_every_problem_of_a_field() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let pointer = "/components/schemas/Problem/properties/errors/items/properties/problem/enum";

        let all = [
            FieldProblem::Missing,
            FieldProblem::Empty,
            FieldProblem::WrongType,
            FieldProblem::NotADate,
            FieldProblem::TooLong,
            FieldProblem::NotAllowed,
        ];
        let words = all.map(|one| serde_json::to_value(one).unwrap().as_str().unwrap().to_owned());
        assert_eq!(texts(&document, pointer), words);
    }
}
