// SPDX-License-Identifier: Apache-2.0
// TPM 2.0 structures. Each declares its fields once, in the order of the specification's table;
// TpmWriter and TpmReader walk that declaration. Big-endian throughout.
#pragma once

#include <array>
#include <concepts>
#include <type_traits>

#include "snpnv/core/bytes.hpp"
#include "snpnv/wire/tpm2_constants.hpp"

namespace snpnv {

/// A size in 16 bits and that many octets, at most Max. Borrows them. Part 2, "TPM2B Types".
template <std::size_t Max>
struct TPM2B {
  static constexpr std::size_t kMax = Max;
  ByteView data;
};

/// A size in 16 bits and a structure of exactly that size. Part 2, "TPM2B Types".
template <class T>
struct Sized {
  T value;
};

/// A count in 32 bits and that many entries, at most Max. Part 2, "TPML Types".
template <class T, std::size_t Max>
struct TPML {
  static constexpr std::size_t kMax = Max;
  std::array<T, Max> entries{};
  std::size_t count = 0;

  [[nodiscard]] constexpr std::span<const T> view() const { return std::span(entries).first(count); }
  /// The caller keeps below kMax.
  constexpr void add(const T& entry) { entries[count++] = entry; }
};

namespace detail {

template <class T>
inline constexpr bool is_tpm2b = false;
template <std::size_t Max>
inline constexpr bool is_tpm2b<TPM2B<Max>> = true;
template <class T>
inline constexpr bool is_sized = false;
template <class T>
inline constexpr bool is_sized<Sized<T>> = true;
template <class T>
inline constexpr bool is_tpml = false;
template <class T, std::size_t Max>
inline constexpr bool is_tpml<TPML<T, Max>> = true;

}  // namespace detail

/// Marshals declared fields.
class TpmWriter {
 public:
  static constexpr bool kReading = false;
  constexpr explicit TpmWriter(ByteWriter& out) : out_(out) {}

  template <class... T>
  constexpr void operator()(const T&... fields) { (one(fields), ...); }

  /// A value that the structure does not allow: nothing more is written, the ByteWriter overflows.
  constexpr void require(bool condition, Code) {
    if (!condition) (void)out_.reserve(~std::size_t{0} / 2);
  }
  /// Exactly `n` octets, which another field announces.
  constexpr void octets(const ByteView& in, std::size_t n) {
    require(in.size() == n, Code::wire_size);
    out_.bytes(in);
  }
  /// All octets that are left.
  constexpr void rest(const ByteView& in) { out_.bytes(in); }

 private:
  template <class T>
  constexpr void one(const T& field) {
    if constexpr (std::is_enum_v<T>) {
      out_.be(static_cast<std::underlying_type_t<T>>(field));
    } else if constexpr (std::unsigned_integral<T>) {
      out_.be(field);
    } else if constexpr (detail::is_tpm2b<T>) {
      sized(field.data, T::kMax);
    } else if constexpr (detail::is_sized<T>) {
      const std::size_t at = out_.size();
      out_.be(std::uint16_t{0});
      one(field.value);
      if (!out_.ok()) return;
      const std::size_t size = out_.size() - at - 2;
      store<std::uint16_t, Endian::big>(out_.written().subspan(at).template first<2>(),
                                        static_cast<std::uint16_t>(size));
    } else if constexpr (detail::is_tpml<T>) {
      out_.be(static_cast<std::uint32_t>(field.count));
      for (const auto& entry : field.view()) one(entry);
    } else if constexpr (requires { field.kBits; }) {
      out_.be(field.value);
    } else {
      T::fields(*this, field);
    }
  }
  constexpr void sized(ByteView data, std::size_t max) {
    require(data.size() <= max, Code::wire_size);
    out_.be(static_cast<std::uint16_t>(data.size()));
    out_.bytes(data);
  }

  ByteWriter& out_;
};

/// Unmarshals declared fields.
class TpmReader {
 public:
  static constexpr bool kReading = true;
  constexpr explicit TpmReader(ByteReader& in) : in_(in) {}

  template <class... T>
  constexpr void operator()(T&... fields) { (one(fields), ...); }

  constexpr void require(bool condition, Code code) { in_.require(condition, code); }
  constexpr void octets(ByteView& out, std::size_t n) { out = in_.take(n); }
  constexpr void rest(ByteView& out) { out = in_.take(in_.remaining()); }

 private:
  template <class T>
  constexpr void one(T& field) {
    if constexpr (std::is_enum_v<T>) {
      field = static_cast<T>(in_.be<std::underlying_type_t<T>>());
    } else if constexpr (std::unsigned_integral<T>) {
      field = in_.be<T>();
    } else if constexpr (detail::is_tpm2b<T>) {
      const std::size_t at = in_.offset();
      field.data = in_.take(at_most(T::kMax, at, in_.be<std::uint16_t>()));
    } else if constexpr (detail::is_sized<T>) {
      ByteReader inner = in_.sub(in_.be<std::uint16_t>());
      TpmReader(inner).one(field.value);
      in_.close(inner);
    } else if constexpr (detail::is_tpml<T>) {
      const std::size_t at = in_.offset();
      field.count = at_most(T::kMax, at, in_.be<std::uint32_t>());
      for (std::size_t i = 0; i < field.count && in_.ok(); ++i) one(field.entries[i]);
      if (!in_.ok()) field.count = 0;
    } else if constexpr (requires { field.kBits; }) {
      field.value = in_.be<decltype(field.value)>();
    } else {
      T::fields(*this, field);
    }
  }
  // A size or count that stands at `at`; 0 if it is more than `max`, or was not there.
  constexpr std::size_t at_most(std::size_t max, std::size_t at, std::size_t n) {
    if (n > max) in_.fail_at(Code::wire_size, at, n);
    return in_.ok() ? n : 0;
  }

  ByteReader& in_;
};

// Sizes of the reference implementation, as limits of what is accepted. In octets.
using TPM2B_DIGEST = TPM2B<64>;
using TPM2B_AUTH = TPM2B<64>;
using TPM2B_NONCE = TPM2B<64>;
using TPM2B_NAME = TPM2B<66>;              // TPMI_ALG_HASH and digest
using TPM2B_DATA = TPM2B<66>;
using TPM2B_MAX_NV_BUFFER = TPM2B<2048>;
using TPM2B_PUBLIC_KEY_RSA = TPM2B<512>;
using TPM2B_ATTEST = TPM2B<2304>;

/// Part 2, "TPMS_NV_PUBLIC".
struct TPMS_NV_PUBLIC {
  TPM_HANDLE nvIndex{};
  TPM_ALG_ID nameAlg{};
  TPMA_NV attributes{};
  TPM2B_DIGEST authPolicy{};
  std::uint16_t dataSize = 0;  // octets

  template <class Wire, class Self>
  static constexpr void fields(Wire& wire, Self& self) {
    wire(self.nvIndex, self.nameAlg, self.attributes, self.authPolicy, self.dataSize);
  }
};

/// Part 2, "TPMS_AUTH_COMMAND".
struct TPMS_AUTH_COMMAND {
  TPM_HANDLE sessionHandle{};
  TPM2B_NONCE nonce{};
  std::uint8_t sessionAttributes = 0;
  TPM2B_AUTH hmac{};

  template <class Wire, class Self>
  static constexpr void fields(Wire& wire, Self& self) {
    wire(self.sessionHandle, self.nonce, self.sessionAttributes, self.hmac);
  }
};

/// Part 2, "TPMS_AUTH_RESPONSE".
struct TPMS_AUTH_RESPONSE {
  TPM2B_NONCE nonce{};
  std::uint8_t sessionAttributes = 0;
  TPM2B_AUTH hmac{};

  template <class Wire, class Self>
  static constexpr void fields(Wire& wire, Self& self) {
    wire(self.nonce, self.sessionAttributes, self.hmac);
  }
};

/// Which PCRs of one bank: bit n of octet n/8. Part 2, "TPMS_PCR_SELECTION".
struct TPMS_PCR_SELECTION {
  static constexpr std::size_t kMaxSelect = 4;
  TPM_ALG_ID hash{};
  std::uint8_t sizeofSelect = 0;
  ByteView pcrSelect;

  template <class Wire, class Self>
  static constexpr void fields(Wire& wire, Self& self) {
    wire(self.hash, self.sizeofSelect);
    wire.require(self.sizeofSelect <= kMaxSelect, Code::wire_size);
    wire.octets(self.pcrSelect, self.sizeofSelect);
  }

  [[nodiscard]] constexpr bool selects(std::size_t pcr) const {
    return pcr / 8 < pcrSelect.size() &&
           (std::to_integer<unsigned>(pcrSelect[pcr / 8]) >> (pcr % 8) & 1U) != 0;
  }
  /// How many PCRs are selected.
  [[nodiscard]] constexpr std::size_t count() const {
    std::size_t n = 0;
    for (const std::byte octet : pcrSelect)
      n += ones(std::to_integer<unsigned>(octet));
    return n;
  }

 private:
  // Not std::popcount: without the instruction that is a call into the compiler's library.
  [[nodiscard]] static constexpr std::size_t ones(unsigned octet) {
    std::size_t n = 0;
    for (; octet != 0; octet &= octet - 1) ++n;
    return n;
  }
};
using TPML_PCR_SELECTION = TPML<TPMS_PCR_SELECTION, 16>;
using TPML_DIGEST = TPML<TPM2B_DIGEST, 8>;
using TPML_HANDLE = TPML<TPM_HANDLE, 254>;

/// Part 2, "TPMS_TAGGED_PROPERTY".
struct TPMS_TAGGED_PROPERTY {
  TPM_PT property{};
  std::uint32_t value = 0;

  template <class Wire, class Self>
  static constexpr void fields(Wire& wire, Self& self) { wire(self.property, self.value); }
};
using TPML_TAGGED_TPM_PROPERTY = TPML<TPMS_TAGGED_PROPERTY, 127>;

/// The capabilities that this project asks for. Part 2, "TPMS_CAPABILITY_DATA".
struct TPMS_CAPABILITY_DATA {
  TPM_CAP capability{};
  TPML_HANDLE handles{};                    // TPM_CAP::HANDLES
  TPML_TAGGED_TPM_PROPERTY tpmProperties{};  // TPM_CAP::TPM_PROPERTIES

  template <class Wire, class Self>
  static constexpr void fields(Wire& wire, Self& self) {
    wire(self.capability);
    switch (self.capability) {
      case TPM_CAP::HANDLES: wire(self.handles); return;
      case TPM_CAP::TPM_PROPERTIES: wire(self.tpmProperties); return;
    }
    wire.require(false, Code::wire_value);
  }
};

/// Part 2, "TPMT_SYM_DEF_OBJECT".
struct TPMT_SYM_DEF_OBJECT {
  TPM_ALG_ID algorithm = TPM_ALG_ID::NULL_;
  std::uint16_t keyBits = 0;
  TPM_ALG_ID mode = TPM_ALG_ID::NULL_;

  template <class Wire, class Self>
  static constexpr void fields(Wire& wire, Self& self) {
    wire(self.algorithm);
    if (self.algorithm != TPM_ALG_ID::NULL_) wire(self.keyBits, self.mode);
  }
};

/// TPMT_SIG_SCHEME and TPMT_RSA_SCHEME, which are alike for the schemes used here: a hash algorithm
/// follows every scheme but null and RSAES. Part 2, "TPMT_SIG_SCHEME", "TPMT_RSA_SCHEME".
struct TPMT_RSA_SCHEME {
  TPM_ALG_ID scheme = TPM_ALG_ID::NULL_;
  TPM_ALG_ID hashAlg = TPM_ALG_ID::NULL_;

  template <class Wire, class Self>
  static constexpr void fields(Wire& wire, Self& self) {
    wire(self.scheme);
    if (self.scheme != TPM_ALG_ID::NULL_ && self.scheme != TPM_ALG_ID::RSAES) wire(self.hashAlg);
  }
};
using TPMT_SIG_SCHEME = TPMT_RSA_SCHEME;

/// The public area of an RSA key; another type is an error. Part 2, "TPMT_PUBLIC".
struct TPMT_PUBLIC {
  TPM_ALG_ID type{};
  TPM_ALG_ID nameAlg{};
  TPMA_OBJECT objectAttributes{};
  TPM2B_DIGEST authPolicy{};
  TPMT_SYM_DEF_OBJECT symmetric{};
  TPMT_RSA_SCHEME scheme{};
  std::uint16_t keyBits = 0;
  std::uint32_t exponent = 0;  // 0 stands for 65537
  TPM2B_PUBLIC_KEY_RSA unique{};

  template <class Wire, class Self>
  static constexpr void fields(Wire& wire, Self& self) {
    wire(self.type);
    wire.require(self.type == TPM_ALG_ID::RSA, Code::wire_value);
    wire(self.nameAlg, self.objectAttributes, self.authPolicy, self.symmetric, self.scheme,
         self.keyBits, self.exponent, self.unique);
  }
};

/// An RSA signature; another algorithm is an error. Part 2, "TPMT_SIGNATURE".
struct TPMT_SIGNATURE {
  TPM_ALG_ID sigAlg{};
  TPM_ALG_ID hash{};
  TPM2B_PUBLIC_KEY_RSA sig{};

  template <class Wire, class Self>
  static constexpr void fields(Wire& wire, Self& self) {
    wire(self.sigAlg);
    wire.require(self.sigAlg == TPM_ALG_ID::RSASSA || self.sigAlg == TPM_ALG_ID::RSAPSS,
                 Code::wire_value);
    wire(self.hash, self.sig);
  }
};

/// Marshals one structure into `out`.
/// @returns the octets written | wire_overflow - it does not fit, or holds a value that it may not.
template <class T>
[[nodiscard]] constexpr Result<ByteView> marshal(const T& value, MutBytes out) {
  ByteWriter writer(out);
  TpmWriter wire(writer);
  wire(value);
  return writer.finish();
}

/// Unmarshals one structure that fills `in`. Borrows it.
/// @returns the structure | wire_short, wire_trailing, wire_size, wire_value - where: offset.
template <class T>
[[nodiscard]] constexpr Result<T> unmarshal(ByteView in, std::size_t base = 0) {
  ByteReader reader(in, base);
  TpmReader wire(reader);
  T value{};
  wire(value);
  return reader.finish(value);
}

}  // namespace snpnv
