#!/usr/bin/env bash
# Installs the S3 server of the tests into ../.toolchain/bin, built from its source with Go: no
# package registry has it built. PostgreSQL comes with the other tools (install.mjs).
set -euo pipefail
cd "$(dirname "$0")/.."

version=v1.8.0
bin="$PWD/.toolchain/bin"
stamp="$PWD/.toolchain/versitygw-stamp"

if [ -x "$bin/versitygw" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$version" ]; then exit 0; fi
if ! command -v go >/dev/null; then
  echo "servers: Go is needed to build versitygw for the tests of the cloud layer" >&2
  exit 1
fi
echo "servers: building versitygw $version, which takes a minute or two"
GOBIN="$bin" go install -trimpath "github.com/versity/versitygw/cmd/versitygw@$version"
echo "$version" > "$stamp"
echo "servers: ready in .toolchain"
