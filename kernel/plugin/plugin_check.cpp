#include "plugin/plugin_check.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <system_error>

#include "plugin/descriptor_check.hpp"
#include "plugin/file_bytes.hpp"
#include "plugin/file_trust.hpp"
#include "plugin/own_copies.hpp"
#include "plugin/probe.hpp"

namespace pharos::plugin {

namespace fs = std::filesystem;

namespace {

constexpr auto kLoadDeadline = std::chrono::seconds(10);

/// "a, b and 7 more".
std::string some_of(const std::vector<std::string_view>& names) {
    constexpr std::size_t kShown = 3;
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) {
        text += (i == 0 ? "" : ", ") + std::string(names[i]);
    }
    return names.size() <= kShown ? text : text + " and " + std::to_string(names.size() - kShown) + " more";
}

class Check {
public:
    explicit Check(std::vector<Finding>& findings) : findings_(findings) {}

    void error(std::string text) { findings_.push_back({true, std::move(text)}); }
    void note(std::string text) { findings_.push_back({false, std::move(text)}); }
    void take(const spi::Status& status) {
        if (!status) {
            error(status.message());
        }
    }

    void run(const fs::path& file) {
        std::error_code failure;
        const fs::path resolved = fs::canonical(file, failure);
        if (failure) {
            return error("can't be found: " + failure.message());
        }
        const spi::Result<FileBytes> bytes = FileBytes::map(resolved);
        if (!bytes) {
            return take(bytes.error());
        }
        const spi::Result<ElfFile> elf = ElfFile::read(bytes.value().view());
        if (!elf) {
            return take(elf.error());
        }
        DescriptorText text;
        take(read_descriptor(elf.value(), text));
        if (!text.name.empty() && file.stem() != text.name) {
            error("calls itself '" + text.name + "'; file and plugin must have one name");
        }
        linking(elf.value());
        visible(elf.value());
        for (std::string& copy : find_own_copies(elf.value())) {
            error(std::move(copy));
        }
        for (const std::string_view part : elf.value().loaded_parts()) {
            protos(part);
        }
        if (const spi::Status trust = check_trust(resolved, Owner::of_process()); !trust) {
            note("would not be loaded from here: " + trust.message());
        }
        if (std::none_of(findings_.begin(), findings_.end(), [](const Finding& one) { return one.is_error; })) {
            take(probe_libraries({resolved}, kLoadDeadline).front());
        }
    }

private:
    void linking(const ElfFile& elf) {
        if (elf.wants_executable_stack()) {
            error("wants an executable stack; link it with -z noexecstack");
        }
        if (elf.has_writable_code()) {
            error(
                "has code that can be written to (text relocations, or a segment that is both); compile it with "
                "-fPIC");
        }
        if (!elf.is_nodelete()) {
            error("may be unloaded while others refer to its code; link it with -z nodelete");
        }
        if (!elf.binds_now()) {
            error("looks its functions up at their first call, so a missing one is seen late; link it with -z now");
        }
        if (!elf.has_relro()) {
            error("leaves its tables of addresses writable; link it with -z relro");
        }
        for (const std::string_view library : elf.needed()) {
            if (library.starts_with("libgrpc") || library.starts_with("libprotobuf")) {
                note("links " + std::string(library) + ", which must be the very one that the server has");
            }
        }
    }

    void visible(const ElfFile& elf) {
        std::vector<std::string_view> own;
        std::vector<std::string_view> inlined;
        for (const ElfFile::Symbol& symbol : elf.exported()) {
            if (symbol.name != "pharos_plugin") {
                (symbol.weak || symbol.unique ? inlined : own).push_back(symbol.name);
            }
        }
        if (!own.empty()) {
            error("shows more than its descriptor: " + some_of(own) +
                  "; compile it with -fvisibility=hidden and link it with --exclude-libs,ALL");
        }
        if (!inlined.empty()) {
            note("inline code of headers is visible: " + some_of(inlined));
        }
    }

    /// Serialized file descriptors begin with the file's name and go on with its package.
    void protos(std::string_view bytes) {
        constexpr std::string_view kEnding = ".proto";
        for (std::size_t at = bytes.find(kEnding); at != std::string_view::npos; at = bytes.find(kEnding, at + 1)) {
            const std::size_t end = at + kEnding.size();
            const std::size_t begin = name_before(bytes, end);
            const std::string name(bytes.substr(begin, end - begin));
            if (name.empty() || name.starts_with("google/protobuf/") || name == "nacos_grpc_service.proto") {
                continue;
            }
            const bool has_package = end < bytes.size() && bytes[end] == '\x12';
            if (name.find('/') == std::string::npos || !has_package) {
                error("its '" + name + "' has " + (has_package ? "no folder" : "no package") +
                      " of its own: another plugin with such a name would end the process; call it "
                      "'<plugin>/<file>.proto', with a package");
            }
        }
    }

    /// Where a name that ends at `end` begins, if a field 1 with its length stands before it; else `end`.
    static std::size_t name_before(std::string_view bytes, std::size_t end) {
        constexpr std::size_t kMostName = 127;  // of one byte for the length
        for (std::size_t size = 7; size <= std::min(kMostName, end); ++size) {
            const std::size_t begin = end - size;
            if (begin >= 2 && bytes[begin - 2] == '\x0a' && bytes[begin - 1] == static_cast<char>(size)) {
                return begin;
            }
            if (static_cast<unsigned char>(bytes[begin]) <= ' ') {
                break;
            }
        }
        return end;
    }

    std::vector<Finding>& findings_;
};

}  // namespace

std::vector<Finding> check_plugin(const fs::path& file) {
    std::vector<Finding> findings;
    Check(findings).run(file);
    return findings;
}

}  // namespace pharos::plugin
