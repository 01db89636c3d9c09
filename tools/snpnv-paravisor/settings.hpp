// SPDX-License-Identifier: Apache-2.0
// What the command line asks of snpnv-paravisor.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "paravisor/options.hpp"

namespace snpnv::paravisor {

inline constexpr int kUsage = 2;
inline constexpr int kFailed = 3;

struct Address {
  std::string host;
  unsigned port = 0;
};

struct Settings {
  std::string state;
  std::string host = "127.0.0.1";
  unsigned port = 0;
  std::optional<Address> http;
  std::optional<Address> https;
  std::optional<Address> kbs;
  std::optional<Address> maa;
  std::string kbs_policy;
  std::vector<std::pair<std::string, std::string>> resources;  // name, file
  std::string qemu;
  bool once = false;
  bool seeded = false;
  Options options;
};

/// Says on standard error what is wrong with what.
void complain(std::string_view what, std::string_view why, std::string_view hint = {});

/// Reads the command line. Returns the exit status to end with at once, or -1 to go on.
int parse(int argc, char** argv, Settings& settings);

}  // namespace snpnv::paravisor
