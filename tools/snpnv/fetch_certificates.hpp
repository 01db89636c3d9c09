// SPDX-License-Identifier: Apache-2.0
// Gets certificates from the first source that has the right ones.
#pragma once

#include "certificates.hpp"
#include "fetch_store.hpp"
#include "network.hpp"
#include "provider.hpp"
#include "snpnv/fetch/accept.hpp"
#include "verify_options.hpp"

namespace snpnv::tool {

/// The options that say where certificates are got from.
inline constexpr auto kPlaceOptions = std::to_array({
    OptionSpec{0, "source", "SOURCE", "auto, platform, store or kds; default auto: store, platform, kds"},
    OptionSpec{0, "kds-url", "URL", "AMD's service or a mirror; default https://kdsintf.amd.com"},
    OptionSpec{0, "platform-url", "URL", "the platform's endpoint; default http://169.254.169.254"},
    OptionSpec{0, "store", "DIR", "look here first, and keep here what was fetched"},
});
inline constexpr auto kSourceOptions = joined(
    kPlaceOptions, std::array{OptionSpec{0, "ca-file", "FILE", "authorities for https, PEM; default: the system's"}});
/// What everything that asks a network takes.
inline constexpr auto kTimeAndRoot = std::to_array({
    OptionSpec{0, "timeout", "SECONDS", "give up then; default 60"},
    kRootOption,
});

/// What they say.
struct FetchSettings {
  /// `with_ca_file`: --ca-file is theirs, not that of another server.
  [[nodiscard]] static Outcome<FetchSettings> read(const Arguments& arguments, Instant deadline,
                                                   bool with_ca_file = true);

  std::vector<SourceName> sources;
  std::string kds_url;
  std::string platform_url;
  std::string store;    // empty: none
  std::string ca_file;  // empty: the system's
  Instant deadline = 0;
  UnixTime at = 0;
  bool quiet = false;
  bool progress = false;  // tell of pauses
};

/// DER that was accepted, and where it is from.
struct Fetched {
  Product product{};
  std::string source;
  std::vector<std::byte> ark;
  std::vector<std::byte> ask;  // or ASVK
  std::vector<std::byte> vek;
  std::vector<std::byte> crl;
};

/// The requests of vek_requests(), to be asked of sources: reports whose VCEK nobody can find are refused.
[[nodiscard]] Outcome<std::vector<CertificateRequest>> fetch_requests(std::string_view what,
                                                                      const ATTESTATION_REPORT& report);

class Fetcher {
 public:
  Fetcher(FetchSettings settings, const TrustFiles& trust);

  /// Issuers that are at hand already, for judging a VCEK; used if they pass.
  void offer_issuers(Fetched issuers) { offered_ = std::move(issuers); }

  /// Asks the sources in turns for what the first of `requests` that has an answer asks for; they
  /// differ in the product only. Sources before `from` have just failed; of them, only a store is asked.
  /// @returns what was accepted | a failure that says why each source did not do.
  [[nodiscard]] Outcome<Fetched> fetch(std::span<const CertificateRequest> requests,
                                       const std::optional<ATTESTATION_REPORT>& report,
                                       SourceName from = SourceName::store);

 private:
  struct Reason {
    std::string text;
    std::string code;
    std::string hint = {};
    bool other_product_may_do = false;
    bool silent = false;
    std::optional<HttpBusy> busy = {};
  };
  template <class T>
  using Tried = std::expected<T, Reason>;

  [[nodiscard]] Tried<Fetched> ask(SourceName source, const Turns::Turn& turn, std::span<const CertificateRequest> requests,
                                   const std::optional<ATTESTATION_REPORT>& report);
  [[nodiscard]] Tried<Fetched> judge(SourceName source, const CertificateRequest& request,
                                     CertificateChain given, const std::optional<ATTESTATION_REPORT>& report);
  [[nodiscard]] Tried<CertificateChain> get(SourceName source, const Turns::Turn& turn,
                                            const CertificateRequest& request);
  [[nodiscard]] Outcome<Fetched> issuers_of(SourceName source, Product product, const CertificateChain& given);
  [[nodiscard]] Outcome<void> read_authorities();
  void take_lock();
  void keep(SourceName source, const CertificateRequest& request, const Fetched& fetched);
  [[nodiscard]] Reason reason_of(const Error& error) const;

  FetchSettings settings_;
  const TrustFiles& trust_;
  Provider crypto_;
  MonotonicClock clock_;
  TlsTrust authorities_;
  Network network_{authorities_};
  Store store_;
  std::optional<Fetched> offered_;
  std::vector<std::byte> http_room_;
  std::vector<std::byte> room_;  // what the source that was asked last gave
  bool authorities_read_ = false;
  bool lock_asked_for_ = false;
  bool warned_ = false;
};

}  // namespace snpnv::tool
