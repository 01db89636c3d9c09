// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "commands.hpp"
#include "transports/open.hpp"

namespace snpnv::tool {

Outcome<std::string> tcti_name(const Arguments& arguments) {
  if (const auto name = arguments.value("tcti")) {
    if (name->empty()) return usage("--tcti", "needs a TCTI");
    return std::string(*name);
  }
  for (const char* const variable : {"SNPNV_TCTI", "TPM2TOOLS_TCTI"})
    if (const char* const name = std::getenv(variable); name != nullptr && *name != '\0') return name;
  if (auto name = default_transport_name()) return *std::move(name);
  return std::unexpected(Failure{Exit::failed, "TPM", "this machine has no /dev/tpmrm0 and no /dev/tpm0",
                                 "io_unavailable",
                                 "-T or SNPNV_TCTI names another TPM; the kernel may lack its driver"});
}

}  // namespace snpnv::tool
