// SPDX-License-Identifier: Apache-2.0
// Requests of swtpm's control protocol: whatever parses has the size that its first octets announce.
#include "fuzz/fuzz.hpp"
#include "paravisor/control.hpp"

using namespace snpnv;
using paravisor::ControlRequest;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView in = fuzz::view(data, size);
  const auto request = ControlRequest::parse(in);
  if (size < ControlRequest::kCommandSize) {
    REQUIRE(!request && request.error().code == Code::wire_short);
    return 0;
  }
  const auto announced = ControlRequest::size_of(in.first<ControlRequest::kCommandSize>());
  REQUIRE(!announced || *announced <= ControlRequest::kMaxSize);
  REQUIRE(request.has_value() == (announced && *announced == size));
  if (request) {
    REQUIRE(request->answer_size >= 4 && request->answer_size <= ControlRequest::kMaxAnswer);
  } else {
    REQUIRE(request.error().where <= size);
  }
  return 0;
}
