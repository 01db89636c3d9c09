// SPDX-License-Identifier: Apache-2.0
// The TCP front: the protocol that the swtpm TCTI speaks. TPM commands come on one port, control
// commands on the next one.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "snpnv/core/bytes.hpp"
#include "transports/descriptor.hpp"

namespace snpnv::paravisor {

struct Listener {
  int commands = -1;
  int control = -1;
  std::string host;
  unsigned port = 0;
};

/// A socket that listens on HOST:PORT; port 0 picks one.
/// @returns the socket | io_failed - detail: errno.
[[nodiscard]] Result<Descriptor> bind_to(const std::string& host, unsigned port);
/// The port that a socket is bound to.
[[nodiscard]] unsigned port_of(int fd);

/// Listens on HOST:PORT and on the port behind it; port 0 picks a free pair.
/// @returns the listener | io_failed - detail: errno.
[[nodiscard]] Result<Listener> listen_on(const std::string& host, unsigned port);

/// Executes one command. Called by several threads.
using Execute = std::function<Result<ByteView>(ByteView command, MutBytes response)>;

/// Reads one command into `room`. Nothing: closed, failed, or a size that no command has.
[[nodiscard]] std::optional<ByteView> receive_command(int fd, MutBytes room);

/// Serves every client in a thread of its own until `stop` becomes readable; if `once`, until a
/// command was served and no client has been there for a second. A malformed command ends its connection only.
void serve(const Listener& listener, const Execute& execute, int stop, bool once);

}  // namespace snpnv::paravisor
