#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tidy.sh: clang-tidy finds nothing in the programs, the transports and every header that freestanding.cpp
# instantiates. It reads the file that includes a program's sources: what they share is read once then.
set -euo pipefail
cd "$(dirname "$0")/../.."
cmake --preset clang-tidy >/dev/null
printf '%s\n' build/clang-tidy/tools/CMakeFiles/*/Unity/*.cxx tests/gate/freestanding.cpp |
  xargs -P "$(nproc)" -I{} clang-tidy-19 --quiet -p build/clang-tidy --checks=-bugprone-suspicious-include {} 2>/dev/null
