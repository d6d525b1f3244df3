//! What the network service does in native code: QUIC and TLS, as functions with a plain C ABI for
//! `services/network/engine/native.ts`.
//!
//! Numbers are 32 bits wide or, where they may be larger, doubles without a fraction: what
//! JavaScript calls with least effort. Functions answer `FAILED` when they cannot do what is asked;
//! `engine_failure` then tells why. Whatever is opened belongs to the thread that opened it.

mod abi;
mod identity;
mod quic;
mod tls;
