//! A second handle of a caller's connection, with which a script can cut it.

use std::any::Any;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;

use actix_web::dev::Extensions;
use actix_web::rt;

pub(crate) struct Connection(TcpStream);

impl Connection {
    /// For actix's `on_connect`: routes find the handle in the connection's data.
    pub(crate) fn keep_handle(io: &dyn Any, data: &mut Extensions) {
        if let Some(stream) = io.downcast_ref::<rt::net::TcpStream>()
            && let Ok(handle) = stream.as_fd().try_clone_to_owned()
        {
            data.insert(Self(handle.into()));
        }
    }

    pub(crate) fn cut(&self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }
}
