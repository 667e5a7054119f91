//! The token that tells who acts: from the environment, from the user's own file, or asked for once on a terminal.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, anyhow};
use crypto::token::Token;
use domain::ids::StaffName;
use service::environment::Reader;
use service::{Failure, Problems};
use store::{Store, StoreError, staff};

use super::output;
use crate::settings::{self, STAFF_TOKEN};

const MISSING: &str = "is not set, no token is kept, and there is no terminal to ask for it on; set it to the token \
                       that `desk staff add` gave you";

/// What there is to know the person by.
#[derive(Debug)]
pub(super) enum Credential {
    /// The variable.
    Given(Token),
    /// What was asked for once.
    Kept(Token, PathBuf),
    /// Nothing yet; where it is kept then.
    ToAskFor(Option<PathBuf>),
    /// Nothing, and nobody to ask.
    Missing,
}

impl Credential {
    /// What there is; nothing may do.
    pub(super) fn find(read: &mut Reader<'_>) -> Self {
        if let Some(token) = settings::staff_token(read) {
            return Self::Given(token);
        }
        let file = settings::token_file(read);
        if let Some(path) = &file
            && let Some(token) = kept(path)
        {
            return Self::Kept(token, path.clone());
        }
        if io::stdin().is_terminal() {
            Self::ToAskFor(file)
        } else {
            Self::Missing
        }
    }

    /// As [`find`](Self::find), for commands that cannot do without: told with everything else that is not set.
    pub(super) fn required(read: &mut Reader<'_>) -> Self {
        let found = Self::find(read);
        // A variable that holds no token is told already.
        if matches!(found, Self::Missing) && read.optional(STAFF_TOKEN).is_none() {
            read.problem(STAFF_TOKEN, MISSING);
        }
        found
    }

    /// Whose it is. Asks where it must, and keeps what it got.
    pub(super) async fn identify(self, store: &Store) -> Result<StaffName, Failure> {
        let path = match self {
            Self::Missing => return Err(Problems::one(STAFF_TOKEN, MISSING).into()),
            Self::Given(token) => {
                let owner = owner(store, &token).await.map_err(Error::from)?;
                return owner.ok_or_else(|| nobodys(&format!("the token in {STAFF_TOKEN}")).into());
            }
            Self::Kept(token, path) => {
                if let Some(name) = owner(store, &token).await.map_err(Error::from)? {
                    return Ok(name);
                }
                let nobodys = nobodys(&format!("the token in {}", path.display()));
                if !io::stdin().is_terminal() {
                    return Err(nobodys.into());
                }
                output::complain(&nobodys.to_string());
                Some(path)
            }
            Self::ToAskFor(path) => path,
        };
        let token = ask()?;
        let name = owner(store, &token).await.map_err(Error::from)?;
        let name = name.ok_or_else(|| nobodys("that token"))?;
        keep_or_complain(path.as_deref(), &token);
        Ok(name)
    }
}

fn nobodys(which: &str) -> Error {
    anyhow!(
        "{which} belongs to no current member of the staff; a colleague can make a new one: desk staff add"
    )
}

async fn owner(store: &Store, token: &Token) -> Result<Option<StaffName>, StoreError> {
    let hash = token.hash();
    store
        .run(move |connection| staff::find_by_token(connection, &hash))
        .await
}

fn ask() -> Result<Token, Error> {
    let given = rpassword::prompt_password("Your token (not shown): ").context("cannot ask for the token")?;
    Token::parse(&given).context("what was given")
}

/// What lies in the file, if anything does; whatever is wrong with it is said.
fn kept(path: &Path) -> Option<Token> {
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

fn keep_or_complain(path: Option<&Path>, token: &Token) {
    let said = match path.map(|path| (path, keep(path, token))) {
        Some((path, Ok(()))) => format!("kept in {}, for you alone", path.display()),
        Some((path, Err(error))) => {
            format!("the token could not be kept in {}: {error}", path.display())
        }
        None => "the token is not kept: neither HOME nor XDG_CONFIG_HOME is set".to_owned(),
    };
    output::complain(&said);
}

/// Whole or not at all, and never for others, not even for a moment.
fn keep(path: &Path, token: &Token) -> io::Result<()> {
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
