//! How people tell one process of a program from another.

use std::fs;

/// The host's name and the process's number, `host-1/4711`.
pub fn process_name() -> String {
    // What `gethostname` says on Linux; in a container, its id.
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = Some(host.trim()).filter(|host| !host.is_empty());
    format!("{}/{}", host.unwrap_or("unknown"), std::process::id())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_process_is_named_by_its_host_and_number() {
        let name = super::process_name();

        let (host, number) = name.rsplit_once('/').unwrap();
        assert!(!host.is_empty());
        assert_eq!(number, std::process::id().to_string());
    }
}
