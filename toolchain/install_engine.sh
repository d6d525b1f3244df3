#!/usr/bin/env bash
# Builds the native library of the network service (QUIC and TLS) into ../.toolchain/lib with Rust,
# from the crates that its Cargo.lock names; does nothing while the sources are those of the last
# build.
set -euo pipefail
cd "$(dirname "$0")/.."

crate="$PWD/services/network/engine"
library="$PWD/.toolchain/lib/libnetwork_engine.so"
stamp="$PWD/.toolchain/lib/network-engine-stamp"
PATH="$PATH:${HOME:-/root}/.cargo/bin"

sources=$(cat "$crate"/Cargo.toml "$crate"/Cargo.lock "$crate"/src/*.rs "$crate"/src/*/*.rs | sha256sum)
if [ -f "$library" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$sources" ]; then exit 0; fi
if ! command -v cargo >/dev/null || ! command -v cc >/dev/null; then
  echo "engine: Rust 1.85 or later (cargo) and a C compiler (cc) are needed, see README.md" >&2
  exit 1
fi
echo "engine: building the engine, which takes a minute or two"
# the toolchain folder may be shared with other work trees: the library changes in one step
CARGO_TARGET_DIR="$PWD/build/network_engine" \
  cargo build --release --locked --quiet --manifest-path "$crate/Cargo.toml"
mkdir -p "$PWD/.toolchain/lib"
cp "$PWD/build/network_engine/release/libnetwork_engine.so" "$library.part$$"
mv "$library.part$$" "$library"
echo "$sources" > "$stamp"
echo "engine: ready in .toolchain/lib"
