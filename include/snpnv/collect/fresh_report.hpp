// SPDX-License-Identifier: Apache-2.0
// A fresh report: asked for with user data, and proven by its content to carry them.
#pragma once

#include "snpnv/collect/user_data.hpp"
#include "snpnv/core/digest.hpp"
#include "snpnv/wire/hcl_claims.hpp"
#include "snpnv/wire/hcl_report.hpp"
#include "snpnv/wire/snp_report.hpp"

namespace snpnv {

/// Room for the largest envelope that is read, in octets. Indices of 2900 octets have been seen.
inline constexpr std::size_t kEnvelopeBuffer = 16384;

/// What happened on the way, for whoever explains a failure.
struct FreshTrace {
  /// What one read of index 0x01400001 showed.
  enum class Seen : std::uint8_t {
    nothing,      // not read yet
    fresh,        // the digest binds, and the claims carry the user data written
    torn,         // the claims are not the ones in REPORT_DATA
    stale,        // consistent, with other user data, while ours wait at index 0x01400002
    overwritten,  // consistent, with other user data, and ours are gone from index 0x01400002
  };

  Seen last = Seen::nothing;
  std::uint32_t reads = 0;   // of the report index, whole or only its front
  std::uint32_t writes = 0;  // of the user-data index
  UserData last_user_data{};  // in the last consistent claims
  std::size_t last_user_data_size = 0;
};

/// A report bound to its claims. Borrows the caller's buffer.
struct BoundReport {
  HclReport envelope;
  ATTESTATION_REPORT report;
  RuntimeClaims claims = {};
};

/// Gets reports through the vTPM. Tpm is snpnv::Tpm or alike.
template <TpmClient Tpm, Hasher H>
class ReportCollector {
 public:
  /// Between two looks at a report that is not fresh yet; a look costs two small commands. The
  /// paravisor replaces a report 2 s after its last refresh, which cannot be later than the first look.
  static constexpr Millis kPollInterval = 100;
  /// A report that has not changed for so long is not waiting for that: refreshes fail, each at the cost
  /// of a request to the host, or take long. From here on a quarter of the time that it has not changed
  /// passes between two looks, up to the paravisor's own limit.
  static constexpr Millis kWindow = 2250;
  static constexpr Millis kLongestInterval = 2000;
  /// Reads in a row that may be torn or malformed before time is left between them.
  static constexpr unsigned kReadsAtOnce = 3;

  constexpr ReportCollector(Tpm& tpm, H& hasher, MutBytes buffer)
      : tpm_(tpm), hasher_(hasher), index_(tpm, vtpm::kReportIndex), buffer_(buffer) {}

  /// Writes `user_data` and returns a report whose claims carry them and whose REPORT_DATA is the
  /// claims' digest. In the steady state: one TPM2_NV_Write, and as many TPM2_NV_Read as the
  /// envelope takes.
  /// @returns the report, which borrows the buffer
  ///   | fresh_torn, fresh_stale, fresh_overwritten, fresh_no_user_data - the deadline has passed;
  ///     trace() tells what was last seen
  ///   | hcl_, json_, text_ or wire_ codes - malformed, and not for being torn; where: offset in
  ///     the envelope | hcl_report_type - another kind of machine
  ///   | what Tpm::execute() and the hasher return.
  [[nodiscard]] constexpr Result<BoundReport> fresh_report(const UserData& user_data) {
    return placed([&](Place& out) { return ask(user_data, out); });
  }

  /// Returns the report that is there, without writing: bound to its claims, of unknown age.
  /// @returns as fresh_report(), of the fresh_ codes only fresh_torn.
  [[nodiscard]] constexpr Result<BoundReport> boot_report() {
    return placed([&](Place& out) { return take(out); });
  }

  [[nodiscard]] constexpr const FreshTrace& trace() const { return trace_; }

 private:
  using Seen = FreshTrace::Seen;
  // A bound report is large, so it is made where the caller wants it.
  using Place = Result<BoundReport>;
  template <class Get>
  [[nodiscard]] constexpr Result<BoundReport> placed(Get&& get) {
    Place out = fail(Code::fresh_stale);
    if (const auto got = get(out); !got) out = std::unexpected(explained(got.error()));
    return out;
  }

  [[nodiscard]] constexpr Result<void> ask(const UserData& user_data, Place& out) {
    trace_ = {};
    SNPNV_CHECK(write(user_data));
    bool shape_checked = false;
    for (unsigned at_once = 1;; ++at_once) {
      SNPNV_TRY(const bool bound, look(at_once, out));
      if (bound && out->claims.carries(user_data)) {
        trace_.last = Seen::fresh;
        return {};
      }
      if (trace_.last == Seen::torn) {
        if (at_once < kReadsAtOnce && tpm_.now() < tpm_.deadline()) continue;
      } else {
        SNPNV_TRY(const bool waiting, user_data_waiting(user_data, shape_checked));
        shape_checked = true;
        trace_.last = waiting ? Seen::stale : Seen::overwritten;
        if (!waiting && tpm_.now() < tpm_.deadline()) SNPNV_CHECK(write(user_data));
      }
      at_once = 0;
      if (!pause()) return fail(not_fresh());
    }
  }

  [[nodiscard]] constexpr Result<void> take(Place& out) {
    trace_ = {};
    changed_ = tpm_.now();
    for (unsigned at_once = 1;; ++at_once) {
      SNPNV_TRY(const bool bound, look(at_once, out));
      if (bound) return {};
      if (at_once < kReadsAtOnce && tpm_.now() < tpm_.deadline()) continue;
      at_once = 0;
      if (!pause()) return fail(not_fresh());
    }
  }

  // Sleeps until the next look. False if the deadline had passed already.
  [[nodiscard]] constexpr bool pause() {
    const Millis unchanged = tpm_.now() - changed_;
    return tpm_.sleep(unchanged < kWindow ? kPollInterval : std::min(unchanged / 4, kLongestInterval));
  }

  // A command that the deadline cut short says less than what was seen before it.
  [[nodiscard]] constexpr Error explained(Error error) const {
    const bool cut_short = error.code == Code::io_deadline || error.code == Code::tpm_retry;
    if (cut_short && trace_.last != Seen::nothing) return not_fresh();
    // What is wrong with the content is the index's, as what is wrong with a command is its object's.
    constexpr std::uint32_t kWire = 2;
    if (static_cast<std::uint32_t>(error.code) >> 8 == kWire && error.object == 0)
      error.object = static_cast<std::uint32_t>(vtpm::kReportIndex);
    return error;
  }

  [[nodiscard]] constexpr Result<void> write(const UserData& user_data) {
    ++trace_.writes;
    changed_ = tpm_.now();
    return write_user_data(tpm_, user_data);
  }

  [[nodiscard]] constexpr Error not_fresh() const {
    Code code = Code::fresh_stale;
    if (trace_.last == Seen::torn) code = Code::fresh_torn;
    if (trace_.last == Seen::overwritten) code = Code::fresh_overwritten;
    if (code == Code::fresh_stale && trace_.last_user_data_size == 0) code = Code::fresh_no_user_data;
    return {code, 0, code == Code::fresh_overwritten ? trace_.writes : trace_.reads, 0,
            static_cast<std::uint32_t>(vtpm::kReportIndex)};
  }

  // Reads the index once. False, with trace_.last telling why, if the content is torn or has not
  // changed since it was last seen whole. `at_once` counts reads in a row.
  [[nodiscard]] constexpr Result<bool> look(unsigned at_once, Place& out) {
    ++trace_.reads;
    const Result<ByteView> content = read_envelope();
    const bool last_try = at_once >= kReadsAtOnce;
    if (!content) {
      // A refresh between two chunks can make sizes contradict each other; the TPM's errors stand.
      if (content.error().code != Code::hcl_sizes || last_try) return fail(content.error());
      trace_.last = Seen::torn;
      return false;
    }
    if (content->empty()) return false;  // as stale as before

    SNPNV_TRY(const HclReport& envelope, HclReport::parse(*content));
    SNPNV_TRY(const auto& octets, envelope.snp_report());
    SNPNV_TRY(const ATTESTATION_REPORT& report,
              ATTESTATION_REPORT::parse(octets, HclReport::hardware_report.offset));
    SNPNV_TRY(const Hash& hash, envelope.hash());
    SNPNV_TRY(const Digest& digest, hasher_.digest(hash, envelope.claims));
    if (!report.report_data_is(digest)) {
      trace_.last = Seen::torn;
      return false;
    }
    RuntimeClaims& claims = out.emplace(envelope, report).claims;
    const auto read = claims.read(envelope.claims, content->size() - envelope.claims.size());
    if (!read) return fail(read.error());
    trace_.last = Seen::stale;  // fresh, if the caller finds its user data
    trace_.last_user_data = claims.user_data_octets;
    trace_.last_user_data_size = claims.user_data_size;
    const auto report_data = report[ATTESTATION_REPORT::REPORT_DATA];
    if (!equal(report_data, seen_report_data_)) changed_ = tpm_.now();
    std::ranges::copy(report_data, seen_report_data_.begin());
    return true;
  }

  // The first chunk gives the size, then exactly the rest is read. Empty if the first chunk shows
  // the REPORT_DATA of the claims that were last found to be consistent: claims of that digest are
  // known, and were not the ones wanted.
  [[nodiscard]] constexpr Result<ByteView> read_envelope() {
    const MutBytes front = buffer_.first(std::min<std::size_t>(buffer_.size(), kNvBufferMax));
    SNPNV_CHECK(index_.read(0, front));
    SNPNV_TRY(std::size_t total, HclReport::announced_size(front));
    constexpr std::size_t kReportData =
        HclReport::hardware_report.offset + ATTESTATION_REPORT::REPORT_DATA.offset;
    if (trace_.last == Seen::stale &&
        equal(front.subspan(kReportData, seen_report_data_.size()), seen_report_data_))
      return ByteView{};
    // report_size may leave out the extension, so the size is known for sure only with the rest.
    for (std::size_t have = front.size(); have < total;) {
      if (total > buffer_.size())
        return fail(Code::wire_too_large, HclReport::report_size.offset,
                    static_cast<std::uint32_t>(buffer_.size()));
      SNPNV_CHECK(index_.read(have, buffer_.subspan(have, total - have)));
      have = total;
      SNPNV_TRY(total, HclReport::announced_size(buffer_.first(have)));
    }
    return ByteView(buffer_.first(total));
  }

  // True if index 0x01400002 still holds our user data. An index of the wrong shape, which the
  // paravisor might not be able to read, is defined anew: at the first look, which need not fail on
  // it, and whenever reading fails. One that can be read but is not the owner's to define stays.
  [[nodiscard]] constexpr Result<bool> user_data_waiting(const UserData& user_data, bool shape_checked) {
    UserData found{};
    const auto read = NvReader(tpm_, vtpm::kUserDataIndex).read(0, found);
    if (!read && read.error().code != Code::tpm_rc) return fail(read.error());
    if (!read || !shape_checked) {
      const auto defined = repair_user_data_index(tpm_, user_data.size());
      if (!defined && !(read && defined.error().code == Code::tpm_rc)) return fail(defined.error());
      if (defined && *defined) return false;
    }
    // An index of the right shape that cannot be read is being written by another process.
    return read && found == user_data;
  }

  Tpm& tpm_;
  H& hasher_;
  NvReader<Tpm> index_;
  MutBytes buffer_;
  UserData seen_report_data_{};
  Instant changed_ = 0;  // when user data were written, or another report was first seen
  FreshTrace trace_{};
};

}  // namespace snpnv
