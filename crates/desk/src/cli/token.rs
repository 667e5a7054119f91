//! The token that identifies the person: from the environment, from the user's own file, or from a prompt, once.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use crypto::token::Token;
use service::Problems;
use service::environment::Reader;
use store::staff::{self, Identity};
use store::{Store, StoreError};

use super::output;
use crate::settings::{self, STAFF_TOKEN};

const MISSING: &str = "is not set, no token is stored, and there is no terminal to prompt on; set it to the token \
                       that `desk staff add` printed";

#[derive(Debug)]
pub(super) enum Credential {
    /// From the variable.
    Given(Token),
    /// From the user's file.
    Stored(Token, PathBuf),
    /// To be asked for, then stored in this file.
    Prompt(Option<PathBuf>),
    /// No token, and no terminal.
    Missing,
}

impl Credential {
    pub(super) fn find(read: &mut Reader<'_>) -> Self {
        if let Some(token) = settings::staff_token(read) {
            return Self::Given(token);
        }
        let file = settings::token_file(read);
        if let Some(path) = &file
            && let Some(token) = stored(path)
        {
            return Self::Stored(token, path.clone());
        }
        if io::stdin().is_terminal() {
            Self::Prompt(file)
        } else {
            Self::Missing
        }
    }

    /// As [`find`](Self::find); a missing token is reported together with the other missing settings.
    pub(super) fn required(read: &mut Reader<'_>) -> Self {
        let found = Self::find(read);
        // A variable that holds no token was reported when it was read.
        if matches!(found, Self::Missing) && read.optional(STAFF_TOKEN).is_none() {
            read.problem(STAFF_TOKEN, MISSING);
        }
        found
    }

    /// Looks up the token's owner; prompts if necessary, and stores a valid token.
    pub(super) async fn identify(self, store: &Store) -> anyhow::Result<Identity> {
        let path = match self {
            Self::Missing => return Err(Problems::one(STAFF_TOKEN, MISSING).into()),
            Self::Given(token) => {
                let owner = owner(store, &token).await?;
                return owner.ok_or_else(|| not_a_member(&format!("the token in {STAFF_TOKEN}")));
            }
            Self::Stored(token, path) => {
                if let Some(name) = owner(store, &token).await? {
                    return Ok(name);
                }
                let error = not_a_member(&format!("the token in {}", path.display()));
                if !io::stdin().is_terminal() {
                    return Err(error);
                }
                output::complain(&error.to_string());
                Some(path)
            }
            Self::Prompt(path) => path,
        };
        let token = ask()?;
        let name = owner(store, &token).await?;
        let name = name.ok_or_else(|| not_a_member("that token"))?;
        store_or_complain(path.as_deref(), &token);
        Ok(name)
    }
}

fn not_a_member(which: &str) -> anyhow::Error {
    anyhow!(
        "{which} belongs to no current member of the staff; a colleague can make a new one: desk staff add"
    )
}

async fn owner(store: &Store, token: &Token) -> Result<Option<Identity>, StoreError> {
    let hash = token.hash();
    store
        .run(move |connection| staff::find_by_token(connection, &hash))
        .await
}

fn ask() -> anyhow::Result<Token> {
    let given = rpassword::prompt_password("Your token (not shown): ").context("cannot ask for the token")?;
    Token::parse(&given).context("what was given")
}

/// Complains about a file that cannot be read, or that others can read.
fn stored(path: &Path) -> Option<Token> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => {
            output::complain(&format!("cannot read the token in {}: {error}", path.display()));
            return None;
        }
    };
    let mode = fs::metadata(path).map(|about| about.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        let path = path.display();
        output::complain(&format!("others can read your token: chmod 600 {path}"));
    }
    match Token::parse(&text) {
        Ok(token) => Some(token),
        Err(error) => {
            output::complain(&format!("what lies in {} {error}", path.display()));
            None
        }
    }
}

fn store_or_complain(path: Option<&Path>, token: &Token) {
    let said = match path.map(|path| (path, store_token(path, token))) {
        Some((path, Ok(()))) => format!("kept in {}, for you alone", path.display()),
        Some((path, Err(error))) => {
            format!("the token could not be kept in {}: {error}", path.display())
        }
        None => "the token is not kept: neither HOME nor XDG_CONFIG_HOME is set".to_owned(),
    };
    output::complain(&said);
}

/// Writes a new file and renames it, so that the file is complete and was never readable by others.
fn store_token(path: &Path, token: &Token) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let draft = path.with_extension("new");
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    writeln!(file, "{}", token.reveal())?;
    file.sync_all()?;
    fs::rename(draft, path)
}
