//! `wasmime status`: whether the gateway of a configuration serves, for the health
//! checks of containers and for people.

use crate::cli;
use crate::config::Configuration;
use crate::exit::{Failure, Status};
use crate::serve;

/// Asks the gateway, and prints what it says.
pub fn run(arguments: &cli::Status) -> Result<Status, Failure> {
    let configuration = Configuration::read(&arguments.configuration.config)?;
    let Some(address) = configuration.gateway.status else {
        let path = configuration.path.display();
        let text = format!("{path} has no status socket; write status = \"127.0.0.1:8025\" into [gateway]");
        return Err(Failure::new(Status::Configuration, text));
    };
    match serve::ask(&address) {
        Ok((serving, text)) => {
            println!("{text}");
            Ok(if serving { Status::Ok } else { Status::Failed })
        }
        Err(error) => Err(Failure::new(Status::Failed, format!("nothing answers at {address}: {error}"))),
    }
}
