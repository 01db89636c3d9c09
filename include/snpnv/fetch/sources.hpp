// SPDX-License-Identifier: Apache-2.0
// Where certificates come from: the platform, a store, AMD's service. One concept, one order.
#pragma once

#include "snpnv/fetch/bundle.hpp"
#include "snpnv/fetch/kds.hpp"
#include "snpnv/fetch/retry.hpp"

namespace snpnv {

/// Gives certificates for a request, in DER, without a promise that they are right: accept() tells.
/// A source of VCEKs may give their issuers too. They borrow the room.
template <class S>
concept CertificateSource = requires(S& source, const CertificateRequest& request, MutBytes room) {
  { source.get(request, room) } noexcept -> std::same_as<Result<CertificateChain>>;
};

/// In the order in which they are asked: the cheapest first, AMD's service last.
enum class SourceName : std::uint8_t { store, platform, kds };
inline constexpr auto kSources = std::to_array({SourceName::store, SourceName::platform, SourceName::kds});

[[nodiscard]] constexpr std::string_view name(SourceName source) {
  switch (source) {
    case SourceName::store: return "store";
    case SourceName::platform: return "platform";
    case SourceName::kds: return "KDS";
  }
  return "unknown";
}

/// By when a source must have answered. One that is not the last leaves the others time: it is given a
/// quarter of what is left, at most five seconds.
[[nodiscard]] constexpr Instant share_of(Instant now, Instant deadline, bool last) {
  constexpr Millis kMost = 5000;
  const Millis left = deadline > now ? deadline - now : 0;
  return last ? deadline : now + std::min(left / 4, kMost);
}

/// Which of several sources is asked when, under one deadline. At first each in its order, with a share of
/// the time. Whoever was busy is asked again, once the pause is over. Whoever was silent in a share comes
/// again when nobody else is left. The last of all has the rest of the time, and patience.
class Turns {
 public:
  struct Turn {
    std::size_t source = 0;
    Instant from = 0;   // not before
    Instant until = 0;  // its answer
    HttpBusy busy = {};     // why it waited; status 0: it did not
    bool patient = false;
  };

  constexpr Turns(std::size_t sources, Instant deadline, std::uint64_t seed) : size_(sources), deadline_(deadline) {
    for (Source& source : sources_) source.backoff = Backoff(seed++);
  }

  /// Nothing once nobody is left to ask.
  [[nodiscard]] constexpr std::optional<Turn> next(Instant now) const {
    const Source* best = nullptr;
    for (const Source& source : all())
      if (best == nullptr || source.state < best->state ||
          (source.state == best->state && source.state == State::busy && source.from < best->from))
        best = &source;
    if (best == nullptr || best->state == State::done || now >= deadline_) return std::nullopt;
    Turn out{static_cast<std::size_t>(best - sources_.data()), std::max(now, best->from), deadline_, best->busy, false};
    bool untried = false;
    bool busy = false;
    for (const Source& source : all()) {
      if (&source == best) continue;
      untried = untried || source.state == State::untried;
      busy = busy || source.state == State::busy;
    }
    out.patient = !untried && !busy;
    if (untried) out.until = share_of(out.from, deadline_, false);
    else if (busy) out.until = out.from + (deadline_ - out.from) / 2;
    return out;
  }

  /// How a turn ended without what was asked for: the server was busy, | said nothing in its share,
  constexpr void was_busy(const Turn& turn, const HttpBusy& busy, Instant now) {
    Source& source = sources_[turn.source];
    const auto pause = detail::pause_for(busy, source.backoff, deadline_ > now ? deadline_ - now : 0);
    source.state = pause ? State::busy : State::done;
    source.from = now + pause.value_or(0);
    source.busy = busy;
  }
  constexpr void was_silent(const Turn& turn) {
    sources_[turn.source] = {turn.patient ? State::done : State::silent, 0, {}, sources_[turn.source].backoff};
  }
  /// | has it not.
  constexpr void failed(const Turn& turn) { sources_[turn.source].state = State::done; }

 private:
  enum class State : std::uint8_t { untried, busy, silent, done };  // in the order of their turns
  struct Source {
    State state = State::untried;
    Instant from = 0;
    HttpBusy busy = {};
    Backoff backoff{0};
  };
  [[nodiscard]] constexpr std::span<const Source> all() const { return std::span(sources_).first(size_); }

  std::array<Source, kSources.size()> sources_{};
  std::size_t size_;
  Instant deadline_;
};

inline constexpr std::string_view kPlatformUrl = "http://169.254.169.254";
inline constexpr std::string_view kPlatformTarget = "/metadata/THIM/amd/certification";

/// Whether an answer begins as what was asked for does: PEM for issuers, otherwise DER. A proxy's page comes with
/// status 200 too.
[[nodiscard]] constexpr bool is_like(CertificateKind kind, ByteView answer) {
  if (kind == CertificateKind::issuers) return is_pem(answer);
  return !answer.empty() && answer[0] == static_cast<std::byte>(DerTag::sequence);
}

/// AMD's key distribution service, or a mirror of it: url.target is put in front of its paths.
template <HttpClient H, Clock C, class T>
class KdsSource {
 public:
  KdsSource(H& http, C& clock, const Url& url, HttpAsking<T> asking, Backoff backoff,
            std::span<std::byte, kHttpRoom> room)
      : http_(http), clock_(clock), url_(url), asking_(asking), backoff_(backoff), http_room_(room) {}

  /// @returns the certificates | what http_get_patiently() and parse_issuers() return
  ///   | fetch_content - the answer is something else | wire_overflow - no room.
  [[nodiscard]] Result<CertificateChain> get(const CertificateRequest& request, MutBytes room) noexcept {
    std::array<std::byte, Url::kMaxSize> octets;
    ByteWriter target(octets);
    target.text(without_slash(url_.target));
    write_kds_target(target, request);
    SNPNV_TRY(const ByteView& written, target.finish());
    Url url = url_;
    url.target = text_of(written);
    SNPNV_TRY(const ByteView& body,
              http_get_patiently(http_, clock_, url, asking_, backoff_, http_room_));
    if (!is_like(request.kind, body)) return fail(Code::fetch_content);
    if (request.kind == CertificateKind::issuers) return parse_issuers(body, room);
    if (body.size() > room.size())
      return fail(Code::wire_overflow, 0, static_cast<std::uint32_t>(body.size()));
    CertificateChain out;
    (request.kind == CertificateKind::endorsement ? out.vek : out.crl) = copy_to(room, body);
    return out;
  }

 private:
  H& http_;
  C& clock_;
  Url url_;
  HttpAsking<T> asking_;
  Backoff backoff_;
  std::span<std::byte, kHttpRoom> http_room_;
};

/// The platform's own endpoint. It knows one chip, its own; what it says of it is checked like the rest.
template <HttpClient H, Clock C, class T>
class PlatformSource {
 public:
  PlatformSource(H& http, C& clock, const Url& url, HttpAsking<T> asking, Backoff backoff,
                 std::span<std::byte, kHttpRoom> room)
      : http_(http), clock_(clock), url_(url), asking_(asking), backoff_(backoff), http_room_(room) {
    if (url_.target.empty() || url_.target == "/") url_.target = kPlatformTarget;
    asking_.metadata = true;
  }

  /// @returns the certificates | what http_get_patiently() and parse_platform() return
  ///   | fetch_content - the answer is no object of JSON
  ///   | fetch_tcb - of a VCEK: tcbm is not the TCB asked for.
  [[nodiscard]] Result<CertificateChain> get(const CertificateRequest& request, MutBytes room) noexcept {
    SNPNV_TRY(const ByteView& body,
              http_get_patiently(http_, clock_, url_, asking_, backoff_, http_room_));
    if (JsonReader(body).peek() != JsonKind::object) return fail(Code::fetch_content);
    SNPNV_TRY(const PlatformCertificates& found, parse_platform(body, room));
    if (request.kind == CertificateKind::endorsement && found.tcbm != request.tcb)
      return fail(Code::fetch_tcb);
    return found.chain;
  }

 private:
  H& http_;
  C& clock_;
  Url url_;
  HttpAsking<T> asking_;
  Backoff backoff_;
  std::span<std::byte, kHttpRoom> http_room_;
};

}  // namespace snpnv
