// SPDX-License-Identifier: Apache-2.0
// An emulated paravisor in this process, with a real swtpm behind it and a clock that stands still.
#pragma once

#include <filesystem>
#include <functional>

#include "snpnv/collect/fresh_report.hpp"
#include "snpnv/mbedtls/crypto.hpp"
#include "paravisor/paravisor.hpp"
#include "tests/manual_clock.hpp"
#include "tests/test.hpp"
#include "transports/swtpm.hpp"

namespace snpnv::test {

/// A folder that goes with this object.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "snpnv-test-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Passes commands on, counts them, and lets a test step in before one.
template <class Inner>
class Watched {
 public:
  explicit Watched(Inner& inner) : inner_(inner) {}
  std::vector<TPM_CC> commands;
  std::function<void(std::size_t number, TPM_CC code)> before;  // number from 1

  Result<ByteView> transact(ByteView command, MutBytes response) noexcept {
    const auto header = TpmHeader::parse(command);
    REQUIRE(header.has_value());
    commands.push_back(static_cast<TPM_CC>(header->code));
    if (before) before(commands.size(), commands.back());
    return inner_.transact(command, response);
  }

 private:
  Inner& inner_;
};

/// Makes it a chip of the test PKI.
inline void load(paravisor::Platform& platform, Product product) {
  constexpr std::array kFolders{"milan", "genoa", "turin"};
  const std::string pki =
      std::string(SNPNV_SOURCE_DIR "/tests/pki/") + kFolders[static_cast<std::size_t>(product)] + "/";
  const auto certificate = read_file(pki + "vcek.pem");
  const auto key = read_file(pki + "vcek.key");
  REQUIRE((certificate && key));
  REQUIRE(platform.load(product, text(*certificate), text(*key)).has_value());
}

/// The whole machine: swtpm, paravisor, clock.
class Machine {
 public:
  using Device = paravisor::Paravisor<Swtpm, ManualClock>;

  explicit Machine(paravisor::Options options = {}) : options_(options) {
    auto swtpm = Swtpm::start(folder_.path());
    REQUIRE(swtpm.has_value());
    swtpm_.emplace(std::move(*swtpm));
    load(platform_, options.product);
    device_.emplace(*swtpm_, clock, platform_, options_);
    REQUIRE(device_->start().has_value());
  }

  ManualClock clock{1'000'000, {}};

  [[nodiscard]] Device& device() { return *device_; }
  /// The TPM behind, as firmware meets it before the paravisor: just switched on, its platform hierarchy open.
  [[nodiscard]] Swtpm& behind() {
    REQUIRE(swtpm_->power_cycle().has_value());
    return *swtpm_;
  }
  /// Switches the machine off and on.
  void boot() {
    REQUIRE(swtpm_->power_cycle().has_value());
    REQUIRE(device_->start().has_value());
  }

  /// Index content as one process reads it, by itself or from `offset`.
  [[nodiscard]] Octets content(std::size_t offset = 0) {
    Tpm tpm(*device_, clock, clock.now());
    Octets out(options_.nv_size - offset);
    REQUIRE(NvReader(tpm, vtpm::kReportIndex).read(offset, out).has_value());
    return out;
  }
  /// Writes user data as another process would.
  void write(const UserData& data) {
    Tpm tpm(*device_, clock, clock.now());
    REQUIRE(write_user_data(tpm, data).has_value());
  }

 private:
  paravisor::Options options_;
  Folder folder_;
  std::optional<Swtpm> swtpm_;
  paravisor::Platform platform_;
  std::optional<Device> device_;
};

inline UserData filled(unsigned value) {
  UserData out;
  out.fill(static_cast<std::byte>(value));
  return out;
}

/// The user data in the claims of an index content; checks that report and claims belong together.
inline UserData claimed(const Octets& content) {
  const auto envelope = HclReport::parse(content);
  REQUIRE(envelope.has_value());
  const auto octets = envelope->snp_report();
  REQUIRE(octets.has_value());
  MbedCrypto crypto;
  CHECK(ATTESTATION_REPORT::parse(*octets)->report_data_is(*crypto.digest(Hash::sha256, envelope->claims)));
  const auto claims = RuntimeClaims::parse(envelope->claims);
  REQUIRE(claims.has_value());
  return claims->user_data_octets;
}

}  // namespace snpnv::test
