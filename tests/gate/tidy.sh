#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tidy.sh SOURCE_DIR BUILD_DIR: clang-tidy finds nothing in the programs, the transports and every header
# that freestanding.cpp instantiates. BUILD_DIR has compile_commands.json of Clang.
set -euo pipefail
cd "$1"
printf '%s\n' tools/*/*.cpp tests/gate/freestanding.cpp |
  xargs -P "$(nproc)" -I{} clang-tidy-19 --quiet -p "$2" {} 2>/dev/null
