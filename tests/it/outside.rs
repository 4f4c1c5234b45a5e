//! Programs of other languages, as receivers would write them.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// A path in this repository.
pub(crate) fn in_repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The interpreter of the environment that `scripts/test` makes.
pub(crate) fn python() -> Command {
    let interpreter = in_repository("target/examples-python/bin/python");
    assert!(interpreter.exists(), "{} is missing: scripts/test makes it", interpreter.display());
    Command::new(interpreter)
}

/// Node, in the folder of the packages that `scripts/test` installs.
pub(crate) fn node() -> Command {
    let mut command = Command::new("node");
    command.current_dir(in_repository("tests/javascript"));
    command
}

/// Runs a program to its end; what it printed. It must succeed.
pub(crate) fn told(mut command: Command, input: &str) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writing = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let ended = child.wait_with_output().unwrap();
    let _ = writing.join().unwrap(); // one that fails early does not read all
    let (out, err) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{:?} {out} {err}", ended.status);
    out.into_owned()
}
