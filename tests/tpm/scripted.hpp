// SPDX-License-Identifier: Apache-2.0
// A TPM whose answers are laid down beforehand.
#pragma once

#include <deque>
#include <functional>

#include "snpnv/tpm/tpm.hpp"
#include "tests/manual_clock.hpp"
#include "tests/test.hpp"

namespace snpnv::test {

/// Keeps the commands it was sent. A command beyond the script fails the test.
class ScriptedTpm {
 public:
  using Answer = std::function<Result<ByteView>(ByteView command, MutBytes response)>;

  std::vector<std::string> sent;

  ScriptedTpm& then(Answer answer) {
    script_.push_back(std::move(answer));
    return *this;
  }
  /// Octets as they are.
  ScriptedTpm& raw(std::string_view digits) {
    return then([octets = hex(digits)](ByteView, MutBytes response) -> Result<ByteView> {
      return copy_to(response, octets);
    });
  }
  ScriptedTpm& error(std::uint32_t rc) {
    return then([rc](ByteView, MutBytes response) { return marshal_error(rc, response); });
  }
  /// The success of a command without response parameters that was authorized once.
  ScriptedTpm& done() { return raw("80020000001300000000000000000000010000"); }
  template <class Response>
  ScriptedTpm& answer(const Response& value, TPM_ST tag) {
    return then([value, tag](ByteView, MutBytes response) {
      return marshal_response(value, tag, 1, response);
    });
  }

  [[nodiscard]] bool exhausted() const { return script_.empty(); }

  Result<ByteView> transact(ByteView command, MutBytes response) noexcept {
    sent.push_back(digits(command));
    CHECK(!script_.empty());
    if (script_.empty()) return fail(Code::io_closed);
    const Answer answer = std::move(script_.front());
    script_.pop_front();
    return answer(command, response);
  }

 private:
  std::deque<Answer> script_;
};

}  // namespace snpnv::test
