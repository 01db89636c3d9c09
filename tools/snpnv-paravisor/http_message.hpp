// SPDX-License-Identifier: Apache-2.0
// Requests and answers of HTTP as services see them.
#pragma once

#include <optional>
#include <string>

#include "connection.hpp"

namespace snpnv::paravisor {

/// One request.
struct HttpRequest {
  std::string head;  // up to the empty line, with it
  std::string body;

  /// "GET /path"
  [[nodiscard]] std::string line() const;
  /// The value of a field, whose name is in any case; empty if there is none.
  [[nodiscard]] std::string field(std::string_view name) const;
};

/// Nothing: the client has gone, or sends more than anybody does.
[[nodiscard]] std::optional<HttpRequest> receive_request(Connection& client);

struct HttpAnswer {
  int status = 200;
  std::string body;
  std::string fields = {};  // each with the end of its line
};
void send_answer(Connection& client, const HttpAnswer& answer);
/// Its head, and a chunked body for as long as the client takes it.
void send_endless(Connection& client, const HttpAnswer& answer);
/// Reads until the client has gone.
void say_nothing(Connection& client);

/// A file with a line for each request.
class RequestLog {
 public:
  /// Makes the file anew.
  /// @returns the log | io_failed - detail: errno.
  [[nodiscard]] static Result<RequestLog> open(const std::string& path);
  void note(const std::string& line, int status) const;

 private:
  explicit RequestLog(Descriptor file) : file_(std::move(file)) {}
  Descriptor file_;
};

}  // namespace snpnv::paravisor
