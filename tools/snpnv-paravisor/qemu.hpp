// SPDX-License-Identifier: Apache-2.0
// The front for QEMU's `-tpmdev emulator`: a UNIX socket for swtpm's control protocol, over which QEMU
// passes a second socket for TPM commands.
#pragma once

#include <functional>
#include <string>

#include "server.hpp"
#include "transports/descriptor.hpp"

namespace snpnv::paravisor {

/// A socket file that goes with this object.
class QemuSocket {
 public:
  /// Listens at `path`. A socket file that nobody listens at any more is replaced.
  /// @returns the socket | io_failed - detail: errno.
  [[nodiscard]] static Result<QemuSocket> listen_at(const std::string& path);
  QemuSocket(QemuSocket&& other) noexcept : fd_(std::move(other.fd_)), path_(std::exchange(other.path_, {})) {}
  QemuSocket& operator=(QemuSocket&&) = delete;
  ~QemuSocket();
  [[nodiscard]] int get() const { return fd_.get(); }

 private:
  QemuSocket(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Descriptor fd_;
  std::string path_;
};

/// Serves one QEMU after the other until `stop` becomes readable; if `once`, until the first has
/// gone. Before INIT and after STOP the TPM is off and answers TPM_RC_INITIALIZE. INIT is a boot:
/// `power_cycle` is called, and the machine's TPM2_Startup(CLEAR) finds the TPM started already.
void serve_qemu(const QemuSocket& socket, const Execute& execute,
                const std::function<Result<void>()>& power_cycle, int stop, bool once);

}  // namespace snpnv::paravisor
