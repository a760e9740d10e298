//! Which mount covers a path, from texts as Linux writes them.

use super::{NETWORK, kind_of};
use std::path::Path;

const MOUNTS: &str = "\
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 27 0:50 / /mnt/share rw,relatime shared:1 - nfs4 server:/export rw
41 40 0:51 / /mnt/share/local rw - tmpfs tmpfs rw
42 27 0:52 / /mnt/my\\040disk rw - cifs //server/disk rw
";

#[test]
fn the_longest_mount_point_decides() {
    let check = |path: &str, expected: &str| {
        assert_eq!(
            kind_of(MOUNTS, Path::new(path)).as_deref(),
            Some(expected),
            "{path}"
        );
    };
    check("/var/lib/carril.db", "ext4");
    check("/mnt/share/carril.db", "nfs4");
    check("/mnt/shared/carril.db", "ext4");
    check("/mnt/share/local/carril.db", "tmpfs");
    check("/mnt/my disk/carril.db", "cifs");
}

#[test]
fn network_types_are_known_and_local_ones_are_not_among_them() {
    for kind in ["nfs", "nfs4", "cifs", "9p", "fuse.sshfs"] {
        assert!(NETWORK.contains(&kind), "{kind}");
    }
    for kind in ["ext4", "xfs", "btrfs", "tmpfs", "overlay", "apfs", "zfs"] {
        assert!(!NETWORK.contains(&kind), "{kind}");
    }
}
