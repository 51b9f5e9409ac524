//! The Rust of README.md is compiled as it stands there and run against a real server.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

#[test]
fn the_readme_runs() {
    let Ok(server) = env::var("STUBTAIL_TEST_SERVER") else {
        eprintln!("SKIPPED: STUBTAIL_TEST_SERVER is not set: run `make test-clients`");
        return;
    };
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(package.join("README.md")).unwrap();
    let blocks: Vec<&str> = page.split("```rust\n").skip(1).collect();
    let [block] = blocks[..] else {
        panic!("{} blocks of Rust in README.md", blocks.len())
    };
    let code = block.split("```").next().unwrap();
    let code = code.replace("127.0.0.1:8500", &server);
    let code = code.replace("Duration::from_millis(500)", "Duration::from_secs(60)"); // on a busy machine
    let examples = package.join("conformance").join("examples"); // a package with the same dependencies
    fs::create_dir_all(&examples).unwrap();
    fs::write(
        examples.join("readme.rs"),
        format!("//! README.md.\n{code}"),
    )
    .unwrap();
    let run = Command::new(env!("CARGO"))
        .args([
            "run",
            "--quiet",
            "--package",
            "stubtail-conformance",
            "--example",
            "readme",
        ])
        .current_dir(package)
        .output()
        .unwrap();
    fs::remove_dir_all(&examples).unwrap();
    let told = String::from_utf8(run.stdout).unwrap();
    let words: Vec<&str> = told.split_whitespace().collect();
    let failed = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && words.len() == 3, "{told} {failed}");
    assert!(
        words[0].starts_with("0.") && words[1] == "Some(\"leave\")",
        "{told}"
    );
}
