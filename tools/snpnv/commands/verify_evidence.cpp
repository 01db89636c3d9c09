// SPDX-License-Identifier: Apache-2.0
// snpnv verify evidence: one document, or a stream of them.
#include <unistd.h>

#include <memory>

#include "certificates.hpp"
#include "check_options.hpp"
#include "commands.hpp"
#include "describe.hpp"
#include "files.hpp"
#include "lines.hpp"
#include "output.hpp"
#include "provider.hpp"
#include "snpnv/collect/quote.hpp"
#include "snpnv/verify/evidence.hpp"
#include "verdict.hpp"
#include "verify_options.hpp"

namespace snpnv::tool {
namespace {

// The chains that passed, by VCEK or VLEK; the least recently used one makes room.
class ChainCache {
 public:
  // @returns the chain, or the verdict that says why there is none; valid until the next call | the errors
  //   of verify_chain().
  Result<const ChainCheck*> verify(Provider& crypto, const CertificatePool& pool, ByteView vek, VerificationTime at) {
    ++clock_;
    for (Entry& entry : entries_) {
      if (!equal(entry.vek, vek)) continue;
      entry.used = clock_;
      return &entry.check;
    }
    last_ = Entry{std::vector<std::byte>(vek.begin(), vek.end()), {}, clock_};
    SNPNV_CHECK(verify_chain(crypto, pool, last_.vek, at, last_.check));
    if (!last_.check.chain) return &last_.check;
    if (entries_.size() == kMost) entries_.erase(std::ranges::min_element(entries_, {}, &Entry::used));
    // The views in the chain stay valid: moving a vector leaves its octets where they are.
    return &entries_.emplace_back(std::move(last_)).check;
  }

 private:
  static constexpr std::size_t kMost = 128;  // 20 kB each
  struct Entry {
    std::vector<std::byte> vek;
    ChainCheck check;
    std::uint64_t used = 0;
  };
  std::vector<Entry> entries_;
  Entry last_;
  std::uint64_t clock_ = 0;
};

// Judges evidence with what the command line asks for.
class Judge {
 public:
  static Outcome<Judge> make(const Arguments& arguments) {
    Judge out;
    if (const auto text = arguments.value("nonce")) {
      SNPNV_TRY(out.nonce_, hex_value("--nonce", *text, 0, kMaxQuoteNonce));
    }
    if (const auto text = arguments.value("user-data")) {
      SNPNV_TRY(out.user_data_, user_data_of(*text));
    }
    if (const auto text = arguments.value("at")) {
      SNPNV_TRY(out.at_, time_of(arguments));
    }
    out.allow_old_evidence_ = arguments.has("allow-old-evidence");
    SNPNV_TRY(out.policy_, policy_of(arguments));
    SNPNV_TRY(out.issuers_, IssuerFiles::read(arguments));
    if (const auto file = arguments.value("event-log")) {
      if (arguments.has("stream")) return usage("--event-log", "not with --stream: each line has its own, as cc_eventlog");
      SNPNV_TRY(out.event_log_.emplace(), read_file(*file, kMaxInput));
    }
    if (const auto file = arguments.value("systemd-log")) {
      if (arguments.has("stream")) return usage("--systemd-log", "not with --stream, whose lines are of many machines");
      SNPNV_TRY(out.systemd_log_.emplace(), read_file(*file, kMaxInput));
    }
    return out;
  }

  // `what` names the evidence in errors.
  Outcome<Verdict> judge(std::string_view what, ByteView text) {
    if (const auto read = evidence_->read(text); !read) return malformed(what, read.error(), text);
    const auto vek = der_of(evidence_->vcek.view(), kPemCertificate, *room_);
    if (!vek) return malformed(concat({what, ": vcek"}), vek.error());
    // A stream may run for days: each of its lines is judged at its own time.
    const VerificationTime at = at_ ? *at_ : time_of_clock();
    const auto checked = chains_.verify(crypto_, issuers_.pool(), *vek, at);
    if (!checked) return not_judged(what, checked.error());
    if (!(*checked)->chain) return (*checked)->verdict;

    MeasuredLogs logs;
    if (systemd_log_) logs.systemd = *systemd_log_;
    if (event_log_) {
      logs.firmware = *event_log_;
    } else if (evidence_->cc_eventlog) {
      log_room_.resize(text.size() / 4 * 3 + 3);
      const auto decoded = evidence_->event_log(log_room_);
      if (!decoded) return malformed(what, decoded.error());
      logs.firmware = *decoded;
    }
    Challenge challenge = nonce_.empty() ? Challenge::none() : Challenge(nonce_);
    challenge.user_data = user_data_;
    challenge.allow_old_evidence = allow_old_evidence_;
    Verdict verdict;
    (void)snpnv::verify_evidence(crypto_, *(*checked)->chain, *evidence_, challenge, policy_, at, verdict,
                                 logs);
    if (verdict.error) return not_judged(what, *verdict.error);
    return verdict;
  }

 private:
  std::vector<std::byte> nonce_;
  std::optional<UserData> user_data_;
  std::optional<VerificationTime> at_;
  bool allow_old_evidence_ = false;
  AskedPolicy policy_;
  std::optional<std::vector<std::byte>> event_log_;  // in place of what the evidence carries
  std::optional<std::vector<std::byte>> systemd_log_;
  std::vector<std::byte> log_room_;
  IssuerFiles issuers_;
  ChainCache chains_;
  Provider crypto_;
  std::unique_ptr<TrusteeEvidence> evidence_ = std::make_unique<TrusteeEvidence>();
  std::unique_ptr<decltype(EvidenceRoom::vek)> room_ = std::make_unique<decltype(EvidenceRoom::vek)>();
};

// One line of JSON for evidence that could not be judged.
Outcome<std::string> unjudged_json(const Failure& failure, std::uint64_t line) {
  JsonText out;
  JsonWriter& json = out.json();
  json.begin_object();
  json.key("line");
  json.number(line);
  write_unjudged(json, failure.words());
  json.end_object();
  return out.finish();
}

Outcome<Exit> verify_stream(const Arguments& arguments) {
  unsigned jobs = 1;
  if (const auto text = arguments.value("jobs")) {
    SNPNV_TRY(const std::uint64_t value, number("--jobs", *text, 1, 256));
    jobs = static_cast<unsigned>(value);
  }
  if (arguments.operand_count() != 0 && arguments.operand(0) != "-")
    return usage("--stream", "reads standard input, not " + std::string(arguments.operand(0)));
  SNPNV_CHECK(take_standard_input());
  SNPNV_TRY(Judge judge, Judge::make(arguments));
  const auto answer = [&](const Result<ByteView>& line, std::uint64_t number) -> Outcome<LineAnswer> {
    const auto verdict =
        line ? judge.judge("line", *line) : Outcome<Verdict>(malformed("line", line.error()));
    LineAnswer out;
    out.good = verdict && verdict->verified();
    SNPNV_TRY(out.text, verdict ? verdict_json(*verdict, every_check, number) : unjudged_json(verdict.error(), number));
    return out;
  };
  SNPNV_TRY(const LineCounts counts, answer_lines(STDIN_FILENO, jobs, answer));
  if (counts.lines == 0)
    return std::unexpected(Failure{Exit::rejected, "standard input", "no line, so nothing was verified", "empty"});
  return counts.all_good ? Exit::done : Exit::rejected;
}

Outcome<Exit> verify_evidence(const Arguments& arguments) {
  if (arguments.has("stream")) return verify_stream(arguments);
  if (arguments.has("jobs")) return usage("--jobs", "needs --stream");
  if (arguments.operand_count() == 0) return usage("verify evidence", "needs FILE, or --stream");
  const std::string_view path = arguments.operand(0);
  SNPNV_TRY(const auto text, read_file(path, kMostInLine));
  SNPNV_TRY(Judge judge, Judge::make(arguments));
  SNPNV_TRY(const Verdict verdict, judge.judge(path, text));
  return tell(arguments, verdict, every_check);
}

constexpr auto kOwn = std::to_array({
    OptionSpec{0, "certs", "DIR", "holds ask or asvk, and ark unless it is AMD's; repeat for several", true},
    OptionSpec{0, "nonce", "HEX", "what quote and claims must carry, up to 50 octets"},
    OptionSpec{0, "allow-old-evidence", "", "accept versions 0 and 1, whose claims need not carry it"},
    OptionSpec{0, "event-log", "FILE", "what the boot measured; default: cc_eventlog of the evidence"},
    OptionSpec{0, "systemd-log", "FILE", "what systemd measured since, as its tpm2-measure.log holds it"},
    OptionSpec{0, "stream", "", "one document a line on standard input, one JSON verdict a line back"},
    OptionSpec{0, "jobs", "N", "processes for --stream; default 1"},
});
constexpr auto kVerifyEvidenceOptions = joined(kOwn, kUserDataOption, kChainOptions, kPolicyOptions, kQuotePolicyOptions,
                                               kBootPolicyOptions);

}  // namespace

const CommandSpec kVerifyEvidence{
    "verify evidence",
    "(FILE | --stream) --certs DIR [options]",
    "verify report, claims and TPM quote",
    "Verifies Trustee evidence for az-snp-vtpm, versions 0 to 2: chain and report, the claims' digest, and "
    "the quote by the key that the claims name. The VCEK comes with the evidence; DIR holds its issuers. "
    "A stream ends with 0 if every line was verified, and with 1 if one was not or there was none.",
    0,
    1,
    kVerifyEvidenceOptions,
    verify_evidence};

}  // namespace snpnv::tool
