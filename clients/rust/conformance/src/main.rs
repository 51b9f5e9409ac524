//! The Rust runner of clients/conformance: does the calls of cases and prints what it saw, a line of JSON
//! for each case.
//!
//! `stubtail-conformance TARGET SERVER FOLDER CASES.json...`

mod call;
mod messages;
mod methods;
mod seen;

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;
use std::time::Duration;
use std::{env, fs};

use serde::Deserialize;
use stubtail::{Client, Tls};

use call::Call;
use messages::Messages;

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    server: String,
    #[serde(default)]
    client: Options,
    calls: Vec<Call>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    timeout_ms: Option<u64>,
    connections: Option<usize>,
    hedge_after_ms: Option<u64>,
    message_bytes_max: Option<usize>,
    #[serde(default)]
    fail_fast: bool,
    tls: Option<HashMap<String, String>>,
    token_file: Option<String>,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [target, server, folder, paths @ ..] = arguments.as_slice() else {
        return Err("stubtail-conformance TARGET SERVER FOLDER CASES.json...".into());
    };
    let messages = Messages::load()?;
    for path in paths {
        let file: File = serde_json::from_str(&fs::read_to_string(path)?)?;
        for case in file.cases.iter().filter(|case| case.server == *server) {
            let client = case.client.of(target, &case.name, Path::new(folder))?;
            let mut seen = Vec::new();
            for call in &case.calls {
                seen.push(call.many(&client, &messages).await?);
            }
            println!("{}", serde_json::json!({"case": case.name, "calls": seen}));
        }
    }
    Ok(())
}

impl Options {
    /// A client as the case wants it.
    fn of(&self, target: &str, case: &str, folder: &Path) -> stubtail::Result<Client> {
        let mut builder = Client::builder(target).metadata("x-stubtail-case", case);
        if let Some(ms) = self.timeout_ms {
            builder = builder.timeout(Duration::from_millis(ms));
        }
        if let Some(count) = self.connections {
            builder = builder.connections(count);
        }
        if let Some(ms) = self.hedge_after_ms {
            builder = builder.hedge_after(Duration::from_millis(ms));
        }
        if let Some(bytes) = self.message_bytes_max {
            builder = builder.message_bytes_max(bytes);
        }
        if self.fail_fast {
            builder = builder.fail_fast();
        }
        if let Some(files) = &self.tls {
            let file = |key: &str| files.get(key).map(|name| folder.join(name));
            builder = builder.tls(Tls {
                ca: file("ca"),
                cert: file("cert"),
                key: file("key"),
                server_name: None,
            });
        }
        if let Some(name) = &self.token_file {
            builder = builder.token_file(folder.join(name));
        }
        builder.build()
    }
}
