//! The server of files, SFTP version 3 as OpenSSH speaks it. It runs in the node, as the user: what a path means and who
//! may read it is the kernel's to say.

mod failure;
mod metadata;

use failure::Failure;
use metadata::{attributes, expand, listed, real, set, times};
use russh_sftp::protocol::{
    Attrs, Data, ExtendedReply, File, FileAttributes, Handle, Name, OpenFlags, Packet, Status,
    StatusCode, Version,
};
use russh_sftp::server::{Config, Handler};
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tokio::net::unix::pipe;

/// `argv[0]` of the process.
pub(super) const NAME: &str = "mainstay-lab-sftp";

/// Longest packet of a client, as OpenSSH has it.
const PACKET: u32 = 256 << 10;
/// Longest part of a file in one packet.
const PART: u32 = PACKET - 1024;
/// Entries of a directory in one answer.
const ENTRIES: usize = 100;
/// Files and directories open at once.
const HANDLES: usize = 1000;

/// First thing in the program's `main`, as [`crate::sandbox::entry`]: the exit code if this process is a server of files.
#[must_use]
pub fn entry(arguments: &[OsString]) -> Option<u8> {
    if arguments.first()? != NAME {
        return None;
    }
    Some(serve().map_or(1, |()| 0))
}

/// Serves standard input until its end.
fn serve() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let stdin = pipe::Receiver::from_owned_fd(std::io::stdin().as_fd().try_clone_to_owned()?)?;
        let stdout = pipe::Sender::from_owned_fd(std::io::stdout().as_fd().try_clone_to_owned()?)?;
        let (mut ours, theirs) = tokio::io::duplex(1 << 20);
        let config = Config { max_client_packet_len: PACKET };
        russh_sftp::server::run_with_config(theirs, Files::default(), config).await;
        tokio::io::copy_bidirectional(&mut tokio::io::join(stdin, stdout), &mut ours).await?;
        Ok(())
    })
}

#[derive(Default)]
struct Files {
    open: HashMap<String, Open>,
    last: u64,
}

enum Open {
    File {
        file: fs::File,
        append: bool,
    },
    /// What was not listed yet.
    Directory(std::vec::IntoIter<File>),
}

impl Files {
    fn keep(&mut self, id: u32, open: Open) -> Result<Handle, Failure> {
        if self.open.len() >= HANDLES {
            return Err(Failure(StatusCode::Failure.with_message("too many open files")));
        }
        self.last += 1;
        let handle = self.last.to_string();
        self.open.insert(handle.clone(), open);
        Ok(Handle { id, handle })
    }

    fn file(&self, handle: &str) -> Result<(&fs::File, bool), Failure> {
        match self.open.get(handle) {
            Some(Open::File { file, append }) => Ok((file, *append)),
            _ => Err(StatusCode::Failure.into()),
        }
    }
}

impl Handler for Files {
    type Error = Failure;

    fn unimplemented(&self) -> Failure {
        StatusCode::OpUnsupported.into()
    }

    async fn init(
        &mut self,
        _version: u32,
        _extensions: HashMap<String, String>,
    ) -> Result<Version, Failure> {
        let mut version = Version::new();
        for (name, number) in [
            ("posix-rename@openssh.com", "1"),
            ("hardlink@openssh.com", "1"),
            ("fsync@openssh.com", "1"),
            ("limits@openssh.com", "1"),
            ("expand-path@openssh.com", "1"),
        ] {
            version.extensions.insert(name.to_owned(), number.to_owned());
        }
        Ok(version)
    }

    async fn open(
        &mut self,
        id: u32,
        path: String,
        flags: OpenFlags,
        attrs: FileAttributes,
    ) -> Result<Handle, Failure> {
        let mut options = OpenOptions::from(flags);
        options.mode(attrs.permissions.unwrap_or(0o666) & 0o7777);
        let append = flags.contains(OpenFlags::APPEND);
        let file = options.open(path)?;
        self.keep(id, Open::File { file, append })
    }

    async fn close(&mut self, id: u32, handle: String) -> Result<Status, Failure> {
        self.open.remove(&handle).ok_or(StatusCode::Failure)?;
        Ok(done(id))
    }

    async fn read(
        &mut self,
        id: u32,
        handle: String,
        offset: u64,
        length: u32,
    ) -> Result<Data, Failure> {
        let (file, _) = self.file(&handle)?;
        let mut data = vec![0; usize::try_from(length.min(PART)).unwrap_or_default()];
        let count = file.read_at(&mut data, offset)?;
        if count == 0 && length > 0 {
            return Err(StatusCode::Eof.into());
        }
        data.truncate(count);
        Ok(Data { id, data })
    }

    async fn write(
        &mut self,
        id: u32,
        handle: String,
        offset: u64,
        data: Vec<u8>,
    ) -> Result<Status, Failure> {
        let (mut file, append) = self.file(&handle)?;
        if append {
            io::Write::write_all(&mut file, &data)?;
        } else {
            file.write_all_at(&data, offset)?;
        }
        Ok(done(id))
    }

    async fn lstat(&mut self, id: u32, path: String) -> Result<Attrs, Failure> {
        Ok(Attrs { id, attrs: attributes(&fs::symlink_metadata(path)?) })
    }

    async fn stat(&mut self, id: u32, path: String) -> Result<Attrs, Failure> {
        Ok(Attrs { id, attrs: attributes(&fs::metadata(path)?) })
    }

    async fn fstat(&mut self, id: u32, handle: String) -> Result<Attrs, Failure> {
        Ok(Attrs { id, attrs: attributes(&self.file(&handle)?.0.metadata()?) })
    }

    async fn setstat(
        &mut self,
        id: u32,
        path: String,
        attrs: FileAttributes,
    ) -> Result<Status, Failure> {
        if let Some(size) = attrs.size {
            OpenOptions::new().write(true).open(&path)?.set_len(size)?;
        }
        set(Path::new(&path), &attrs)?;
        Ok(done(id))
    }

    async fn fsetstat(
        &mut self,
        id: u32,
        handle: String,
        attrs: FileAttributes,
    ) -> Result<Status, Failure> {
        let (file, _) = self.file(&handle)?;
        if let Some(size) = attrs.size {
            file.set_len(size)?;
        }
        if let Some(mode) = attrs.permissions {
            file.set_permissions(Permissions::from_mode(mode & 0o7777))?;
        }
        if let Some(times) = times(&attrs) {
            file.set_times(times)?;
        }
        if let (Some(uid), Some(gid)) = (attrs.uid, attrs.gid) {
            std::os::unix::fs::fchown(file, Some(uid), Some(gid))?;
        }
        Ok(done(id))
    }

    async fn opendir(&mut self, id: u32, path: String) -> Result<Handle, Failure> {
        let mut files = vec![listed(".", &fs::metadata(&path)?)];
        files.extend(fs::metadata(Path::new(&path).join("..")).map(|found| listed("..", &found)));
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            // What went away meanwhile is not listed.
            if let Ok(found) = entry.metadata() {
                files.push(listed(&entry.file_name().to_string_lossy(), &found));
            }
        }
        self.keep(id, Open::Directory(files.into_iter()))
    }

    async fn readdir(&mut self, id: u32, handle: String) -> Result<Name, Failure> {
        let Some(Open::Directory(left)) = self.open.get_mut(&handle) else {
            return Err(StatusCode::Failure.into());
        };
        let files: Vec<_> = left.take(ENTRIES).collect();
        if files.is_empty() { Err(StatusCode::Eof.into()) } else { Ok(Name { id, files }) }
    }

    async fn remove(&mut self, id: u32, path: String) -> Result<Status, Failure> {
        fs::remove_file(path)?;
        Ok(done(id))
    }

    async fn mkdir(
        &mut self,
        id: u32,
        path: String,
        attrs: FileAttributes,
    ) -> Result<Status, Failure> {
        let mode = attrs.permissions.unwrap_or(0o777) & 0o7777;
        fs::DirBuilder::new().mode(mode).create(path)?;
        Ok(done(id))
    }

    async fn rmdir(&mut self, id: u32, path: String) -> Result<Status, Failure> {
        fs::remove_dir(path)?;
        Ok(done(id))
    }

    async fn realpath(&mut self, id: u32, path: String) -> Result<Name, Failure> {
        Ok(one_name(id, &real(Path::new(&path))?))
    }

    async fn rename(&mut self, id: u32, old: String, new: String) -> Result<Status, Failure> {
        // The standard's rename replaces nothing.
        if fs::symlink_metadata(&new).is_ok() {
            return Err(StatusCode::Failure.into());
        }
        fs::rename(old, new)?;
        Ok(done(id))
    }

    async fn readlink(&mut self, id: u32, path: String) -> Result<Name, Failure> {
        Ok(one_name(id, &fs::read_link(path)?))
    }

    /// OpenSSH has its arguments the other way round than the standard: target first, and everybody follows it.
    async fn symlink(&mut self, id: u32, target: String, path: String) -> Result<Status, Failure> {
        symlink(target, path)?;
        Ok(done(id))
    }

    async fn extended(
        &mut self,
        id: u32,
        request: String,
        data: Vec<u8>,
    ) -> Result<Packet, Failure> {
        let mut words = Words(&data);
        match request.as_str() {
            "posix-rename@openssh.com" => fs::rename(words.path()?, words.path()?)?,
            "hardlink@openssh.com" => fs::hard_link(words.path()?, words.path()?)?,
            "fsync@openssh.com" => {
                self.file(&words.path()?.to_string_lossy())?.0.sync_all()?;
            }
            "expand-path@openssh.com" => {
                return Ok(Packet::Name(one_name(id, &real(&expand(&words.path()?))?)));
            }
            "limits@openssh.com" => {
                let limits = [u64::from(PACKET), u64::from(PART), u64::from(PART), HANDLES as u64];
                let data = limits.iter().flat_map(|limit| limit.to_be_bytes()).collect();
                return Ok(Packet::ExtendedReply(ExtendedReply { id, data }));
            }
            _ => return Err(StatusCode::OpUnsupported.into()),
        }
        Ok(Packet::Status(done(id)))
    }
}

/// The arguments of an extended request: numbers and texts with their lengths, in network order.
struct Words<'a>(&'a [u8]);

impl Words<'_> {
    fn number(&mut self) -> Result<u32, Failure> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(StatusCode::BadMessage)?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*bytes))
    }

    fn path(&mut self) -> Result<PathBuf, Failure> {
        let length = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        let (text, rest) = self.0.split_at_checked(length).ok_or(StatusCode::BadMessage)?;
        self.0 = rest;
        Ok(OsString::from_vec(text.to_vec()).into())
    }
}

fn done(id: u32) -> Status {
    let (error_message, language_tag) = (String::new(), String::new());
    Status { id, status_code: StatusCode::Ok, error_message, language_tag }
}

fn one_name(id: u32, path: &Path) -> Name {
    Name { id, files: vec![File::dummy(path.to_string_lossy())] }
}
