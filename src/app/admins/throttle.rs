//! Owns the limits of failed logins at the portal: of a source, of an account, and of a source in the name of an account,
//! so that guessing is slow from one place and from many. Each replica counts for itself.
//!
//! Cookies of no session are limited by source alone, apart from the logins.
//!
//! Some limits only the admin's own failures from there use up, others those of anybody. When anybody has used one up, the
//! attempt goes on as ever and costs the same work, but only an admin who logged in from this network before gets in. All
//! others get 429, with the right password too: the answer does not tell which networks are known.

use std::net::IpAddr;

use crate::app::authentication::places::{Place, Places, SpentPlace};
use crate::app::core::waiting_room::{WaitingMetrics, WaitingRoom};
use crate::app::error::{Error, Result};
use crate::base::clock::Clock;
use crate::base::metrics::Counter;
use crate::base::source_network::source_network;
use crate::config::AdminConfig;
use crate::domain::{AdminName, ErrorCode};

pub(super) struct AdminThrottle {
    places: Places<Key>,
    limit: u32,
    source_limit: u32,
    account_limit: u32,
    /// By number of what was too much.
    throttled: [Counter; Key::KINDS.len()],
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Source(IpAddr),
    Account(AdminName),
    Both(IpAddr, AdminName),
    /// Wrong codes of an account whose password is known: there are only a million codes.
    Code(AdminName),
    CodeFrom(IpAddr, AdminName),
    /// A source that has used up its places: its attempts are hashed one after the other.
    Beyond(IpAddr),
    /// Cookies of a source that are of no session.
    Session(IpAddr),
}

impl Key {
    /// By number of the kind.
    const KINDS: [&'static str; 5] = ["source", "account", "source_and_account", "code", "session"];

    fn kind(&self) -> usize {
        match self {
            Self::Source(_) | Self::Beyond(_) => 0,
            Self::Account(_) => 1,
            Self::Both(..) => 2,
            Self::Code(_) | Self::CodeFrom(..) => 3,
            Self::Session(_) => 4,
        }
    }
}

/// An attempt that is not decided yet. Dropped, it counts as no failure.
#[must_use]
pub(super) struct AdminAttempt<'a> {
    throttle: &'a AdminThrottle,
    source: Option<IpAddr>,
    places: Vec<Place<'a, Key>>,
    /// Its turn among the attempts of a source that has used up its places.
    turn: Option<Place<'a, Key>>,
    /// The limit that anybody has used up, and its answer.
    used_up: Option<(Key, Error)>,
}

impl AdminThrottle {
    /// Nothing has failed yet. So many attempts may wait until others are decided.
    pub(super) fn new(config: &AdminConfig, clock: Clock, seats: usize) -> Self {
        let waiting = WaitingRoom::new(seats);
        Self {
            places: Places::new(config.throttle_window, clock, waiting),
            limit: config.throttle_failures,
            source_limit: config.throttle_source_failures,
            account_limit: config.throttle_account_failures,
            throttled: Default::default(),
        }
    }

    /// Begins an attempt with a password. `name` is `None` when no admin can have the name that was typed.
    pub(super) async fn begin(
        &self,
        source: IpAddr,
        name: Option<&AdminName>,
    ) -> Result<AdminAttempt<'_>> {
        let source = source_network(source);
        let mut attempt = self.no_places(Some(source));
        // The narrow limit first: attempts in one name that wait hold no place that other names need.
        if let Some(name) = name {
            let both = Key::Both(source, name.clone());
            attempt.take_own(both, self.limit).await?;
            let account = Key::Account(name.clone());
            attempt.take_shared(account, self.account_limit).await?;
        }
        let is_within = attempt
            .take_shared(Key::Source(source), self.source_limit)
            .await?;
        if !is_within {
            let beyond = Key::Beyond(source);
            attempt.turn = Some(self.places.enter(&beyond, 1, Some(source)).await?);
        }
        Ok(attempt)
    }

    /// Begins an attempt with a second factor.
    pub(super) async fn begin_code(
        &self,
        source: Option<IpAddr>,
        name: &AdminName,
    ) -> Result<AdminAttempt<'_>> {
        let mut attempt = self.no_places(source);
        if let Some(source) = source {
            let own = Key::CodeFrom(source_network(source), name.clone());
            attempt.take_own(own, self.limit).await?;
        }
        attempt
            .take_shared(Key::Code(name.clone()), self.limit)
            .await?;
        Ok(attempt)
    }

    /// Begins the look-up of a session that is not known here. It is a failure of its source, and of nobody else, unless
    /// its place is given back. Dropped, it was in vain, or its caller did not wait for it.
    pub(super) async fn begin_look_up(&self, source: IpAddr) -> Result<SpentPlace<'_, Key>> {
        let key = Key::Session(source_network(source));
        let entered = self.places.enter(&key, self.source_limit, Some(source));
        let place = entered.await.map_err(|error| self.count(&key, error))?;
        Ok(place.spend())
    }

    fn no_places(&self, source: Option<IpAddr>) -> AdminAttempt<'_> {
        AdminAttempt {
            throttle: self,
            source,
            places: Vec::new(),
            turn: None,
            used_up: None,
        }
    }

    /// Counts an answer, if it is 429.
    fn count(&self, key: &Key, error: Error) -> Error {
        if error.code == ErrorCode::RateLimited {
            self.throttled[key.kind()].inc();
        }
        error
    }

    pub(super) fn waiting(&self) -> WaitingMetrics {
        self.places.waiting("admins")
    }

    /// Passwords, codes and cookies that were refused for failures before them, by what was too much.
    pub(super) fn throttled(&self) -> Vec<(&'static str, u64)> {
        let counters = Key::KINDS.into_iter().zip(&self.throttled);
        counters
            .map(|(kind, counter)| (kind, counter.value()))
            .collect()
    }
}

impl AdminAttempt<'_> {
    /// Whether anybody's failures have used up a limit, so that only a known network lets the admin in.
    pub(super) fn needs_known_network(&self) -> bool {
        self.used_up.is_some()
    }

    /// Counts the attempt as a failure. The answer is `refusal`, or 429 when a limit is used up.
    pub(super) fn refuse(self, refusal: Error) -> Error {
        self.places.into_iter().for_each(Place::fail);
        drop(self.turn);
        match self.used_up {
            None => refusal,
            Some((key, throttled)) => self.throttle.count(&key, throttled),
        }
    }
}

impl<'a> AdminAttempt<'a> {
    /// A place that only this source uses up, in the name of this account.
    async fn take_own(&mut self, key: Key, limit: u32) -> Result<()> {
        let throttle = self.throttle;
        let place = throttle.places.enter(&key, limit, self.source).await;
        self.places
            .push(place.map_err(|error| throttle.count(&key, error))?);
        Ok(())
    }

    /// A place that anybody uses up; whether there is one.
    async fn take_shared(&mut self, key: Key, limit: u32) -> Result<bool> {
        let throttle: &'a AdminThrottle = self.throttle;
        match throttle.places.enter(&key, limit, self.source).await {
            Ok(place) => {
                self.places.push(place);
                Ok(true)
            }
            Err(error) if error.code == ErrorCode::RateLimited => {
                self.used_up = Some((key, error));
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}
