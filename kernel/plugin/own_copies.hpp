#pragma once

#include <string>
#include <vector>

#include "plugin/elf_file.hpp"

namespace pharos::plugin {

/// What a plugin must not bring along, because it is or leads to state that may exist once in a process: the wire's
/// .proto or protobuf itself (two with one file name end the process when the second is loaded), gRPC, Asio (each copy
/// has its own idea of which thread runs what), spdlog's registry. Found by texts that are always in such code, also
/// when the file is stripped. Each a clause that goes after the file's name; empty when there is nothing.
[[nodiscard]] std::vector<std::string> find_own_copies(const ElfFile& file);

}  // namespace pharos::plugin
