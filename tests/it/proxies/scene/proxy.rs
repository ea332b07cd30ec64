//! A proxy as a child process, made from its example.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Where the examples are.
pub(in crate::proxies) const PLAIN: &str = "docs/proxies";
/// Where those are that also enforce bound tokens.
pub(in crate::proxies) const BOUND: &str = "docs/proxies/bound";

/// How one proxy is run from its example.
pub(in crate::proxies) struct Proxy {
    /// The program, on the PATH or where `scripts/interop` installs it.
    pub(in crate::proxies) program: &'static str,
    /// The folder of its example.
    pub(in crate::proxies) examples: &'static str,
    /// Writes the configuration for this place; the arguments of the program.
    pub(in crate::proxies) configure: fn(&Place) -> Vec<String>,
    /// The header in which it hands on its caller's certificate.
    pub(in crate::proxies) certificate_header: &'static str,
    /// Whether it tells `/verify` the host in the example, and not the one that the caller named and it let pass.
    pub(in crate::proxies) fixes_host: bool,
    /// Whether `/verify` and the service get a path without the slashes that follow another.
    pub(in crate::proxies) merges_slashes: bool,
    /// Which of its caller's headers it removes.
    pub(in crate::proxies) removes: Removes,
    /// Whether the caller gets the nonce of a 200.
    pub(in crate::proxies) hands_on_nonces: bool,
}

/// Which headers a proxy removes from its caller's request.
#[derive(Clone, Copy, PartialEq)]
pub(in crate::proxies) enum Removes {
    /// All that begin with `X-Token-`.
    Pattern,
    /// Those that its configuration names.
    Names,
}

/// Where the proxy of one test finds everything.
pub(in crate::proxies) struct Place {
    /// Where the example is.
    pub(in crate::proxies) examples: &'static str,
    /// Its files; `ca.pem`, `site.pem` and `site.key` are there already.
    pub(in crate::proxies) folder: PathBuf,
    /// Where it listens.
    pub(in crate::proxies) port: u16,
    /// The token-server, as a server name and in no name service.
    pub(in crate::proxies) token_server: u16,
    /// The service behind it.
    pub(in crate::proxies) service: u16,
}

impl Place {
    /// A file of the folder, as text.
    pub(in crate::proxies) fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// Writes an example into the folder with this place's ports and files in it, each of which must be
    /// there to be replaced; the path of the file.
    pub(in crate::proxies) fn example(&self, name: &str, replaced: &[(&str, &str)]) -> String {
        let mut text = fs::read_to_string(Path::new(self.examples).join(name)).unwrap();
        for (theirs, ours) in replaced {
            assert!(text.contains(theirs), "{name} has no `{theirs}`");
            text = text.replace(theirs, ours);
        }
        self.write(name, &text)
    }

    /// Writes a file into the folder; its path.
    pub(in crate::proxies) fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.folder.join(name), text).unwrap();
        self.file(name)
    }
}

/// The running proxy; ended when dropped, also by a test that fails, which then shows its log.
pub(in crate::proxies) struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    pub(in crate::proxies) fn start(proxy: &Proxy, place: &Place) -> Self {
        let log = place.folder.join("proxy.log");
        let out = File::create(&log).unwrap();
        // Debian keeps some of them where only root's PATH looks.
        let folders = concat!(
            "/usr/local/sbin:/usr/sbin:/sbin:",
            env!("CARGO_MANIFEST_DIR"),
            "/target/proxies/bin"
        );
        let find = r#"PATH="$PATH:$1"; shift; exec "$0" "$@""#;
        let child = Command::new("sh")
            .args(["-c", find, proxy.program, folders])
            .args((proxy.configure)(place))
            .env("HOME", &place.folder)
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        Self { child, log }
    }

    /// What it has said, once it has ended by itself.
    pub(in crate::proxies) fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().unwrap()?;
        Some(format!("{status}: {}", self.log()))
    }

    /// What it has said so far.
    pub(in crate::proxies) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Running {
    #[expect(clippy::print_stderr, reason = "shown with the test that failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the proxy's log:\n{}", self.log());
        }
        // Asked first, since nginx's children outlive a parent that is killed.
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        for _ in 0..300 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
