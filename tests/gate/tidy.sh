#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tidy.sh: clang-tidy finds nothing in the programs, the transports and every header that freestanding.cpp
# instantiates; each source is read by itself, as the preset clang-tidy compiles it.
set -euo pipefail
cd "$(dirname "$0")/../.."
cmake --preset clang-tidy >/dev/null
printf '%s\n' tools/*/*.cpp tests/gate/freestanding.cpp |
  xargs -P "$(nproc)" -I{} clang-tidy-19 --quiet -p build/clang-tidy {} 2>/dev/null
