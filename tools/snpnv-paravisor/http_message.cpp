// SPDX-License-Identifier: Apache-2.0
#include "http_message.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "tools/printable.hpp"

namespace snpnv::paravisor {
namespace {

std::string head_of(const HttpAnswer& answer, std::string_view framing) {
  return "HTTP/1.1 " + std::to_string(answer.status) + (answer.status == 200 ? " OK" : " Refused") +
         "\r\nContent-Type: application/json\r\nConnection: close\r\n" + answer.fields + std::string(framing) +
         "\r\n\r\n";
}

}  // namespace

std::string HttpRequest::line() const {
  const std::string first = head.substr(0, head.find('\r'));
  return first.substr(0, first.rfind(' '));
}

std::string HttpRequest::field(std::string_view name) const {
  std::string lower_case = head;
  for (char& c : lower_case) c = ascii_lower(c);
  const std::size_t at = lower_case.find("\r\n" + std::string(name) + ": ");
  if (at == std::string::npos) return {};
  const std::size_t value = at + name.size() + 4;
  return head.substr(value, head.find('\r', value) - value);
}

std::optional<HttpRequest> receive_request(Connection& client) {
  constexpr std::size_t kMost = std::size_t{1} << 21;
  HttpRequest out;
  std::size_t end = 0;
  while (end == 0) {
    const std::string more = client.receive();
    out.head += more;
    if (more.empty() || out.head.size() > kMost) return std::nullopt;
    if (const std::size_t at = out.head.find("\r\n\r\n"); at != std::string::npos) end = at + 4;
  }
  out.body = out.head.substr(end);
  out.head.resize(end);
  const std::size_t size = decimal(out.field("content-length"), kMost).value_or(0);
  while (out.body.size() < size) {
    const std::string more = client.receive();
    if (more.empty()) return std::nullopt;
    out.body += more;
  }
  return out;
}

void send_answer(Connection& client, const HttpAnswer& answer) {
  (void)client.send(head_of(answer, "Content-Length: " + std::to_string(answer.body.size())) + answer.body);
}

void send_endless(Connection& client, const HttpAnswer& answer) {
  if (!client.send(head_of(answer, "Transfer-Encoding: chunked"))) return;
  const std::string chunk = "1000\r\n" + std::string(0x1000, ' ') + "\r\n";
  while (client.send(chunk)) {
  }
}

void say_nothing(Connection& client) {
  while (!client.receive().empty()) {
  }
}

Result<RequestLog> RequestLog::open(const std::string& path) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644));
  if (file.get() < 0) return io_failure(errno);
  return RequestLog(std::move(file));
}

void RequestLog::note(const std::string& line, int status) const {
  // One write to a file that is appended to: lines of several threads do not mix.
  const std::string noted = printable(line) + " " + std::to_string(status) + "\n";
  (void)::write(file_.get(), noted.data(), noted.size());
}

}  // namespace snpnv::paravisor
