//! Asks WhatsApp about our own token, number and account. A question changes nothing, so no answer is ever unclear.

use std::collections::BTreeSet;

use domain::approved_template::ApprovedTemplate;
use domain::ids::NumberId;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, SERVER};
use serde_json::Value;

use super::{Client, LONGEST_ANSWER, bearer, text, unreachable};
use crate::account::{self, MoreOfNumber, NumberFacts, SubscribedApp, TokenFacts, templates};
use crate::answer::{self, NotRead};

/// Templates of one page. The longest possible ones fit into [`LONGEST_ANSWER`].
const PAGE: &str = "50";
/// An account has at most some thousands of templates.
const MOST_PAGES: usize = 100;

impl Client {
    /// What the token is, asked with the token itself.
    pub async fn token_facts(&self, token: &str) -> Result<TokenFacts, NotRead> {
        let json = self
            .read(&["debug_token"], &[("input_token", token)], token)
            .await?;
        account::token_facts(&json).ok_or_else(|| unexpected("a token's facts"))
    }

    /// The number's standing.
    pub async fn number_facts(&self, number: &NumberId, token: &str) -> Result<NumberFacts, NotRead> {
        let fields = [("fields", NumberFacts::FIELDS)];
        let json = self.read(&[number.as_str()], &fields, token).await?;
        Ok(account::number_facts(&json))
    }

    /// What newer versions of the API say of the number. An older one refuses the question with code 100.
    pub async fn more_of_number(&self, number: &NumberId, token: &str) -> Result<MoreOfNumber, NotRead> {
        let fields = [("fields", MoreOfNumber::FIELDS)];
        let json = self.read(&[number.as_str()], &fields, token).await?;
        Ok(account::more_of_number(&json))
    }

    /// The apps that get the account's notifications.
    pub async fn subscribed_apps(&self, account: &str, token: &str) -> Result<Vec<SubscribedApp>, NotRead> {
        let json = self.read(&[account, "subscribed_apps"], &[], token).await?;
        account::subscribed_apps(&json).ok_or_else(|| unexpected("a list of apps"))
    }

    /// Every template of the account, in every language.
    pub async fn templates(&self, account: &str, token: &str) -> Result<Vec<ApprovedTemplate>, NotRead> {
        let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
        let mut after: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mut query = vec![("fields", templates::FIELDS), ("limit", PAGE)];
            query.extend(after.as_deref().map(|cursor| ("after", cursor)));
            let json = self.read(&[account, "message_templates"], &query, token).await?;
            let page = templates::page(&json).ok_or_else(|| unexpected("a list of templates"))?;
            found.extend(page.templates);
            match page.next {
                // A cursor that comes twice would never end.
                Some(cursor) if seen.insert(cursor.clone()) => after = Some(cursor),
                _ => break,
            }
        }
        Ok(found)
    }

    pub(super) async fn read(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        token: &str,
    ) -> Result<Value, NotRead> {
        let Some(authorization) = bearer(token) else {
            return Err(NotRead::Refused {
                code: super::NO_TOKEN,
                subcode: None,
                fbtrace_id: None,
            });
        };
        let mut url = self.url_of(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.get(url).header(AUTHORIZATION, authorization);
        let mut response = request.send().await.map_err(|error| {
            if error.is_connect() {
                NotRead::Unreachable(unreachable::reason(&error))
            } else {
                NotRead::NoAnswer
            }
        })?;
        let status = response.status();
        let headers =
            [CONTENT_TYPE, SERVER].map(|name| text(response.headers(), name.as_str()).map(str::to_owned));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| NotRead::NoAnswer)? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST_ANSWER {
                return Err(unexpected("an answer of at most 1 MiB"));
            }
        }
        let json: Option<Value> = serde_json::from_slice(&body).ok();
        if let Some(refused) = json.as_ref().and_then(answer::refusal_of_question) {
            return Err(refused);
        }
        match json {
            Some(json) if status.is_success() && json.is_object() => Ok(json),
            _ => {
                let headers = headers.each_ref().map(Option::as_deref);
                let seen = answer::Answer::not_whatsapps(status.as_u16(), "").or_describe(&headers);
                Err(NotRead::NotWhatsApps(seen.foreign.unwrap_or_default()))
            }
        }
    }
}

pub(super) fn unexpected(wanted: &str) -> NotRead {
    NotRead::NotWhatsApps(format!("it is not {wanted}"))
}
