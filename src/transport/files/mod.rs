//! Files of a host: what they are, reading, writing whole or not at all. POSIX shell, `stat -c` of coreutils or busybox.
//!
//! Every operation is one script, so one round trip, but for content of any size. Paths are quoted; answers are fields that end in NUL, so that no
//! name or link target can be mistaken for something else.

mod ask;
mod bring;
mod mode;
mod status;
mod walk;
mod write;

pub use ask::{Answer, FileError, ask};
pub use bring::{bring, local_sum, stream};
pub use mode::{apply as apply_mode, is_mode};
pub use status::{FileStatus, FileType, Query, read, stat};
pub use walk::{Walk, walk};
pub(crate) use write::rights_lines;
pub use write::{Content, Write, Written, write};
