//! A file that a guest sent, fetched from WhatsApp when a member opens it. It is kept nowhere.

use std::path::PathBuf;
use std::sync::Arc;

use crypto::key_ring::KeyRing;
use crypto::secret::{Places, Secret};
use domain::audit::Action;
use domain::ids::{BookingKey, ResortId};
use service::Environment;
use settings::Resolve;
use store::StoreError;
use store::audit::{self, Actor, Subject};
use whatsapp::client::{Client, MediaFile, NotFetched};

use super::opened;
use crate::actions::context::Context;

/// How files are fetched: with the resort's token, which is read anew for each.
pub(crate) struct MediaSource {
    pub(crate) client: Client,
    /// The folder of the resorts' files, which say where the tokens are.
    pub(crate) folder: PathBuf,
    pub(crate) environment: Environment,
}

/// Why a file is not shown, for people.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoMedia {
    /// Not by this member, or too long ago.
    #[error("the conversation is not open; open it first")]
    NotOpened,
    #[error("the conversation has no such file")]
    Unknown,
    #[error("the desk cannot read the resort's access token, which WhatsApp asks for")]
    NoToken,
    #[error(transparent)]
    NotFetched(#[from] NotFetched),
}

/// The file with this id of WhatsApp's in the booking's conversation, which the member has opened. The audit trail has recorded
/// it before WhatsApp is asked.
pub(crate) async fn media(
    context: &Context,
    source: &MediaSource,
    key: BookingKey,
    id: String,
    by: Actor,
) -> Result<Result<MediaFile, NoMedia>, StoreError> {
    let (resort, booking, staff) = (key.resort.clone(), key.to_string(), by.name.clone());
    let asked = id.clone();
    let may_fetch = context
        .transaction(move |connection, planner| {
            let Some(opened) = opened::find(connection, planner, &key, &by.name)? else {
                return Ok(Err(NoMedia::NotOpened));
            };
            let turn = opened
                .turns
                .iter()
                .find(|turn| turn.media.as_ref() == Some(&asked));
            let Some(turn) = turn else {
                return Ok(Err(NoMedia::Unknown));
            };
            let details = turn.message_type.as_deref().unwrap_or_default();
            let subject = Subject::from(&key).with(details);
            audit::append(connection, &by, Action::MediaFetched, &subject)?;
            Ok(Ok(()))
        })
        .await?;
    if let Err(why) = may_fetch {
        return Ok(Err(why));
    }
    log::warn!(event = "media_fetched", booking, staff = staff.as_str(); "a guest's file was opened");
    let fetched = match token(source, Arc::clone(&context.key_ring), resort).await {
        Some(token) => source
            .client
            .media(&id, token.reveal())
            .await
            .map_err(NoMedia::from),
        None => Err(NoMedia::NoToken),
    };
    if let Err(why) = &fetched {
        log::warn!(event = "media_not_fetched", booking, error = service::chain(why); "a guest's file could not be fetched");
    }
    Ok(fetched)
}

/// The resort's token as it is now; `None`: its file, or the secret to which it refers, cannot be read.
async fn token(source: &MediaSource, ring: Arc<KeyRing>, resort: ResortId) -> Option<Arc<Secret>> {
    let (folder, environment) = (source.folder.clone(), source.environment.clone());
    let reading = tokio::task::spawn_blocking(move || {
        let places = Places {
            environment: &|name| environment.get(name).map(str::to_owned),
            key_ring: Some(&ring),
            base: &folder,
        };
        let files = settings::load(&folder, Resolve::AccessTokens, &places).ok()?;
        files.access_token(&resort)
    });
    reading.await.ok().flatten()
}
