//! The resorts and sources in force at one moment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crypto::key_ring::KeyRing;
use crypto::secret::{Places, Secret};
use domain::event::Event;
use domain::ids::{ResortId, SourceId};
use domain::phone_number::PhoneNumber;
use domain::resort::{Resort, Resorts};
use foreign_json::Document;
use mapping::check::{Locale, Standing};
use mapping::{Kept, Mapped, Request, Tools};

use crate::files::{Files, Good};
use crate::finding::{Finding, Severity};
use crate::folder::{Kind, UnreadableFolder};
use crate::resolve::Resolve;
use crate::source::{Source, SourceRules};
use crate::webhook_out::WebhookOut;

/// All resorts and sources in force, and the findings about the files. A snapshot never changes; a newer one
/// replaces it.
#[derive(Debug, Default)]
pub struct Snapshot {
    generation: u64,
    resorts: Arc<Resorts>,
    access_tokens: BTreeMap<ResortId, Arc<Secret>>,
    business_accounts: BTreeMap<ResortId, String>,
    test_numbers: BTreeMap<ResortId, Vec<PhoneNumber>>,
    webhooks_out: BTreeMap<ResortId, Arc<WebhookOut>>,
    sources: BTreeMap<SourceId, Arc<Source>>,
    source_rules: BTreeMap<SourceId, Arc<SourceRules>>,
    broken_resorts: BTreeSet<ResortId>,
    broken_sources: BTreeSet<SourceId>,
    findings: Vec<Finding>,
}

#[derive(Debug, Clone)]
pub enum SourceState {
    /// The last good version of its file.
    Good(Arc<Source>),
    /// Its file has not been good since the start of the process.
    Broken,
    Unknown,
}

#[derive(Debug, Clone)]
pub enum ResortState {
    /// The last good version of its file.
    Good(Arc<Resort>),
    /// Its file has not been good since the start of the process.
    Broken,
    Unknown,
}

/// Reads the folder once.
pub fn load(folder: &Path, resolve: Resolve, places: &Places<'_>) -> Result<Snapshot, UnreadableFolder> {
    let mut files = Files::new(folder.to_owned(), resolve);
    files.read(places)?;
    Ok(Snapshot::of(&files, 1))
}

impl Snapshot {
    /// The last good version of the resort.
    pub fn resort(&self, id: &ResortId) -> Option<Arc<Resort>> {
        self.resorts.get(id).cloned()
    }

    /// The last good version of all resorts, for a planner.
    pub fn readable_resorts(&self) -> Arc<Resorts> {
        Arc::clone(&self.resorts)
    }

    pub fn resort_state(&self, id: &ResortId) -> ResortState {
        match self.resort(id) {
            Some(resort) => ResortState::Good(resort),
            None if self.broken_resorts.contains(id) => ResortState::Broken,
            None => ResortState::Unknown,
        }
    }

    /// The last good version of each resort, by id.
    pub fn resorts(&self) -> impl Iterator<Item = &Arc<Resort>> {
        self.resorts.values()
    }

    /// The id of every resort that has a file, good or broken.
    pub fn resort_ids(&self) -> impl Iterator<Item = &ResortId> {
        self.resorts.keys().chain(&self.broken_resorts)
    }

    /// The token with which the resort sends; `None` also if this process does not resolve tokens.
    pub fn access_token(&self, id: &ResortId) -> Option<Arc<Secret>> {
        self.access_tokens.get(id).cloned()
    }

    /// Meta's id of the account that owns the resort's number, where its file names it.
    pub fn business_account(&self, id: &ResortId) -> Option<&str> {
        self.business_accounts.get(id).map(String::as_str)
    }

    /// The numbers of the resort's own people, also where its mode is live; `desk preview` sends to no others.
    pub fn test_numbers(&self, id: &ResortId) -> &[PhoneNumber] {
        self.test_numbers.get(id).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whom of the resort's own tools to tell of what; `None` also if this process does not resolve its secrets.
    pub fn webhook_out(&self, id: &ResortId) -> Option<&Arc<WebhookOut>> {
        self.webhooks_out.get(id)
    }

    /// The source, or why there is none. A process that does not resolve the secrets of sources knows no source.
    pub fn source(&self, id: &SourceId) -> SourceState {
        match self.sources.get(id) {
            Some(source) => SourceState::Good(Arc::clone(source)),
            None if self.broken_sources.contains(id) => SourceState::Broken,
            None => SourceState::Unknown,
        }
    }

    /// What the source's webhooks mean, by the last good version of its file; known to every process.
    pub fn source_rules(&self, id: &SourceId) -> Option<&Arc<SourceRules>> {
        self.source_rules.get(id)
    }

    /// Whether the source has a file, good or broken.
    pub fn has_source(&self, id: &SourceId) -> bool {
        self.source_rules.contains_key(id) || self.broken_sources.contains(id)
    }

    /// The same of every source, by id.
    pub fn all_source_rules(&self) -> impl Iterator<Item = &Arc<SourceRules>> {
        self.source_rules.values()
    }

    /// The good sources that may speak for at least one of some resorts.
    pub fn sources_of<'s>(
        &'s self,
        resorts: &'s BTreeSet<ResortId>,
    ) -> impl Iterator<Item = &'s Arc<SourceRules>> {
        let speaks = |rules: &&Arc<SourceRules>| resorts.iter().any(|resort| rules.speaks_for(resort));
        self.all_source_rules().filter(speaks)
    }

    /// What a source may say of a resort.
    pub fn standing<'s>(&'s self, source: &SourceRules, id: &ResortId) -> Standing<'s> {
        if !source.speaks_for(id) {
            return Standing::NotAllowed;
        }
        match self.standing_at(id) {
            // Named in the source's file, it is a resort whose own file is missing; else it is a name that was made up.
            Standing::NotAllowed if !source.speaks_for_all() => Standing::Unavailable,
            standing => standing,
        }
    }

    /// What may be said of a resort by someone who may speak for all.
    pub fn standing_at(&self, id: &ResortId) -> Standing<'_> {
        match self.resorts.get(id) {
            Some(resort) => Standing::Allowed {
                link_hosts: resort.link_hosts.as_deref(),
                locale: Locale {
                    time_zone: resort.time_zone,
                    country: resort.country,
                },
            },
            None if self.broken_resorts.contains(id) => Standing::Unavailable,
            None => Standing::NotAllowed,
        }
    }

    /// Maps a request of a source by its mapping; `None`: it has none. `is_late` says whether that has taken too long.
    pub fn map(
        &self,
        source: &SourceRules,
        kept: &Kept,
        fetched: Option<&Document>,
        ring: &KeyRing,
        is_late: &dyn Fn() -> bool,
    ) -> Option<Mapped> {
        let tools = Tools {
            keyed_hash: &|text| ring.lookup(text),
            is_late,
        };
        let request = Request::new(&source.id, kept, fetched, tools);
        let mapping = source.mapping.as_ref()?;
        Some(mapping.map(&request, &|resort| self.standing(source, resort)))
    }

    /// The guest's number that an event brings, read at its resort.
    pub fn phone_number(&self, event: &Event) -> Option<PhoneNumber> {
        event.phone_number(self.resorts.get(&event.resort).map(|resort| resort.country))
    }

    /// The last good version of each source, by id.
    pub fn sources(&self) -> impl Iterator<Item = &Arc<Source>> {
        self.sources.values()
    }

    /// The errors for which files were rejected.
    pub fn problems(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
    }

    /// The warnings about files that are in force.
    pub fn warnings(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Warning)
    }

    /// Logs one line for each finding, and one where there is no file at all.
    pub(crate) fn log_findings(&self) {
        self.problems().chain(self.warnings()).for_each(Finding::log);
        let is_empty = self.resorts.is_empty() && self.source_rules.is_empty();
        if is_empty && self.problems().next().is_none() {
            log::warn!(event = "no_files";
                "there is no file of a resort and none of a source: is BELLHOP_CONFIG the right folder?");
        }
    }

    /// Grows by one with each change of the content.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn of(files: &Files, generation: u64) -> Self {
        let mut snapshot = Self {
            generation,
            findings: files.findings(),
            ..Self::default()
        };
        for (name, held) in files.held() {
            match &held.good {
                Some(Good::Resort(resort, access)) => {
                    let id = || resort.id.clone();
                    let token = access.token.clone();
                    snapshot.access_tokens.extend(token.map(|token| (id(), token)));
                    let account = access.business_account.clone();
                    snapshot
                        .business_accounts
                        .extend(account.map(|account| (id(), account)));
                    snapshot.test_numbers.insert(id(), access.test_numbers.clone());
                    let webhook = access.webhook_out.clone();
                    snapshot
                        .webhooks_out
                        .extend(webhook.map(|webhook| (id(), webhook)));
                    let resorts = Arc::make_mut(&mut snapshot.resorts);
                    resorts.insert(resort.id.clone(), Arc::clone(resort));
                }
                Some(Good::Source(good)) => {
                    let id = good.rules.id.clone();
                    snapshot.source_rules.insert(id.clone(), Arc::clone(&good.rules));
                    snapshot
                        .sources
                        .extend(good.source.clone().map(|source| (id, source)));
                }
                None if !held.is_broken() => {}
                None => match name.kind {
                    Kind::Resort => snapshot.broken_resorts.extend(ResortId::parse(&name.stem)),
                    Kind::Source => snapshot.broken_sources.extend(SourceId::parse(&name.stem)),
                },
            }
        }
        snapshot
    }
}
