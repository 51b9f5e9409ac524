//! Writes the Rust of every package in a file of protobuf descriptors into a folder.
//!
//! `stubtail-generator DESCRIPTORS FOLDER`; `proto/generate_rust.py` calls it.

use std::error::Error;
use std::{env, fs};

use prost::Message;
use prost_types::FileDescriptorSet;

fn main() -> Result<(), Box<dyn Error>> {
    let [_, descriptors, folder] = env::args()
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "DESCRIPTORS FOLDER")?;
    let files = FileDescriptorSet::decode(fs::read(descriptors)?.as_slice())?;
    let mut config = prost_build::Config::new();
    config.btree_map(["."]); // in one order, so that equal messages are equal bytes
    tonic_prost_build::configure()
        .build_server(false)
        .build_transport(false)
        .out_dir(folder)
        .compile_fds_with_config(files, config)?;
    Ok(())
}
