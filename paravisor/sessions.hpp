// SPDX-License-Identifier: Apache-2.0
// A guest's sessions on the indices that are larger for the guest than in the TPM behind. Names and parameters
// differ on the two sides, and with them every HMAC: each is checked as the guest made it and made again for the
// TPM, and the other way round. Nonces, attributes and lifetime stay the TPM's business.
#pragma once

#include <mbedtls/aes.h>
#include <mbedtls/md.h>

#include "paravisor/guest_command.hpp"
#include "paravisor/platform.hpp"

namespace snpnv::paravisor {

[[nodiscard]] inline Bytes octets(ByteView in) { return {in.begin(), in.end()}; }
[[nodiscard]] inline Bytes be(std::uint32_t value) {
  Bytes out(4);
  store<std::uint32_t, Endian::big>(MutBytes(out).first<4>(), value);
  return out;
}
[[nodiscard]] inline Bytes join(const std::vector<Bytes>& parts) {
  Bytes out;
  for (const Bytes& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

/// Part 3, "TPM2_StartAuthSession": its parameters.
struct StartAuthSession {
  TPM2B_NONCE nonceCaller{};
  TPM2B<512> encryptedSalt{};
  std::uint8_t sessionType = 0;
  TPMT_SYM_DEF_OBJECT symmetric{};  // XOR, which is of another form, is not known here
  TPM_ALG_ID authHash{};

  template <class Wire, class Self>
  static constexpr void fields(Wire& wire, Self& self) {
    wire(self.nonceCaller, self.encryptedSalt, self.sessionType, self.symmetric, self.authHash);
  }
};

/// Part 2, "TPMA_SESSION".
inline constexpr std::uint8_t kSessionDecrypt = 0x20;
inline constexpr std::uint8_t kSessionEncrypt = 0x40;

/// One session, and the cryptography of Part 1, "Session-Based Authorizations".
struct Session {
  mbedtls_md_type_t hash = MBEDTLS_MD_NONE;
  TPMT_SYM_DEF_OBJECT symmetric{};
  Bytes key;    // empty without salt and binding
  Bytes nonce;  // the TPM's latest

  [[nodiscard]] Bytes digest(const std::vector<Bytes>& parts) const {
    const Bytes text = join(parts);
    Bytes out(size());
    return mbedtls_md(info(), raw(text.data()), text.size(), raw(out.data())) == 0 ? out : Bytes();
  }
  [[nodiscard]] Bytes hmac(const Bytes& secret, const std::vector<Bytes>& parts) const {
    const Bytes text = join(parts);
    Bytes out(size());
    return mbedtls_md_hmac(info(), raw(secret.data()), secret.size(), raw(text.data()), text.size(),
                           raw(out.data())) == 0
               ? out
               : Bytes();
  }
  /// Encrypts a parameter of a response to a command with that nonce. Part 1, "Session-Based Encryption".
  [[nodiscard]] bool encrypt(const Bytes& secret, ByteView nonce_caller, MutBytes data) const {
    if (symmetric.algorithm != TPM_ALG_ID::AES || symmetric.mode != TPM_ALG_ID::CFB) return false;
    constexpr std::size_t kBlock = 16;
    const std::size_t key_size = symmetric.keyBits / 8U;
    Bytes material = kdf_a(secret, "CFB", nonce, nonce_caller, key_size + kBlock);
    mbedtls_aes_context aes;
    mbedtls_aes_init(&aes);
    std::size_t used = 0;
    int status = mbedtls_aes_setkey_enc(&aes, raw(material.data()), symmetric.keyBits);
    if (status == 0)
      status = mbedtls_aes_crypt_cfb128(&aes, MBEDTLS_AES_ENCRYPT, data.size(), &used, raw(material.data() + key_size),
                                        raw(data.data()), raw(data.data()));
    mbedtls_aes_free(&aes);
    return status == 0;
  }

 private:
  [[nodiscard]] const mbedtls_md_info_t* info() const { return mbedtls_md_info_from_type(hash); }
  [[nodiscard]] std::size_t size() const { return mbedtls_md_get_size(info()); }
  // Part 1, "KDFa()".
  [[nodiscard]] Bytes kdf_a(const Bytes& secret, std::string_view label, const Bytes& context_u,
                             ByteView context_v, std::size_t wanted) const {
    const auto text = std::as_bytes(std::span(label));
    Bytes out;
    for (std::uint32_t i = 1; out.size() < wanted; ++i) {
      const Bytes block = hmac(secret, {be(i), octets(text), {std::byte{0}}, context_u, octets(context_v),
                                         be(static_cast<std::uint32_t>(8 * wanted))});
      if (block.empty()) return Bytes(wanted);
      out.insert(out.end(), block.begin(), block.end());
    }
    out.resize(wanted);
    return out;
  }
};

/// The sessions that the TPM behind has.
class Sessions {
 public:
  /// Learns of a session from the command that starts it, its response, and the state of the TPM then:
  /// there stands the session's key, before the nonce that the response gives.
  void started(const GuestCommand& command, const GuestResponse& response, ByteView state) {
    const auto asked = unmarshal<StartAuthSession>(command.parameters);
    const auto nonce = unmarshal<TPM2B_NONCE>(response.parameters);
    if (!asked || !nonce || response.handle.size() != 4) return;
    Session session;
    session.symmetric = asked->symmetric;
    session.nonce = octets(nonce->data);
    switch (asked->authHash) {
      case TPM_ALG_ID::SHA1: session.hash = MBEDTLS_MD_SHA1; break;
      case TPM_ALG_ID::SHA256: session.hash = MBEDTLS_MD_SHA256; break;
      case TPM_ALG_ID::SHA384: session.hash = MBEDTLS_MD_SHA384; break;
      case TPM_ALG_ID::SHA512: session.hash = MBEDTLS_MD_SHA512; break;
      default: return;
    }
    if (!asked->encryptedSalt.data.empty() || command.handles.back() != TPM_RH::NULL_)
      session.key = key_before(nonce->data, mbedtls_md_get_size(mbedtls_md_info_from_type(session.hash)), state);
    sessions_[TPM_HANDLE{load<std::uint32_t, Endian::big>(response.handle.first<4>())}] = session;
  }
  /// Learns the nonces of a response to a command with sessions.
  void answered(const GuestCommand& command, const GuestResponse& response) {
    for (std::size_t i = 0; i < std::min(command.sessions.size(), response.sessions.size()); ++i)
      if (Session* const session = find(command.sessions[i].sessionHandle); session != nullptr)
        session->nonce = octets(response.sessions[i].nonce.data);
  }

  /// What an HMAC covers of a command, beside nonces and attributes.
  struct Side {
    Bytes names;
    Bytes parameters;
  };
  /// What was found out about each session of a command.
  struct Signing {
    std::vector<Bytes> secrets;  // authorization values of the entities that the sessions authorize
    std::vector<Bytes> keys;     // of the HMACs that held
    std::vector<Bytes> macs;     // those for the TPM, which the command borrows
  };

  /// Makes the HMACs of `command` for the TPM's side where they hold for the guest's. What does not hold
  /// stays as it is, so that the TPM refuses it in its own words.
  void sign_again(GuestCommand& command, const Side& guest, const Side& tpm, Signing& signing) {
    signing.keys.resize(command.sessions.size());
    signing.macs.resize(command.sessions.size());
    for (std::size_t i = 0; i < command.sessions.size(); ++i) {
      TPMS_AUTH_COMMAND& given = command.sessions[i];
      const Session* const session = find(given.sessionHandle);
      if (session == nullptr) continue;
      const auto mac = [&](const Bytes& key, const Side& side) {
        const Bytes hash =
            session->digest({be(static_cast<std::uint32_t>(command.code)), side.names, side.parameters});
        return session->hmac(key, {hash, octets(given.nonce.data), session->nonce,
                                   i == 0 ? further_nonces(command) : Bytes(), {std::byte{given.sessionAttributes}}});
      };
      // A session that is bound to the entity leaves its authorization value out.
      for (const Bytes& key : {session->key, join({session->key, signing.secrets[i]})}) {
        if (!equal(mac(key, guest), given.hmac.data)) continue;
        signing.keys[i] = key;
        signing.macs[i] = mac(key, tpm);
        given.hmac.data = signing.macs[i];
        break;
      }
    }
  }

  /// Puts other parameters into a response, whose nonces are known by now: encrypted where a session says so, and
  /// with the HMACs for them. `signing` keeps what the response borrows.
  /// @returns nothing | crypto_failed.
  [[nodiscard]] Result<void> answer_again(const GuestCommand& command, GuestResponse& response, Bytes& parameters,
                                          Signing& signing) {
    for (std::size_t i = 0; i < command.sessions.size(); ++i) {
      const Session* const session = find(command.sessions[i].sessionHandle);
      if (session == nullptr || (command.sessions[i].sessionAttributes & kSessionEncrypt) == 0) continue;
      const std::size_t size = load<std::uint16_t, Endian::big>(ByteView(parameters).first<2>());
      if (!session->encrypt(join({session->key, signing.secrets[i]}), command.sessions[i].nonce.data,
                            MutBytes(parameters).subspan(2, size)))
        return fail(Code::crypto_failed);
    }
    response.parameters = parameters;
    for (std::size_t i = 0; i < response.sessions.size(); ++i) {
      TPMS_AUTH_RESPONSE& given = response.sessions[i];
      const Session* const session = find(command.sessions[i].sessionHandle);
      if (session == nullptr || given.hmac.data.empty()) continue;
      const Bytes hash = session->digest({be(0), be(static_cast<std::uint32_t>(command.code)), parameters});
      signing.macs[i] = session->hmac(signing.keys[i], {hash, session->nonce, octets(command.sessions[i].nonce.data),
                                                        {std::byte{given.sessionAttributes}}});
      given.hmac.data = signing.macs[i];
    }
    return {};
  }

 private:
  Session* find(TPM_HANDLE handle) {
    const auto found = sessions_.find(handle);
    return found != sessions_.end() ? &found->second : nullptr;
  }
  // The TPM2B before the TPM2B of that nonce, if it has that size.
  static Bytes key_before(ByteView nonce, std::size_t size, ByteView state) {
    std::array<std::byte, 66> room{};
    const auto wanted = marshal(TPM2B_NONCE{nonce}, room);
    if (!wanted) return {};
    const auto found = std::ranges::search(state, *wanted);
    const auto at = static_cast<std::size_t>(found.begin() - state.begin());
    if (found.empty() || at < 2 + size) return {};
    const ByteView key = state.subspan(at - 2 - size, 2 + size);
    if (load<std::uint16_t, Endian::big>(key.first<2>()) != size) return {};
    return octets(key.subspan(2));
  }
  // Part 1, "HMAC Computation": the first session also covers the nonces of those that encrypt parameters.
  Bytes further_nonces(const GuestCommand& command) {
    const auto first_with = [&](std::uint8_t attribute) {
      return static_cast<std::size_t>(std::ranges::find_if(command.sessions, [&](const TPMS_AUTH_COMMAND& session) {
                                        return (session.sessionAttributes & attribute) != 0;
                                      }) - command.sessions.begin());
    };
    const std::size_t decrypt = first_with(kSessionDecrypt);
    const std::size_t encrypt = first_with(kSessionEncrypt);
    const auto nonce = [&](std::size_t i) {
      const Session* const session =
          i != 0 && i < command.sessions.size() ? find(command.sessions[i].sessionHandle) : nullptr;
      return session != nullptr ? session->nonce : Bytes();
    };
    return join({nonce(decrypt), encrypt != decrypt ? nonce(encrypt) : Bytes()});
  }

  std::map<TPM_HANDLE, Session> sessions_;
};

}  // namespace snpnv::paravisor
