// SPDX-License-Identifier: Apache-2.0
// The one place of the version; CMake reads it from here.
#pragma once

#define SNPNV_VERSION "0.1.0"
