//! Owns what the kernel allows this process: descriptors, connections that wait to be accepted, and memory.

use std::fs;
use std::io;
use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that the process may have open now; `None`: any number.
pub(crate) fn descriptor_limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Descriptors that it may have open after [`raise_descriptor_limit`]; `None`: any number.
pub(crate) fn hard_descriptor_limit() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}

/// Raises the soft limit of descriptors to the hard one.
pub(crate) fn raise_descriptor_limit() -> io::Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    Ok(setrlimit(Resource::Nofile, raised)?)
}

/// The longest queue of connections that a listener can have (`net.core.somaxconn`); `None`: it cannot be read.
pub(crate) fn listen_queue_limit() -> Option<u64> {
    let text = fs::read_to_string("/proc/sys/net/core/somaxconn").ok()?;
    text.trim().parse().ok()
}

/// The least memory in bytes that a control group of this process allows; `None`: there is no limit, or none to be read.
pub(crate) fn memory_limit() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    memory_limit_under(Path::new("/sys/fs/cgroup"), &groups)
}

/// A limit of any group above binds too. In a container the paths may be those of the host, which are not there: then
/// what is mounted at the top is the container's own group.
fn memory_limit_under(root: &Path, groups: &str) -> Option<u64> {
    let limits = groups.lines().filter_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let (folder, file) = if controllers.is_empty() {
            (root.to_owned(), "memory.max")
        } else if controllers.split(',').any(|it| it == "memory") {
            (root.join("memory"), "memory.limit_in_bytes")
        } else {
            return None;
        };
        let groups = Path::new(path.trim_start_matches('/')).ancestors();
        let limit = |group: &Path| fs::read_to_string(folder.join(group).join(file)).ok();
        // Without a limit it says `max`.
        let limits = groups.filter_map(|group| limit(group)?.trim().parse().ok());
        limits.min()
    });
    limits.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, file: &str, text: &str) {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn the_lowest_limit_of_all_groups_above_binds() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "memory.max", "max\n");
        write(folder.path(), "a/memory.max", "1000\n");
        write(folder.path(), "a/b/memory.max", "2000\n");

        assert_eq!(memory_limit_under(folder.path(), "0::/a/b\n"), Some(1_000));
        assert_eq!(memory_limit_under(folder.path(), "0::/c\n"), None);
    }

    #[test]
    fn groups_of_version_1_have_a_folder_for_memory() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "memory/memory.limit_in_bytes", "3000\n");
        write(folder.path(), "memory.max", "1\n");
        let groups = "8:pids:/x\n4:cpu,memory:/not/mounted/here\n";

        assert_eq!(memory_limit_under(folder.path(), groups), Some(3_000));
    }
}
