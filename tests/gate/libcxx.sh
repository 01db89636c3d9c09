#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# libcxx.sh SOURCE_DIR EVERY_HEADER: what EVERY_HEADER includes compiles by Clang 19 with libc++.
set -euo pipefail
compile() { clang++-19 -stdlib=libc++ -std=c++23 -fsyntax-only -Wall -Wextra -Wconversion -Wshadow -Werror "$@"; }
if ! compile -x c++ - <<<'#include <expected>' 2>/dev/null; then
  echo "SKIPPED: no clang++-19 with libc++"
  exit 77
fi
read -ra flags < <(pkg-config --cflags tss2-tctildr 2>/dev/null || true)
compile -I"$1/include" -I"$1" "${flags[@]}" -x c++ - <<<"#include \"$2\""
