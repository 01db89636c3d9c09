// HMAC sessions on the virtual indices. tpm2-tools authorize with one even where the password is
// empty; the TPM behind made it, but the paravisor has to check and answer it.
#pragma once

#include <mbedtls/md.h>

#include <map>
#include <optional>

#include "transports/paravisor/platform.hpp"
#include "snpnv/wire/tpm2_commands.hpp"

namespace snpnv::paravisor {

/// Part 3, "TPM2_StartAuthSession": what is looked at when the command passes by.
struct StartAuthSession {
  static constexpr TPM_CC kCode{0x176};
  TPM_HANDLE tpmKey{};
  TPM_HANDLE bind{};
  TPM2B_NONCE nonceCaller{};
  TPM2B<512> encryptedSalt{};
  std::uint8_t sessionType = 0;
  TPMT_SYM_DEF_OBJECT symmetric{};
  TPM_ALG_ID authHash{};

  template <class Wire, class Self>
  static constexpr void fields(Wire& wire, Self& self) {
    wire(self.tpmKey, self.bind, self.nonceCaller, self.encryptedSalt, self.sessionType, self.symmetric,
         self.authHash);
  }
};

/// The sessions that were started without salt and binding, with SHA-256: their HMAC key is the
/// empty password, so that they can be checked here. Once used on a virtual index, a session's
/// nonces are known here and no longer to the TPM behind.
class Sessions {
 public:
  /// Learns of a session from the command that starts it and the TPM's response.
  void started(ByteView command, ByteView response) {
    const auto asked = unmarshal<StartAuthSession>(command.subspan(TpmHeader::kSize));
    Reader reader(response);
    (void)reader.take(TpmHeader::kSize);
    const auto handle = reader.be<std::uint32_t>();
    TPM2B_NONCE nonce;
    TpmReader{reader}(nonce);
    const auto header = TpmHeader::parse(response);
    constexpr std::uint8_t kHmac = 0;  // TPM_SE_HMAC
    if (!asked || !header || header->code != 0 || !reader.ok() || asked->sessionType != kHmac ||
        asked->tpmKey != TPM_RH::NULL_ || asked->bind != TPM_RH::NULL_ ||
        asked->authHash != TPM_ALG_ID::SHA256)
      return;
    nonces_[TPM_HANDLE{handle}] = {nonce.data.begin(), nonce.data.end()};
  }
  void flushed(TPM_HANDLE handle) { nonces_.erase(handle); }

  /// True if `given` authorizes the command of that code with handles of these names.
  /// Part 1, "HMAC Computation": HMAC(cpHash || nonceCaller || nonceTPM || attributes).
  [[nodiscard]] bool accepts(const TPMS_AUTH_COMMAND& given, TPM_CC code, ByteView names,
                             ByteView parameters) const {
    const auto found = nonces_.find(given.sessionHandle);
    constexpr std::uint8_t kEncryption = 0x60;  // TPMA_SESSION: decrypt, encrypt
    if (found == nonces_.end() || (given.sessionAttributes & kEncryption) != 0) return false;
    const auto hash = digest({be(static_cast<std::uint32_t>(code)), octets(names), octets(parameters)});
    const auto expected =
        hmac({hash, octets(given.nonce.data), found->second, {std::byte{given.sessionAttributes}}});
    return equal(expected, given.hmac.data);
  }

  /// The session part of a successful response with these parameters.
  /// HMAC(rpHash || nonceTPM || nonceCaller || attributes).
  [[nodiscard]] std::vector<std::byte> answer(const TPMS_AUTH_COMMAND& given, TPM_CC code,
                                              ByteView parameters) {
    std::vector<std::byte> nonce(32);
    system_random(nullptr, raw(nonce.data()), nonce.size());
    nonces_[given.sessionHandle] = nonce;
    const auto hash = digest({be(0), be(static_cast<std::uint32_t>(code)), octets(parameters)});
    const auto mac = hmac({hash, nonce, octets(given.nonce.data), {std::byte{given.sessionAttributes}}});
    std::vector<std::byte> out(128);
    const auto text = marshal(TPMS_AUTH_RESPONSE{{nonce}, given.sessionAttributes, {mac}}, out);
    out.resize(text ? text->size() : 0);
    return out;
  }

 private:
  using Octets = std::vector<std::byte>;

  static Octets octets(ByteView in) { return {in.begin(), in.end()}; }
  static Octets be(std::uint32_t value) {
    Octets out(4);
    store<std::uint32_t, Endian::big>(MutBytes(out).first<4>(), value);
    return out;
  }
  static Octets join(const std::vector<Octets>& parts) {
    Octets out;
    for (const Octets& part : parts) out.insert(out.end(), part.begin(), part.end());
    return out;
  }
  static Octets digest(const std::vector<Octets>& parts) {
    MbedCrypto crypto;
    const auto out = crypto.digest(Hash::sha256, join(parts));
    return out ? octets(out->view()) : Octets();
  }
  static Octets hmac(const std::vector<Octets>& parts) {
    const Octets text = join(parts);
    Octets out(32);
    constexpr unsigned char kNoKey = 0;
    const int status = mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), &kNoKey, 0,
                                       raw(text.data()), text.size(), raw(out.data()));
    return status == 0 ? out : Octets();
  }

  std::map<TPM_HANDLE, Octets> nonces_;
};

}  // namespace snpnv::paravisor
