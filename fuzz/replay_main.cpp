// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target over its corpus without libFuzzer: every file below the folders named. A folder
// that is missing or holds no file is an error.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int count, char** arguments) {
  if (count < 2) return std::fputs("usage: fuzz_TARGET FOLDER...\n", stderr), 2;
  for (int i = 1; i < count; ++i) {
    std::error_code error;
    std::size_t runs = 0;
    for (std::filesystem::recursive_directory_iterator at(arguments[i], error), end;
         !error && at != end; at.increment(error)) {
      if (!at->is_regular_file()) continue;
      std::ifstream file(at->path(), std::ios::binary);
      const std::vector<char> text(std::istreambuf_iterator<char>(file), {});
      // A copy of exactly that size, so that a sanitizer sees a read behind it.
      const std::vector<std::uint8_t> data(text.begin(), text.end());
      LLVMFuzzerTestOneInput(data.data(), data.size());
      ++runs;
    }
    std::printf("%s: %zu inputs\n", arguments[i], runs);
    if (error || runs == 0) return std::fprintf(stderr, "%s: no seeds\n", arguments[i]), 1;
  }
}
