//! Our processes, two of each program: started, struck, and started again. None may end by itself.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

use anyhow::Context as _;
use service::{Stop, lock};
use std::time::Duration;
use testkit::program::Program;

use crate::fault::Player;

const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The environment of each program, by its name.
pub(crate) type Variables = BTreeMap<&'static str, Vec<(String, String)>>;

/// How a process is.
#[derive(Debug)]
enum Role {
    /// At work.
    Plays(Program),
    /// Standing still.
    Frozen(Program),
    /// Killed or stopped by us, and not back yet.
    Away,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Processes {
    roles: BTreeMap<Player, Mutex<Role>>,
    variables: Variables,
    ports: BTreeMap<Player, u16>,
    logs: PathBuf,
    strikes: Mutex<BTreeMap<Player, usize>>,
    /// The processes that ended without a fault of the plan, and how.
    deserters: Mutex<Vec<String>>,
}

impl Processes {
    /// Starts all six. Each listens on its port again after its restart.
    pub(crate) async fn start(
        variables: Variables,
        ports: BTreeMap<Player, u16>,
        logs: PathBuf,
    ) -> anyhow::Result<Self> {
        let processes = Self {
            roles: Player::ALL.map(|player| (player, Mutex::new(Role::Away))).into(),
            variables,
            ports,
            logs,
            strikes: Mutex::default(),
            deserters: Mutex::default(),
        };
        let starting = Player::ALL.map(|player| processes.start_one(player));
        futures_util::future::try_join_all(starting).await?;
        Ok(processes)
    }

    /// Starts one that is away.
    pub(crate) async fn start_one(&self, player: Player) -> anyhow::Result<()> {
        let of_program = self.variables.get(player.program());
        let mut variables = of_program.cloned().unwrap_or_default();
        variables.push((
            format!("{}_ADDR", player.program().to_uppercase()),
            self.address(player).to_string(),
        ));
        let started = Program::start_as(&player.to_string(), player.program(), &variables, &self.logs).await;
        *self.role(player) = Role::Plays(started.with_context(|| format!("{player} does not start"))?);
        Ok(())
    }

    /// Where all listen, whether they are at work or not.
    pub(crate) fn addresses(&self) -> Vec<(String, SocketAddr)> {
        let address = |player: &Player| (player.program().to_owned(), self.address(*player));
        Player::ALL.iter().map(address).collect()
    }

    fn address(&self, player: Player) -> SocketAddr {
        let port = self.ports.get(&player).copied().unwrap_or_default();
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    /// kill -9.
    pub(crate) fn kill(&self, player: Player) {
        if let Role::Plays(program) = self.strike(player) {
            program.kill();
        }
    }

    /// SIGTERM, and its end is waited for. Anything but 0, and any that is not there in time, counts as desertion.
    pub(crate) async fn stop(&self, player: Player) {
        if let Role::Plays(mut program) = self.strike(player) {
            match program.stop().await {
                Ok(Some(0)) => {}
                Ok(code) => self.deserts(format!("{player} was asked to stop and ended with {code:?}")),
                Err(error) => self.deserts(format!("{player} was asked to stop and did not: {error:#}")),
            }
        }
    }

    /// SIGSTOP.
    pub(crate) fn freeze(&self, player: Player) -> anyhow::Result<()> {
        if let Role::Plays(program) = self.strike(player) {
            program.signal("STOP")?;
            *self.role(player) = Role::Frozen(program);
        }
        Ok(())
    }

    /// SIGCONT.
    pub(crate) fn thaw(&self, player: Player) -> anyhow::Result<()> {
        let mut role = self.role(player);
        if let Role::Frozen(program) = std::mem::replace(&mut *role, Role::Away) {
            program.signal("CONT")?;
            *role = Role::Plays(program);
        }
        Ok(())
    }

    /// Where those at work listen.
    pub(crate) fn at_work(&self) -> Vec<(Player, SocketAddr)> {
        let address = |player: &Player| match &*self.role(*player) {
            Role::Plays(program) => Some((*player, program.address())),
            Role::Frozen(_) | Role::Away => None,
        };
        Player::ALL.iter().filter_map(address).collect()
    }

    /// Where one listens, unless it is struck, and how often it was struck before.
    pub(crate) fn state(&self, player: Player) -> Option<(SocketAddr, usize)> {
        let (_, address) = self.at_work().into_iter().find(|(one, _)| *one == player)?;
        Some((
            address,
            lock(&self.strikes).get(&player).copied().unwrap_or_default(),
        ))
    }

    /// Takes one from its role, to be struck.
    fn strike(&self, player: Player) -> Role {
        *lock(&self.strikes).entry(player).or_default() += 1;
        std::mem::replace(&mut *self.role(player), Role::Away)
    }

    /// Looks until the stop whether all still live, and starts again who does not.
    pub(crate) async fn watch(&self, stop: &Stop) {
        service::periodic::run(stop, LOOK_EVERY, || async {
            for player in Player::ALL {
                if stop.is_stopped() || !self.has_deserted(player) {
                    continue;
                }
                if let Err(error) = self.start_one(player).await {
                    self.deserts(format!("{error:#}"));
                }
            }
        })
        .await;
    }

    fn has_deserted(&self, player: Player) -> bool {
        let mut role = self.role(player);
        let Role::Plays(program) = &mut *role else {
            return false;
        };
        let Ok(Some(status)) = program.ended() else {
            return false;
        };
        *role = Role::Away;
        drop(role);
        self.deserts(format!("{player} ended by itself: {status}"));
        true
    }

    fn deserts(&self, how: String) {
        lock(&self.deserters).push(how);
    }

    /// The processes that ended without a fault of the plan.
    pub(crate) fn deserters(&self) -> Vec<String> {
        lock(&self.deserters).clone()
    }

    #[expect(clippy::expect_used, reason = "there is a role for every player")]
    fn role(&self, player: Player) -> MutexGuard<'_, Role> {
        lock(self.roles.get(&player).expect("every player has a role"))
    }
}
