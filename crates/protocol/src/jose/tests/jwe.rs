//! Encryption: the worked examples, and a reader of our own.
