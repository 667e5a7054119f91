//! Servers of Debian's packages that stand between a program and what it talks to, each a child of the test.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use store::rights::ROLES;
use tempfile::TempDir;
use tokio::net::TcpStream;
use url::Url;

/// Longer than any of them takes to start.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A server that is killed when this value is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

/// A file of its folder, its name and its text.
pub type File<'f> = (&'f str, String);

impl Server {
    /// Starts a program in a folder of its own. `arrange` gets the port and the folder, and says which files belong there;
    /// the arguments are resolved in that folder.
    ///
    /// # Errors
    /// Where it is not installed, or does not listen in time: the error shows what it wrote.
    pub async fn start(
        program: &str,
        arguments: &[&str],
        arrange: impl FnOnce(u16, &str) -> Vec<File<'static>>,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("bellhop_test_").tempdir()?;
        // Nothing else is given this port within the moment before the server takes it, or the test fails and says so.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        for (name, text) in arrange(port, &folder.path().display().to_string()) {
            fs::write(folder.path().join(name), text)?;
        }
        let log = fs::File::create(folder.path().join("output"))?;
        let path = find(program)?;
        let child = command(&path, &folder)
            .args(arguments)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", path.display()))?;
        let address = (Ipv4Addr::LOCALHOST, port).into();
        let mut server = Self {
            child,
            address,
            folder,
        };
        server.listening().await?;
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it wrote into a file of its folder so far; `output` holds what it said.
    pub fn written(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }

    async fn listening(&mut self) -> anyhow::Result<()> {
        let waiting = async {
            while TcpStream::connect(self.address).await.is_err() {
                let ended = self.child.try_wait()?;
                anyhow::ensure!(ended.is_none(), "it ended: {}", self.written("output"));
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Ok(())
        };
        tokio::time::timeout(PATIENCE, waiting).await?
    }
}

/// `PgBouncer` before a database, in this mode, with nothing set that it does not need; and the URL that leads through it.
///
/// # Errors
/// As [`Server::start`].
pub async fn pgbouncer(database_url: &str, mode: &str) -> anyhow::Result<(Server, String)> {
    let mut url = Url::parse(database_url)?;
    let (host, port) = (url.host_str().unwrap_or_default(), url.port().unwrap_or(5432));
    let (user, password) = (url.username(), url.password().unwrap_or_default());
    let arrange = |listen: u16, folder: &str| {
        let settings = format!(
            "[databases]\n* = host={host} port={port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {listen}\n\
             unix_socket_dir =\nauth_type = plain\nauth_file = {folder}/users.txt\npool_mode = {mode}\n"
        );
        // The programs' own users have the same password.
        let login = |user: &str| format!("\"{user}\" \"{password}\"\n");
        let users = ROLES.into_iter().chain([user]).map(login).collect();
        vec![("pgbouncer.ini", settings), ("users.txt", users)]
    };
    let server = Server::start("pgbouncer", &["pgbouncer.ini"], arrange).await?;
    let _ = url.set_port(Some(server.address().port()));
    Ok((server, url.into()))
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn find(program: &str) -> anyhow::Result<PathBuf> {
    let mut places = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"]
        .into_iter()
        .map(|folder| PathBuf::from(folder).join(program));
    places
        .find(|path| path.is_file())
        .with_context(|| format!("{program} is not installed; scripts/test installs it"))
}

/// `PgBouncer` refuses to run as root: there it runs as the first unprivileged user, who may read the folder.
fn command(path: &std::path::Path, folder: &TempDir) -> Command {
    let is_root =
        fs::metadata("/proc/self").is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0);
    if !is_root {
        return Command::new(path);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]);
    command.arg(path);
    let _ = Command::new("chown")
        .args(["-R", "nobody"])
        .arg(folder.path())
        .status();
    command
}
