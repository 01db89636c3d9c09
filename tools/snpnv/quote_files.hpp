// SPDX-License-Identifier: Apache-2.0
// What quote and evidence share: the nonce that is asked for, and a quote as files.
#pragma once

#include "output_files.hpp"
#include "snpnv/collect/quote.hpp"
#include "step.hpp"

namespace snpnv::tool {

/// The files of a folder with a quote.
inline constexpr std::string_view kMessage = "message";
inline constexpr std::string_view kSignature = "signature";
inline constexpr std::string_view kPcrs = "pcrs";
inline constexpr auto kQuoteFiles = std::to_array({kMessage, kSignature, kPcrs});

/// --nonce, or the octets that --random asks for, or that are the default.
[[nodiscard]] Outcome<std::vector<std::byte>> nonce_of(const Arguments& arguments, bool random_by_default = false);

/// Stages message, signature and pcrs, in the forms of tpm2-tools.
[[nodiscard]] Outcome<void> stage_quote(OutputFiles& files, std::string_view directory, const QuoteEvidence& quote);

void add_paths(std::vector<std::string>& to, std::string_view directory, std::span<const std::string_view> names);

/// check_outputs(), where --nonce too may be read from a file.
[[nodiscard]] Outcome<bool> check_outputs_of(const Arguments& arguments, std::string_view tcti,
                                             const std::vector<std::string>& outputs,
                                             std::vector<InputFile> inputs = {});

}  // namespace snpnv::tool
