// SPDX-License-Identifier: Apache-2.0
#include "broker.hpp"

#include "fetch_certificates.hpp"

namespace snpnv::tool {

Outcome<Url> broker_url(const Arguments& arguments) {
  const auto address = arguments.value("url");
  if (!address) return usage("--url", "missing: whom to ask");
  const auto url = parse_url(*address);
  if (!url || !url->tls || url->target.contains('?')) return usage("--url", "needs https://HOST[:PORT][/PATH]");
  return *url;
}

Outcome<void> check_vcek_options(const Arguments& arguments) {
  for (const OptionSpec& option : kPlaceOptions)
    if (arguments.has("vcek") && arguments.has(option.name))
      return usage(concat({"--", option.name}), "not together with --vcek");
  return {};
}

std::unexpected<Failure> network_failure(std::string_view url, const Error& error) {
  Failure out = describe_network(url, error);
  out.exit = Exit::failed;
  if (error.code == Code::io_certificate)
    out.hint = "--ca-file names the authority, or the certificate, of another server than this one";
  return std::unexpected(std::move(out));
}

}  // namespace snpnv::tool
