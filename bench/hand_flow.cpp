// SPDX-License-Identifier: Apache-2.0
// hand_flow PORT USER-DATA REPORT: the flow with nothing but its octets: one TPM2_NV_Write, and as many
// TPM2_NV_Read as the envelope takes, on the data port of swtpm or snpnv-paravisor. Proves nothing; the
// lower bound for what does.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "bench/hand_marshalled.hpp"

namespace {

struct Port {
  int fd;
  bool exchange(snpnv::ByteView command, snpnv::MutBytes response) const {
    return ::write(fd, command.data(), command.size()) == static_cast<ssize_t>(command.size()) &&
           ::recv(fd, response.data(), response.size(), MSG_WAITALL) == static_cast<ssize_t>(response.size());
  }
};

}  // namespace

int main(int count, char** words) {
  if (count != 4) return 2;
  snpnv::UserData user_data{};
  const int input = ::open(words[2], O_RDONLY);
  if (::read(input, user_data.data(), user_data.size()) != static_cast<ssize_t>(user_data.size())) return 1;
  const Port port{::socket(AF_INET, SOCK_STREAM, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(words[1])));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const void* const any = &address;
  if (::connect(port.fd, static_cast<const sockaddr*>(any), sizeof address) != 0) return 1;
  std::array<std::byte, 16384> envelope;
  const std::size_t size = bench::hand_marshalled(port, user_data, envelope);
  if (size == 0) return 1;
  const int output = ::open(words[3], O_WRONLY | O_CREAT | O_TRUNC, 0600);
  return ::write(output, envelope.data() + 32, 1184) == 1184 ? 0 : 1;
}
