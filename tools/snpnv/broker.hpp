// SPDX-License-Identifier: Apache-2.0
// What the commands share that ask a service for something in return for evidence.
#pragma once

#include "fetch_network.hpp"
#include "files.hpp"

namespace snpnv::tool {

/// Where Debian and others keep the authorities that a system trusts.
inline constexpr std::string_view kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

[[nodiscard]] std::uint64_t random_seed();

/// Whether there is somebody to tell of pauses.
[[nodiscard]] bool shows_progress(const Arguments& arguments);

/// Says why nothing happens for a while, if `progress`.
class Told {
 public:
  Told(bool progress, std::string_view who) : progress_(progress), who_(who) {}
  void operator()(const HttpPause& pause) const noexcept;

 private:
  bool progress_;
  std::string_view who_;
};

/// --url, which must be https.
[[nodiscard]] Outcome<Url> broker_url(const Arguments& arguments);
/// --vcek, or where it is to be got from, but not both.
[[nodiscard]] Outcome<void> check_vcek_options(const Arguments& arguments);
/// Reads authorities from a file in PEM.
[[nodiscard]] Outcome<void> read_authorities(std::string_view path, TlsTrust& trust);
/// An error of the network, or of what came over it, in words.
[[nodiscard]] std::unexpected<Failure> network_failure(std::string_view url, const Error& error);

}  // namespace snpnv::tool
