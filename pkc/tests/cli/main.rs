//! The command line as a user sees it: what it prints and with which code it exits.

mod bench;
mod build;
mod data;
mod folder;
mod hostile;
mod output;
mod text;
