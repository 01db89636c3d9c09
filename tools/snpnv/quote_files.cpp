// SPDX-License-Identifier: Apache-2.0
#include "quote_files.hpp"

#include "files.hpp"

namespace snpnv::tool {
namespace {

constexpr std::string_view kNonceTooLong =
    "the vTPM takes no more in a quote, and padding would make it another nonce";

// The signature as TPMT_SIGNATURE, which is how tpm2-tools keep it.
std::vector<std::byte> tpmt_signature(const QuoteEvidence& quote) {
  std::vector<std::byte> out(600);
  const auto octets =
      marshal(TPMT_SIGNATURE{quote.signature_scheme, quote.signature_hash, {quote.signature()}}, out);
  out.resize(octets ? octets->size() : 0);
  return out;
}

// PCR values in the form of tpm2-tools' files: the structures TPML_PCR_SELECTION and TPML_DIGEST as a C
// compiler lays them out, little-endian, with the number of TPML_DIGEST between them.
std::vector<std::byte> pcr_file(const PcrValues& pcrs) {
  constexpr std::size_t kBanks = 16;
  constexpr std::size_t kDigests = 8;
  constexpr std::size_t kDigestSize = 64;
  std::vector<std::byte> out(8192);
  ByteWriter writer(out);
  const auto select = pcrs.selection.octets();
  writer.le(std::uint32_t{1});
  writer.le(static_cast<std::uint16_t>(pcrs.selection.bank));
  writer.be(static_cast<std::uint8_t>(select.size()));
  writer.bytes(select);
  writer.zeros(2 + (kBanks - 1) * 8);
  std::vector<ByteView> values;
  for (std::size_t pcr = 0; pcr < PcrSelection::kPcrs; ++pcr)
    if (pcrs.selection.selects(pcr)) values.push_back(pcrs[pcr]);
  writer.le(static_cast<std::uint32_t>((values.size() + kDigests - 1) / kDigests));
  for (std::size_t at = 0; at < values.size(); at += kDigests) {
    const std::size_t count = std::min(kDigests, values.size() - at);
    writer.le(static_cast<std::uint32_t>(count));
    for (std::size_t i = 0; i < kDigests; ++i) {
      const ByteView value = i < count ? values[at + i] : ByteView();
      writer.le(static_cast<std::uint16_t>(value.size()));
      writer.bytes(value);
      writer.zeros(kDigestSize - value.size());
    }
  }
  out.resize(writer.size());
  return out;
}

}  // namespace

Outcome<std::vector<std::byte>> nonce_of(const Arguments& arguments, bool random_by_default) {
  const auto text = arguments.value("nonce");
  if (arguments.has("random") || (random_by_default && !text)) {
    if (text) return usage("--random", "not together with --nonce");
    std::vector<std::byte> out(48);
    SNPNV_CHECK(random_octets(out));
    return out;
  }
  if (!text) return usage("--nonce", "missing: what the evidence is to carry");
  auto out = hex_value("--nonce", *text, 0, kMaxQuoteNonce);
  if (!out && text->size() > 2 * kMaxQuoteNonce) out.error().hint = kNonceTooLong;
  return out;
}

Outcome<void> stage_quote(OutputFiles& files, std::string_view directory, const QuoteEvidence& quote) {
  SNPNV_CHECK(files.stage(join(directory, kMessage), quote.message()));
  SNPNV_CHECK(files.stage(join(directory, kSignature), tpmt_signature(quote)));
  SNPNV_CHECK(files.stage(join(directory, kPcrs), pcr_file(quote.pcrs)));
  return {};
}

void add_paths(std::vector<std::string>& to, std::string_view directory, std::span<const std::string_view> names) {
  for (const std::string_view name : names) to.push_back(join(directory, name));
}

Outcome<bool> check_outputs_of(const Arguments& arguments, std::string_view tcti,
                               const std::vector<std::string>& outputs, std::vector<InputFile> inputs) {
  const std::string_view nonce = arguments.value("nonce").value_or("");
  if (nonce.starts_with('@')) inputs.push_back({"--nonce", nonce.substr(1)});
  return check_outputs(tcti, {outputs.begin(), outputs.end()}, inputs);
}

}  // namespace snpnv::tool
