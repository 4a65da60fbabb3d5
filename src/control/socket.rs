//! The socket in the state folder.
//!
//! It is made beside its name, given its mode, and renamed: whoever finds it can connect, and what a killed daemon left is
//! replaced. Only the holder of the state's lock does that.

use std::{
    fs::{File, Permissions},
    io,
    os::{
        fd::AsRawFd as _,
        unix::{
            ffi::OsStrExt as _,
            fs::{MetadataExt as _, PermissionsExt as _},
        },
    },
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, Mode, OFlags};
use tokio::net::{UnixListener, UnixStream};

/// The name of the socket.
pub(super) const SOCKET: &str = "control.sock";

/// Its name until all is right with it.
const UNFINISHED: &str = "control.sock.new";

/// A path of a socket may have so many bytes, less the one that ends it.
const LONGEST_PATH: usize = 107;

/// A socket that is listened at. It is removed when it is dropped.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) listener: UnixListener,
    path: PathBuf,
    /// Device and number of the file.
    file: (u64, u64),
}

impl Socket {
    /// Listens in `folder`, whose lock this process holds.
    pub(super) fn bind(folder: &Path) -> io::Result<Self> {
        let (path, unfinished) = (folder.join(SOCKET), folder.join(UNFINISHED));
        remove_if_there(&unfinished)?;
        let reach = Reach::to(folder, UNFINISHED)?;
        let listener = UnixListener::bind(&reach.path)?;
        std::fs::set_permissions(&unfinished, Permissions::from_mode(0o600))?;
        let file = identity(&unfinished)?;
        std::fs::rename(&unfinished, &path)?;
        Ok(Self { listener, path, file })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Another daemon's is left alone, should the folder have been replaced. One that stays refuses connections.
        if identity(&self.path).is_ok_and(|file| file == self.file) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Connects to the daemon whose socket lies in `folder`; nothing where nobody listens there, or where this user may not
/// connect.
pub(super) async fn connect(folder: &Path) -> io::Result<Option<UnixStream>> {
    use io::ErrorKind::{ConnectionRefused, NotADirectory, NotFound, PermissionDenied};
    let connected = match Reach::to(folder, SOCKET) {
        Ok(reach) => UnixStream::connect(&reach.path).await,
        Err(error) => Err(error),
    };
    match connected {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if matches!(error.kind(), NotFound | ConnectionRefused | PermissionDenied | NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether a user is let in: root, and the user that this process runs as.
pub(super) fn is_let_in(stream: &UnixStream) -> io::Result<Result<u32, u32>> {
    let uid = stream.peer_cred()?.uid();
    let is_let_in = uid == 0 || uid == rustix::process::geteuid().as_raw();
    Ok(if is_let_in { Ok(uid) } else { Err(uid) })
}

/// A path to a socket that is short enough for the system.
struct Reach {
    path: PathBuf,
    /// The folder that it leads through.
    _folder: Option<File>,
}

impl Reach {
    fn to(folder: &Path, name: &str) -> io::Result<Self> {
        let path = folder.join(name);
        if path.as_os_str().as_bytes().len() <= LONGEST_PATH {
            return Ok(Self { path, _folder: None });
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = File::from(rustix::fs::openat(CWD, folder, flags, Mode::empty())?);
        let path = PathBuf::from(format!("/proc/self/fd/{}/{name}", folder.as_raw_fd()));
        Ok(Self { path, _folder: Some(folder) })
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = std::fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
