#!/usr/bin/env bash
# Builds the QUIC engine of the network service into ../.toolchain/lib with Rust, from the crates
# that its Cargo.lock names; does nothing while the sources are those of the last build.
set -euo pipefail
cd "$(dirname "$0")/.."

crate="$PWD/services/network/quic/engine"
library="$PWD/.toolchain/lib/libquic_engine.so"
stamp="$PWD/.toolchain/lib/quic-stamp"
PATH="$PATH:${HOME:-/root}/.cargo/bin"

sources=$(cat "$crate"/Cargo.toml "$crate"/Cargo.lock "$crate"/src/*.rs | sha256sum)
if [ -f "$library" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$sources" ]; then exit 0; fi
if ! command -v cargo >/dev/null || ! command -v cc >/dev/null; then
  echo "quic: Rust 1.85 or later (cargo) and a C compiler (cc) are needed, see README.md" >&2
  exit 1
fi
echo "quic: building the engine, which takes a minute or two"
# the toolchain folder may be shared with other work trees: the library changes in one step
CARGO_TARGET_DIR="$PWD/build/quic_engine" \
  cargo build --release --locked --quiet --manifest-path "$crate/Cargo.toml"
mkdir -p "$PWD/.toolchain/lib"
cp "$PWD/build/quic_engine/release/libquic_engine.so" "$library.part"
mv "$library.part" "$library"
echo "$sources" > "$stamp"
echo "quic: ready in .toolchain/lib"
