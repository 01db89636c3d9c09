// SPDX-License-Identifier: Apache-2.0
// The whole flow on a hostile TPM with a virtual clock. Whatever it answers, a report that is returned
// is bound to its claims and carries the user data; the flow ends at the deadline.
#include "fuzz/fuzz.hpp"
#include "snpnv/collect/fresh_report.hpp"
#include "snpnv/core/json_writer.hpp"
#include "snpnv/mbedtls/crypto.hpp"
#include "tests/manual_clock.hpp"

using namespace snpnv;

namespace {

// An octet of the input tells how each command is answered; when the input ends, honestly.
class HostileTpm {
 public:
  HostileTpm(ByteView script, test::ManualClock& clock) : script_(script), clock_(clock) { renew(); }

  std::size_t commands = 0;

  Result<ByteView> transact(ByteView command, MutBytes response) noexcept {
    ++commands;
    clock_.time += 1;  // a command takes time, so that loops end
    const unsigned how = octet();
    switch (how % 8) {
      case 4: {  // anything at all
        const ByteView noise = take(octet() + 256U * (octet() % 16));
        return copy_to(response, noise);
      }
      case 5: return marshal_error(static_cast<std::uint32_t>(octet() << 8 | octet()), response);
      case 6: {  // the honest answer with one octet changed, or its end missing
        const auto answer = honest(command, response);
        if (!answer || answer->empty()) return answer;
        const std::size_t at = (octet() << 8 | octet()) % answer->size();
        if (how >= 128) return answer->first(at);
        response[at] ^= static_cast<std::byte>(octet() | 1U);
        return answer;
      }
      case 7: {  // another process comes first
        for (std::byte& b : user_data_) b ^= static_cast<std::byte>(how);
        if (how >= 128) renew();
        break;
      }
      default: break;
    }
    return honest(command, response);
  }

 private:
  unsigned octet() {
    const ByteView one = take(1);
    return one.empty() ? 0 : std::to_integer<unsigned>(one[0]);
  }
  ByteView take(std::size_t n) {
    const ByteView out = script_.first(std::min(n, script_.size()));
    script_ = script_.subspan(out.size());
    return out;
  }

  void renew() {
    using H = HclReport;
    std::ranges::fill(content_, std::byte{0});
    ByteWriter claims(MutBytes(content_).subspan(H::kSize));
    JsonWriter json(claims);
    json.begin_object();
    json.key("user-data");
    json.hex(user_data_);
    json.end_object();
    const MutBytes text = claims.written();
    const auto put = [&](auto field, std::uint32_t value) {
      store<std::uint32_t, Endian::little>(MutBytes(content_).subspan(field.offset).template first<4>(), value);
    };
    const auto size = static_cast<std::uint32_t>(text.size());
    put(H::signature, H::kSignature);
    put(H::version, 2);
    put(H::report_size, static_cast<std::uint32_t>(H::kSize) + size);
    put(H::data_size, 20 + size);
    put(H::report_type, 2);
    put(H::hash_type, 1);
    put(H::claims_size, size);
    const MutBytes report = MutBytes(content_).subspan(H::hardware_report.offset, 1184);
    report[0] = std::byte{3};
    MbedCrypto crypto;
    if (const auto digest = crypto.digest(Hash::sha256, text))
      copy_to(report.subspan(ATTESTATION_REPORT::REPORT_DATA.offset), digest->view());
    renewed_ = clock_.time;
  }

  Result<ByteView> honest(ByteView command, MutBytes response) {
    if (const auto read = unmarshal_command<NV_Read>(command)) {
      const bool report = read->nvIndex == vtpm::kReportIndex;
      if (report && read->offset == 0 && clock_.time >= renewed_ + 2000) renew();
      const ByteView all = report ? ByteView(content_) : ByteView(user_data_);
      if (std::size_t{read->offset} + read->size > all.size())
        return marshal_error(static_cast<std::uint32_t>(TPM_RC::NV_RANGE), response);
      const NV_Read::Response out{{all.subspan(read->offset, read->size)}};
      return marshal_response(out, TPM_ST::SESSIONS, 1, response);
    }
    if (const auto write = unmarshal_command<NV_Write>(command)) {
      if (!defined_) return marshal_error(0x28B, response);
      copy_to(user_data_, write->data.data);
      return marshal_response(NV_Write::Response{}, TPM_ST::SESSIONS, 1, response);
    }
    if (unmarshal_command<NV_ReadPublic>(command)) {
      if (!defined_) return marshal_error(0x18B, response);
      const NV_ReadPublic::Response out{{user_data_public(64)}, {}};
      return marshal_response(out, TPM_ST::NO_SESSIONS, 0, response);
    }
    if (unmarshal_command<NV_DefineSpace>(command)) {
      defined_ = true;
      return marshal_response(NV_DefineSpace::Response{}, TPM_ST::SESSIONS, 1, response);
    }
    if (unmarshal_command<NV_UndefineSpace>(command)) {
      defined_ = false;
      return marshal_response(NV_UndefineSpace::Response{}, TPM_ST::SESSIONS, 1, response);
    }
    return marshal_error(static_cast<std::uint32_t>(TPM_RC::COMMAND_CODE), response);
  }

  ByteView script_;
  test::ManualClock& clock_;
  bool defined_ = false;
  UserData user_data_{};
  std::array<std::byte, 2600> content_{};
  Instant renewed_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::ManualClock clock{0, {}};
  HostileTpm hostile(fuzz::view(data, size), clock);
  constexpr Instant kDeadline = 5000;
  Tpm tpm(hostile, clock, kDeadline);
  MbedCrypto crypto;
  std::array<std::byte, 4096> buffer;
  ReportCollector collector(tpm, crypto, buffer);
  UserData user_data;
  std::ranges::fill(user_data, std::byte{0xA5});
  const auto bound = collector.fresh_report(user_data);
  REQUIRE(clock.time <= kDeadline + 200);
  // Nothing but waiting on torn reads comes in a row without a pause between.
  REQUIRE(hostile.commands <= 8 * kDeadline / 100 * 8);
  if (!bound) {
    REQUIRE(name(bound.error().code) != "unknown");
    return 0;
  }
  const auto hash = bound->envelope.hash();
  REQUIRE(hash.has_value());
  const auto digest = crypto.digest(*hash, bound->envelope.claims);
  REQUIRE(digest && bound->report.report_data_is(*digest));
  const auto claims = RuntimeClaims::parse(bound->envelope.claims);
  REQUIRE(claims && claims->carries(user_data));
  return 0;
}
