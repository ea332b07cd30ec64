//! Development mode: makes what is missing for a first try, and says what to type next. It begins with `--dev`, with
//! `DEVELOPMENT=true`, or when nothing at all is configured; then the `.env` that it writes keeps it.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Context;

use crate::app::{App, NewAdmin, NewClient, NewPassword, NewSecret};
use crate::base::private_file;
use crate::base::secret::{Secret, random_base62};
use crate::cli::database::open;
use crate::cli::output::Output;
use crate::config::{Config, Environment};
use crate::domain::{AdminName, AdminRole, ClientId, ErrorCode, Metadata, Name, Origin, Scope};

/// Stands in front of a SECRET that the server made.
const MADE_HERE: &str = "# Written by the first start, for development on this machine only";

const DEMO_CLIENT: &str = "demo";

const ADMIN: &str = "admin";

/// What this start made, and what it found.
#[derive(Default)]
pub(in crate::cli) struct Made {
    new: Vec<String>,
    found: Vec<String>,
    demo_secret: Option<Secret<String>>,
    admin_password: Option<Secret<String>>,
}

impl Made {
    /// Writes `.env`.
    pub(in crate::cli) fn settings(&mut self) -> anyhow::Result<()> {
        let text = format!(
            "{MADE_HERE}. Every setting: .env.sample\n\
             DEVELOPMENT=true\n\
             LISTEN_ADDR=127.0.0.1:2600\n\
             ADMIN_SECOND_FACTOR=optional\n\
             SECRET={}\n",
            random_base62(64)
        );
        write_private(open::env_file(), text.as_bytes())?;
        self.new.push(".env".to_owned());
        Ok(())
    }

    /// Fills in what a first try needs and nothing sets. SECRET goes into the file of settings, so that the next start has it.
    pub(in crate::cli) fn missing_settings(
        &mut self,
        environment: &mut Environment,
    ) -> anyhow::Result<()> {
        environment.set_default("LISTEN_ADDR", "127.0.0.1:2600");
        environment.set_default("ADMIN_SECOND_FACTOR", "optional");
        if environment.has("SECRET") || environment.has("SECRET_FILE") {
            return Ok(());
        }
        let (file, secret) = (open::env_file(), random_base62(64));
        append_private(file, &format!("{MADE_HERE}.\nSECRET={secret}\n"))?;
        environment.set("SECRET", secret);
        self.new.push(format!("SECRET in {}", file.display()));
        Ok(())
    }

    /// Makes a self-signed certificate for localhost, when there is none.
    pub(in crate::cli) fn certificate(&mut self, config: &Config) -> anyhow::Result<()> {
        if self.new.is_empty() {
            self.found.push(".env".to_owned());
        }
        let (cert, key) = (&config.tls.cert, &config.tls.key);
        let name = cert.display().to_string();
        if config.acme.is_some() {
            return Ok(());
        }
        if cert.exists() || key.exists() {
            self.found.push(name);
            return Ok(());
        }
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names)
            .context("cannot make a certificate for localhost")?;
        for path in [cert, key] {
            if let Some(folder) = path.parent() {
                private_file::ensure_folder(folder)
                    .with_context(|| format!("cannot make {}", folder.display()))?;
            }
        }
        write_private(key, made.signing_key.serialize_pem().as_bytes())?;
        write_private(cert, made.cert.pem().as_bytes())?;
        self.new.push(name);
        Ok(())
    }

    /// Registers the demo client, when there is none.
    pub(in crate::cli) async fn client(&mut self, app: &App) -> anyhow::Result<()> {
        let new = NewClient {
            client_id: Some(ClientId::parse(DEMO_CLIENT)?),
            name: Name::parse("Demo")?,
            scopes: Scope::parse("read write")?,
            metadata: Metadata::parse(r#"{"plan":"demo"}"#)?,
            ..NewClient::default()
        };
        let name = format!("the client `{DEMO_CLIENT}` in {}", app.store().product());
        let secret = Some(NewSecret::default());
        match app.clients.register(&Origin::SERVER, new, secret).await {
            Ok((_, added)) => {
                self.new.push(name);
                self.demo_secret = added.map(|added| added.plain);
            }
            Err(error) if error.code == ErrorCode::Conflict => self.found.push(name),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Makes an admin for the portal, when there is none at all.
    pub(in crate::cli) async fn admin(&mut self, app: &App) -> anyhow::Result<()> {
        if !app.config().admin.is_on {
            return Ok(());
        }
        if let Some(admin) = app.admins.list().await?.first() {
            self.found.push(format!("the admin `{}`", admin.name));
            return Ok(());
        }
        let new = NewAdmin {
            name: AdminName::parse(ADMIN)?,
            role: AdminRole::Owner,
        };
        let made = app
            .admins
            .create(&Origin::SERVER, new, NewPassword::MadeToKeep);
        let (admin, password) = made.await?;
        self.new.push(format!("the admin `{}`", admin.name));
        self.admin_password = Some(password);
        Ok(())
    }

    /// Says what there is and what to type. The demo client's secret is shown at its making only.
    pub(in crate::cli) fn print(&self, app: &App) -> anyhow::Result<()> {
        let port = app.config().http.listen_addr.port();
        let curl = match &app.config().acme {
            None => format!("curl -sS --cacert {}", app.config().tls.cert.display()),
            Some(_) => "curl -sS".to_owned(),
        };
        let server = format!("https://localhost:{port}");
        let program = std::env::args()
            .next()
            .unwrap_or_else(|| "token-server".to_owned());
        let mut text = format!("\nTokenServer, in development mode: {server}\n\n");
        for (verb, things) in [("made ", &self.new), ("found", &self.found)] {
            if !things.is_empty() {
                text += &format!("  {verb}  {}\n", things.join(", "));
            }
        }
        text += &self.portal(app, &program);
        let secret = if let Some(secret) = &self.demo_secret {
            text += "\nGet a token (this secret is shown once):\n\n";
            secret.expose().as_str()
        } else {
            text += &format!(
                "\nThe demo client's secret was shown when it was created. For another one:\n\n\
                 {program} client secret add {DEMO_CLIENT}\n\nGet a token:\n\n"
            );
            "'<its secret>'"
        };
        text += &format!(
            "{curl} {server}/authorize -d client_id={DEMO_CLIENT} -d client_secret={secret}\n\n\
             Get one and have it verified:\n\n\
             TOKEN=$({curl} {server}/authorize -d client_id={DEMO_CLIENT} -d client_secret={secret} \
             | sed 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/')\n\
             {curl} {server}/verify -H \"Authorization: Bearer $TOKEN\"\n\n"
        );
        Output::text(&text)
    }

    /// Where the portal is, and how to get in.
    fn portal(&self, app: &App, program: &str) -> String {
        let admin = &app.config().admin;
        if !admin.is_on {
            return String::new();
        }
        let port = admin
            .listen_addr
            .unwrap_or(app.config().http.listen_addr)
            .port();
        let portal = format!("https://localhost:{port}/admin/");
        match &self.admin_password {
            Some(password) => format!(
                "\nThe portal is at {portal}\nLog in as `{ADMIN}` with this password, shown once: {}\n",
                password.expose()
            ),
            None => format!(
                "\nThe portal is at {portal}\nIts password was shown when the admin was created. For another one: \
                    {program} admin reset {ADMIN}\n"
            ),
        }
    }
}

/// Whether SECRET was made by the server, so that no other replica has it.
pub(super) fn is_secret_made_here() -> bool {
    fs::read_to_string(open::env_file()).is_ok_and(|text| text.contains(MADE_HERE))
}

/// Adds to a file that only its owner may read, which it makes if need be.
fn append_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let append = || {
        private_file::ensure(path)?;
        let before = fs::read_to_string(path)?;
        let gap = if before.is_empty() || before.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        let mut file = fs::OpenOptions::new().append(true).open(path)?;
        file.write_all([gap, text].concat().as_bytes())
    };
    append().with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a file that only its owner may read; never over one that is there.
fn write_private(path: &Path, contents: &[u8]) -> anyhow::Result<()> {
    private_file::create_new(path)
        .and_then(|mut file| file.write_all(contents))
        .with_context(|| format!("cannot write {}", path.display()))
}
