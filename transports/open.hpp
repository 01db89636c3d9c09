// SPDX-License-Identifier: Apache-2.0
// Transports by name, as the command line spells them.
#pragma once

#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "transports/device.hpp"
#include "transports/recorded.hpp"
#include "transports/swtpm_client.hpp"
#if SNPNV_TCTI
#include "transports/tcti.hpp"
#endif

namespace snpnv {

/// Some transport.
class AnyTransport {
 public:
  template <Transport T>
  explicit AnyTransport(T transport) : model_(std::make_unique<Model<T>>(std::move(transport))) {}

  [[nodiscard]] Result<ByteView> transact(ByteView command, MutBytes response) noexcept {
    return model_->transact(command, response);
  }
  /// For commands to come; no effect on a transport that never waits.
  void set_deadline(Instant deadline) noexcept { model_->set_deadline(deadline); }

 private:
  struct Concept {
    virtual ~Concept() = default;
    virtual Result<ByteView> transact(ByteView command, MutBytes response) noexcept = 0;
    virtual void set_deadline(Instant deadline) noexcept = 0;
  };
  template <class T>
  struct Model final : Concept {
    explicit Model(T t) : transport(std::move(t)) {}
    Result<ByteView> transact(ByteView command, MutBytes response) noexcept override {
      return transport.transact(command, response);
    }
    void set_deadline([[maybe_unused]] Instant deadline) noexcept override {
      if constexpr (requires { transport.set_deadline(deadline); })
        transport.set_deadline(deadline);
    }
    T transport;
  };
  std::unique_ptr<Concept> model_;
};
static_assert(Transport<AnyTransport>);

/// This machine's own TPM: /dev/tpmrm0 or /dev/tpm0. Nothing if it has none of them.
[[nodiscard]] inline std::optional<std::string> default_transport_name() {
  for (const char* const path : {"/dev/tpmrm0", "/dev/tpm0"})
    if (::access(path, F_OK) == 0) return std::string("device:") + path;
  return std::nullopt;
}

/// Opens `device[:PATH]`, a path below /dev, `swtpm:host=ADDRESS,port=N`, `record:FILE=NAME`,
/// `replay:FILE`, or any TCTI.
/// Everything waits until `deadline` at most, opening as well as each later command.
/// @returns the transport | what the transport's own open() returns
///   | io_unavailable - a TCTI, in a build without tpm2-tss; `record:` without FILE or NAME.
[[nodiscard]] inline Result<AnyTransport> open_transport(std::string_view name, Instant deadline) {
  const auto after = [&](std::string_view prefix) -> std::optional<std::string_view> {
    if (!name.starts_with(prefix)) return std::nullopt;
    return name.substr(prefix.size());
  };
  if (const auto rest = after("record:")) {
    const std::size_t equals = rest->find('=');
    if (equals == std::string_view::npos || equals == 0) return fail(Code::io_unavailable);
    SNPNV_TRY(AnyTransport inner, open_transport(rest->substr(equals + 1), deadline));
    SNPNV_TRY(auto recorder,
              Recorder<AnyTransport>::open(std::string(rest->substr(0, equals)), std::move(inner), deadline));
    return AnyTransport(std::move(recorder));
  }
  if (const auto path = after("replay:")) {
    SNPNV_TRY(Replay replay, Replay::open(std::string(*path), deadline));
    return AnyTransport(std::move(replay));
  }
  std::optional<std::string_view> path = after("device:");
  if (name == "device") path = ::access("/dev/tpmrm0", F_OK) == 0 ? "/dev/tpmrm0" : "/dev/tpm0";
  if (name.starts_with("/dev/")) path = name;
  if (path) {
    SNPNV_TRY(TpmDevice device, TpmDevice::open(std::string(*path).c_str(), deadline));
    return AnyTransport(std::move(device));
  }
  const auto options = name == "swtpm" ? std::optional<std::string_view>("") : after("swtpm:");
  if (const auto address = options ? SwtpmClient::parse(*options) : std::nullopt) {
    return AnyTransport(SwtpmClient(*address, deadline));
  }
#if SNPNV_TCTI
  SNPNV_TRY(Tcti tcti, Tcti::open(std::string(name), deadline));
  return AnyTransport(std::move(tcti));
#else
  return fail(Code::io_unavailable);
#endif
}

}  // namespace snpnv
