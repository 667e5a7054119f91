//! Checks what WhatsApp knows of a resort against its file: token, number, notifications, templates. Changes nothing.
//!
//! Each part is a pure function from WhatsApp's answer to findings; this file asks. Resorts that share a token or an account
//! cost its questions once.

mod finding;
mod notifications;
mod number;
mod templates;
mod token;
mod unread;

use std::collections::BTreeMap;
use std::path::Path;

use chrono::Utc;
use crypto::secret::Secret;
use domain::approved_template::ApprovedTemplate;
use domain::ids::{NumberId, ResortId};
use domain::resort::Resort;
use settings::{ResortLines, Severity as FileSeverity, Snapshot};
use store::report_gaps::{self, LastOfNumber, ReportGap};
use store::{Store, StoreError};
use whatsapp::account::{MANAGEMENT, SubscribedApp, TokenFacts};
use whatsapp::answer::NotRead;
use whatsapp::client::Client;

use finding::{ACCOUNT, Finding, NUMBER, Place, TOKEN};
pub(crate) use finding::{FindingView, Severity};

/// What a check asks.
pub(crate) struct WhatsAppCheck<'c> {
    client: &'c Client,
    files: &'c Snapshot,
    folder: &'c Path,
    /// `None`: the last reports are not checked.
    store: Option<&'c Store>,
    /// By the token.
    tokens: BTreeMap<String, Result<TokenFacts, NotRead>>,
    /// By account and token.
    accounts: BTreeMap<(String, String), AccountAnswers>,
}

#[derive(Clone)]
struct AccountAnswers {
    apps: Result<Vec<SubscribedApp>, NotRead>,
    templates: Result<Vec<ApprovedTemplate>, NotRead>,
}

impl<'c> WhatsAppCheck<'c> {
    pub(crate) fn new(
        client: &'c Client,
        files: &'c Snapshot,
        folder: &'c Path,
        store: Option<&'c Store>,
    ) -> Self {
        Self {
            client,
            files,
            folder,
            store,
            tokens: BTreeMap::new(),
            accounts: BTreeMap::new(),
        }
    }

    /// Everything about one resort, in the order in which a message needs it.
    pub(crate) async fn of_resort(&mut self, id: &ResortId) -> Result<Vec<FindingView>, StoreError> {
        let lines = ResortLines::read(self.folder, id);
        let found = match (self.files.resort(id), self.files.access_token(id)) {
            (Some(resort), Some(token)) => self.of_good_file(&resort, &token).await?,
            _ => return Ok(self.of_broken_file(id, &lines)),
        };
        let view = |finding: Finding| FindingView {
            resort: id.to_string(),
            file: lines.file().display().to_string(),
            line: finding.place.line(&lines),
            finding,
        };
        Ok(found.into_iter().map(view).collect())
    }

    fn of_broken_file(&self, id: &ResortId, lines: &ResortLines) -> Vec<FindingView> {
        let file = format!("resorts/{id}.toml");
        let errors = self
            .files
            .problems()
            .filter(|problem| problem.file == file && problem.severity == FileSeverity::Error);
        let view = |problem: &settings::Finding| {
            FindingView {
            resort: id.to_string(),
            file: lines.file().display().to_string(),
            line: problem.line,
            finding: Finding::error("file", Place::Key(""), problem.text.clone())
                .then("WhatsApp cannot be asked, and the senders use the last good version of the file, if they have one")
                .so("correct the file; desk config check --secrets shows all that is wrong"),
        }
        };
        errors.map(view).collect()
    }

    async fn of_good_file(&mut self, resort: &Resort, secret: &Secret) -> Result<Vec<Finding>, StoreError> {
        let (token, account) = (secret.reveal(), self.files.business_account(&resort.id));
        let mut found = Vec::new();
        let facts = match self.token_facts(token).await {
            Ok(facts) => facts,
            Err(error) => {
                found.push(unread::finding("token", TOKEN, "the token", &error));
                found.push(self.reports(&resort.number).await?);
                return Ok(found);
            }
        };
        found.extend(token::findings(&facts, account, Utc::now()));
        if facts.is_valid && facts.may(MANAGEMENT) {
            found.extend(self.number(&resort.number, token).await);
            match account {
                Some(account) => found.extend(self.account(resort, account, token, &facts).await),
                None => found.push(without_account(&facts)),
            }
        }
        found.push(self.reports(&resort.number).await?);
        Ok(found)
    }

    async fn token_facts(&mut self, token: &str) -> Result<TokenFacts, NotRead> {
        if let Some(known) = self.tokens.get(token) {
            return known.clone();
        }
        let answer = self.client.token_facts(token).await;
        self.tokens.insert(token.to_owned(), answer.clone());
        answer
    }

    async fn number(&self, number: &NumberId, token: &str) -> Vec<Finding> {
        let mut found = match self.client.number_facts(number, token).await {
            Ok(facts) => number::findings(&facts),
            Err(error) => return vec![unread::finding("number", NUMBER, "the number", &error)],
        };
        match self.client.more_of_number(number, token).await {
            Ok(more) => {
                found.extend(number::limit(more.messaging_limit.as_deref()));
                found.extend(number::health(&more.health));
                found.extend(notifications::callback(&more.callbacks));
            }
            Err(error) => found.push(unread::finding(
                "number",
                NUMBER,
                "the number's limit, health and callback",
                &error,
            )),
        }
        found
    }

    async fn account(
        &mut self,
        resort: &Resort,
        account: &str,
        token: &str,
        facts: &TokenFacts,
    ) -> Vec<Finding> {
        let answers = self.account_answers(account, token).await;
        let apps = match answers.apps {
            Ok(apps) => notifications::subscription(&apps, facts.app_id.as_deref()),
            Err(error) => unread::finding("account", ACCOUNT, "the account's apps", &error),
        };
        let mut found = vec![apps];
        match answers.templates {
            Ok(templates) => found.extend(templates::findings(resort, &templates)),
            Err(error) => found.push(unread::finding(
                "templates",
                ACCOUNT,
                "the account's templates",
                &error,
            )),
        }
        found
    }

    async fn account_answers(&mut self, account: &str, token: &str) -> AccountAnswers {
        let key = (account.to_owned(), token.to_owned());
        if let Some(known) = self.accounts.get(&key) {
            return known.clone();
        }
        let answers = AccountAnswers {
            apps: self.client.subscribed_apps(account, token).await,
            templates: self.client.templates(account, token).await,
        };
        self.accounts.insert(key, answers.clone());
        answers
    }

    async fn reports(&self, number: &NumberId) -> Result<Finding, StoreError> {
        let Some(store) = self.store else {
            return Ok(notifications::reports_unchecked());
        };
        let asked = number.clone();
        let (last, gaps): (LastOfNumber, Vec<ReportGap>) = store
            .run(move |connection| {
                Ok((
                    report_gaps::last_of_number(connection, &asked)?,
                    report_gaps::list(connection)?,
                ))
            })
            .await?;
        let gap = gaps.into_iter().find(|gap| gap.number == *number);
        let waiting_since = gap.map(|gap| gap.waiting_since);
        Ok(notifications::reports(last, waiting_since, Utc::now()))
    }
}

/// Why the templates of an account are not known, in words.
pub(crate) fn why_no_templates(cause: &NotRead) -> String {
    unread::finding("templates", ACCOUNT, "the account's templates", cause).text
}

fn without_account(facts: &TokenFacts) -> Finding {
    let limits = facts.limits.iter().filter(|(right, _)| right == MANAGEMENT);
    let reached: Vec<&str> = limits.flat_map(|(_, ids)| ids).map(String::as_str).collect();
    let known = match reached.as_slice() {
        [] => "WhatsApp Manager shows it, under Settings".to_owned(),
        reached => format!("the token reaches {}", reached.join(", ")),
    };
    Finding::warning(
        "account",
        ACCOUNT,
        "the file does not name the number's business account",
    )
    .then("its subscribed apps and its templates are not checked")
    .so(format!("add business_account_id to [whatsapp]: {known}"))
}
