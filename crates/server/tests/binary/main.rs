//! The binary as people use it: processes, files, signals.

mod commands;
mod data;
mod serving;
mod support;
